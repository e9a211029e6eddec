"""The text of a host's file after Taskhand's entry is added, updated or removed; pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from taskhand.config.credentials import MARK
from taskhand.config.variables import SECRETS
from taskhand.install.host import SERVER, Host
from taskhand.install.jsonc import NotJson
from taskhand.install.jsonc_edit import Match, Path, Unsuitable, find_value, put_value, remove_value
from taskhand.install.launch import Launch

__all__ = ["MASK", "WantedEntry", "add_server", "find_entry", "is_reference", "mask_keys", "remove_server"]

MASK = "********"
"""The text that replaces a key on the screen and in backup copies."""

_REMOTE = ("url", "serverUrl", "httpUrl", "headers")
"""The fields of a remote server's entry. They are removed: hosts disagree on whether they or the command count."""


@dataclass(frozen=True, slots=True)
class WantedEntry:
    """The entry to write: how the server starts, the inputs that the host asks for, and the variables to remove."""

    launch: Launch
    inputs: Sequence[Mapping[str, object]] = ()
    forget: Collection[str] = ()


def find_entry(text: str, host: Host) -> Mapping[str, object]:
    """The present entry; empty where there is none. NotJson and Unsuitable as in `jsonc_edit`."""
    entry = find_value(text, (host.key, SERVER))
    return entry if isinstance(entry, dict) else {}


def add_server(text: str, host: Host, wanted: WantedEntry) -> str:
    """The file with the server's entry. The fields of a present entry that are not ours stay.

    NotJson and Unsuitable where the file cannot be edited.
    """
    path: Path = (host.key, SERVER)
    old = find_entry(text, host)
    if old:
        text = _update_entry(text, path, old, host.entry(wanted.launch), wanted.forget)
    else:
        text = put_value(text, path, host.entry(wanted.launch))
    for one in wanted.inputs:
        text = put_value(text, _input_path(str(one["id"])), one)
    return text


def _update_entry(
    text: str, path: Path, old: Mapping[str, object], new: Mapping[str, object], forget: Collection[str]
) -> str:
    """The file with the fields of the entry updated one at a time, so that comments between them stay."""
    for name in _REMOTE:
        text = remove_value(text, (*path, name))
    for name, value in new.items():
        if name != "env":
            text = put_value(text, (*path, name), value)
    given, there = new.get("env", {}), old.get("env", {})
    for variable in forget:
        if isinstance(there, dict) and variable in there and isinstance(given, dict) and variable not in given:
            text = remove_value(text, (*path, "env", variable))
    for variable, value in given.items() if isinstance(given, dict) else ():
        text = put_value(text, (*path, "env", variable), value)
    return text


def remove_server(text: str, host: Host, ids: Iterable[str], earlier: Iterable[str]) -> str:
    """The file without the server's entry and without the inputs of these ids.

    Where one of the `earlier` texts differs from this file only by them, that text is returned.
    """
    path: Path = (host.key, SERVER)
    entry = find_value(text, path)
    asked = {one: find_value(text, _input_path(one)) for one in ids} if host.asks else {}
    ours: dict[Path, object] = {_input_path(one): value for one, value in asked.items() if value is not None}
    if entry is not None:
        ours = {path: entry} | ours
    for before in earlier:
        if _add_all(before, ours) == text:
            return before
    for where in ours:
        text = remove_value(text, where)
    return text


def mask_keys(text: str, host: Host) -> str:
    """The file with our keys masked where they are plain text, for a backup copy."""
    env = find_entry(text, host).get("env", {})
    for variable, value in env.items() if isinstance(env, dict) else ():
        if variable in SECRETS and isinstance(value, str) and not is_reference(value):
            text = put_value(text, (host.key, SERVER, "env", variable), MASK)
    return text


def is_reference(value: str) -> bool:
    """Whether a value refers to the real one: in an input, a variable or the keyring."""
    return value.startswith(("${", MARK))


def _add_all(text: str, ours: Mapping[Path, object]) -> str | None:
    """The text with our values added; None where it has one of them already, or cannot be edited."""
    try:
        for where, value in ours.items():
            if find_value(text, where) is not None:
                return None
            text = put_value(text, where, value)
    except (NotJson, Unsuitable):
        return None
    return text


def _input_path(one: str) -> Path:
    return ("inputs", Match("id", one))

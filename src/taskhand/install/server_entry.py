"""What a host's file should say once Taskhand is in it, or out of it again; pure."""

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
"""What is shown, and kept in copies, in place of a key."""

_REMOTE = ("url", "serverUrl", "httpUrl", "headers")
"""What an entry of a server elsewhere has; beside a command, hosts disagree on which of the two counts."""


@dataclass(frozen=True, slots=True)
class WantedEntry:
    """What is to stand in the file: the launch, the inputs that the host asks for, and the variables to forget."""

    launch: Launch
    inputs: Sequence[Mapping[str, object]] = ()
    forget: Collection[str] = ()


def find_entry(text: str, host: Host) -> Mapping[str, object]:
    """The entry that is there; empty where there is none. NotJson and Unsuitable as the editor says."""
    entry = find_value(text, (host.key, SERVER))
    return entry if isinstance(entry, dict) else {}


def add_server(text: str, host: Host, wanted: WantedEntry) -> str:
    """The file with the server in it; of an entry that is there, what is not ours stays.

    NotJson and Unsuitable where the file cannot take it.
    """
    place: Path = (host.key, SERVER)
    old = find_entry(text, host)
    if old:
        text = _brought_up_to_date(text, place, old, host.entry(wanted.launch), wanted.forget)
    else:
        text = put_value(text, place, host.entry(wanted.launch))
    for one in wanted.inputs:
        text = put_value(text, _input(str(one["id"])), one)
    return text


def _brought_up_to_date(
    text: str, place: Path, old: Mapping[str, object], new: Mapping[str, object], forget: Collection[str]
) -> str:
    """The file with each field of the entry as it should be now, one at a time: comments between them stay."""
    for name in _REMOTE:
        text = remove_value(text, (*place, name))
    for name, value in new.items():
        if name != "env":
            text = put_value(text, (*place, name), value)
    given, there = new.get("env", {}), old.get("env", {})
    for variable in forget:
        if isinstance(there, dict) and variable in there and isinstance(given, dict) and variable not in given:
            text = remove_value(text, (*place, "env", variable))
    for variable, value in given.items() if isinstance(given, dict) else ():
        text = put_value(text, (*place, "env", variable), value)
    return text


def remove_server(text: str, host: Host, ids: Iterable[str], earlier: Iterable[str]) -> str:
    """The file without the server and without the inputs of these ids.

    Where one of the `earlier` texts is this file but for them, that one comes back, to the byte.
    """
    place: Path = (host.key, SERVER)
    entry = find_value(text, place)
    asked = {one: find_value(text, _input(one)) for one in ids} if host.asks else {}
    ours: dict[Path, object] = {_input(one): value for one, value in asked.items() if value is not None}
    if entry is not None:
        ours = {place: entry} | ours
    for before in earlier:
        if _with(before, ours) == text:
            return before
    for where in ours:
        text = remove_value(text, where)
    return text


def mask_keys(text: str, host: Host) -> str:
    """The file with every key of ours masked that stands in it in the open: a copy of it need not have them."""
    env = find_entry(text, host).get("env", {})
    for variable, value in env.items() if isinstance(env, dict) else ():
        if variable in SECRETS and isinstance(value, str) and not is_reference(value):
            text = put_value(text, (host.key, SERVER, "env", variable), MASK)
    return text


def is_reference(value: str) -> bool:
    """Whether a value only names where the real one is: an input, a variable, the keyring."""
    return value.startswith(("${", MARK))


def _with(text: str, ours: Mapping[Path, object]) -> str | None:
    """A text with what is ours put in; None for one that has some of it already, or cannot take it."""
    try:
        for where, value in ours.items():
            if find_value(text, where) is not None:
                return None
            text = put_value(text, where, value)
    except (NotJson, Unsuitable):
        return None
    return text


def _input(one: str) -> Path:
    return ("inputs", Match("id", one))

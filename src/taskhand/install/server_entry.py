"""The text of a host's file after Taskhand's entry is added, updated or removed; pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from taskhand.config.credentials import REFERENCES
from taskhand.config.environment_variables import SECRETS
from taskhand.install.file_format import ArrayItem, FileFormat, Path, Unparsable, Unsuitable
from taskhand.install.hosts import SERVER, Host
from taskhand.install.launch_command import Launch

__all__ = [
    "MASK",
    "WantedEntry",
    "add_server",
    "find_entry",
    "find_keys",
    "is_plain_key",
    "is_reference",
    "mask_keys",
    "our_hosts",
    "remove_server",
]

MASK = "********"
"""The text that replaces a key on the screen and in backup copies."""

_REMOTE = (
    *("url", "serverUrl", "httpUrl", "headers", "http_headers", "env_http_headers"),
    *("bearer_token", "bearer_token_env_var", "auth", "oauth", "oauth_resource"),
)
"""The fields of a remote server's entry. They are removed: hosts disagree on whether they or the command count.

Codex does not start with one of them beside a command."""

_KEY_NAME = r"(?i)key|token|secret|password|credential|authorization|bearer|cookie"
_KEY_ARGUMENT = r"(?i)bearer\s+\S|(?:key|token|secret|password)\s*[=:]\s*\S"


@dataclass(frozen=True, slots=True)
class WantedEntry:
    """The entry to write: how the server starts, the inputs that the host asks for, and the variables to remove."""

    launch: Launch
    inputs: Sequence[Mapping[str, object]] = ()
    forget: Collection[str] = ()


def find_entry(text: str, host: Host) -> Mapping[str, object]:
    """The present entry; empty if there is none. Unparsable and Unsuitable as in `FileFormat`."""
    entry = host.format.find_value(text, host.path)
    return entry if isinstance(entry, dict) else {}


def add_server(text: str, host: Host, entry: WantedEntry) -> str:
    """The file with the server's entry. The fields of a present entry that are not ours stay.

    Unparsable and Unsuitable if the file cannot be edited.
    """
    old = find_entry(text, host)
    if old:
        text = _update_entry(text, host, old, entry)
    else:
        text = host.format.put_value(text, host.path, host.entry(entry.launch))
    for input_entry in entry.inputs:
        text = host.format.put_value(text, _input_path(str(input_entry["id"])), input_entry)
    return text


def _update_entry(text: str, host: Host, old: Mapping[str, object], entry: WantedEntry) -> str:
    """The file with the fields of the entry updated one at a time, so that comments between them stay."""
    edit, path = host.format, host.path
    for name in _REMOTE:
        text = edit.remove_value(text, (*path, name))
    for name, value in _fields(host, old, entry).items():
        text = edit.put_value(text, (*path, name), value)
    given, there = entry.launch.env, old.get("env", {})
    for variable in entry.forget:
        if isinstance(there, dict) and variable in there and variable not in given:
            text = edit.remove_value(text, (*path, "env", variable))
    for variable, value in given.items():
        text = edit.put_value(text, (*path, "env", variable), value)
    return text


def _fields(host: Host, old: Mapping[str, object], entry: WantedEntry) -> Mapping[str, object]:
    """The fields to set, without `env`. Limits that a person has set stay, and so do further forwarded variables."""
    kept = {"env", *(host.limits.keys() & old.keys())}
    fields = {name: value for name, value in host.entry(entry.launch).items() if name not in kept}
    there = old.get("env_vars")
    if isinstance(there, list):
        others = [variable for variable in there if variable not in entry.forget]
        fields["env_vars"] = [*others, *(name for name in entry.launch.forwarded if name not in others)]
    return fields


def remove_server(text: str, host: Host, ids: Iterable[str], earlier: Iterable[str]) -> str:
    """The file without the server's entry and without the inputs of these ids.

    If one of the `earlier` texts differs from this file only by them, that text is returned.
    """
    entry = host.format.find_value(text, host.path)
    asked = {input_id: host.format.find_value(text, _input_path(input_id)) for input_id in ids} if host.asks else {}
    ours: dict[Path, object] = {_input_path(input_id): value for input_id, value in asked.items() if value is not None}
    if entry is not None:
        ours = {host.path: entry} | ours
    for before in earlier:
        if _add_all(before, host.format, ours) == text:
            return before
    for where in ours:
        text = host.format.remove_value(text, where)
    return text


def our_hosts(text: str, host: Host) -> list[Host]:
    """One host for each entry of Taskhand in a file: the entries with its name, and those whose command starts it."""
    servers = host.format.find_value(text, (host.key,))
    entries = (
        {name: entry for name, entry in servers.items() if isinstance(entry, dict)} if isinstance(servers, dict) else {}
    )
    ours = (name for name, entry in entries.items() if name in {SERVER, host.server} or _starts_taskhand(entry))
    return [host.with_server(name) for name in ours]


def _starts_taskhand(entry: Mapping[str, object]) -> bool:
    """Whether the command is `taskhand`, or an argument is its name, as in `-m taskhand` or `uvx taskhand`."""
    args = entry.get("args")
    words = [entry.get("command"), *(args if isinstance(args, list) else ())]
    return any(isinstance(word, str) and _program(word) == SERVER for word in words)


def _program(word: str) -> str:
    """The program that a word names, without its folder, ending, version and extras."""
    name = PureWindowsPath(word).name if "\\" in word else PurePosixPath(word).name
    return name.removesuffix(".exe").partition("[")[0].partition("==")[0].partition("@")[0].partition(":")[0]


def mask_keys(text: str, host: Host) -> str:
    """The file with the keys of all our entries masked if they are plain text, for a backup copy."""
    for our_host in our_hosts(text, host):
        env = find_entry(text, our_host).get("env", {})
        for variable, value in env.items() if isinstance(env, dict) else ():
            if variable in SECRETS and isinstance(value, str) and not is_reference(value):
                text = our_host.format.put_value(text, (*our_host.path, "env", variable), MASK)
    return text


def find_keys(text: str, host: Host) -> Collection[str]:
    """The keys that our entries hold as plain text, by any author; none if the text cannot be parsed."""
    try:
        return frozenset(key for our_host in our_hosts(text, host) for key in _plain_keys(find_entry(text, our_host)))
    except (Unparsable, Unsuitable):
        return frozenset()


def _plain_keys(value: object, name: str = "") -> Iterator[str]:
    """The texts under names such as TOKEN or Authorization, and the arguments that have a key in them."""
    if isinstance(value, dict):
        for inner, inner_value in value.items():
            yield from _plain_keys(inner_value, str(inner))
    elif isinstance(value, list):
        for item in value:
            yield from _plain_keys(item, name)
    elif isinstance(value, str) and is_plain_key(name, value):
        yield value


def is_plain_key(name: str, value: str) -> bool:
    """Whether the text under a field, variable or header of this name is a key, and no reference to one."""
    if (
        not value
        or value == MASK
        or is_reference(value)
        or "${" in value
        or name.upper().endswith(("_FILE", "_VAR", "_VARS"))
    ):
        return False
    return bool(re.search(_KEY_ARGUMENT, value) if name == "args" else re.search(_KEY_NAME, name))


def is_reference(value: str) -> bool:
    """Whether a value refers to the real one: in an input, a variable, the keyring or a file."""
    return value.startswith(("${", *REFERENCES))


def _add_all(text: str, edit: FileFormat, ours: Mapping[Path, object]) -> str | None:
    """The text with our values added; None if it has one of them already, or cannot be edited."""
    try:
        for where, value in ours.items():
            if edit.find_value(text, where) is not None:
                return None
            text = edit.put_value(text, where, value)
    except (Unparsable, Unsuitable):
        return None
    return text


def _input_path(input_id: str) -> Path:
    return ("inputs", ArrayItem("id", input_id))

"""Addresses of tasks as resources, which callers may send in place of ids; pure."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

__all__ = ["with_plain_ids"]

_ID_ARGUMENTS: Final = frozenset({"id", "ids", "taskId", "taskIds", "except"})
_ADDRESS: Final = re.compile(r"task://(?:([^/\s]+)/)?([^/\s]+)/?")


def with_plain_ids(arguments: Mapping[str, Any], *, has_several: bool) -> dict[str, Any]:
    """The arguments with ids in place of addresses such as `task://{id}`.

    With several connections, an address also selects its connection if the call names none. An address of a connection
    other than the call's stays as it is, and is refused as an id later.
    """
    sent = dict(arguments)
    if sent.get("idProperty"):  # any text can be a value of a property
        return sent
    of_call = sent.get("connection") or None
    named: set[str] = set()
    for argument in _ID_ARGUMENTS & sent.keys():
        value = sent[argument]
        if isinstance(value, str):
            sent[argument] = _plain_id(value, of_call, named, has_several=has_several)
        elif isinstance(value, list):
            sent[argument] = [
                _plain_id(item, of_call, named, has_several=has_several) if isinstance(item, str) else item
                for item in value
            ]
    if of_call is None and len(named) == 1:
        sent["connection"] = named.pop()
    return sent


def _plain_id(text: str, of_call: object, named: set[str], *, has_several: bool) -> str:
    """The id in an address, whose connection is added to `named`; any other text as it is."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        return text
    connection, task_id = match[1] and unquote(match[1]), unquote(match[2])
    if connection is not None:
        if not has_several or (isinstance(of_call, str) and of_call.strip().casefold() != connection.casefold()):
            return text
        named.add(connection)
    return task_id

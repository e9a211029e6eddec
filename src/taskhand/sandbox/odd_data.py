"""Seeded tasks that are sent in an undocumented form: a field has another value, or is omitted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import json_or_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.messages import Response

ODD_KEYS = frozenset({"odd", "missing"})
_LEFT_OUT = object()


@dataclass(frozen=True)
class OddFields:
    """The odd fields of one task, by path, such as `properties.hs_timestamp`: `values` are sent, `missing` are not."""

    values: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> OddFields | None:
        """Read `odd` and `missing` of a seeded task; None if it has neither."""
        if not ODD_KEYS & row.keys():
            return None
        return cls(row.get("odd", {}), tuple(row.get("missing", ())))


class OddRows:
    """The odd fields by task id. Each is sent until the field is written; `tasks` are the initial tasks."""

    def __init__(self, odd: Mapping[str, OddFields], tasks: Iterable[Mapping[str, Any]]) -> None:
        self._odd = odd
        self._was = {str(task["id"]): task for task in tasks if str(task["id"]) in odd}

    def show(self, response: Response, tasks: Iterable[Mapping[str, Any]]) -> Response:
        """Return the response with the odd fields that have not been written; `tasks` are the present tasks."""
        now = {str(task["id"]): task for task in tasks if str(task["id"]) in self._was}
        odd = {name: _unwritten(self._odd[name], self._was[name], task) for name, task in now.items()}
        value = json_or_text(response.body)
        if not odd or not isinstance(value, dict | list):
            return response
        return replace(response, body=json.dumps(_with_odd(value, odd)).encode())


def _unwritten(odd: OddFields, was: Mapping[str, Any], now: Mapping[str, Any]) -> OddFields:
    values = {path: value for path, value in odd.values.items() if _at(was, path) == _at(now, path)}
    return OddFields(values, tuple(path for path in odd.missing if _at(was, path) == _at(now, path)))


def _at(row: Any, path: str) -> Any:
    for name in path.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _with_odd(value: Any, odd: Mapping[str, OddFields]) -> Any:
    """Change the rows of odd tasks anywhere in a JSON value."""
    match value:
        case {"id": str() | int() as task_id} if str(task_id) in odd:
            return _odd_row(value, odd[str(task_id)])
        case dict():
            return {name: _with_odd(inner, odd) for name, inner in value.items()}
        case list():
            return [_with_odd(inner, odd) for inner in value]
        case _:
            return value


def _odd_row(row: Mapping[str, Any], odd: OddFields) -> dict[str, Any]:
    """Change only the fields that a row has: a response may have some of them only."""
    changed = dict(row)
    for path, value in (*odd.values.items(), *((path, _LEFT_OUT) for path in odd.missing)):
        name, _, rest = path.partition(".")
        if rest and isinstance(changed.get(name), dict):
            part = OddFields(missing=(rest,)) if value is _LEFT_OUT else OddFields({rest: value})
            changed[name] = _odd_row(changed[name], part)
        elif name in changed and value is _LEFT_OUT:
            del changed[name]
        elif name in changed:
            changed[name] = value
    return changed

"""The answers that an agent remembers: they fill in the placeholders of its next calls.

`{id of TITLE}` is a task, `{aiContactId of NAME}` and `{aiCustomerId of NAME}` a contact, `{planId}`, `{changeId}` and
`{nextCursor}` the latest ones, `{changeId of TOOL}` and `{changeId of first TOOL}` a change by a tool. A placeholder
that no answer fills in is sent as it is.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["Answers"]

_LATEST = ("planId", "changeId", "nextCursor")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")


class Answers:
    """The values of placeholders."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def remember(self, tool: str, answer: Mapping[str, Any]) -> None:
        """Keep what an answer names."""
        for row in _objects(answer):
            if row.get("id") and row.get("title"):
                self._values[f"id of {row['title']}"] = row["id"]
            for link in ("aiContactId", "aiCustomerId"):
                if row.get(link) and row.get("name"):
                    self._values[f"{link} of {row['name']}"] = row[link]
        self._values |= {name: answer[name] for name in _LATEST if answer.get(name)}
        if change := answer.get("changeId"):
            self._values[f"changeId of {tool}"] = change
            self._values.setdefault(f"changeId of first {tool}", change)

    def fill_in(self, value: Any) -> Any:
        """Arguments with the values in place of the placeholders."""
        match value:
            case str():
                return _PLACEHOLDER.sub(lambda part: self._values.get(part[1], part[0]), value)
            case Mapping():
                return {name: self.fill_in(inner) for name, inner in value.items()}
            case list():
                return [self.fill_in(inner) for inner in value]
            case _:
                return value


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in an answer."""
    if isinstance(value, Mapping):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _objects(inner)

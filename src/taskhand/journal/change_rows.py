"""The rows of a change, and the change from its rows again; pure.

A change has an opening, its intents (a new list after each `revised`), results as they come in, and an ending. The
later of two results for one intent counts, and the later of two endings. A change that is `resumed` after its ending is
open again, and the intents that it goes on with have no results. `pruned` rows belong to no change.

A process that did not answer for too long may have its change ended by another (`taken_over_by`), which has read the
task. Its later results are `late`. A late result counts only if it confirms a write that the other process could not
see, or rules out a write whose outcome the other process could not determine.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple, cast

from taskhand.domain.compact_json import compact_json
from taskhand.domain.errors import OperatorError
from taskhand.domain.outcome import VOID, Outcome
from taskhand.journal.change_json import (
    ending_from,
    ending_json,
    intent_from,
    intent_json,
    opening_from,
    opening_json,
    result_from,
    result_json,
)
from taskhand.journal.journal import Change, Ending, Intent, Opening, Result
from taskhand.sql.connection import stored_instant

__all__ = [
    "COLUMNS",
    "Entry",
    "build_change",
    "damaged_error",
    "ending_entry",
    "is_void",
    "late_entries",
    "opening_entries",
    "parse_body",
    "result_entries",
    "resumed_entry",
    "revised_entries",
    "taken_over_entries",
]

Kind = Literal["opening", "intent", "revised", "result", "late", "ending", "resumed", "pruned"]

COLUMNS: Final = ("kind", "change_id", "place", "task_id", "tool", "outcome", "at")
"""Fields of the body that are also columns, for queries."""


_UNSEEN: Final = frozenset({"unknown", "not_applied"})
"""Outcomes of reading a task whose write may have arrived after the read."""

_UNWRITTEN: Final = frozenset({"refused", "not_attempted"})
"""Outcomes that only the sending process knows: they cannot be read from the task."""

_FIELDS: Final = (*COLUMNS, "value")
_ATTRIBUTES: Final = tuple("account_name" if name == "place" else name for name in COLUMNS)
_columns: Final = attrgetter(*_ATTRIBUTES)
_values: Final = attrgetter(*_ATTRIBUTES, "value")


class Entry(NamedTuple):
    """One row to write: `account_name` is the column `place`, `at` an instant as text, `value` all else as JSON."""

    kind: Kind
    at: str
    value: Mapping[str, Any]
    change_id: str | None = None
    account_name: str | None = None
    task_id: str | None = None
    tool: str | None = None
    outcome: Outcome | None = None

    @property
    def columns(self) -> tuple[str | None, ...]:
        """The values of COLUMNS."""
        columns: tuple[str | None, ...] = _columns(self)
        return columns

    @property
    def body(self) -> str:
        """The row as one line of JSON in ASCII, which can be stored and hashed whatever characters the values have."""
        return compact_json(dict(zip(_FIELDS, _values(self), strict=True)), ensure_ascii=True)


def opening_entries(
    change_id: str, account_name: str, opening: Opening, intents: Sequence[Intent], session: str | None
) -> list[Entry]:
    """The first rows of a change; `session` is its process, None for a change that is over already."""
    at = stored_instant(opening.at)
    value = opening_json(opening) | {"session": session}
    first = Entry("opening", at, value, change_id=change_id, account_name=account_name, tool=opening.tool)
    return [first, *_intent_entries(change_id, account_name, at, intents)]


def revised_entries(change_id: str, account_name: str, at: datetime, intents: Sequence[Intent]) -> list[Entry]:
    """The rows that replace the intents of a change."""
    moment = stored_instant(at)
    first = Entry("revised", moment, {"intents": len(intents)}, change_id=change_id, account_name=account_name)
    return [first, *_intent_entries(change_id, account_name, moment, intents)]


def resumed_entry(change_id: str, account_name: str, at: datetime, indexes: Collection[int], session: str) -> Entry:
    """The row by which a process resumes some intents of an ended change."""
    value = {"places": sorted(indexes), "session": session}
    return Entry("resumed", stored_instant(at), value, change_id=change_id, account_name=account_name, outcome="open")


def result_entries(change_id: str, account_name: str, at: datetime, results: Sequence[Result]) -> list[Entry]:
    """The rows of results."""
    moment = stored_instant(at)
    return [
        Entry(
            "result",
            moment,
            result_json(result),
            change_id=change_id,
            account_name=account_name,
            task_id=result.task_id,
            outcome=result.outcome,
        )
        for result in results
    ]


def ending_entry(change_id: str, account_name: str, at: datetime, ending: Ending) -> Entry:
    """The last row of a change."""
    value = ending_json(ending)
    return Entry(
        "ending", stored_instant(at), value, change_id=change_id, account_name=account_name, outcome=ending.outcome
    )


def taken_over_entries(entries: Iterable[Entry], session: str) -> list[Entry]:
    """The rows of a change that this process ends for a dead one."""
    by = {"taken_over_by": session}
    return [entry._replace(value={**entry.value, **by}) if entry.kind == "ending" else entry for entry in entries]


def late_entries(entries: Iterable[Entry]) -> list[Entry]:
    """The results among these rows, marked as late: another process has ended the change."""
    return [entry._replace(kind="late") for entry in entries if entry.kind == "result"]


def parse_body(text: str) -> dict[str, Any]:
    """The body of a row; OperatorError if it is damaged."""
    try:
        body = json.loads(text)
        return {name: body[name] for name in _FIELDS}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise damaged_error() from None


def build_change(bodies: Iterable[Mapping[str, Any]]) -> Change:
    """The change that has these bodies, in the order of their rows; OperatorError if one is damaged."""
    draft = _Draft()
    try:
        for body in bodies:
            draft.add(body)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise damaged_error() from None
    return draft.change()


def is_void(change: Change) -> bool:
    """Whether a change is over and wrote nothing."""
    if change.ending is None or any(result.outcome not in VOID for result in change.results.values()):
        return False
    never_wrote = bool(change.results) and len(change.results) >= len(change.intents)
    return change.outcome in VOID or never_wrote


def _intent_entries(change_id: str, account_name: str, at: str, intents: Sequence[Intent]) -> list[Entry]:
    return [
        Entry("intent", at, intent_json(intent), change_id=change_id, account_name=account_name, task_id=intent.task_id)
        for intent in intents
    ]


@dataclass(slots=True)
class _Draft:
    """A change whose rows are being read."""

    id: str = ""
    opening: Opening | None = None
    intents: list[Intent] = field(default_factory=list)
    results: dict[int, Result] = field(default_factory=dict)
    late: dict[int, Result] = field(default_factory=dict)
    resumed: set[int] = field(default_factory=set)
    ending: Ending | None = None
    ended_at: datetime | None = None
    session: str | None = None

    def add(self, body: Mapping[str, Any]) -> None:
        """Read one more row."""
        value = body["value"]
        match body["kind"]:
            case "opening":
                self.id, self.opening = body["change_id"], opening_from(value, body["tool"], body["at"])
                self.session = value.get("session")
            case "revised":
                self.intents.clear()
            case "intent":
                self.intents.append(intent_from(value))
            case "result":
                result = result_from(value, body["outcome"], body["task_id"])
                late = self.late.get(result.index)
                self.results[result.index] = late if late is not None and self._counts(late, result) else result
            case "late":
                late = result_from(value, body["outcome"], body["task_id"])
                self.late[late.index] = late
                known = self.results.get(late.index)
                if known is not None and self._counts(late, known):
                    self.results[late.index] = late
            case "ending":
                self.ending = ending_from(value, cast("Outcome", body["outcome"]))
                self.ended_at = datetime.fromisoformat(body["at"])
            case "resumed":
                self.ending = self.ended_at = None
                for index in value["places"]:
                    self.results.pop(index, None)
                    self.late.pop(index, None)
                    self.resumed.add(index)

    def _counts(self, late: Result, read: Result) -> bool:
        """Whether a late result is more certain than the result that another process has read.

        For an intent that was resumed meanwhile, the late process does not know all requests.
        """
        if late.outcome in _UNWRITTEN:
            return read.outcome == "unknown" and late.index not in self.resumed
        return late.outcome == "applied" and read.outcome in _UNSEEN

    def change(self) -> Change:
        """The change of all rows read so far."""
        if self.opening is None:
            raise damaged_error()
        in_order = {index: self.results[index] for index in sorted(self.results)}
        return Change(self.id, self.opening, tuple(self.intents), in_order, self.ending, self.ended_at, self.session)


def damaged_error() -> OperatorError:
    """The error for a journal whose rows cannot be trusted."""
    return OperatorError(
        "A row of the journal was altered or removed.",
        code="journal_damaged",
        next_step="Run taskhand journal verify: it names the row.",
    )

"""What an agent is asked to do, drawn at random, and the arguments that say so to a backend."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from behaviour.task_model import Due, in_santiago
from behaviour.world import DUE, SANTIAGO
from taskhand.domain.capabilities import Capabilities

__all__ = ["SEARCHES", "STEPS", "TASKS", "Wording"]

_NAMES = ("Elena", "Ana Soto", "Luis Pereira")
_WORDS = ("Call", "Offer", "Renew")
_DAYS = ("2026-02-27", "2026-03-02", "2026-03-10", "2026-04-07")
_TIMES = ((None, None), ("09:00", SANTIAGO), ("22:30", SANTIAGO), ("01:30", "Europe/Madrid"))

_PEOPLE = st.sets(st.sampled_from(_NAMES), max_size=2)
_NUMBER = st.integers(0, 5)
_NEW = {
    "title": st.sampled_from(_WORDS),
    "description": st.sampled_from([None, "the offer", "twice; call"]),
    "due": st.none() | st.tuples(st.sampled_from(_DAYS), st.sampled_from(_TIMES)),
    "priority": st.integers(0, 2),
    "people": _PEOPLE,
}
_BODY = st.fixed_dictionaries({}, optional=_NEW | {"status": _NUMBER}).filter(bool)
_CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.sampled_from([*_WORDS, "offer call"]),
    "status": st.sets(_NUMBER, min_size=1, max_size=2),
    "priority": st.integers(0, 2),
    "people": st.sets(st.sampled_from([*_NAMES, "nobody"]), min_size=1, max_size=2),
    "dates": st.tuples(
        st.sampled_from(["from", "to", "window", "dated", "dateless", "overdue"]), st.sampled_from(_DAYS)
    ),
}
_FILTER = st.lists(st.sampled_from([*_CONDITIONS]), max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: _CONDITIONS[name] for name in names})
)
_SEARCH = st.tuples(_FILTER, st.sampled_from(["due", "created", "priority"]))
_BULK = st.tuples(st.just("bulk"), _FILTER.filter(bool), _BODY, st.sampled_from([None, None, -3, 30]))
_UPDATE = st.tuples(st.just("update"), _NUMBER, _BODY)
_OTHERS = [
    st.tuples(st.just("move"), _NUMBER, st.sampled_from(_DAYS)),
    st.tuples(st.just("complete"), _NUMBER),
    st.tuples(st.just("reassign"), _NUMBER, _PEOPLE),
    st.tuples(st.just("delete"), _NUMBER),
    st.tuples(st.just("undo"), st.integers(0, 2)),
    st.tuples(st.just("undo"), st.integers(0, 8)),
]
TASKS = st.lists(st.fixed_dictionaries(_NEW), min_size=2, max_size=6)
STEPS = st.lists(st.one_of(_UPDATE, _UPDATE, _BULK, _BULK, *_OTHERS), min_size=3, max_size=8)
SEARCHES = st.lists(_SEARCH, min_size=3, max_size=3)


@dataclass(frozen=True)
class Wording:
    """What is drawn, in the words that a backend understands."""

    can: Capabilities
    statuses: list[str]

    def values(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a body that the backend has, as the model has them."""
        values = {name: value for name, value in body.items() if name not in self.can.absent}
        if "due" in values:
            values["due"] = self._due(values["due"])
        if "priority" in values:
            values["priority"] = self.priority(values["priority"])
        if "status" in values:
            values["status"] = self.status(values["status"])
        if "people" in values:
            values["people"] = frozenset(self.people(values["people"]))
        return values

    def _due(self, drawn: tuple[str, tuple[str, str]] | None) -> Due | None:
        """A due date as the backend keeps it."""
        if drawn is None:
            return (DUE, None, None) if "dueDate" in self.can.not_clearable else None
        due = (drawn[0], *drawn[1])
        return due if self.can.keeps_timezone else in_santiago(due)

    def priority(self, number: int) -> str:
        return self.can.priorities[number % len(self.can.priorities)]

    def status(self, number: int) -> str:
        return self.statuses[number % len(self.statuses)]

    def people(self, people: set[str]) -> list[str]:
        """As many people as a task can have."""
        return (sorted(people) or list(_NAMES[: self.can.least_responsibles]))[: self.can.most_responsibles]

    def new_task(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments for a new task with these fields."""
        return {"responsibleIds": []} | {name: value for name, value in self._given(values).items() if value}

    def changes(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that set these fields, and empty those without a value."""
        given = self._given(values)
        clear = [name for name, value in given.items() if not value]
        if values.get("due") and "dueTime" not in given:
            clear.append("dueTime")
        return {name: value for name, value in given.items() if value} | ({"clear": clear} if clear else {})

    @staticmethod
    def _given(values: Mapping[str, Any]) -> dict[str, Any]:
        names = {"title": "title", "description": "description", "priority": "priority", "status": "newStatusName"}
        given = {names[name]: value for name, value in values.items() if name in names}
        if "people" in values:
            given["responsibleIds"] = sorted(values["people"])
        if "due" in values:
            day, time, zone = values["due"] or (None, None, None)
            given |= {"dueDate": day} | ({"dueTime": time, "timezone": zone} if time else {})
        return given

    def filter(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """A filter of `list_tasks`."""
        sent: dict[str, Any] = {"text": drawn["text"]} if "text" in drawn else {}
        if "priority" in drawn:
            sent["priority"] = self.priority(drawn["priority"])
        if "status" in drawn:
            sent["status"] = sorted({self.status(number) for number in drawn["status"]})
        if "people" in drawn:
            sent["responsibleIds"] = sorted(drawn["people"] - ({"nobody"} if self.can.least_responsibles else set()))
        kind, day = drawn.get("dates", ("", ""))
        dates: dict[str, dict[str, Any]] = {
            "from": {"fromDate": day},
            "to": {"toDate": day},
            "window": {"fromDate": "2026-02-01", "toDate": day},
            "dated": {"fromDate": day, "includeTasksWithoutDates": False},
            "dateless": {} if "dueDate" in self.can.not_clearable else {"withoutDate": True},
            "overdue": {"overdue": True},
        }
        return {name: value for name, value in sent.items() if value} | dates.get(kind, {})

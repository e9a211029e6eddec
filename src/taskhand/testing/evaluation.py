"""Evaluates a run against its scenario, and lists the reasons of a failure; pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from taskhand.domain.name_matching import fold
from taskhand.journal.journal import Change
from taskhand.sandbox.request_log import Logged
from taskhand.testing.call_pattern import CallPattern
from taskhand.testing.recorded_calls import Called
from taskhand.testing.scenario import Expected, Scenario
from taskhand.testing.stored_task import FIELDS, StoredTask

__all__ = ["RunRecord", "unmet_reasons"]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """The record of a run: tasks before and after, calls, requests, journal changes, and the final message.

    `create_route` is the CRM's route that creates tasks, None for the built-in store.
    """

    before: Sequence[StoredTask]
    after: Sequence[StoredTask]
    calls: Sequence[Called]
    sent: Sequence[Logged]
    changes: Sequence[Change]
    answer: str
    create_route: str | None


def unmet_reasons(scenario: Scenario, record: RunRecord) -> tuple[str, ...]:
    """The reasons why the run does not meet the scenario; empty if it does."""
    return (
        *_of_calls(scenario, record.calls),
        *_of_state(scenario, record),
        *_of_answer(scenario, record.answer),
        *_of_counts(scenario, record),
    )


def _of_calls(scenario: Scenario, calls: Sequence[Called]) -> Iterator[str]:
    rules = scenario.calls
    allowed = None if rules.allowed is None else [CallPattern.read(text) for text in rules.allowed]
    for called in calls:
        for text in rules.forbidden:
            if CallPattern.read(text).fits(called):
                yield f"forbidden call ({text}): {called}"
        if allowed is not None and not any(rule.fits(called) for rule in allowed):
            yield f"call that is not allowed: {called}"
    for text in rules.needed:
        if not any(CallPattern.read(text).fits(called) and called.error is None for called in calls):
            yield f"needed call is missing: {text}"
    if rules.at_most is not None and len(calls) > rules.at_most:
        yield f"too many calls: {len(calls)}, at most {rules.at_most}"


def _of_state(scenario: Scenario, record: RunRecord) -> Iterator[str]:
    before = {task.id: task for task in record.before}
    met: set[str] = set()
    for expected in scenario.expect:
        matching = [task for task in record.after if expected.is_about(task)]
        met |= {task.id for task in (*matching, *filter(expected.is_about, record.before))}
        if len(matching) != expected.count:
            yield f"{expected.which}: {len(matching)} tasks, expected {expected.count}"
            continue
        for task in matching:
            was = before.get(task.id) or _namesake(task, record.before)
            yield from _of_task(expected, task, was if scenario.unchanged else None)
    if scenario.unchanged:
        yield from _of_others(before, {task.id: task for task in record.after}, met)


def _namesake(task: StoredTask, before: Sequence[StoredTask]) -> StoredTask | None:
    """The earlier task with the same title, if a task was created again; None if there are none or several."""
    namesakes = [earlier for earlier in before if earlier.title == task.title]
    return namesakes[0] if len(namesakes) == 1 else None


def _of_task(expected: Expected, task: StoredTask, was: StoredTask | None) -> Iterator[str]:
    """The differences of one task from the expectation; fields without an expectation must be as in `was`."""
    for name in FIELDS:
        wanted = getattr(expected, name)
        got = task.value_of(name)
        if wanted is not None:
            if name != "title" and not _is_as_expected(name, wanted, task):
                yield f"{expected.which}: {name} is {_to_text(got)}, expected {_to_text(wanted)}"
        elif was is not None and not (name == "description" and expected.mentions) and got != was.value_of(name):
            yield f"{expected.which}: {name} is {_to_text(got)}, and was {_to_text(was.value_of(name))}"
    for words in expected.mentions:
        if fold(words) not in fold(task.description or ""):
            yield f"{expected.which}: description does not mention {words!r}"
    for name, value in expected.native.items():
        if task.native.get(name) != value:
            yield f"{expected.which}: {name} is {_to_text(task.native.get(name))}, expected {_to_text(value)}"


def _is_as_expected(name: str, expected: Any, task: StoredTask) -> bool:
    """Whether a field has the wanted value. Empty text means none; people may have any order, times any offset."""
    got = task.value_of(name)
    if name == "status":
        return expected in (task.status, task.status_type)
    if name == "responsibles":
        return sorted(expected) == sorted(got)
    if name == "due" and expected and got and "T" in expected and "T" in got:
        return datetime.fromisoformat(expected) == datetime.fromisoformat(got)
    return bool(expected == got) or (expected == "" and got is None)


def _of_others(before: Mapping[str, StoredTask], after: Mapping[str, StoredTask], met: set[str]) -> Iterator[str]:
    """The changes of tasks without an expectation."""
    yield from (f"{task.title}: was added" for task in after.values() if task.id not in before.keys() | met)
    for was in before.values():
        if was.id in met:
            continue
        if (now := after.get(was.id)) is None:
            yield f"{was.title}: is gone"
            continue
        for name in FIELDS:
            if was.value_of(name) != now.value_of(name):
                yield f"{was.title}: {name} is {_to_text(now.value_of(name))}, and was {_to_text(was.value_of(name))}"


def _of_answer(scenario: Scenario, answer: str) -> Iterator[str]:
    folded = fold(answer)
    for words in scenario.answer.mentions:
        if fold(words) not in folded:
            yield f"the answer does not mention {words!r}"
    for words in scenario.answer.omits:
        if fold(words) in folded:
            yield f"the answer mentions {words!r}"
    if scenario.answer.asks and "?" not in answer:
        yield "the answer asks nothing"


def _of_counts(scenario: Scenario, record: RunRecord) -> Iterator[str]:
    committed = [request for request in record.sent if request.committed]
    created = [request for request in committed if request.route == record.create_route]
    applied = [change for change in record.changes if change.outcome == "applied"]
    for what, count, most in (
        ("tasks created upstream", len(created), scenario.sent.creates_at_most),
        ("writes upstream", len(committed), scenario.sent.writes_at_most),
        ("changes applied", len(applied), scenario.journal.applied_at_most),
    ):
        if most is not None and count > most:
            yield f"too many {what}: {count}, at most {most}"


def _to_text(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "nobody"
    return "nothing" if value in (None, "") else str(value)

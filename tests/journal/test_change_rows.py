"""Which of several results of one intent counts, and which changes have written nothing."""

from collections.abc import Iterable

import pytest

from behaviour.world import NOW
from builders import TASK_ID, task
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.change_rows import (
    Entry,
    build_change,
    ending_entry,
    is_void,
    late_entries,
    opening_entries,
    parse_body,
    result_entries,
    resumed_entry,
)
from taskhand.journal.journal import Caller, Change, Ending, Intent, Opening, Result

INTENT = Intent("update", Snapshot(task()), Edit(priority=2))


def entries_of(steps: Iterable[str]) -> list[Entry]:
    """The rows of a change: `read` and `late` results with an outcome each, its notes say which; or it is resumed."""
    rows = opening_entries("chg_1", "here", Opening("update_task", Caller(), NOW), [INTENT], "first")
    for step in steps:
        kind, _, outcome = step.partition(" ")
        if kind == "resumed":
            rows.append(resumed_entry("chg_1", "here", NOW, [0], "third"))
            continue
        result = Result(0, outcome, TASK_ID, note=kind)  # type: ignore[arg-type]
        rows += (
            late_entries(result_entries("chg_1", "here", NOW, [result]))
            if kind == "late"
            else [
                *result_entries("chg_1", "here", NOW, [result]),
                ending_entry("chg_1", "here", NOW, Ending(result.outcome)),
            ]
        )
    return rows


@pytest.mark.parametrize(
    ("steps", "counts"),
    [
        (["read unknown", "late applied"], "late applied"),
        (["read not_applied", "late applied"], "late applied"),
        (["read applied", "late applied"], "read applied"),
        (["read refused", "late applied"], "read refused"),
        (["read unknown", "late refused"], "late refused"),
        (["read not_applied", "late refused"], "read not_applied"),
        (["read not_applied", "late unknown"], "read not_applied"),
        (["late applied", "read unknown"], "late applied"),
        (["late refused", "read unknown"], "late refused"),
        (["late refused", "read applied"], "read applied"),
        (["late applied", "read refused"], "read refused"),
        (["read unknown", "resumed", "read unknown", "late refused"], "read unknown"),
        (["read unknown", "resumed", "read unknown", "late applied"], "late applied"),
        (["read unknown", "late applied", "resumed", "read unknown"], "read unknown"),
    ],
)
def test_a_late_result_replaces_an_unknown_outcome(steps: list[str], counts: str) -> None:
    change = build_change(parse_body(one.body) for one in entries_of(steps))
    assert f"{change.results[0].note} {change.results[0].outcome}" == counts


@pytest.mark.parametrize(
    ("outcome", "results", "is_empty"),
    [
        (None, [], False),
        ("refused", [], True),
        ("planned", ["refused"], True),
        ("applied", ["not_attempted", "refused"], True),
        ("applied", ["not_attempted"], False),
        ("applied", [], False),
        ("refused", ["refused", "applied"], False),
        ("unknown", ["unknown", "refused"], False),
    ],
)
def test_a_change_is_void_once_it_is_over_and_none_of_its_tasks_may_have_been_written(
    outcome: Outcome | None, results: list[Outcome], *, is_empty: bool
) -> None:
    by_index = {index: Result(index, one) for index, one in enumerate(results)}
    ending = None if outcome is None else Ending(outcome)
    assert is_void(Change("chg_1", Opening("x", Caller(), NOW), (INTENT, INTENT), by_index, ending)) is is_empty


def test_a_plan_that_a_person_declined_is_used_up_though_nothing_was_written() -> None:
    opening = Opening("apply_plan", Caller(), NOW)
    assert not is_void(Change("chg_1", opening, (), {}, Ending("declined")))
    assert is_void(Change("chg_1", opening, (), {}, Ending("refused")))

"""Which tasks and fields of a change an undo takes, by the arguments of the call."""

from dataclasses import replace

import pytest

from builders import refused, task
from fixed_clock import NOW
from taskhand.domain.edit import Edit
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, Change, Ending, Intent, Opening, Result
from taskhand.service.undo_selection import select

EDIT = Edit(title="New", description="x")
INTENTS = (
    Intent("update", Snapshot(task(id="t-A", title="Alpha")), EDIT),
    Intent("update", Snapshot(task(id="t-B", title="Beta")), Edit(priority=2)),
    Intent("create", edit=Edit(title="Gamma")),
    Intent("update", Snapshot(task(id="t-D", title="t" * 70)), EDIT),
    Intent("create", edit=Edit(title="Delta")),
    Intent("delete", Snapshot(task(id="t-F", title=None))),
)
RESULTS = {
    6: Result(6, "unchanged", "t-E"),
    2: Result(2, "applied", "t-C", task(id="t-C", title="Gamma")),
    0: Result(0, "applied", "t-A"),
    1: Result(1, "refused", "t-B"),
    3: Result(3, "unknown"),
}
CHANGE = Change("chg_1", Opening("bulk_update_tasks", Caller("tests"), NOW), INTENTS, RESULTS, Ending("unknown"))
TASKS = [
    ("t-A", "Alpha"),
    ("t-B", "Beta"),
    ("t-C", "Gamma"),
    ("t-D", "t" * 60 + "… (+10 characters)"),
    ("t-F", None),
    ("t-E", None),
]


@pytest.mark.parametrize(
    ("task_ids", "leave", "applied", "left_out", "unwritten"),
    [
        (None, [], ["t-A", "t-C"], set(), []),
        (["T-A"], [], ["t-A"], set(), []),
        (["t-e", "t-b", "t-c", "t-a"], [], ["t-A", "t-C"], set(), ["t-B", "t-E"]),
        (None, ["T-c", "t-b"], ["t-A"], set(), []),
        (["t-A", "t-B", "t-C"], ["t-A"], ["t-C"], set(), ["t-B"]),
        (None, ["priority"], ["t-A", "t-C"], {"priority"}, []),
        (None, ["description", "t-a"], ["t-C"], {"description", "note"}, []),
        (None, ["dueDate"], ["t-A", "t-C"], {"due"}, []),
    ],
)
def test_an_undo_selects_the_requested_written_tasks_without_the_exceptions(
    task_ids: list[str] | None, leave: list[str], applied: list[str], left_out: set[str], unwritten: list[str]
) -> None:
    found = select(CHANGE, task_ids, leave)
    assert [result.task_id for _, result in found.applied] == applied
    assert [intent for intent, _ in found.applied] == [INTENTS["ABCD".index(one[-1])] for one in applied]
    assert (set(found.left_out), [*found.unwritten]) == (left_out, unwritten)


@pytest.mark.parametrize(
    ("task_ids", "leave", "message", "candidates"),
    [
        (["t-a", "t-x"], ["colour"], "'t-x' is not a task of chg_1; nothing was undone.", TASKS),
        (
            ["t-a"],
            ["title", "colour"],
            "'colour' is not a task or a field of chg_1; nothing was undone.",
            [("title", None), ("description", None), ("priority", None), *TASKS],
        ),
    ],
)
def test_an_unknown_task_or_field_of_a_change_is_refused_with_candidates(
    task_ids: list[str], leave: list[str], message: str, candidates: list[tuple[str, str | None]]
) -> None:
    with refused("invalid_arguments") as caught:
        select(CHANGE, task_ids, leave)
    assert caught.value.message == message
    assert [(one.value, one.name) for one in caught.value.candidates] == candidates


@pytest.mark.parametrize("leave", [[], ["title"], ["t-e"]])
def test_an_undo_of_tasks_to_which_nothing_was_written_is_refused(leave: list[str]) -> None:
    with refused("nothing_to_undo") as caught:
        select(CHANGE, ["t-B", "t-D", "t-E"], leave)
    assert caught.value.message == "chg_1 wrote nothing to the tasks that are left; nothing was undone."
    unwritten = replace(CHANGE, results={1: RESULTS[1]}, ending=Ending("refused"))
    with refused("nothing_to_undo") as caught:
        select(unwritten, None, [])
    assert caught.value.message == "chg_1 wrote nothing that could be undone: its outcome is refused."
    with refused("nothing_to_undo") as caught:
        select(unwritten, None, ["t-B"])
    assert caught.value.message == "chg_1 wrote nothing to the tasks that are left; nothing was undone."


def test_the_error_about_a_large_change_shows_some_of_its_tasks() -> None:
    tasks = [task(id=f"t-{number}", title=f"Task {number}") for number in range(30)]
    large = replace(CHANGE, intents=tuple(Intent("update", Snapshot(one), EDIT) for one in tasks), results={})
    for task_ids, leave, shown in ((["x"], [], 20), (None, ["x"], 18)):
        with refused("invalid_arguments") as caught:
            select(large, task_ids, leave)
        names = [one.value for one in caught.value.candidates if one.value.startswith("t-")]
        assert names == [f"t-{number}" for number in range(shown)]

"""The reported outcome of a write is true whatever fails in its two requests."""

from itertools import product

import pytest

from backends.remote.scripted import BatchedAdapter, ScriptedAdapter, failure, open_adapter, report
from taskhand.domain.edit import Edit

EDIT = Edit(responsible_ids=("ben",))
WORDS = (
    *("ok", "dim", "lost", "lost+", "late", "late+", "failed", "failed+", "redirected", "throttled", "throttled+"),
    *("held", "unsent", "refused", "forbidden"),
)
SCRIPTS = [" ".join(pair) for pair in product(WORDS, WORDS)]
DONE = {"done", "applied", "sent again", "accepted", "removed"}


def is_so(told: str, *, is_done: bool) -> bool:
    """Whether that was told rightly of a write that was applied, or was not."""
    return told == "unknown" or (told in DONE) == is_done


@pytest.mark.parametrize("kind", [ScriptedAdapter, BatchedAdapter])
async def test_reported_outcomes_of_updates_are_true(kind: type[ScriptedAdapter]) -> None:
    for script in SCRIPTS:
        adapter, seeded = await open_adapter(script, "", kind, tasks=2)
        for one in await adapter.update_tasks([(task, EDIT) for task in seeded]):
            told = report(one.written.note if one.written else None, one.error)
            is_done = adapter.wire.people_of(one.task_id) == ["ben"]
            assert is_so(told, is_done=is_done), (script, told, is_done)


async def test_the_reported_outcome_of_a_deletion_is_true() -> None:
    for script in SCRIPTS:
        adapter, [task] = await open_adapter(script)
        with failure() as failed:
            note = await adapter.delete_task(task)
        told = report(None, failed[0]) if failed else report(note)
        is_done = adapter.wire.people_of(task.id) is None
        assert is_so(told, is_done=is_done), (script, told, is_done)


@pytest.mark.parametrize("kind", [ScriptedAdapter, BatchedAdapter])
@pytest.mark.parametrize("first", ["lost+", "late+", "failed+"])
@pytest.mark.parametrize(
    ("second", "unread"), [("throttled", "cut"), ("soon", "cut"), ("busy,absent", "cut"), ("throttled", "gone gone")]
)
async def test_an_update_is_unknown_if_its_repetition_is_refused_and_the_task_cannot_be_read(
    kind: type[ScriptedAdapter], first: str, second: str, unread: str
) -> None:
    adapter, [task] = await open_adapter(f"{first} {second}", f"blind {unread}", kind)
    [one] = await adapter.update_tasks([(task, EDIT)])
    assert adapter.wire.people_of(task.id) == ["ben"]
    assert report(None, one.error) == "unknown"


async def test_updates_of_a_batch_are_unknown_if_its_repetition_is_throttled_and_nothing_can_be_read() -> None:
    adapter, seeded = await open_adapter("lost+ throttled", "blind cut", BatchedAdapter, tasks=2)
    results = await adapter.update_tasks([(task, EDIT) for task in seeded])
    assert [report(None, one.error) for one in results] == ["unknown", "unknown"]

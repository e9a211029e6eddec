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
        adapter, there = await open_adapter(script, "", kind, tasks=2)
        for one in await adapter.update_tasks([(task, EDIT) for task in there]):
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

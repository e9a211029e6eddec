"""What every CRM does with many tasks unless its adapter has a better way: one after the other, each once."""

from uuid import uuid4

import pytest

from backends.remote.scripted import open_adapter, report
from taskhand.backends.base import BulkProgress
from taskhand.domain.edit import Edit


async def test_each_task_is_read_once_with_its_row_and_a_missing_one_is_left_out() -> None:
    adapter, (one, two) = await open_adapter(tasks=2)
    found = await adapter.snapshots([two.id, str(uuid4()), one.id, two.id])
    assert [(task_id, one.task.id, one.native["id"]) for task_id, one in found.items()] == [
        (task_id, task_id, task_id) for task_id in (two.id, one.id)
    ]
    assert adapter.wire.sent == ["read"] * 3


@pytest.mark.parametrize(
    ("writes", "told", "sent"),
    [
        ("ok lost+ ok", ["done", "removed", "done"], 3),
        ("ok refused ok", ["done", "upstream refused", "done"], 3),
        ("ok throttled ok", ["done", "rate limited", "not attempted"], 2),
        ("ok unsent ok", ["done", "not attempted", "not attempted"], 1),
    ],
)
async def test_deletions_go_on_until_the_crm_asks_to_wait_or_the_call_has_no_time(
    writes: str, told: list[str], sent: int
) -> None:
    adapter, tasks = await open_adapter(writes, tasks=3)
    progress = BulkProgress()
    results = await adapter.delete_tasks(tasks, progress)
    assert [one.task_id for one in results] == [one.id for one in tasks]
    assert [report(one.note, one.error) for one in results] == told
    assert (adapter.wire.sent.count("write"), progress.results) == (sent, dict(enumerate(results)))
    unsent = {str(one.error) for one in results if report(one.note, one.error) == "not attempted"}
    assert unsent == ({str(progress.stopped)} if progress.stopped else set())


async def test_lost_creates_are_searched_for_twice_unless_each_is_found() -> None:
    adapter, (task,) = await open_adapter()
    for title, searches in (("Call", 1), ("Another", 2)):
        adapter.wire.sent.clear()
        (found,) = await adapter.find_created([Edit(title=title)], adapter.time.moment())
        assert [one.id for one in found.tasks] == [task.id] * (2 - searches)
        assert adapter.wire.sent == ["read"] * searches


async def test_a_field_that_the_response_to_an_update_leaves_unreadable_is_read_back() -> None:
    adapter, (task,) = await open_adapter("dim")
    written = await adapter.update_task(task, Edit(title="New"))
    assert (written.task.title, written.task.unreadable_fields) == ("New", ())

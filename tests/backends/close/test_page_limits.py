"""Close's maximum of `_skip` and `_limit`: met by smaller pages, and by parts of the list by creation time."""

from datetime import UTC, datetime, timedelta

import pytest

from backends.close.sandboxed_app import close, on_close, row, task_id
from backends.close.test_safe_writes import agent_on
from taskhand.backends.close.errors import PageTooLarge, explain
from taskhand.sandbox.close import SpecVariant

COUNT = 400
ROWS = [
    row(
        number,
        text=f"Call Acme {number}" + (" renewal" if number % 100 == 7 else ""),
        date=f"2026-03-{1 + number % 28:02}" if number % 3 else None,
        date_created=(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)).isoformat(),
    )
    for number in range(1, COUNT + 1)
]
WANTED = {task_id(number) for number in range(1, COUNT + 1) if number % 100 == 7}
VARIANTS = {
    "skip": SpecVariant(max_skip=100),
    "skip, in the older form": SpecVariant(max_skip=100, over_cap="error"),
    "limit": SpecVariant(max_limit=30),
    "limit, in the older form": SpecVariant(max_limit=30, over_cap="error"),
    "both, so that there are many parts": SpecVariant(max_skip=30, max_limit=30),
}


@pytest.mark.parametrize("name", VARIANTS)
async def test_a_list_longer_than_a_cap_is_read_to_its_end(name: str) -> None:
    sandbox = close(ROWS, spec_variant=VARIANTS[name])
    async with agent_on(sandbox) as agent:
        found = await agent("list_tasks", text="renewal")
        assert {one["id"] for one in found["tasks"]} == WANTED
        first = await agent("list_tasks", limit=10)
        assert [one["due"][:10] for one in first["tasks"]] == ["2026-03-01"] * 10
        ids = [task_id(number) for number in range(1, 61)]
        done = await agent("bulk_update_tasks", taskIds=ids, changes={"newStatusName": "Completed"}, dryRun=True)
        assert done["count"] == 60
        plan = await agent("bulk_update_tasks", filter={"text": "renewal"}, changes={"priority": "2"}, dryRun=True)
        assert {one["id"] for one in plan["difference"]} == WANTED
    refused = [one for one in sandbox.requests if one.status == 400]
    assert refused
    assert "limit" not in name or name.startswith("both") or len(refused) == 1


async def test_tasks_are_read_by_their_ids_in_as_many_pages_as_the_cap_requires() -> None:
    ids = [task_id(number) for number in range(1, 6)]
    async with on_close(close(5, spec_variant=SpecVariant(max_limit=2))) as backend:
        assert list(await backend.snapshots(ids)) == ids


@pytest.mark.parametrize(("named", "rows"), [("30", 30), ("99", 99), ("100", 50), ("200", 50), ("0", 50), ("", 50)])
def test_a_page_that_was_refused_is_asked_for_with_fewer_rows_whatever_maximum_close_names(
    named: str, rows: int
) -> None:
    explained = explain(400, {"field-errors": {"_limit": f"The limit you set is over the maximum {named}"}})
    assert isinstance(explained, PageTooLarge)
    assert explained.smaller_than(100) == rows

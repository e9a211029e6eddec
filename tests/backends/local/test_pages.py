"""Pages of a list: how many tasks they have, and whether more follow."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import get_args

from backends.local.open_store import create, open_store
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task_query import Order, TaskQuery


async def test_a_full_page_has_a_next_one_only_if_tasks_are_left(backend: LocalBackend) -> None:
    for number in range(4):
        due = Due(date(2026, 3, 6))
        await create(backend, Edit(title=f"Call {number}", priority=number % 2, due=due, ai_contact_id="c1"))
    queries = (TaskQuery(), TaskQuery(text="call"), TaskQuery(contact="c1"))
    for query in [replace(one, order=order) for one in queries for order in get_args(Order)]:
        pages = [await backend.list_tasks(replace(query, limit=limit)) for limit in (3, 4, 5)]
        assert [(len(page.tasks), page.more) for page in pages] == [(3, True), (4, False), (4, False)]


async def test_a_scan_that_ends_with_the_last_task_of_a_page_does_not_hide_the_next_page(store_file: Path) -> None:
    first = date(2026, 3, 2)
    titles = {0: "Offer", 300: "Offer again"}
    edits = [
        Edit(title=titles.get(day, "Call"), priority=1, due=Due(first + timedelta(days=day))) for day in range(302)
    ]
    async with open_store(store_file) as backend:
        await backend.create_tasks(edits)
        page = await backend.list_tasks(TaskQuery(text="offer", limit=1))
    assert ([task.title for task in page.tasks], page.more) == (["Offer"], True)

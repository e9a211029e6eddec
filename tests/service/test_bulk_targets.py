"""How many tasks a filter may find for a bulk change."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import refused
from file_stores import journal_in, store_in
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAllowed
from taskhand.domain.policy import Rules
from taskhand.domain.principal import ANYONE
from taskhand.domain.task_query import TaskFilter
from taskhand.service import bulk_targets
from taskhand.service.app_context import AppContext
from taskhand.service.bulk_targets import resolve_targets
from taskhand.service.lazy import Lazy


async def test_a_filter_finds_as_many_tasks_as_one_call_and_one_change_of_the_caller_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bulk_targets.MAX_TASKS == 1_000
    monkeypatch.setattr(bulk_targets, "MAX_TASKS", 3)
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    for title in ("Call 1", "Call 2", "Call 3", "Visit 1"):
        await app.backend.create_task(Edit(title=title, responsible_ids=(), priority=1))
    calls = TaskFilter(text="Call")
    assert len((await resolve_targets(app, None, calls)).tasks) == 3
    few = app.of_principal(replace(ANYONE, rules=Rules(most_tasks=2)))
    with pytest.raises(NotAllowed):
        await resolve_targets(few, None, calls)
    await app.backend.create_task(Edit(title="Call 4", responsible_ids=(), priority=1))
    with refused("too_many_tasks"):
        await resolve_targets(app, None, calls)
    await app.aclose()


async def test_a_filter_may_match_every_task_that_can_be_read_and_names_one_that_cannot(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    for _ in range(2):
        await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))
    visit = (await app.backend.create_task(Edit(title="Visit", responsible_ids=(), priority=1))).task
    with closing(sqlite3.connect(tmp_path / "tasks.sqlite")) as store, store:
        store.execute("UPDATE task SET due_at = 'neither a day nor a time' WHERE id = ?", (visit.id,))
    found = await resolve_targets(app, None, TaskFilter(text="Call"))
    assert len(found.tasks) == 2
    assert not found.refused
    found = await resolve_targets(app, None, TaskFilter(to_date="2026-03-09"))
    assert {one: error.code for one, error in found.refused.items()} == {visit.id: "unreadable_field"}
    await app.aclose()


async def test_a_filter_may_match_every_task_of_the_caller_where_others_have_tasks_too(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    own = app.of_principal(replace(ANYONE, rules=Rules(own_tasks_only=True)))
    me = await app.backend.account.me()
    assert me is not None
    for people in ((me,), (me,), ()):
        await app.backend.create_task(Edit(title="Call", responsible_ids=people, priority=1))
    assert len((await resolve_targets(own, None, TaskFilter(text="Call"))).tasks) == 2
    with refused("matches_everything"):
        await resolve_targets(app, None, TaskFilter(text="Call"))
    await app.aclose()

"""Turns: writes to the same name come one after the other, and several names are locked in one order."""

from pathlib import Path

import anyio

from behaviour.arms import NOW
from safety.victim import journal_in, store_in
from taskhand.service.app_context import AppContext

NAMES = "abcdefghij"


async def test_locks_several_names_in_alphabetical_order(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), journal_in(tmp_path), lambda: NOW)
    passed: list[str] = []

    async def take_all() -> None:
        async with app.lock_all(reversed(NAMES)):
            pass

    async def take(name: str) -> None:
        async with app.lock(name):
            passed.append(name)

    async with anyio.create_task_group() as calls, app.lock("f"):
        calls.start_soon(take_all)
        await anyio.wait_all_tasks_blocked()
        for name in NAMES:
            calls.start_soon(take, name)
        await anyio.wait_all_tasks_blocked()
        assert sorted(passed) == list("ghij")
    assert sorted(passed) == list(NAMES)

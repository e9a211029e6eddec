"""A caller who gives up during a write: one task is written all the same, several are not; the journal has it all."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.lowlevel import checkpoint

from behaviour.world import NOW
from file_stores import store_in
from journals import numbered
from taskhand.backends.base import Backend, BulkProgress, ItemResult
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, Ending, Intent, Opening, Result
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.apply_plan import execute_intents
from taskhand.service.bulk_write import bulk_resume, bulk_write
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call

NEW = Edit(title="Call", responsible_ids=(), priority=1)
MOVED = Edit(priority=2)


class LateJournal(SqliteJournal):
    """A journal whose caller gives up while a change is written down, if it `is_late`."""

    is_late = False
    caller: anyio.CancelScope

    async def begin(self, opening: Opening, intents: Sequence[Intent]) -> tuple[Change, bool]:
        """Write the change down."""
        begun = await super().begin(opening, intents)
        await self._give_up()
        return begun

    async def resume(self, change: Change, indexes: Collection[int]) -> tuple[Change, bool]:
        """Reopen the change."""
        resumed = await super().resume(change, indexes)
        await self._give_up()
        return resumed

    async def settle(self, change_id: str, results: Sequence[Result], ending: Ending | None = None) -> None:
        """Write results down."""
        if ending is None:
            await self._give_up()
        await super().settle(change_id, results, ending)

    async def _give_up(self) -> None:
        if self.is_late:
            self.caller.cancel()
            await checkpoint()


def _intents(kind: str, task: Task) -> list[Intent]:
    """The intents of a call of this kind."""
    one = {
        "create": Intent("create", edit=NEW, asked=NEW),
        "update": Intent("update", Snapshot(task), MOVED, MOVED),
        "delete": Intent("delete", Snapshot(task)),
    }
    return [one["create"]] * 2 if kind == "bulk" else [one[kind]]


@pytest.mark.parametrize("is_late", [False, True])
@pytest.mark.parametrize(
    ("kind", "outcome"),
    [("create", "applied"), ("update", "applied"), ("delete", "applied"), ("bulk", "not_attempted")],
)
async def test_a_change_whose_caller_gives_up_is_ended_with_a_result_for_each_task(
    tmp_path: Path, kind: str, outcome: Outcome, *, is_late: bool
) -> None:
    store, caller = store_in(tmp_path), anyio.CancelScope()
    task = (await store.create_task(NEW)).task

    @asynccontextmanager
    async def opened_late() -> AsyncIterator[Backend]:
        """The store; the caller gives up at the first request after the change was begun."""
        if call.change is not None:
            caller.cancel()
            await checkpoint()
        yield store

    journal = LateJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered)
    journal.is_late, journal.caller = is_late, caller
    app = AppContext(ForwardingBackend(store, opened_late), Lazy(lambda: journal), lambda: NOW)
    call = Call(app, "apply_plan")
    with caller:
        await execute_intents(call, _intents(kind, task), call.new_opening())
    assert call.change is not None
    change = await app.journal.find(call.change.id)
    assert change is not None
    assert change.ending is not None
    assert [result.outcome for result in change.results.values()] == [outcome] * len(change.intents)
    await app.aclose()


async def test_a_resumed_change_whose_caller_gives_up_is_ended_again(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    journal = LateJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered)
    app = AppContext(store, Lazy(lambda: journal), lambda: NOW)
    call, intents = Call(app, "apply_plan"), _intents("bulk", (await store.create_task(NEW)).task)
    left = [Result(index, "not_attempted") for index in range(2)]
    change = await journal.record(call.new_opening(), Ending("not_attempted"), intents, left)
    journal.is_late = True
    with anyio.CancelScope() as journal.caller:
        await bulk_resume(call, change, dict(enumerate(intents)), ())
    resumed = await journal.find(change.id)
    assert resumed is not None
    assert resumed.ending is not None
    await app.aclose()


async def test_a_result_that_is_being_recorded_when_the_caller_gives_up_is_in_the_journal(tmp_path: Path) -> None:
    class SlowStore(ForwardingBackend):
        """A store that writes the second task once the caller has given up."""

        async def update_tasks(
            self, edits: Sequence[tuple[Task, Edit]], progress: BulkProgress | None = None
        ) -> tuple[ItemResult, ...]:
            """Report the first result, and wait."""
            assert progress is not None
            first = await super().update_tasks(edits[:1])
            progress.report(0, *first)
            journal.is_late = True
            while not journal.caller.cancel_called:
                await checkpoint()
            return first + await super().update_tasks(edits[1:])

    store, caller = store_in(tmp_path), anyio.CancelScope()
    journal = LateJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered)
    app = AppContext(SlowStore(store), Lazy(lambda: journal), lambda: NOW, call_time=CallTime(write_tick_s=0))
    call = Call(app, "bulk_update_tasks")
    intents = [intent for _ in range(2) for intent in _intents("update", (await store.create_task(NEW)).task)]
    journal.caller = caller
    with caller:
        await bulk_write(call, intents, call.new_opening())
    assert call.change is not None
    change = await journal.find(call.change.id)
    assert change is not None
    assert {index: result.outcome for index, result in change.results.items()} == dict.fromkeys(range(2), "applied")
    await app.aclose()

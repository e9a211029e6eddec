"""The requests of an edit of one task that another client changes at the same moment."""

from dataclasses import replace
from pathlib import Path
from typing import cast

from behaviour.world import NOW
from builders import refused
from file_stores import journal_in, store_in
from taskhand.backends.base import Backend, Misread, Written
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.edit import Edit
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.service.app_context import AppContext
from taskhand.service.edit_resolver import ResolvedEdit
from taskhand.service.lazy import Lazy
from taskhand.service.task_write import write_edit
from taskhand.service.write_call import Call


class ContestedBackend:
    """The built-in store, in which another client changes the description just before the first update arrives."""

    def __init__(self, store: LocalBackend) -> None:
        self._store = store
        self.sent: list[Edit] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Update the task."""
        if not self.sent:
            await self._store.update_task(before, Edit(description="By another client"))
        self.sent.append(edit)
        return replace(await self._store.update_task(before, edit), note="It is pinned.")


async def test_a_field_that_another_client_changed_meanwhile_is_sent_too_with_its_native_value(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert isinstance(app.backend, LocalBackend)
    contested = ContestedBackend(app.backend)
    task = (await app.backend.create_task(Edit(title="Call", description="Text", responsible_ids=(), priority=1))).task
    edit = Edit(title="Call Acme", description="Text", native={"body": "<p>Text</p>"})

    async def edit_for(_: Snapshot) -> ResolvedEdit:
        return edit, ()

    call = Call(replace(app, backend=cast("Backend", contested)), "update_task")
    receipt = await write_edit(call, Snapshot(task), edit_for)
    assert receipt.task is not None
    assert (receipt.task.title, receipt.task.description) == ("Call Acme", "Text")
    assert [(dict(one.given_fields()), one.native) for one in contested.sent] == [
        ({"title": "Call Acme"}, edit.native),
        ({"description": "Text"}, edit.native),
    ]
    assert call.change is not None
    [intent] = call.change.intents
    assert intent.edit == edit
    journaled = await app.journal.find(call.change.id)
    assert journaled is not None
    assert receipt.note == journaled.results[0].note == "It is pinned."
    await app.aclose()


class MisreadBackend(ContestedBackend):
    """The built-in store, whose answer to the first update shows that the task had another priority before it."""

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Update the task, and find that it was read wrongly."""
        self.sent.append(edit)
        really = (await self._store.update_task(before, Edit(priority=2))).task
        raise Misread(really, (await self._store.update_task(really, edit)).task)


async def test_a_change_of_a_task_that_was_read_wrongly_is_journaled_as_it_really_was(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert isinstance(app.backend, LocalBackend)
    misread = MisreadBackend(app.backend)
    task = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    edit = Edit(title="Call Acme")

    async def edit_for(_: Snapshot) -> ResolvedEdit:
        return edit, ()

    call = Call(replace(app, backend=cast("Backend", misread)), "update_task")
    receipt = await write_edit(call, Snapshot(task), edit_for)
    assert receipt.task is not None
    assert (receipt.task.title, [dict(one.given_fields()) for one in misread.sent]) == (
        "Call Acme",
        [{"title": "Call Acme"}],
    )
    change = await app.journal.find(str(receipt.change_id))
    assert change is not None
    [intent] = change.intents
    assert intent.task_before is not None
    assert (change.outcome, intent.edit, intent.task_before.priority) == ("applied", edit, 2)
    await app.aclose()


class RestlessBackend(ContestedBackend):
    """The built-in store, in which another client changes the title before each update, so that none is sent."""

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Find that the task has changed since it was read."""
        self.sent.append(edit)
        now = (await self._store.update_task(before, Edit(title=f"Theirs {len(self.sent)}"))).task
        raise Misread(now, now)


async def test_a_task_that_keeps_changing_is_refused_after_a_few_tries(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert isinstance(app.backend, LocalBackend)
    restless = RestlessBackend(app.backend)
    task = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task

    async def edit_for(_: Snapshot) -> ResolvedEdit:
        return Edit(title="Ours"), ()

    call = Call(replace(app, backend=cast("Backend", restless)), "update_task")
    with refused("conflict"):
        await write_edit(call, Snapshot(task), edit_for)
    assert (await app.backend.get_task(task.id)).title == f"Theirs {len(restless.sent)}"
    await app.aclose()

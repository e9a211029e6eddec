"""The journal entry of a plan."""

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import PENDING, TASK_ID, task
from file_stores import journal_in, store_in
from service.caching_backend import CachingBackend
from taskhand.domain.bulk_receipt import SkippedTasks
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotFound
from taskhand.domain.plan import Plan, Verb
from taskhand.domain.principal import ANYONE
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, StatusList
from taskhand.journal.change_text import render_change
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext
from taskhand.service.call_options import Options
from taskhand.service.edit_resolver import ResolvedEdit
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.make_plan import make_plan
from taskhand.service.task_write import plan_or_write
from taskhand.service.write_call import Call


async def test_a_plan_notes_a_status_that_was_not_seen_beside_one_that_was(tmp_path: Path) -> None:
    class Backend(ForwardingBackend):
        """A backend that knows the statuses that were seen on tasks."""

        async def statuses(self) -> StatusList:
            return StatusList((PENDING,), complete=False, source="the tasks")

    app = AppContext(Backend(store_in(tmp_path)), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    for names, is_noted in ((["Pendiente"], False), (["Pendiente", "Nuevo"], True)):
        edits = [Edit(status=StatusChoice(name=name)) for name in names]
        plan = await make_plan(Call(app, "update_task"), [Intent("update", Snapshot(task()), one) for one in edits])
        assert ("none of those seen so far" in (plan.note or "")) is is_noted
    await app.aclose()


async def test_the_journal_of_a_plan_shows_the_refused_tasks_beside_the_planned_ones(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    intent = Intent("update", Snapshot(task()), Edit(priority=2))
    call = Call(app, "bulk_update_tasks", arguments={})
    refused = {"other": NotFound("There is no such task.", code="task_not_found")}
    await make_plan(call, [intent], skipped=SkippedTasks(refused=refused))
    assert call.change is not None
    change = await app.journal.find(call.change.id)
    assert change is not None
    assert render_change(change, UTC).splitlines()[1:] == [
        f'  update: "Call back" ({TASK_ID})',
        "    priority: 1 -> 2",
        "  (other), refused, task_not_found, There is no such task.",
    ]
    await app.aclose()


async def test_a_dry_run_plans_a_change_of_a_task_that_was_as_requested_when_it_was_last_read(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(CachingBackend(store), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)  # type: ignore[arg-type]
    first = (await store.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    assert (await app.backend.get_task(first.id)).title == "Call"
    await store.update_task(first, Edit(title="Renamed by another client"))

    async def edit_for(_: Snapshot) -> ResolvedEdit:
        return Edit(title="Call"), ()

    plan = await plan_or_write(Call(app, "update_task", options=Options(dry_run=True)), first.id, edit_for)
    assert isinstance(plan, Plan)
    await app.aclose()


async def test_a_plan_for_another_person_still_names_what_an_undo_cannot_bring_back(tmp_path: Path) -> None:
    anyone = replace(ANYONE, rules=replace(ANYONE.rules, second_person=True))
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, principal=anyone)
    gone = Snapshot(task(), cannot_recreate="its type is gone.")
    plan = await make_plan(Call(app, "delete_task"), [Intent("delete", gone)])
    assert plan.is_for_others
    assert str(plan.note).endswith("Undo cannot make it again: its type is gone.")
    await app.aclose()


@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_a_plan_is_for_a_second_person_only_if_it_needs_approval(tmp_path: Path, verb: Verb) -> None:
    anyone = replace(ANYONE, rules=replace(ANYONE.rules, second_person=True))
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, principal=anyone)
    edit = None if verb == "delete" else Edit(title="New")
    plan = await make_plan(Call(app, "apply_plan"), [Intent(verb, Snapshot(task()), edit, edit)])
    found = await app.journal.find(plan.id)
    assert found is not None
    assert (found.opening.second_person, plan.is_for_others) == ((True, True) if verb == "delete" else (False, False))
    await app.aclose()

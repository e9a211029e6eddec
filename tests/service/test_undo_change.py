"""The values that an undo restores."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import MISSING

from behaviour.world import NOW
from builders import PENDING, TASK_ID, refused, task
from file_stores import journal_in, store_in
from fixed_clock import FixedClock
from journals import numbered
from taskhand.backends.base import ItemResult, Written
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotAttempted, NotFound, OperatorError
from taskhand.domain.plan import Plan
from taskhand.domain.policy import Rules
from taskhand.domain.principal import Person, Principal
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task, TaskDraft
from taskhand.journal.journal import Caller, ChangeQuery, Ending, Intent, Result
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.apply_plan import apply_plan, decline_plan
from taskhand.service.call_options import Options
from taskhand.service.create_task import create_task
from taskhand.service.earlier_undo import with_remade_id
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.idempotency import recreation_claim
from taskhand.service.latest_changes import with_latest_changes
from taskhand.service.lazy import Lazy
from taskhand.service.undo_change import undo_change
from taskhand.service.write_call import Call


async def test_a_deleted_task_is_made_again_without_the_fields_that_were_not_certain(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    deleted = Snapshot(
        task(due_at="2026-03-10T00:00:00.000Z", is_all_day=True, status_config=PENDING), unknown=frozenset({"due"})
    )
    opening = Call(app, "delete_task", arguments={}).new_opening()
    change = await app.journal.record(
        opening, Ending("applied"), [Intent("delete", deleted)], [Result(0, "applied", TASK_ID)]
    )
    plan = await undo_change(Call(app, "undo_change", arguments={}, options=Options(dry_run=True)), change.id)
    assert isinstance(plan, Plan)
    assert [one.field for one in plan.differences[0].changed] == ["title", "priority", "status"]
    assert plan.note == "Undo makes a new task; not restored: id, created_at, creator_id, due."
    await app.aclose()


async def test_a_limit_of_several_recreated_tasks_is_reported_once(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    ids = [TASK_ID, f"{TASK_ID[:-1]}0"]
    deleted = [
        Snapshot(task(id=one, status_config=PENDING), unknown=frozenset(unknown))
        for one, unknown in zip(ids, ({"due"}, {"priority", "due"}), strict=True)
    ]
    change = await app.journal.record(
        Call(app, "delete_task", arguments={}).new_opening(),
        Ending("applied"),
        [Intent("delete", one) for one in deleted],
        [Result(index, "applied", one) for index, one in enumerate(ids)],
    )
    plan = await undo_change(Call(app, "undo_change", arguments={}, options=Options(dry_run=True)), change.id)
    assert isinstance(plan, Plan)
    assert plan.note == "Undo makes new tasks; not restored: id, created_at, creator_id, due, priority."
    await app.aclose()


@pytest.mark.parametrize(("is_partly_known", "code"), [(False, "changed_since"), (True, "invalid_arguments")])
async def test_of_many_tasks_that_cannot_be_undone_twenty_are_shown_and_the_code_if_all_have_one(
    tmp_path: Path, code: str, *, is_partly_known: bool
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    intents, results = [], []
    for index in range(21):
        made = (await app.backend.create_task(Edit(title=f"Call {index}", responsible_ids=(), priority=1))).task
        after = (await app.backend.update_task(made, Edit(priority=2))).task
        await app.backend.update_task(after, Edit(priority=0))
        intents.append(Intent("update", Snapshot(made), Edit(priority=2), Edit(priority=2)))
        results.append(Result(index, "applied", made.id, after))
    if is_partly_known:
        results[-1] = replace(results[-1], after=None)
    opening = Call(app, "bulk_update_tasks", arguments={}).new_opening()
    change = await app.journal.record(opening, Ending("applied"), intents, results)
    with refused(code) as caught:
        await undo_change(Call(app, "undo_change", arguments={}), change.id)
    assert caught.value.message.startswith("None of the 21 tasks can be undone. The first: ")
    assert "update_task" in (caught.value.next_step or "")
    assert {name: len(rows) for name, rows in caught.value.details.items()} == {"difference": 20, "wouldWrite": 20}  # type: ignore[arg-type]
    await app.aclose()


async def _create(app: AppContext, caller: Caller) -> str:
    receipt = await create_task(
        Call(app, "create_task", caller, {}), TaskDraft(title="Call Acme", responsible_ids=("me",), priority="1")
    )
    assert isinstance(receipt, Receipt)
    return receipt.change_id or ""


async def _undo(app: AppContext, caller: Caller, change_id: str) -> object:
    return await undo_change(Call(app, "undo_change", caller, arguments={}), change_id)


async def test_a_task_that_this_process_made_a_moment_ago_is_deleted_without_a_plan(tmp_path: Path) -> None:
    clock, elena = FixedClock(NOW), Caller("Claude", "1.0")
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), clock)
    first, second = await _create(app, elena), await _create(app, replace(elena, name="another"))
    clock.move(minutes=10)
    assert isinstance(await _undo(app, replace(elena, version="1.1"), first), Receipt)
    assert isinstance(await _undo(app, elena, second), Plan)
    clock.move(minutes=10, seconds=1)
    third = await _create(app, elena)
    clock.move(minutes=10, seconds=1)
    assert isinstance(await _undo(app, elena, third), Plan)
    await app.aclose()


async def test_a_task_that_another_process_made_stops_at_a_plan(tmp_path: Path) -> None:
    elena = Caller("Claude", "1.0")
    first = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made = await _create(first, elena)
    await first.aclose()
    second = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert isinstance(await _undo(second, elena, made), Plan)
    await second.aclose()


class LinkedTaskBackend:
    """A backend that reads a task which is to be deleted with its links."""

    def __init__(self, backend: object) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """The tasks."""
        found: dict[str, Snapshot] = await self._backend.snapshots(ids)  # type: ignore[attr-defined]  # the store's
        return {one: replace(snapshot, native={"links": "7"}) for one, snapshot in found.items()}


async def test_an_undo_of_a_create_reads_the_native_values_before_the_deletion(tmp_path: Path) -> None:
    elena = Caller("Claude", "1.0")
    app = AppContext(LinkedTaskBackend(store_in(tmp_path)), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)  # type: ignore[arg-type]
    receipt = await _undo(app, elena, await _create(app, elena))
    assert isinstance(receipt, Receipt)
    found = await app.journal.find(receipt.change_id or "")
    assert found is not None
    assert found.intents[0].before is not None
    assert found.intents[0].before.native == {"links": "7"}
    await app.aclose()


async def test_a_task_that_is_partly_known_has_its_last_known_title_in_the_result_of_an_undo(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    after = (await app.backend.update_task(made, Edit(priority=2))).task
    gone = [task(id=f"{TASK_ID[:-1]}{number}", title=f"Gone {number}") for number in range(2)]
    renamed = task(id=gone[1].id, title="Renamed")
    change = await app.journal.record(
        Call(app, "bulk_update_tasks", arguments={}).new_opening(),
        Ending("applied"),
        [Intent("update", Snapshot(one), Edit(priority=2), Edit(priority=2)) for one in (made, *gone)],
        [
            Result(0, "applied", made.id, after),
            Result(1, "applied", gone[0].id),
            Result(2, "applied", gone[1].id, renamed),
        ],
    )
    done = await undo_change(Call(app, "undo_change", arguments={}), change.id)
    assert isinstance(done, BulkReceipt)
    found = {(one.title, one.outcome) for one in done.results}
    assert found == {("Call", "applied"), ("Gone 0", "refused"), ("Renamed", "refused")}
    await app.aclose()


class RefusingOne:
    """A backend whose CRM refuses to write the task `refused`."""

    def __init__(self, backend: object, refused: str) -> None:
        self._backend = backend
        self._refused = refused

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def update_tasks(self, edits: Sequence[tuple[Task, Edit]], progress: object = None) -> list[ItemResult]:
        """The store's results, but for one task."""
        written = [one for one in edits if one[0].id != self._refused]
        done = await self._backend.update_tasks(written, progress)  # type: ignore[attr-defined]  # the store's
        return [*done, ItemResult(self._refused, error=CallerError("Its pipeline is archived.", code="archived"))]


async def test_each_result_of_an_undo_of_many_has_its_own_reason(tmp_path: Path) -> None:
    store, edit = store_in(tmp_path), Edit(priority=2, title="New")
    made = [
        (await store.create_task(Edit(title=title, responsible_ids=(), priority=1))).task
        for title in ("Plain", "Partly", "Refused")
    ]
    after = [(await store.update_task(one, edit)).task for one in made]
    for one in after[1:]:
        await store.update_task(one, Edit(title="Theirs"))
    app = AppContext(RefusingOne(store, made[2].id), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)  # type: ignore[arg-type]
    change = await app.journal.record(
        Call(app, "bulk_update_tasks", arguments={}).new_opening(),
        Ending("applied"),
        [Intent("update", Snapshot(one), edit, edit) for one in made],
        [Result(index, "applied", one.id, one) for index, one in enumerate(after)],
    )
    done = await undo_change(Call(app, "undo_change", arguments={}), change.id)
    assert isinstance(done, BulkReceipt)
    assert [(one.outcome, one.code, one.message) for one in done.results] == [
        ("applied", None, None),
        ("applied", "changed_since", "title changed since and stays as it is."),
        ("refused", "archived", "Its pipeline is archived."),
    ]
    assert [(one.task_id, one.field) for one in done.unapplied] == [(one.id, "title") for one in made[1:]]
    await app.aclose()


async def test_a_change_that_is_still_in_progress_is_not_undone(tmp_path: Path) -> None:
    waits = list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    journal = Lazy(lambda: journal_in(tmp_path))
    app = AppContext(store_in(tmp_path), journal, lambda: NOW, call_time=CallTime(sleep=sleep))
    task = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    call, high = Call(app, "update_task"), Edit(priority=2)
    await call.begin(call.new_opening(), [Intent("update", Snapshot(task), high, high)])
    written = await app.backend.update_task(task, high)
    await call.settle_some([Result(0, "applied", task.id, written.task)])
    assert call.change is not None
    with refused("in_progress"):
        await undo_change(Call(app, "undo_change"), call.change.id)
    assert sum(waits) == pytest.approx(10)
    assert (await app.backend.get_task(task.id)).priority == 2
    await app.aclose()


class IgnoringPriority(ForwardingBackend):
    """A backend whose CRM leaves every priority as it is."""

    async def update_task(self, before: Task, edit: Edit) -> Written:
        """Write the other fields."""
        return await super().update_task(before, replace(edit, priority=MISSING))


async def test_an_undo_lists_the_fields_that_the_crm_ignored_and_those_that_changed_since(tmp_path: Path) -> None:
    store, edit = store_in(tmp_path), Edit(title="New", description="Text", due=Due(date(2026, 3, 9)), priority=2)
    before = (await store.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    after = (await store.update_task(before, edit)).task
    await store.update_task(after, Edit(title="Theirs", description="Theirs"))
    app = AppContext(IgnoringPriority(store), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    change = await app.journal.record(
        Call(app, "update_task", arguments={}).new_opening(),
        Ending("applied"),
        [Intent("update", Snapshot(before), edit, edit)],
        [Result(0, "applied", before.id, after)],
    )
    done = await undo_change(Call(app, "undo_change", arguments={}), change.id)
    assert isinstance(done, Receipt)
    assert [one.field for one in done.unapplied] == ["priority", "title", "description"]
    assert "send update_task with the value in asked, or name it in clear where that is null." in (done.note or "")
    await app.aclose()


async def test_an_undo_of_many_that_was_stopped_notes_how_to_go_on(tmp_path: Path) -> None:
    class StoppingAtOnce(ForwardingBackend):
        """A backend that has no time to write."""

        async def update_tasks(
            self,
            edits: Sequence[tuple[Task, Edit]],
            progress: object = None,  # noqa: ARG002  nothing is sent
        ) -> tuple[ItemResult, ...]:
            """Nothing is sent."""
            return tuple(ItemResult(task.id, error=NotAttempted("Not sent.")) for task, _ in edits)

    store, high = store_in(tmp_path), Edit(priority=2)
    made = [(await store.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task for _ in range(2)]
    after = [(await store.update_task(one, high)).task for one in made]
    app = AppContext(StoppingAtOnce(store), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    change = await app.journal.record(
        Call(app, "bulk_update_tasks", arguments={}).new_opening(),
        Ending("applied"),
        [Intent("update", Snapshot(one), high, high) for one in made],
        [Result(index, "applied", one.id, one) for index, one in enumerate(after)],
    )
    done = await undo_change(Call(app, "undo_change", arguments={}), change.id)
    assert "2 of 2 tasks are left: call apply_plan with this planId to go on." in (done.note or "")
    await app.aclose()


@pytest.mark.parametrize("sees_all", [True, False])
async def test_the_change_of_another_person_that_applied_an_own_plan_is_named_only_to_those_who_may_see_it(
    tmp_path: Path, *, sees_all: bool
) -> None:
    ana, ben = Person.parse("ana@x.test"), Person.parse("ben@x.test")
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    intent = Intent("update", Snapshot(made), Edit(priority=2), Edit(priority=2))
    asked = replace(Call(app, "update_task", Caller(subject=ana.id), {}).new_opening(), second_person=True)
    plan = await app.journal.record(asked, Ending("planned"), [intent])
    second = app.of_principal(Principal(ben))
    applied = await apply_plan(Call(second, "apply_plan", Caller(subject=ben.id), {}), plan.id)
    assert isinstance(applied, Receipt)
    mine = app.of_principal(Principal(ana, rules=Rules(sees_all_changes=sees_all)))
    with refused("nothing_to_undo") as caught:
        await undo_change(Call(mine, "undo_change", arguments={}), plan.id)
    assert (str(applied.change_id) in str(caught.value.next_step)) is sees_all
    await app.aclose()


async def test_a_plan_that_was_declined_has_nothing_to_undo(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    intent = Intent("update", Snapshot(made), Edit(priority=2), Edit(priority=2))
    plan = await app.journal.record(Call(app, "update_task").new_opening(), Ending("planned"), [intent])
    await decline_plan(Call(app, "apply_plan"), plan.id)
    with refused("nothing_to_undo") as caught:
        await undo_change(Call(app, "undo_change"), plan.id)
    assert caught.value.next_step == "There is nothing to undo; apply_plan carries a plan out."
    with refused("plan_used"):
        await decline_plan(Call(app, "apply_plan"), plan.id)
    await app.aclose()


@pytest.mark.parametrize("sees_all", [True, False])
async def test_a_task_that_another_person_made_again_is_returned_and_their_change_only_to_those_who_may_see_it(
    tmp_path: Path, *, sees_all: bool
) -> None:
    ana, ben = Person.parse("ana@x.test"), Person.parse("ben@x.test")
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    await app.backend.delete_task(made)
    change = await app.journal.record(
        Call(app, "delete_task", Caller(subject=ana.id), {}).new_opening(),
        Ending("applied"),
        [Intent("delete", Snapshot(made)), Intent("delete", Snapshot(task()))],
        [Result(0, "applied", made.id), Result(1, "refused", TASK_ID)],
    )
    other = app.of_principal(Principal(ben, rules=Rules(sees_all_changes=True)))
    first = await undo_change(Call(other, "undo_change", Caller(subject=ben.id), {}), change.id)
    assert isinstance(first, Receipt)
    assert first.task is not None
    mine = Call(app.of_principal(Principal(ana, rules=Rules(sees_all_changes=sees_all))), "undo_change", arguments={})
    again = await undo_change(mine, change.id)
    assert isinstance(again, Receipt)
    assert again.task is not None
    assert (again.task.id, again.change_id) == (first.task.id, first.change_id if sees_all else None)
    told = await with_remade_id(mine.app, NotFound.of_task(made.id), made.id)
    assert (f"made again as {first.task.id}" in told.message) is sees_all
    both = await undo_change(mine, change.id, [made.id, TASK_ID])
    assert isinstance(both, BulkReceipt)
    assert {one.message for one in both.results} == {f"It was made again before, as {first.task.id}.", None}
    await app.aclose()


async def test_a_change_that_left_its_task_as_it_was_has_nothing_to_restore(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made, edit = (
        (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task,
        Edit(title=" "),
    )
    change = await app.journal.record(
        Call(app, "update_task").new_opening(),
        Ending("applied"),
        [Intent("update", Snapshot(made), edit, edit)],
        [Result(0, "applied", made.id, made)],
    )
    with refused("nothing_to_undo") as caught:
        await undo_change(Call(app, "undo_change"), change.id)
    assert caught.value.message == "The change left the task as it was: there is nothing to restore."
    await app.aclose()


async def test_a_person_who_undoes_a_change_of_an_unknown_caller_is_told_so(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    after, edit = (await app.backend.update_task(made, Edit(priority=2))).task, Edit(priority=2)
    change = await app.journal.record(
        Call(app, "update_task").new_opening(),
        Ending("applied"),
        [Intent("update", Snapshot(made), edit, edit)],
        [Result(0, "applied", made.id, after)],
    )
    mine = app.of_principal(Principal(Person.parse("ana@x.test"), rules=Rules(sees_all_changes=True)))
    done = await undo_change(Call(mine, "undo_change", arguments={}), change.id)
    assert done.note == f"{change.id} was made by an unknown caller."
    await app.aclose()


async def test_deleted_tasks_whose_repeated_creation_is_left_or_unknown_are_not_made_once_more(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    deleted = [task(id=f"{TASK_ID[:-1]}{number}", title=f"Gone {number}") for number in range(2)]
    change = await app.journal.record(
        Call(app, "delete_task").new_opening(),
        Ending("applied"),
        [Intent("delete", Snapshot(one)) for one in deleted],
        [Result(index, "applied", one.id) for index, one in enumerate(deleted)],
    )
    claims = tuple(recreation_claim(change, one.id) for one in deleted)
    opening = Call(app, "undo_change").new_opening(undoes=change.id, claims=claims)
    first, _ = await app.journal.begin(opening, [Intent("create", edit=Edit(title=one.title or "")) for one in deleted])
    await app.journal.settle(first.id, [Result(0, "not_attempted"), Result(1, "unknown")], Ending("unknown"))
    again = await undo_change(Call(app, "undo_change", arguments={}), change.id)
    assert isinstance(again, BulkReceipt)
    found = {(one.title, one.outcome, one.code) for one in again.results}
    assert found == {("Gone 0", "refused", "in_progress"), ("Gone 1", "unknown", "outcome_unknown")}
    await app.aclose()


class UnreadableJournal(SqliteJournal):
    """A journal that nothing can be read from."""

    async def page(self, query: ChangeQuery) -> NoReturn:  # noqa: ARG002  always
        """Fail."""
        raise OperatorError("The journal could not be used.")


async def test_an_error_for_what_is_not_found_stands_as_it_is_if_the_journal_cannot_be_read(tmp_path: Path) -> None:
    journal = UnreadableJournal(AccountOwner(tmp_path / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered)
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal), lambda: NOW)
    error = NotFound("It is not here.")
    assert await with_latest_changes([app], error) is error
    assert await with_remade_id(app, error, TASK_ID) is error
    await app.aclose()


async def test_a_deleted_task_that_exists_again_is_not_made_once_more(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    there = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    change = await app.journal.record(
        Call(app, "delete_task").new_opening(),
        Ending("applied"),
        [Intent("delete", Snapshot(there))],
        [Result(0, "applied", there.id)],
    )
    with refused("changed_since") as caught:
        await undo_change(Call(app, "undo_change"), change.id)
    assert caught.value.message == f"Task {there.id} exists; its deletion was not undone."
    await app.aclose()


async def test_a_dry_run_of_an_undo_that_has_nothing_left_names_the_fields_that_are_as_before(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    made = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    high = Edit(priority=2)
    after = (await app.backend.update_task(made, high)).task
    await app.backend.update_task(after, Edit(priority=1))
    change = await app.journal.record(
        Call(app, "update_task").new_opening(),
        Ending("applied"),
        [Intent("update", Snapshot(made), high, high)],
        [Result(0, "applied", made.id, after)],
    )
    done = await undo_change(Call(app, "undo_change", arguments={}, options=Options(dry_run=True)), change.id)
    assert isinstance(done, Receipt)
    assert (done.already, done.changed) == (("priority",), ())
    assert (done.note or "").startswith("Nothing is left to undo: every changed value is already as before.")
    await app.aclose()

"""The claims that prevent a repeated write, and the equality of their payloads."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from behaviour.world import NOW
from builders import refused, task
from file_stores import journal_in, store_in
from taskhand.backends.base import Backend, BulkProgress, ItemResult
from taskhand.call.deadline import call_deadline
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotAttempted, UpstreamError
from taskhand.domain.outcome import Outcome
from taskhand.domain.plan import Plan
from taskhand.domain.principal import Person, Principal
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.domain.task_query import TaskQuery
from taskhand.journal.journal import Caller, Change, Claim, Ending, Intent, Opening, Result
from taskhand.service.app_context import AppContext, CallTime, WritePolicy
from taskhand.service.apply_plan import apply_plan
from taskhand.service.bulk_change import BulkChange
from taskhand.service.bulk_update import bulk_update
from taskhand.service.call_options import Options, RepeatableOptions
from taskhand.service.create_task import create_task
from taskhand.service.create_tasks import NewBody, create_tasks
from taskhand.service.delete_task import delete_task
from taskhand.service.find_by_property import TaskIds
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.idempotency import (
    check_same_payload,
    duplicate_claim,
    key_claim,
    payload_fingerprint,
    recreation_claim,
    wait_until_ended,
)
from taskhand.service.lazy import Lazy
from taskhand.service.undo_change import undo_change
from taskhand.service.write_call import Call

ANA, BEN = Caller("Claude", subject="ana@x.test"), Caller("Claude", subject="ben@x.test")


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppContext]:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    yield app
    await app.aclose()


def keyed_call(app: AppContext, key: str, caller: Caller = ANA) -> Call:
    return Call(app, "create_task", caller, options=RepeatableOptions(idempotency_key=key))


async def test_a_key_has_1_to_200_characters_is_its_callers_alone_and_is_in_no_claim(app: AppContext) -> None:
    assert key_claim(Call(app, "create_task", ANA), "payload") == ()
    assert key_claim(keyed_call(app, "k"), "payload")
    for key in ("", "k" * 201):
        with refused("invalid_key"):
            key_claim(keyed_call(app, key), "payload")
    one, again, other, bens, long = (
        key_claim(call, "payload")[0]
        for call in (
            *[keyed_call(app, "key-1")] * 2,
            keyed_call(app, "key-2"),
            keyed_call(app, "key-1", BEN),
            keyed_call(app, "k" * 200),
        )
    )
    assert one == again
    assert len({one.scope, other.scope, bens.scope, long.scope}) == 4
    assert (one.payload, one.since, "key-1" in one.scope) == ("payload", None, False)


async def test_an_equal_new_task_is_the_same_for_its_caller_and_for_a_while(app: AppContext) -> None:
    edit, other = Edit(title="Call", priority=1), Edit(title="Call", priority=2)
    [first] = duplicate_claim(Call(app, "create_task", ANA), edit)
    assert first.since == NOW - timedelta(minutes=2)
    assert duplicate_claim(Call(app, "create_tasks", ANA), edit) == (first,)
    scopes = {
        duplicate_claim(Call(app, "create_task", who), what)[0].scope for who in (ANA, BEN) for what in (edit, other)
    }
    assert len(scopes) == 4
    never = replace(app, policy=WritePolicy(same_within=timedelta(0)))
    assert duplicate_claim(Call(never, "create_task", ANA), edit) == ()


def test_each_task_of_a_deletion_is_made_again_once() -> None:
    deletions = [Intent("delete", Snapshot(task(id=name))) for name in ("t-1", "t-2")]
    several = Change("chg_1", Opening("delete_task", ANA, NOW), tuple(deletions))
    assert recreation_claim(several, "t-1") != recreation_claim(several, "t-2")
    assert recreation_claim(several, "t-1") != recreation_claim(replace(several, id="chg_2"), "t-1")
    only = replace(several, intents=several.intents[:1])
    assert recreation_claim(only, "t-1") == Claim("undo chg_1", "chg_1")


@pytest.mark.parametrize(
    ("tool", "body", "meant", "is_same"),
    [
        ("update_task", TaskPatch(title="Call"), {"title": "Call"}, True),
        ("update_task", TaskPatch(title=" Call "), {"title": "Call"}, True),
        ("update_task", TaskPatch(title="Call"), {"title": "Visit"}, False),
        ("update_task", TaskPatch(title="Call"), None, True),
        ("update_task", TaskPatch(title="Visit"), None, False),
        ("create_task", TaskPatch(title="Call"), {"title": "Call"}, False),
    ],
)
def test_a_repeated_request_means_the_same_or_was_sent_the_same_where_the_meaning_is_unknown(
    tool: str, body: TaskPatch, meant: object, *, is_same: bool
) -> None:
    first = payload_fingerprint("update_task", TaskPatch(title="Call"), {"title": "Call"})
    change = Change("chg_1", replace(Opening("update_task", ANA, NOW), claims=(Claim("key 1", first),)))
    if is_same:
        check_same_payload(change, payload_fingerprint(tool, body, meant))
    else:
        with refused("key_reused") as caught:
            check_same_payload(change, payload_fingerprint(tool, body, meant))
        assert caught.value.details == {"changeId": "chg_1"}


async def test_a_repeated_call_waits_for_the_first_one_some_seconds_and_no_longer_than_it_may(app: AppContext) -> None:
    pauses_s: list[float] = []
    first = Call(app, "create_task", ANA)
    await first.begin(first.new_opening(), [Intent("create", edit=Edit(title="Call"))])
    assert first.change is not None

    async def pause(seconds: float) -> None:
        pauses_s.append(seconds)
        if len(pauses_s) == 53:
            await first.settle([Result(0, "refused")], "refused")

    waiting = replace(app, call_time=CallTime(sleep=pause))
    with refused("in_progress") as caught:
        await wait_until_ended(waiting, first.change)
    assert (caught.value.retryable, caught.value.details) == (True, {"changeId": first.change.id})
    assert len(pauses_s) == 50
    assert sum(pauses_s) == pytest.approx(10)
    with call_deadline(0.2, lambda: 0.0), refused("in_progress"):
        await wait_until_ended(waiting, first.change)
    assert len(pauses_s) == 50
    ended = await wait_until_ended(waiting, first.change)
    assert (len(pauses_s), ended.outcome) == (53, "refused")


async def test_a_repeated_call_ends_the_first_one_if_its_process_dies_meanwhile(
    app: AppContext, tmp_path: Path
) -> None:
    dead = AppContext(app.backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    first = Call(dead, "create_task", ANA)
    await first.begin(first.new_opening(), [Intent("create", edit=Edit(title="Call", responsible_ids=(), priority=1))])
    assert first.change is not None
    await dead.journal.aclose()
    pauses_s: list[float] = []

    async def pause(seconds: float) -> None:
        pauses_s.append(seconds)

    ended = await wait_until_ended(replace(app, call_time=CallTime(sleep=pause)), first.change)
    assert (len(pauses_s), ended.outcome) == (1, "not_applied")


async def test_a_dry_run_makes_a_plan_even_if_its_key_was_used_by_a_call(app: AppContext) -> None:
    draft = TaskDraft(title="Call", responsible_ids=("me",), priority="1")
    high, low = TaskPatch(priority="2"), Edit(priority=1)

    def call(tool: str, *, is_dry: bool) -> Call:
        return Call(app, tool, ANA, options=RepeatableOptions(idempotency_key=tool, dry_run=is_dry))

    for is_dry in (False, True):
        many = await create_tasks(call("create_tasks", is_dry=is_dry), [NewBody(0, "Call", draft)])
        tasks = (await app.backend.list_tasks(TaskQuery())).tasks
        ids = TaskIds(tuple(one.id for one in tasks))
        for one in tasks:
            await app.backend.update_task(one, low)
        changed = await bulk_update(call("bulk_update_tasks", is_dry=is_dry), high, BulkChange(high), ids, None)
        assert (isinstance(many, Plan), isinstance(changed, Plan)) == (is_dry, is_dry)


async def test_a_repeated_call_is_carried_out_if_the_first_call_failed_without_a_write(
    app: AppContext,
) -> None:
    task = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    high, edit, ids = TaskPatch(priority="2"), Edit(priority=2), TaskIds((task.id,))
    first = keyed_call(app, "key-1")
    opening = first.new_opening(claims=key_claim(first, "payload"))
    await first.begin(opening, [Intent("update", Snapshot(task), edit, edit)])

    async def fail(_: float) -> None:
        await first.record_failure(CallerError("The CRM refused it."))

    again = keyed_call(replace(app, call_time=CallTime(sleep=fail)), "key-1")
    receipt = await bulk_update(again, high, BulkChange(high), ids, None)
    assert isinstance(receipt, BulkReceipt)
    assert (receipt.totals, receipt.replayed) == ({"applied": 1}, False)
    assert (await app.backend.get_task(task.id)).priority == 2


async def test_a_task_that_was_deleted_is_made_again_however_often(app: AppContext) -> None:
    draft, made = TaskDraft(title="Call", responsible_ids=("me",), priority="1"), set[str]()
    for _ in range(3):
        receipts = [await create_task(Call(app, "create_task", ANA), draft) for _ in range(2)]
        assert [isinstance(one, Receipt) and one.replayed for one in receipts] == [False, True]
        [task] = (await app.backend.list_tasks(TaskQuery())).tasks
        made.add(task.id)
        plan = await delete_task(Call(app, "delete_task", ANA), task.id)
        await apply_plan(Call(app, "apply_plan", ANA), plan.id)
    assert len(made) == 3


@pytest.mark.parametrize("outcomes", [("refused",), ("applied", "refused"), ("refused", "applied")])
async def test_a_repeated_create_returns_the_task_unless_it_was_deleted(
    app: AppContext, outcomes: tuple[Outcome, ...]
) -> None:
    draft = TaskDraft(title="Call", responsible_ids=("me",), priority="1")
    made = await create_task(Call(app, "create_task", ANA), draft)
    assert isinstance(made, Receipt)
    [left] = (await app.backend.list_tasks(TaskQuery())).tasks
    opening = Call(app, "delete_task", ANA).new_opening()
    tasks = [*[task(id="another")] * (len(outcomes) - 1), left]
    results = [Result(index, outcome, tasks[index].id) for index, outcome in enumerate(outcomes)]
    await app.journal.record(opening, Ending(outcomes[-1]), [Intent("delete", Snapshot(one)) for one in tasks], results)
    again = await create_task(Call(app, "create_task", ANA), draft)
    assert isinstance(again, Receipt)
    assert again.replayed is (outcomes[-1] == "refused")
    assert len((await app.backend.list_tasks(TaskQuery())).tasks) == 1 + (outcomes[-1] == "applied")


class UnreadableBackend:
    """A backend whose tasks cannot be read."""

    def __init__(self, backend: object) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """No task."""
        del ids, fresh
        raise UpstreamError("The CRM failed.", code="upstream_failed")


async def test_a_repeated_create_shows_the_task_of_the_first_call_if_it_is_unreadable(
    app: AppContext,
) -> None:
    draft = TaskDraft(title="Call", responsible_ids=("me",), priority="1")
    made = await create_task(Call(app, "create_task", ANA), draft)
    unreadable = replace(app, backend=UnreadableBackend(app.backend))  # type: ignore[arg-type]
    again = await create_task(Call(unreadable, "create_task", ANA), draft)
    assert isinstance(made, Receipt)
    assert isinstance(again, Receipt)
    assert (again.task, again.replayed) == (made.task, True)
    assert "could not be read now" in (again.note or "")
    many = await create_tasks(Call(unreadable, "create_tasks", ANA), [NewBody(0, "Call", draft)])
    assert isinstance(many, BulkReceipt)
    assert "could not be read now" in (many.results[0].message or "")


async def test_a_repeated_create_of_a_deleted_task_says_so_if_no_task_is_readable(app: AppContext) -> None:
    draft = TaskDraft(title="Call", responsible_ids=("me",), priority="1")
    made = await create_task(keyed_call(app, "k-1"), draft)
    assert isinstance(made, Receipt)
    assert made.task is not None
    plan = await delete_task(Call(app, "delete_task", ANA), made.task.id)
    gone = await apply_plan(Call(app, "apply_plan", ANA), plan.id)
    unreadable = replace(app, backend=UnreadableBackend(app.backend))  # type: ignore[arg-type]
    other = unreadable.of_principal(Principal(Person.parse("ben@x.test"), members={"member": "Elena"}))
    for seen_by, who in ((unreadable, gone.change_id), (other, "another person")):
        with refused("task_gone") as told:
            await create_task(keyed_call(seen_by, "k-1"), draft)
        assert f"and {who} deleted it" in told.value.message
        assert (str(gone.change_id) in str(told.value.next_step)) is (seen_by is unreadable)
    back = await undo_change(Call(app, "undo_change", ANA), gone.change_id or "")
    again = await create_task(keyed_call(unreadable, "k-1"), draft)
    assert isinstance(back, Receipt)
    assert isinstance(again, Receipt)
    assert again.task == back.task
    assert "made again under this id. The task could not be read now" in (again.note or "")


class LaggingListBackend:
    """A backend that finds a task only by itself and past its cache: its lists are behind."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Snapshot]:
        """The only task if it is read freshly; none of several."""
        return await self._backend.snapshots(ids) if fresh and len(ids) == 1 else {}


async def test_the_tasks_of_repeated_creates_are_read_one_by_one_if_the_lists_do_not_show_them(app: AppContext) -> None:
    drafts = [TaskDraft(title=title, responsible_ids=("me",), priority="1") for title in ("Call", "Write")]
    bodies = [NewBody(index, "", draft) for index, draft in enumerate(drafts)]
    made = await create_tasks(Call(app, "create_tasks", ANA), bodies)
    assert isinstance(made, BulkReceipt)
    lagging = replace(app, backend=LaggingListBackend(app.backend))  # type: ignore[arg-type]  # a part of one
    again = await create_tasks(Call(lagging, "create_tasks", ANA), bodies)
    assert isinstance(again, BulkReceipt)
    assert [(one.id, one.outcome) for one in again.results] == [(one.id, "unchanged") for one in made.results]
    assert again.change_id not in {None, made.change_id}, "a call that writes nothing is journaled too"
    alone = await create_task(Call(lagging, "create_task", ANA), drafts[0])
    assert isinstance(alone, Receipt)
    assert (alone.task is not None and alone.task.id, alone.replayed) == (made.results[0].id, True)


async def test_a_plan_does_not_recreate_a_task_that_was_made_and_deleted_since(app: AppContext) -> None:
    draft = TaskDraft(title="Call", responsible_ids=("me",), priority="1")
    plan = await create_task(Call(app, "create_task", ANA, options=Options(dry_run=True)), draft)
    made = await create_task(Call(app, "create_task", ANA), draft)
    assert isinstance(plan, Plan)
    assert isinstance(made, Receipt)
    assert made.task is not None
    await app.backend.delete_task(made.task)
    with refused("task_gone"):
        await apply_plan(Call(app, "apply_plan", ANA), plan.id)
    assert (await app.backend.list_tasks(TaskQuery())).tasks == ()


@pytest.mark.parametrize("outcome", ["not_attempted", "refused", "not_applied"])
@pytest.mark.parametrize("by_plan", [False, True])
@pytest.mark.parametrize("given", [{}, {"idempotency_key": "key-1"}], ids=["body", "key"])
async def test_a_task_is_created_if_the_open_change_with_its_claim_ends_without_creating_it(
    app: AppContext, outcome: Outcome, given: dict[str, Any], *, by_plan: bool
) -> None:
    draft = TaskDraft(title="Call Acme", responsible_ids=("me",), priority="1")
    planning = Call(app, "create_task", ANA, options=RepeatableOptions(dry_run=True, **given))
    plan = await create_task(planning, draft)
    assert isinstance(plan, Plan)
    change = await app.journal.find(plan.id)
    assert change is not None
    first = Call(app, "create_tasks", ANA)
    await first.begin(first.new_opening(claims=change.opening.claims), change.intents)

    async def end_first(_: float) -> None:
        await first.settle([Result(0, outcome)], outcome)

    app = replace(app, call_time=CallTime(sleep=end_first))
    call = Call(app, "create_task", ANA, options=RepeatableOptions(**given))
    receipt = await (apply_plan(call, plan.id) if by_plan else create_task(call, draft))
    assert isinstance(receipt, Receipt)
    assert not receipt.replayed
    assert [one.title for one in (await app.backend.list_tasks(TaskQuery())).tasks] == ["Call Acme"]


class Overtaken:
    """A store; while its tasks are read for the first time, another process makes a call."""

    def __init__(self, backend: Backend, other_call: Callable[[], Awaitable[object]]) -> None:
        self._backend = backend
        self._other_calls = [other_call]

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> Mapping[str, Snapshot]:
        """The tasks as they were before the other call."""
        found = await self._backend.snapshots(ids, fresh=fresh)
        if self._other_calls:
            await self._other_calls.pop()()
        return found


@pytest.mark.parametrize(
    ("priority", "fails", "result"), [("2", False, "replayed"), ("1", False, "key_reused"), ("1", True, "applied")]
)
async def test_a_bulk_change_that_another_process_overtakes_with_the_same_key_is_sent_once(
    app: AppContext, tmp_path: Path, priority: str, result: str, *, fails: bool
) -> None:
    task = (await app.backend.create_task(Edit(title="Call", responsible_ids=(), priority=0))).task
    other, ids = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW), TaskIds((task.id,))

    async def change(app: AppContext, priority: str) -> BulkReceipt:
        body = TaskPatch(priority=priority)
        receipt = await bulk_update(keyed_call(app, "key-1"), body, BulkChange(body), ids, None)
        assert isinstance(receipt, BulkReceipt)
        return receipt

    first = keyed_call(other, "key-1")

    async def overtake() -> None:
        if not fails:
            await change(other, "2")
            return
        edit = Edit(priority=2)
        await first.begin(
            first.new_opening(claims=key_claim(first, "payload")), [Intent("update", Snapshot(task), edit, edit)]
        )

    async def fail(_: float) -> None:
        await first.record_failure(CallerError("The CRM refused it."))

    late = replace(
        app,
        backend=Overtaken(app.backend, overtake),  # type: ignore[arg-type]  # a part of one
        call_time=CallTime(sleep=fail),
    )
    if result == "key_reused":
        with refused(result):
            await change(late, priority)
    else:
        assert (await change(late, priority)).replayed is (result == "replayed")
    assert (await app.backend.get_task(task.id)).priority == (1 if fails else 2)
    await other.aclose()


class StoppedBackend(ForwardingBackend):
    """A backend that has time to make one task."""

    async def create_tasks(self, edits: Sequence[Edit], progress: BulkProgress | None = None) -> tuple[ItemResult, ...]:
        """The first is made."""
        made = await super().create_tasks(edits[:1], progress)
        return made + tuple(ItemResult("", error=NotAttempted("Not sent.")) for _ in edits[1:])


async def test_a_task_that_is_left_in_a_create_of_several_is_made_by_its_plan_alone(app: AppContext) -> None:
    drafts = [TaskDraft(title=title, responsible_ids=("me",), priority="1") for title in ("Call", "Write")]
    stopped = replace(app, backend=StoppedBackend(app.backend))
    bodies = [NewBody(index, "", draft) for index, draft in enumerate(drafts)]
    left = await create_tasks(Call(stopped, "create_tasks", ANA), bodies)
    assert isinstance(left, BulkReceipt)
    with refused("in_progress") as caught:
        await create_task(Call(app, "create_task", ANA), drafts[1])
    assert caught.value.next_step == f"Call apply_plan with planId {left.plan_id}: it makes the task."
    done = await apply_plan(Call(app, "apply_plan", ANA), left.plan_id or "")
    assert isinstance(done, BulkReceipt)
    assert [one.outcome for one in done.results] == ["applied", "applied"]
    again = await create_task(Call(app, "create_task", ANA), drafts[1])
    assert isinstance(again, Receipt)
    assert again.replayed

"""How long and how often a plan, or the rest of a change, may be carried out, and the answers."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from behaviour.world import NOW
from builders import refused, task
from file_stores import journal_in, store_in
from fixed_clock import FixedClock
from journals import numbered
from service.caching_backend import CachingBackend
from taskhand.backends.base import Backend
from taskhand.call.deadline import call_deadline
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.outcome import Outcome
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.domain.task_query import TaskQuery
from taskhand.journal.journal import ChangeQuery, Claim, Ending, Intent, Result
from taskhand.journal.journal_owner import AccountOwner
from taskhand.journal.sqlite import SqliteJournal
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.apply_plan import apply_plan, decline_plan, review_plan
from taskhand.service.ask_person import act_on_answer
from taskhand.service.bulk_change import BulkChange
from taskhand.service.bulk_update import bulk_update
from taskhand.service.call_options import Options
from taskhand.service.create_task import create_task
from taskhand.service.create_tasks import NewBody, create_tasks
from taskhand.service.find_by_property import TaskIds
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.make_plan import make_plan
from taskhand.service.update_task import update_task
from taskhand.service.write_call import Call

DRY = Options(dry_run=True)
HIGH = Edit(priority=2)
HIGH_PATCH = TaskPatch(priority="2")


async def create(app: AppContext, title: str) -> Snapshot:
    made = (await app.backend.create_task(Edit(title=title, responsible_ids=(), priority=1))).task
    return (await app.backend.snapshots([made.id]))[made.id]


async def priority_of(app: AppContext, one: Snapshot) -> int | None:
    return (await app.backend.get_task(one.task.id)).priority


async def test_a_plan_is_carried_out_until_ten_minutes_after_it_was_made(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), clock)
    one = await create(app, "Call Acme")
    plan = await update_task(Call(app, "update_task", options=DRY), one.task.id, TaskPatch(priority="2"))
    assert isinstance(plan, Plan)
    assert plan.expires_at == NOW + timedelta(minutes=10)
    clock.move(minutes=10, seconds=1)
    with refused("plan_expired"):
        await apply_plan(Call(app, "apply_plan"), plan.id)
    with refused("plan_expired"):
        await review_plan(Call(app, "apply_plan"), plan.id)
    assert await priority_of(app, one) == 1
    clock.move(seconds=-1)
    assert isinstance(await apply_plan(Call(app, "apply_plan"), plan.id), Receipt)
    assert await priority_of(app, one) == 2
    await app.aclose()


async def test_the_rest_of_a_change_is_carried_out_until_ten_minutes_after_it_was_stopped(tmp_path: Path) -> None:
    clock = FixedClock(NOW - timedelta(minutes=30))  # it began long before the journal's clock, which stands at NOW
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), clock)
    left, done = await create(app, "Call Acme"), await create(app, "Call Umbrella")
    change = await app.journal.record(
        Call(app, "bulk_update_tasks").new_opening(),
        Ending("applied"),
        [Intent("update", one, HIGH, HIGH) for one in (left, done)],
        [Result(0, "not_attempted", left.task.id), Result(1, "applied", done.task.id, done.task)],
    )
    clock.move(minutes=40, seconds=1)
    review = await review_plan(Call(app, "apply_plan", options=DRY), change.id)
    assert (review.expires_at, len(review.differences)) == (NOW + timedelta(minutes=10), 1)
    with refused("plan_expired"):
        await apply_plan(Call(app, "apply_plan"), change.id)
    assert await priority_of(app, left) == 1
    clock.move(seconds=-1)
    assert isinstance(await apply_plan(Call(app, "apply_plan"), change.id), BulkReceipt)
    assert await priority_of(app, left) == 2
    await app.aclose()


@pytest.mark.parametrize(("undone", "is_used"), [(("applied", "refused"), True), (("refused", "refused"), False)])
async def test_the_rest_of_a_change_is_not_carried_out_once_an_undo_has_restored_any_of_its_tasks(
    tmp_path: Path, undone: tuple[Outcome, ...], *, is_used: bool
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    left, *done = [await create(app, title) for title in ("Call Acme", "Call Umbrella", "Call Initech")]
    change = await app.journal.record(
        Call(app, "bulk_update_tasks").new_opening(),
        Ending("applied"),
        [Intent("update", one, HIGH, HIGH) for one in (left, *done)],
        [
            Result(0, "not_attempted", left.task.id),
            *(Result(index, "applied", one.task.id, one.task) for index, one in enumerate(done, 1)),
        ],
    )
    await app.journal.record(
        Call(app, "undo_change").new_opening(undoes=change.id),
        Ending("applied"),
        [Intent("update", one, HIGH, HIGH) for one in done],
        [Result(index, undone[index], one.task.id, one.task) for index, one in enumerate(done)],
    )
    if is_used:
        with refused("plan_used"):
            await apply_plan(Call(app, "apply_plan"), change.id)
    else:
        await apply_plan(Call(app, "apply_plan"), change.id)
    assert await priority_of(app, left) == (1 if is_used else 2)
    await app.aclose()


async def test_a_plan_that_two_calls_apply_at_once_is_carried_out_by_one_and_used_for_the_other(
    tmp_path: Path,
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    one = await create(app, "Call Acme")
    plan = await update_task(Call(app, "update_task", options=DRY), one.task.id, TaskPatch(priority="2"))
    assert isinstance(plan, Plan)
    answers: list[object] = []

    async def apply() -> None:
        try:
            answers.append(await apply_plan(Call(app, "apply_plan"), plan.id))
        except CallerError as error:
            answers.append(error.code)

    async with anyio.create_task_group() as calls, app.lock(one.task.id):
        calls.start_soon(apply)
        calls.start_soon(apply)
        await anyio.wait_all_tasks_blocked()
        assert answers == []  # another call is still writing the task
    assert isinstance(answers[0], Receipt)
    assert answers[1] == "plan_used"
    await app.aclose()


@pytest.mark.parametrize("end", ["declined", "refused"])
async def test_a_plan_that_another_process_takes_meanwhile_is_used_unless_that_one_wrote_nothing(
    tmp_path: Path, end: str
) -> None:
    other = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    taking = Call(other, "apply_plan")

    async def sleep(_: float) -> None:
        await taking.record_failure(CallerError("The CRM refused it."))

    app = AppContext(
        store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, call_time=CallTime(sleep=sleep)
    )
    one = await create(app, "Call Acme")
    plan = await update_task(Call(app, "update_task", options=DRY), one.task.id, TaskPatch(priority="2"))
    assert isinstance(plan, Plan)
    answers: list[object] = []

    async def apply() -> None:
        try:
            answers.append(await apply_plan(Call(app, "apply_plan"), plan.id))
        except CallerError as error:
            answers.append((error.code, error.message, error.details))

    async with anyio.create_task_group() as calls, app.lock(one.task.id):
        calls.start_soon(apply)
        await anyio.wait_all_tasks_blocked()
        if end == "declined":
            await decline_plan(taking, plan.id)
        else:
            opening = taking.new_opening(plan_id=plan.id, claims=(Claim(f"plan {plan.id}", plan.id),))
            await taking.begin(opening, [Intent("update", one, HIGH, HIGH)])
    if end == "declined":
        assert taking.change is not None
        assert answers == [("plan_used", "The plan was declined.", {"changeId": taking.change.id})]
    else:
        assert isinstance(answers[0], Receipt)
    assert await priority_of(app, one) == (1 if end == "declined" else 2)
    await app.aclose()
    await other.aclose()


async def test_the_id_of_a_change_of_one_task_is_no_plan(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    one = await create(app, "Call Acme")
    receipt = await update_task(Call(app, "update_task"), one.task.id, TaskPatch(priority="2"))
    assert isinstance(receipt, Receipt)
    assert receipt.change_id is not None
    with refused("plan_not_found", NotFound):
        await apply_plan(Call(app, "apply_plan"), receipt.change_id)
    await app.aclose()


@pytest.mark.parametrize(
    ("tool", "outcome", "how", "step"),
    [
        ("update_task", "unknown", "sent already, and its outcome is unknown", "Make another plan"),
        ("create_task", "unknown", "sent already, and its outcome is unknown", "Search for the titles"),
        ("create_task", "applied", "carried out already", "Make another plan"),
    ],
)
async def test_a_plan_of_one_task_is_used_once_it_was_sent(
    tmp_path: Path, tool: str, outcome: Outcome, how: str, step: str
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    one, call = await create(app, "Call Acme"), Call(app, tool, options=DRY)
    draft = TaskDraft(title="Call Umbrella", responsible_ids=(), priority="1")
    plan = await (
        create_task(call, draft) if tool == "create_task" else update_task(call, one.task.id, TaskPatch(priority="2"))
    )
    assert isinstance(plan, Plan)
    change, taking = await app.journal.find(plan.id), Call(app, "apply_plan")
    assert change is not None
    await taking.begin(taking.new_opening(plan_id=plan.id, claims=(Claim(f"plan {plan.id}", plan.id),)), change.intents)
    await taking.settle([Result(0, outcome, one.task.id)], outcome)
    with refused("plan_used") as caught:
        await apply_plan(Call(app, "apply_plan"), plan.id)
    assert (how in caught.value.message, str(caught.value.next_step).startswith(step)) == (True, True)
    assert [task.priority for task in (await app.backend.list_tasks(TaskQuery())).tasks] == [1]
    await app.aclose()


@pytest.mark.parametrize("tool", ["update_task", "bulk_update_tasks"])
async def test_an_applied_plan_keeps_the_matched_names_and_records_its_own_reason(tmp_path: Path, tool: str) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    tasks = [await create(app, title) for title in ("Call Acme", "Call Umbrella")]
    status = (await app.backend.statuses()).statuses[-1]
    patch, options = TaskPatch(new_status_name=status.name.upper()), Options(dry_run=True, reason="as agreed")
    if tool == "update_task":
        plan: object = await update_task(Call(app, tool, options=options), tasks[0].task.id, patch)
    else:
        ids = TaskIds(tuple(one.task.id for one in tasks))
        plan = await bulk_update(Call(app, tool, options=options), patch, BulkChange(patch), ids, None)
    assert isinstance(plan, Plan)
    assert [one.name for one in plan.matched] == [status.name]
    receipt = await apply_plan(Call(app, "apply_plan", options=Options(reason="at last")), plan.id)
    assert receipt.matched == plan.matched
    found = await app.journal.find(receipt.change_id or "")
    assert found is not None
    assert (found.opening.reason, found.opening.plan_id, found.opening.matched) == ("at last", plan.id, plan.matched)
    await app.aclose()


async def test_a_dry_run_of_a_plan_reports_a_task_that_has_changed_since_and_uses_nothing_up(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    one = await create(app, "Call Acme")
    plan = await update_task(Call(app, "update_task", options=DRY), one.task.id, HIGH_PATCH)
    assert isinstance(plan, Plan)
    for _ in range(2):
        assert (await review_plan(Call(app, "apply_plan", options=DRY), plan.id)).id == plan.id
    await app.backend.update_task(one.task, Edit(title="Call Umbrella"))
    with refused("plan_stale"):
        await review_plan(Call(app, "apply_plan", options=DRY), plan.id)
    await update_task(Call(app, "update_task"), one.task.id, TaskPatch(title="Call Initech"))
    await app.backend.update_task(await app.backend.get_task(one.task.id), Edit(title="Call Globex"))
    with refused("plan_stale") as caught:
        await review_plan(Call(app, "apply_plan", options=DRY), plan.id)
    assert caught.value.message.endswith("was changed in title by somebody else.")
    await app.backend.delete_task(await app.backend.get_task(one.task.id))
    with refused("plan_stale") as caught:
        await review_plan(Call(app, "apply_plan", options=DRY), plan.id)
    assert caught.value.message.endswith("was deleted by somebody else.")
    await app.aclose()


async def test_of_many_tasks_that_changed_since_twenty_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    tasks = [(await create(app, f"Call {number}")).task for number in range(21)]
    ids = TaskIds(tuple(one.id for one in tasks))
    plan = await bulk_update(Call(app, "bulk_update_tasks", options=DRY), HIGH_PATCH, BulkChange(HIGH_PATCH), ids, None)
    assert isinstance(plan, Plan)
    for one in tasks:
        await app.backend.update_task(one, Edit(title="Visit"))
    with refused("plan_stale") as caught:
        await apply_plan(Call(app, "apply_plan"), plan.id)
    assert caught.value.message == (
        "21 of 21 tasks changed since the plan was made; nothing was written. Meanwhile: "
        f"{'; '.join(f'{task_id} was changed in title by somebody else' for task_id in ids.ids[:3])}; and 18 more."
    )
    assert (len(caught.value.details["difference"]), caught.value.details["moved"]) == (20, 21)  # type: ignore[arg-type]
    await app.aclose()


async def test_a_plan_of_two_new_tasks_of_which_one_was_made_since_makes_neither(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    drafts = [TaskDraft(title=title, responsible_ids=("me",), priority="1") for title in ("Call Acme", "Call Umbrella")]
    bodies = [NewBody(index, one.title, one) for index, one in enumerate(drafts)]
    plan = await create_tasks(Call(app, "create_tasks", options=DRY), bodies)
    assert isinstance(plan, Plan)
    await create_task(Call(app, "create_task"), drafts[0])
    with refused("plan_stale"):
        await apply_plan(Call(app, "apply_plan"), plan.id)
    assert len((await app.backend.list_tasks(TaskQuery())).tasks) == 1
    await app.aclose()


async def test_a_change_with_a_masked_text_in_the_journal_cannot_be_resumed(
    tmp_path: Path,
) -> None:
    key = "pat-na1-configured-4711"
    journal = SqliteJournal(
        AccountOwner(tmp_path / "journal.sqlite", "test"), clock=lambda: NOW, new_id=numbered, secrets=[key]
    )
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal), lambda: NOW)
    left, done = await create(app, "Call Acme"), await create(app, "Call Umbrella")
    secret = Edit(title=f"Call with {key}")
    change = await app.journal.record(
        Call(app, "bulk_update_tasks").new_opening(),
        Ending("applied"),
        [Intent("update", one, secret, secret) for one in (left, done)],
        [Result(0, "not_attempted", left.task.id), Result(1, "applied", done.task.id, done.task)],
    )
    with refused("key_not_kept"):
        await apply_plan(Call(app, "apply_plan"), change.id)
    assert (await app.backend.get_task(left.task.id)).title == "Call Acme"
    await app.aclose()


async def test_an_unfinished_change_cannot_be_resumed_after_its_call_was_repeated(
    tmp_path: Path,
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    tasks = [await create(app, title) for title in ("Call Acme", "Call Umbrella")]
    intents, changes = [Intent("update", one, HIGH, HIGH) for one in tasks], []
    for outcome in ("not_attempted", "applied"):
        call = Call(app, "bulk_update_tasks")
        await call.begin(call.new_opening(claims=(Claim("key 1", "payload"),)), intents)
        await call.settle([Result(at, outcome, one.task.id) for at, one in enumerate(tasks)], outcome)
        assert call.change is not None
        changes.append(call.change.id)
    with refused("plan_used") as caught:
        await apply_plan(Call(app, "apply_plan"), changes[0])
    assert caught.value.details == {"changeId": changes[1]}
    assert [await priority_of(app, one) for one in tasks] == [1, 1]
    await app.aclose()


async def test_the_rest_of_a_change_is_compared_with_the_current_tasks(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(CachingBackend(store), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)  # type: ignore[arg-type]
    tasks = [await create(app, title) for title in ("Call Acme", "Call Umbrella", "Call Globex", "Call Initech")]
    left, done, sent, moved = (one.task for one in tasks)
    change = await app.journal.record(
        Call(app, "bulk_update_tasks").new_opening(),
        Ending("applied"),
        [Intent("update", one, HIGH, HIGH) for one in tasks],
        [
            Result(0, "not_attempted", left.id),
            Result(1, "applied", done.id, done),
            *(Result(index, "unknown", one.id) for index, one in ((2, sent), (3, moved))),
        ],
    )
    await store.update_task(left, Edit(title="Visit Acme"))
    await store.update_task(sent, HIGH)
    await store.update_task(moved, Edit(priority=0))
    receipt = await apply_plan(Call(app, "apply_plan"), change.id)
    assert isinstance(receipt, BulkReceipt)
    assert [(one.outcome, one.code) for one in receipt.results] == [
        ("refused", "plan_stale"),
        ("applied", None),
        ("applied", None),
        ("unknown", None),
    ]
    assert (await store.get_task(left.id)).priority == 1
    await app.aclose()


class NotingBackend(ForwardingBackend):
    """Finds no task, and notes how many it was asked for at a time, and whether past its caches."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.reads: list[tuple[int, bool]] = []

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """No tasks."""
        self.reads.append((len(ids), fresh))
        return {}


async def test_the_caches_are_bypassed_for_the_first_hundred_tasks_of_a_resumed_change_alone(tmp_path: Path) -> None:
    backend = NotingBackend(store_in(tmp_path))
    app = AppContext(backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    tasks = [task(id=f"00000000-0000-4000-8000-{number:012}") for number in range(101)]
    change = await app.journal.record(
        Call(app, "bulk_update_tasks").new_opening(),
        Ending("not_attempted"),
        [Intent("update", Snapshot(one), HIGH, HIGH) for one in tasks],
        [Result(index, "not_attempted", one.id) for index, one in enumerate(tasks)],
    )
    with call_deadline(20.0, lambda: 0.0):
        receipt = await apply_plan(Call(app, "apply_plan"), change.id)
    assert isinstance(receipt, BulkReceipt)
    assert receipt.totals == {"refused": 101}
    assert backend.reads == [(100, True), (1, False)]
    await app.aclose()


async def test_a_yes_to_a_plan_whose_task_has_changed_is_journaled_as_a_refused_call(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    one = await create(app, "Call Acme")
    call = Call(app, "update_task")
    plan = await make_plan(call, [Intent("update", one, HIGH, HIGH)])
    await app.backend.update_task(one.task, Edit(title="Visit Acme"))
    with refused("plan_stale") as caught:
        await act_on_answer(call, plan.id, "yes")
    await call.record_failure(caught.value)
    changes = (await app.journal.page(ChangeQuery(with_plans=False))).changes
    assert [(change.outcome, change.ending and change.ending.code) for change in changes] == [("refused", "plan_stale")]
    await app.aclose()


async def test_changes_by_others_are_no_part_of_the_rest_of_an_undo(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    left, done = await create(app, "Call Acme"), await create(app, "Call Umbrella")
    change = await app.journal.record(
        Call(app, "undo_change").new_opening(undoes="chg_0"),
        Ending("applied"),
        [Intent("update", one, HIGH, HIGH) for one in (left, done)],
        [Result(0, "not_attempted", left.task.id), Result(1, "applied", done.task.id, done.task)],
    )
    await app.backend.update_task(left.task, Edit(title="Visit Acme"))
    receipt = await apply_plan(Call(app, "apply_plan"), change.id)
    assert isinstance(receipt, BulkReceipt)
    assert [(one.outcome, one.title) for one in receipt.results] == [
        ("applied", "Visit Acme"),
        ("applied", "Call Umbrella"),
    ]
    assert [one.field for one in receipt.results[0].changed] == ["priority"]
    await app.aclose()


@pytest.mark.parametrize("outcome", ["planned", "not_attempted"])
@pytest.mark.parametrize("verb", ["create", "update"])
async def test_a_plan_or_the_rest_of_a_change_waits_for_a_call_with_its_claim_or_on_its_task(
    tmp_path: Path, verb: str, outcome: Outcome
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    tasks = [await create(app, title) for title in ("Call Acme", "Call Umbrella")]
    new = [Edit(title=title, responsible_ids=(), priority=1) for title in ("Pay", "Visit")]
    updates = [Intent("update", one, HIGH, HIGH) for one in tasks]
    intents = updates if verb == "update" else [Intent("create", edit=one, asked=one) for one in new]
    opening = Call(app, "bulk_update_tasks").new_opening(claims=(Claim("key 1", "payload"),))
    left = [Result(at, outcome, one.task_id or "") for at, one in enumerate(intents) if outcome != "planned"]
    change = await app.journal.record(opening, Ending(outcome), intents, left)
    done: list[object] = []

    async def go_on() -> None:
        done.append(await apply_plan(Call(app, "apply_plan"), change.id))

    async with anyio.create_task_group() as group, app.lock("key 1" if verb == "create" else tasks[1].task.id):
        group.start_soon(go_on)
        for _ in range(5):
            await anyio.wait_all_tasks_blocked()
        assert done == []
    assert [type(one) for one in done] == [BulkReceipt]
    await app.aclose()

"""Writes to the store: several tasks at once, conflicts with changes since the read, and deletion."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from backends.local.conftest import Opener
from backends.local.open_store import create, open_store, update
from builders import refused
from fixed_clock import FixedClock
from taskhand.backends.base import BulkProgress
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.task_import import Line
from taskhand.backends.local.tasks import USUAL_ID_PATTERN, short_id
from taskhand.call.author import Author, writing_as
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotAttempted
from taskhand.domain.receipt import inverse_edit, preview
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.task_query import TaskQuery

UNFINISHED = {"completed_at": None, "completed_by": None}
NOWHERE = "00000000-0000-4000-8000-00000000ffff"


async def create_full_tasks(backend: LocalBackend, count: int = 1) -> list[Task]:
    """New tasks in which every field has a value."""
    me = str(await backend.account.me())
    edit = Edit(
        title="Call",
        description="Renewal",
        due=Due.instant(datetime(2026, 3, 5, 12, tzinfo=UTC), "America/Santiago"),
        responsible_ids=(me,),
        ai_contact_id="contact",
        ai_customer_id="customer",
        priority=2,
    )
    return [await create(backend, edit) for _ in range(count)]


async def test_a_task_damaged_by_another_program_is_named_and_not_listed(store_file: Path) -> None:
    async with open_store(store_file) as backend:
        [spoilt, task] = await create_full_tasks(backend, 2)
        with closing(sqlite3.connect(store_file)) as connection, connection:
            connection.execute("UPDATE task SET due_at = 'soon' WHERE id = ?", (spoilt.id,))
        page = await backend.list_tasks(TaskQuery())
        assert ([one.id for one in page.tasks], page.unreadable) == ([task.id], (spoilt.id,))
        with closing(sqlite3.connect(store_file)) as connection, connection:
            connection.execute("UPDATE task SET due_key = '2026-02-20' WHERE id = ?", (spoilt.id,))
        late = await backend.list_tasks(TaskQuery(overdue=True))
        assert (late.tasks, late.unreadable) == ((), (spoilt.id,))


async def test_a_lost_create_is_found_among_many_newer_tasks_and_many_older_ones_of_its_title(opens: Opener) -> None:
    clock, lost = FixedClock(), Edit(title="Call", priority=1)
    async with opens(clock) as backend:
        await backend.create_tasks([replace(lost, due=Due(date(2026, 3, 2)))] * 101)
        clock.move(minutes=3)
        made = await create(backend, lost)
        await backend.create_tasks([Edit(title=f"Mail {number}", priority=1) for number in range(101)])
        await create(backend, replace(lost, priority=2))
        [found] = await backend.find_created([lost], clock())
        assert ([task.id for task in found.tasks], found.sent_at) == ([made.id], clock())
        clock.move(minutes=3)
        [later] = await backend.find_created([lost], clock())
        assert later.tasks == []


async def test_a_task_is_found_by_its_present_words_and_not_by_former_ones(backend: LocalBackend) -> None:
    task = await create(backend, Edit(title="Call Acme", description="about prices", priority=1))
    for edit, words, former in (
        (Edit(description="about delivery"), "acme delivery", "prices"),
        (Edit(title="Mail Globex"), "globex delivery", "acme"),
        (Edit(priority=2), "globex delivery", "acme"),
        (Edit(description=None), "globex", "delivery"),
    ):
        task = await update(backend, task, edit)
        assert (await backend.list_tasks(TaskQuery(text=words))).tasks == (task,)
        assert (await backend.list_tasks(TaskQuery(text=former))).tasks == ()


async def test_an_import_into_a_store_with_tasks_leaves_its_user_the_same(backend: LocalBackend) -> None:
    await create_full_tasks(backend)
    me, before = await backend.account.me(), await backend.account.members()
    other = {"id": "m-1", "name": "Rosa Paz", "email": "rosa@example.com", "active": True, "me": True}
    await backend.import_lines([Line(1, "member", other)])
    assert await backend.account.me() == me
    count = "SELECT count(*) AS number FROM member WHERE is_me = 1"
    assert await backend._store.read(lambda rows: rows.execute(count).fetchone()["number"]) == 1  # noqa: SLF001
    assert {one.id for one in await backend.account.members()} == {"m-1", *(one.id for one in before)}


async def test_a_task_is_created_and_finished_by_the_member_for_whom_the_call_writes(backend: LocalBackend) -> None:
    ana = await backend.edit(lambda directory: directory.add_member("Ana"))
    done = (await statuses(backend))["Completado"]
    for member in (ana, None):

        async def find(member: str | None = member) -> str | None:
            return member

        with writing_as(Author("ana@example.com", find)):
            task = await update(backend, await create(backend, Edit(title="Call", priority=1)), Edit(status=done))
        found = (await backend.snapshots([task.id]))[task.id]
        assert (task.creator_id, found.native["completed_by"]) == (member, member)


async def test_a_create_is_matched_only_with_tasks_that_have_all_its_fields(backend: LocalBackend) -> None:
    [task] = await create_full_tasks(backend)
    same, other = Edit(title="Call", priority=2), Edit(title="Call", priority=1)
    sent_at = datetime.fromisoformat(str(task.created_at)) + timedelta(microseconds=999)  # the store has milliseconds
    found = await backend.find_created([same, other], sent_at)
    assert [[candidate.id for candidate in one.tasks] for one in found] == [[task.id], []]


async def statuses(backend: LocalBackend) -> dict[str, StatusChoice]:
    """The choices by name."""
    return {status.name: StatusChoice.of(status) for status in (await backend.statuses()).statuses}


async def test_snapshots_have_the_requested_ids_without_missing_tasks(backend: LocalBackend) -> None:
    first, second = await create_full_tasks(backend, 2)
    asked = [second.id.upper(), NOWHERE, first.id]
    assert await backend.snapshots(asked) == {
        second.id.upper(): Snapshot(second, UNFINISHED),
        first.id: Snapshot(first, UNFINISHED),
    }
    assert await backend.snapshots([], fresh=True) == {}


async def test_snapshots_of_a_thousand_tasks_take_one_query(backend: LocalBackend) -> None:
    (task,) = await create_full_tasks(backend)
    assert set(await backend.snapshots([task.id, *(f"no-{n}" for n in range(1_000))])) == {task.id}


async def test_a_deleted_task_is_gone_with_its_people(backend: LocalBackend) -> None:
    gone, stays = await create_full_tasks(backend, 2)
    await backend.delete_task(gone)
    with refused("task_not_found"):
        await backend.get_task(gone.id)
    assert (await backend.list_tasks(TaskQuery(responsible_ids=gone.responsible_ids))).tasks == (stays,)


async def test_a_task_that_is_gone_cannot_be_deleted_again(backend: LocalBackend) -> None:
    (task,) = await create_full_tasks(backend)
    await backend.delete_task(task)
    with refused("task_not_found"):
        await backend.delete_task(task)


async def test_a_task_that_changed_in_any_field_since_it_was_read_is_not_deleted(backend: LocalBackend) -> None:
    task, same = await create_full_tasks(backend, 2)
    changed = await update(backend, task, Edit(priority=0))
    with refused("conflict"):
        await backend.delete_task(task)
    results = await backend.delete_tasks([task, same])
    assert [result.error and result.error.code for result in results] == ["conflict", None]
    assert (await backend.list_tasks(TaskQuery(limit=9))).tasks == (changed,)


async def test_a_page_that_is_just_full_has_no_next_page(backend: LocalBackend) -> None:
    await create_full_tasks(backend, 2)
    assert [(await backend.list_tasks(TaskQuery(limit=limit))).more for limit in (1, 2, 3)] == [True, False, False]


async def test_a_deleted_task_can_be_made_again_with_its_status(backend: LocalBackend) -> None:
    known = await statuses(backend)
    (task,) = await create_full_tasks(backend)
    task = await update(backend, task, Edit(status=known["Completado"]))
    await backend.delete_task(task)
    edit = inverse_edit(task, preview(None, Edit()))
    again = await create(backend, replace(edit, native={}))
    assert again == task.model_copy(update={"id": again.id})


async def test_an_undo_with_native_values_writes_the_contract_s(backend: LocalBackend) -> None:
    (task,) = await create_full_tasks(backend)
    changed = await update(backend, task, Edit(title="Other", due=None, responsible_ids=()))
    back = replace(inverse_edit(task, changed), native={})
    assert await update(backend, changed, back) == task


async def test_reports_a_conflict_for_a_task_changed_since_and_writes_the_others(backend: LocalBackend) -> None:
    moved, same = await create_full_tasks(backend, 2)
    now = await update(backend, moved, Edit(title="By somebody else"))
    first, second = await backend.update_tasks([(task, Edit(title="Mine")) for task in (moved, same)])
    assert isinstance(first.error, CallerError)
    assert (first.error.code, first.error.retryable) == ("conflict", True)
    assert await backend.get_task(moved.id) == now
    assert second.written
    assert second.written.task == same.model_copy(update={"title": "Mine"})


async def test_of_several_new_tasks_one_whose_status_is_gone_is_refused_and_the_others_are_made(
    backend: LocalBackend,
) -> None:
    gone = StatusChoice(name="Gone", id="gone")
    first, second = await backend.create_tasks(
        [Edit(title="One", priority=1, status=gone), Edit(title="Two", priority=1)]
    )
    assert first.error is not None
    assert (first.task_id, first.error.code) == ("", "unknown_status")
    assert second.written is not None
    assert (await backend.list_tasks(TaskQuery(limit=9))).tasks == (second.written.task,)


async def test_a_change_of_another_field_meanwhile_is_no_conflict(backend: LocalBackend) -> None:
    (task,) = await create_full_tasks(backend)
    await update(backend, task, Edit(priority=0))
    (outcome,) = await backend.update_tasks([(task, Edit(title="Mine"))])
    assert outcome.written
    assert (outcome.written.task.title, outcome.written.task.priority) == ("Mine", 0)


async def test_a_task_that_is_gone_has_an_outcome_of_its_own(backend: LocalBackend) -> None:
    gone, stays = await create_full_tasks(backend, 2)
    await backend.delete_task(gone)
    outcomes = await backend.update_tasks([(task, Edit(title="Mine")) for task in (gone, stays)])
    assert [outcome.error and outcome.error.code for outcome in outcomes] == ["task_not_found", None]


async def test_a_status_that_was_removed_since_is_refused_by_name(backend: LocalBackend) -> None:
    gone = (await statuses(backend))["Completado"]
    first, second = await create_full_tasks(backend, 2)
    await backend.edit(lambda directory: directory.remove_status("Completado"))
    with refused("unknown_status") as error:
        await update(backend, first, Edit(status=gone))
    assert "Completado" in error.value.message
    with refused("unknown_status"):
        await create(backend, Edit(title="One", priority=1, status=gone))
    edits = [(first, Edit(status=gone)), (second, Edit(title="Mine"))]
    outcomes = await backend.update_tasks(edits)
    assert [outcome.error and outcome.error.code for outcome in outcomes] == ["unknown_status", None]


async def test_reports_every_result_to_the_watcher(backend: LocalBackend) -> None:
    gone, stays = await create_full_tasks(backend, 2)
    await backend.delete_task(gone)
    watch = BulkProgress()
    outcomes = await backend.update_tasks([(task, Edit(title="Mine")) for task in (gone, stays)], watch)
    assert watch.results == dict(enumerate(outcomes))


async def test_nothing_is_written_once_it_was_stopped(backend: LocalBackend) -> None:
    tasks = await create_full_tasks(backend, 2)
    watch = BulkProgress()
    watch.stop("the call was cancelled")
    outcomes = await backend.update_tasks([(task, Edit(title="Mine")) for task in tasks], watch)
    assert all(isinstance(outcome.error, NotAttempted) for outcome in outcomes)
    assert watch.results == dict(enumerate(outcomes))
    assert [await backend.get_task(task.id) for task in tasks] == tasks


async def test_an_unusable_store_is_the_outcome_of_every_task(tmp_path: Path, backend: LocalBackend) -> None:
    tasks = await create_full_tasks(backend, 2)
    watch = BulkProgress()
    async with open_store(tmp_path) as unusable:
        outcomes = await unusable.update_tasks([(task, Edit(title="Mine")) for task in tasks], watch)
    assert [outcome.error and outcome.error.code for outcome in outcomes] == ["store_unavailable"] * 2
    assert len(watch.results) == 2


async def test_a_new_id_matches_the_pattern_that_no_host_reads_as_a_number(backend: LocalBackend) -> None:
    ids = await backend.edit(lambda directory: [short_id(directory.connection) for _ in range(30)])
    assert all(re.fullmatch(USUAL_ID_PATTERN, one) for one in ids)


async def test_a_task_with_a_new_title_is_found_by_its_description_but_not_by_its_former_title(
    backend: LocalBackend,
) -> None:
    task = await create(backend, Edit(title="Call", description="Renewal", priority=0))
    await backend.update_task(task, Edit(title="Visit"))
    found = [len((await backend.list_tasks(TaskQuery(text=text))).tasks) for text in ("visit", "renewal", "call")]
    assert found == [1, 1, 0]


async def test_a_task_is_read_by_its_id_in_capitals(opens: Opener) -> None:
    async with opens() as backend:
        task = await create(backend, Edit(title="Call", priority=1))
        await backend.import_lines([Line(1, "task", task.model_dump() | {"id": "abcdef01"})])
        found = await backend.snapshots(["ABCDEF01", task.id])
        assert [(asked, one.task.id) for asked, one in found.items()] == [("ABCDEF01", "abcdef01"), (task.id, task.id)]
        assert (await backend.get_task("ABCDEF01")).id == "abcdef01"

"""Recovery settles what it can, and never stands in the way of a start, of another change or of a reader."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from service.caching_backend import CachingBackend
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.data_files import journal_path
from taskhand.config.settings import Settings
from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import Outcome
from taskhand.domain.policy import Rules
from taskhand.domain.principal import Person, Principal
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.domain.task_query import TaskQuery
from taskhand.journal.journal import Caller, ChangeQuery, Intent, Opening, Result
from taskhand.service.app_context import AppContext, OwnCredentials
from taskhand.service.apply_plan import apply_plan
from taskhand.service.crash_recovery import recover_if_possible
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.health_checks import check_health
from taskhand.service.list_changes import list_changes
from taskhand.service.write_call import Call
from taskhand.wiring import open_app, open_journal

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MOVED = Edit(due=Due(date(2026, 3, 5), None, None))


@pytest.fixture
def settings(store_file: Path) -> Settings:
    return Settings(db=store_file, user="Elena", timezone="America/Santiago")


async def leave_open(settings: Settings, *tasks: Task, caller: Caller = Caller("tests", "1")) -> list[str]:  # noqa: B008
    """Leave a new due date of each task open, as a process does that dies before it sends; the ids of the changes."""
    journal = open_journal(ConnectionSettings.of(settings))
    found = []
    for task in tasks:
        opening = Opening("update_task", caller, NOW)
        change, _ = await journal.begin(opening, [Intent("update", Snapshot(task), MOVED, MOVED)])
        found.append(change.id)
    await journal.aclose()
    return found


async def outcomes(app: AppContext) -> list[Outcome]:
    """The outcome of every change, oldest first."""
    return [change.outcome for change in (await list_changes(app, ChangeQuery())).changes][::-1]


def damage(store_file: Path, task: Task, title: str) -> None:
    """Write a title beneath the server, as an SQL expression: one that is no UTF-8 cannot be read."""
    with closing(sqlite3.connect(store_file)) as connection, connection:
        connection.execute(f"UPDATE task SET title = {title} WHERE id = ?", (task.id,))  # noqa: S608


def set_due(store_file: Path, task: Task, due_at: str) -> None:
    """Write a due time beneath the server, which may be one that nobody can read."""
    with closing(sqlite3.connect(store_file)) as connection, connection:
        connection.execute("UPDATE task SET due_at = ? WHERE id = ?", (due_at, task.id))


async def test_a_task_that_is_due_at_no_time_is_left_out_of_lists_and_its_change_is_unknown(
    settings: Settings, store_file: Path
) -> None:
    async with open_app(settings) as app:
        tasks = [(await app.backend.create_task(Edit(title=title, due=None, priority=0))).task for title in "ab"]
        await leave_open(settings, *tasks)
        set_due(store_file, tasks[0], "neither a day nor a time")
        await recover_if_possible(app)
        assert await outcomes(app) == ["unknown", "not_applied"]
        for query in (TaskQuery(), TaskQuery(overdue=False), TaskQuery(order="created")):
            page = await app.backend.list_tasks(query)
            assert [task.title for task in page.tasks] == ["b"]
            assert set(page.unreadable) <= {tasks[0].id}
        assert (await app.backend.get_task(tasks[0].id)).unreadable_fields == ("due_at",)


async def test_the_outcome_of_a_change_is_that_of_the_task_as_it_is_now_and_not_of_a_cached_one(
    settings: Settings,
) -> None:
    async with open_app(settings) as app:
        task = (await app.backend.create_task(Edit(title="Call", due=None, priority=0))).task
        cached = replace(app, backend=CachingBackend(app.backend))  # type: ignore[arg-type]  # a part of one
        await cached.backend.get_task(task.id)
        await leave_open(settings, task)
        await app.backend.update_task(task, MOVED)
        await recover_if_possible(cached)
        assert await outcomes(app) == ["applied"]


class HalfHidden(ForwardingBackend):
    """A CRM that does not find any task by its id, although its lists have them all."""

    async def snapshots(self, ids: Sequence[str], **_: object) -> dict[str, Snapshot]:  # noqa: ARG002  none is found
        """None."""
        return {}

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """All of them."""
        return frozenset(ids)


async def test_a_change_whose_task_a_late_list_still_has_stays_open_until_the_list_is_certain(
    settings: Settings,
) -> None:
    async with open_app(settings) as app:
        task = (await app.backend.create_task(Edit(title="Call", due=None, priority=0))).task
        await leave_open(settings, task)
        backend = HalfHidden(app.backend)
        backend.capabilities = replace(backend.capabilities, lists_are_current=False)
        for hours, outcome in ((0, "open"), (24, "unknown")):
            at = NOW + timedelta(hours=hours)
            await recover_if_possible(replace(app, backend=backend, clock=lambda at=at: at))  # type: ignore[misc]
            assert [change.outcome for change in (await app.journal.page(ChangeQuery())).changes] == [outcome]


async def test_a_change_whose_task_crashes_its_reader_stays_open_and_the_others_are_settled(
    settings: Settings, store_file: Path
) -> None:
    async with open_app(settings) as app:
        tasks = [(await app.backend.create_task(Edit(title=title, due=None, priority=0))).task for title in "ab"]
        await leave_open(settings, *tasks)
        damage(store_file, tasks[0], "CAST(x'ff' AS TEXT)")
        await recover_if_possible(app)
        assert await outcomes(app) == ["open", "not_applied"]
        told = {result.subject: result for result in await check_health(app)}["journal"]
        assert "open changes: 1" in told.found
    damage(store_file, tasks[0], "'a'")
    async with open_app(settings) as app:
        await recover_if_possible(app)
        assert await outcomes(app) == ["not_applied", "not_applied"]


async def test_a_change_that_nobody_known_has_left_open_is_settled_by_a_caller_who_may_not_see_its_task(
    settings: Settings,
) -> None:
    async with open_app(settings) as app:
        task = (await app.backend.create_task(Edit(title="Nobody's", due=None, priority=0))).task
        await leave_open(settings, task)
        caller = Principal(Person.parse("elena@x.test"), rules=Rules(own_tasks_only=True))
        await recover_if_possible(app.of_principal(caller))
        assert [change.outcome for change in (await app.journal.page(ChangeQuery())).changes] == ["not_applied"]


@pytest.mark.parametrize("word", ["TABLE under_way", "session   TEXT NOT NULL"])
async def test_a_damaged_byte_in_the_journal_s_schema_is_reported_and_stops_nothing(
    settings: Settings, word: str
) -> None:
    async with open_app(settings) as app:
        task = (await app.backend.create_task(Edit(title="one", priority=0))).task
        await leave_open(settings, task)
    path = journal_path(settings)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    at = whole.rindex(word.encode(), 0, 8192)
    for damaged in (0x00, 0x41, 0xFF):
        path.write_bytes(whole[:at] + bytes([damaged]) + whole[at + 1 :])
        async with open_app(settings) as app:
            await recover_if_possible(app)
            assert (await app.backend.get_task(task.id)).title == "one"
            told = {result.subject: result for result in await check_health(app)}["journal"]
            assert (told.outcome, "TASKHAND_JOURNAL" in str(told.remedy)) == ("failed", True)
    path.write_bytes(whole)
    async with open_app(settings) as app:
        await recover_if_possible(app)
        assert await outcomes(app) == ["not_applied"]


@pytest.mark.parametrize("kind", ["long", "loop", "file"])
async def test_recovery_and_health_checks_work_with_an_unreachable_store_or_journal(tmp_path: Path, kind: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").touch()
    name = "a" * 260 if kind == "long" else kind
    for settings in (Settings(db=tmp_path / name / "tasks.sqlite"), Settings(journal=tmp_path / name / "j.sqlite")):
        async with open_app(settings.model_copy(update={"db": settings.db or tmp_path / "tasks.sqlite"})) as app:
            await recover_if_possible(app)
            told = {result.subject: result for result in await check_health(app)}
            assert told["journal"].outcome == "failed"
            assert told["journal"].remedy


async def test_each_create_of_a_dead_process_is_settled_and_the_rest_can_be_resumed(
    settings: Settings,
) -> None:
    edits = [Edit(title=title, responsible_ids=(), priority=1) for title in ("a", "a again", "b")]
    journal = open_journal(ConnectionSettings.of(settings))
    opening = Opening("create_tasks", Caller("tests", "1"), datetime.now(UTC))
    change, _ = await journal.begin(opening, [Intent("create", edit=edit, asked=edit) for edit in edits])
    await journal.aclose()
    async with open_app(settings) as app:
        made = [(await app.backend.create_task(edit)).task.id for edit in edits[:2]]
        await recover_if_possible(app)
        found = await app.journal.find(change.id)
        assert found is not None
        results = [(one.outcome, one.task_id) for one in found.results.values()]
        assert results == [("applied", made[0]), ("applied", made[1]), ("not_applied", None)]
        receipt = await apply_plan(Call(app, "apply_plan", caller=Caller("tests", "1")), change.id)
        assert isinstance(receipt, BulkReceipt)
        assert receipt.totals == {"applied": 3}
        page = await app.backend.list_tasks(TaskQuery())
        assert sorted(str(task.title) for task in page.tasks) == ["a", "a again", "b"]


async def test_a_task_that_an_equal_create_of_the_same_change_has_made_is_not_taken_for_another(
    settings: Settings,
) -> None:
    edit = Edit(title="a", responsible_ids=(), priority=1)
    async with open_app(settings) as app:
        made = (await app.backend.create_task(edit)).task
    journal = open_journal(ConnectionSettings.of(settings))
    opening = Opening("create_tasks", Caller("tests", "1"), datetime.now(UTC))
    change, _ = await journal.begin(opening, [Intent("create", edit=edit, asked=edit)] * 2)
    await journal.settle(change.id, [Result(0, "applied", made.id, made)])
    await journal.aclose()
    async with open_app(settings) as app:
        await recover_if_possible(app)
        found = await app.journal.find(change.id)
        assert found is not None
        assert [one.outcome for one in found.results.values()] == ["applied", "not_applied"]


async def test_a_write_ends_the_changes_that_dead_processes_have_left_before_it_begins(settings: Settings) -> None:
    async with open_app(settings) as app:
        task = (await app.backend.create_task(Edit(title="one", due=None, priority=0))).task
        await leave_open(settings, task)
        call, high = Call(app, "update_task"), Edit(priority=2)
        await call.begin(call.new_opening(), [Intent("update", Snapshot(task), high, high)])
        page = await app.journal.page(ChangeQuery())
        assert [change.outcome for change in page.changes] == ["open", "not_applied"]
        await call.settle([Result(0, "refused", task.id)], "refused")


class NoCredentials:
    """The own credentials of a connection to which nobody has linked one; `asked` are the persons with their names."""

    connection = "default"

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    @asynccontextmanager
    async def lease(self, names: Sequence[str]) -> AsyncIterator[None]:
        self.asked.append(tuple(names))
        yield None

    async def is_linked(self, names: Sequence[str]) -> bool:
        raise AssertionError(names)

    async def aclose(self) -> None:
        pass


async def test_the_tasks_of_a_change_are_read_as_its_person_with_the_address_of_the_sign_in(settings: Settings) -> None:
    own, person = NoCredentials(), "https://login.x.test#ana"
    async with open_app(settings) as opened:
        app = replace(opened, own_credentials=OwnCredentials(own))
        task = (await app.backend.create_task(Edit(title="one", due=None, priority=0))).task
        await leave_open(settings, task, caller=Caller("tests", "1", person, "ana@x.test"))
        await recover_if_possible(app)
        assert await outcomes(app) == ["not_applied"]
    assert {*own.asked} == {(person, "ana@x.test")}


async def test_a_change_that_two_calls_find_open_is_ended_and_announced_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    announced: list[str] = []
    async with open_app(settings) as app:
        task = (await app.backend.create_task(Edit(title="one", due=None, priority=0))).task
        await leave_open(settings, task)
        await app.backend.update_task(task, Edit(due=Due(date(2026, 3, 5), None, None)))
        app.updates.subscribe(announced.append)
        async with anyio.create_task_group() as calls:
            calls.start_soon(recover_if_possible, app)
            calls.start_soon(recover_if_possible, app)
        assert await outcomes(app) == ["applied"]
    assert announced == [task.id]
    assert len([one for one in caplog.records if "is recovered" in one.getMessage()]) == 1

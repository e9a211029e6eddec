"""Snapshots of many tasks with Vambe's raw rows, and the values that they cannot show."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from backends.vambe.backend_case import WORLD
from backends.vambe.expected_tasks import stored_task
from backends.vambe.sandboxed_app import ANA, ELENA, KEY, LIST, backend_at, task_id, vambe
from backends.vambe.vambe_agent import connected
from behaviour.world import NOW
from taskhand.backends.vambe.adapter import VambeAdapter
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest, Response
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox
from virtual_time import Time

SANTIAGO = "America/Santiago"
NEAR, FAR, PLAIN, IN_UTC = task_id(1), task_id(2), task_id(3), task_id(4)
NOBODY = task_id(99)
ROWS: list[dict[str, Any]] = [
    {"id": NEAR, "title": "near", "dueDate": "2026-03-10", "dueTime": "15:00", "timezone": SANTIAGO},
    {"id": FAR, "title": "far", "dueDate": "2019-01-01"},
    {"id": PLAIN, "title": "plain", "responsibleIds": [ELENA], "priority": "2", "status": "En Progreso"},
    {"id": IN_UTC, "title": "in UTC", "dueDate": "2026-03-10", "dueTime": "15:00", "timezone": "UTC"},
]


@asynccontextmanager
async def open_account(
    *spec_variants: str, faults: Iterable[Fault] = (), **settings: Any
) -> AsyncIterator[tuple[VambeAdapter, VambeSandbox, Time]]:
    sandbox, time = (
        vambe(faults=faults, seed=WORLD | {"tasks": ROWS}, spec_variant=SpecVariant.parse(spec_variants)),
        Time(),
    )
    async with serve_sandbox(sandbox) as url, backend_at(url, time, **settings) as backend:
        yield backend, sandbox, time


async def one(backend: VambeAdapter, wanted: str) -> Snapshot:
    return (await backend.snapshots([wanted], fresh=True))[wanted]


async def test_tasks_are_keyed_by_the_requested_ids_and_missing_tasks_are_left_out() -> None:
    async with open_account() as (backend, sandbox, _):
        asked = [FAR, NOBODY, NEAR.upper(), PLAIN]
        found = await backend.snapshots(asked)
        assert list(found) == [NEAR.upper(), PLAIN, FAR]
        assert {shown.task.id for shown in found.values()} == {FAR, NEAR, PLAIN}
        assert found[FAR].task == await backend.get_task(FAR)
        assert found[PLAIN].native == stored_task(sandbox, PLAIN)


@pytest.mark.parametrize(
    ("spec_variants", "found"), [((), {NEAR, FAR}), (("max_window_days=400",), {NEAR, FAR, NOBODY})]
)
async def test_an_id_that_no_list_has_may_be_listed_where_vambe_does_not_list_all_tasks(
    spec_variants: tuple[str, ...], found: set[str]
) -> None:
    async with open_account(*spec_variants) as (backend, _, _time):
        assert await backend.find_listed([NEAR, FAR, NOBODY]) == found


@pytest.mark.parametrize(
    ("ids", "requests"), [([], 0), ([NEAR, PLAIN, IN_UTC], 1), ([NEAR, FAR, PLAIN, IN_UTC], 2), ([NOBODY], 2)]
)
async def test_snapshots_read_two_lists_at_most_and_one_where_all_tasks_are_near(ids: list[str], requests: int) -> None:
    async with open_account() as (backend, sandbox, _):
        await backend.snapshots(ids)
        assert len(sandbox.requests) == requests
        await backend.snapshots(ids)
        assert len(sandbox.requests) == requests
        await backend.snapshots(ids, fresh=True)
        assert len(sandbox.requests) == 2 * requests


async def test_a_fresh_snapshot_shows_changes_by_another_user() -> None:
    async with open_account() as (mine, sandbox, time), serve_sandbox(sandbox) as url, backend_at(url, time) as theirs:
        before = (await mine.snapshots([PLAIN]))[PLAIN].task
        await theirs.update_task(before, Edit(title="theirs"))
        assert (await mine.snapshots([PLAIN]))[PLAIN].task.title == "plain"
        assert (await one(mine, PLAIN)).task.title == "theirs"


async def test_a_due_time_is_unknown_until_it_is_known_how_vambe_writes_them() -> None:
    async with open_account("due_at=wall") as (backend, _, _time):
        found = await backend.snapshots([NEAR, FAR, PLAIN, IN_UTC])
        assert {wanted: set(shown.unknown) for wanted, shown in found.items()} == {
            NEAR: {"due"},
            FAR: set(),
            PLAIN: set(),
            IN_UTC: set(),
        }
        timed = Due.instant(datetime(2026, 3, 20, 12, 0, tzinfo=UTC), SANTIAGO)
        await backend.create_task(Edit(title="new", responsible_ids=(ELENA,), priority=1, due=timed))
        assert (await one(backend, NEAR)).unknown == frozenset()
        assert (await one(backend, NEAR)).task.due_at == "2026-03-10T18:00:00.000Z"


@pytest.mark.parametrize("form", ["utc", "wall"])
async def test_a_due_time_of_the_journal_is_known_once_it_was_learned_how_vambe_writes_them(form: str) -> None:
    async with open_account(f"due_at={form}") as (backend, _, _time):
        before = await one(backend, NEAR)
        assert backend.reread(before) == before
        timed = Due.instant(datetime(2026, 3, 20, 12, 0, tzinfo=UTC), SANTIAGO)
        await backend.create_task(Edit(title="new", responsible_ids=(ELENA,), priority=1, due=timed))
        known = backend.reread(before)
        assert (known.unknown, known.task.due_at) == (frozenset(), "2026-03-10T18:00:00.000Z")
        assert backend.reread(known) == known


@pytest.mark.parametrize("form", ["utc", "wall"])
@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("update_task", {"id": NEAR, "dueDate": "2026-03-12"}),
        ("update_task", {"id": NEAR, "dueDate": "2026-03-12", "dueTime": "09:00", "timezone": SANTIAGO}),
        (
            "bulk_update_tasks",
            {"taskIds": [NEAR], "changes": {"dueDate": "2026-03-12", "dueTime": "09:00", "timezone": SANTIAGO}},
        ),
    ],
)
async def test_the_change_that_shows_how_vambe_writes_due_times_can_be_undone(
    form: str, tool: str, given: dict[str, Any]
) -> None:
    sandbox = vambe(seed=WORLD | {"tasks": ROWS}, spec_variant=SpecVariant.parse([f"due_at={form}"]))
    before = stored_task(sandbox, NEAR)["due_at"]
    async with connected(sandbox, vambe_api_key=SecretStr(KEY)) as agent:
        done = await agent(tool, **given)
        assert stored_task(sandbox, NEAR)["due_at"] != before
        await agent("undo_change", changeId=done["changeId"])
    assert stored_task(sandbox, NEAR)["due_at"] == before


@pytest.mark.parametrize("setting", ["utc", "wall"])
async def test_a_due_time_is_known_where_it_is_configured(setting: str) -> None:
    async with open_account(f"due_at={setting}", vambe_due_at=setting) as (backend, _, _time):
        assert (await one(backend, NEAR)).unknown == frozenset()


async def test_a_status_is_unknown_where_vambe_gives_only_its_id_until_its_name_was_learned() -> None:
    async with open_account("status_config=null") as (backend, sandbox, _):
        before = await one(backend, PLAIN)
        assert before.unknown == frozenset({"status"})
        assert before.native["task_status_config_id"] == stored_task(sandbox, PLAIN)["task_status_config_id"]
        await backend.update_task(before.task, Edit(status=StatusChoice(name="Completado")))
        assert (await one(backend, PLAIN)).unknown == frozenset()
        assert (await one(backend, NEAR)).unknown == frozenset({"status", "due"})


async def test_a_snapshot_is_enough_to_restore_every_field() -> None:
    changes = {
        "title": "changed",
        "description": "text",
        "due": None,
        "responsible_ids": (ANA,),
        "priority": 0,
        "status": StatusChoice(name="Completado"),
    }
    async with open_account(vambe_due_at="utc") as (backend, sandbox, _):
        for wanted in (NEAR, FAR, PLAIN, IN_UTC):
            was, before = stored_task(sandbox, wanted), await one(backend, wanted)
            changed = await backend.update_task(before.task, Edit(**changes))  # type: ignore[arg-type]  # as declared
            assert stored_task(sandbox, wanted) != was
            task, status = before.task, before.task.status_config
            assert status is not None
            back = Edit(
                title=str(task.title),
                description=task.description,
                due=due_of(task),
                responsible_ids=task.responsible_ids,
                priority=task.priority or 0,
                status=StatusChoice.of(status),
            )
            await backend.update_task(changed.task, back)
            assert stored_task(sandbox, wanted) == was


async def test_raw_values_are_never_sent() -> None:
    async with open_account() as (backend, sandbox, _):
        before = await one(backend, PLAIN)
        for native in (None, dict(before.native) | {"title": "native", "priority": 0}):
            await backend.update_task(before.task, Edit(title="asked", priority=1, native=native))
            assert sandbox.requests[-1].body == {"title": "asked", "priority": "1"}


async def test_snapshots_leave_out_tasks_beyond_a_bounded_window() -> None:
    async with open_account("max_window_days=400") as (backend, _, _time):
        assert list(await backend.snapshots([NEAR, FAR])) == [NEAR]
        with pytest.raises(NotFound, match="not among those due around today"):
            await backend.get_task(FAR)


class NamelessStatusSandbox(VambeSandbox):
    """Names the status of every task but one."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """What a request is answered."""
        found = super().answer(call, stale=stale)
        if call.path != "/api/public/tasks" or call.method != "GET":
            return found
        hidden = {"status_config": None, "task_status_config_id": "unknown"}
        return Response.of_json(
            found.status, [one | (hidden if one["id"] == PLAIN else {}) for one in json.loads(found.body)]
        )


async def test_a_task_without_a_known_status_is_named_where_tasks_are_listed_by_status() -> None:
    sandbox = NamelessStatusSandbox(seed=WORLD | {"tasks": ROWS}, key=KEY, clock=lambda: NOW)
    async with serve_sandbox(sandbox) as url, backend_at(url, Time()) as backend:
        page = await backend.list_tasks(TaskQuery(statuses=(StatusChoice(name="Pendiente"),)))
        assert {task.id for task in page.tasks} == {NEAR, FAR, IN_UTC}
        assert page.unreadable == (PLAIN,)


async def test_without_any_list_no_task_is_reported_as_missing() -> None:
    refused = Fault("status", LIST, nth="every", status=400)
    async with open_account(faults=[refused]) as (backend, _, _time):
        with pytest.raises(CallerError) as caught:
            await backend.snapshots([NEAR])
        assert caught.value.code == "upstream_refused"
        with pytest.raises(CallerError) as caught:
            await backend.get_task(NEAR)
        assert caught.value.code == "upstream_refused"

"""A change by others before a write: noticed in the response to the write, and nothing else is taken for one."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from backends.vambe.backend_case import WORLD
from backends.vambe.sandboxed_app import ANA, KEY, TASK, Time, backend_at, row, status, vambe
from behaviour.world import NOW
from taskhand.backends.base import Misread
from taskhand.backends.vambe.adapter import VambeAdapter
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound
from taskhand.domain.task import StatusChoice
from taskhand.domain.unreadable_fields import with_unreadable
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest, Response
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

SANTIAGO = "America/Santiago"
PUT = "PUT /api/public/tasks/{id}"
MINE = Edit(title="Mine")


class SwitchableVambe(VambeSandbox):
    """A Vambe whose tasks lack the priority while `is_terse`, and whose ids are in capitals while `is_loud`."""

    is_terse = is_loud = False

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        found = super().answer(request, stale=stale)
        if self.is_loud:
            return Response.of_json(found.status, json.loads(found.body) | {"id": TASK.upper()})
        if not self.is_terse:
            return found
        body = json.loads(found.body, object_hook=lambda row: {one: row[one] for one in row if one != "priority"})
        return Response.of_json(found.status, body)


@asynccontextmanager
async def open_account(
    variant: SpecVariant | None = None, **settings: Any
) -> AsyncIterator[tuple[SwitchableVambe, VambeAdapter, VambeAdapter]]:
    """A Vambe with one task, and the adapters of two servers on it."""
    world = WORLD | {"tasks": [row(1, dueDate="2026-03-10", dueTime="15:00", timezone=SANTIAGO)]}
    sandbox, time = (
        SwitchableVambe(seed=world, key=KEY, clock=lambda: NOW, spec_variant=variant or SpecVariant()),
        Time(),
    )
    async with (
        serve_sandbox(sandbox) as url,
        backend_at(url, time, vambe_due_at="utc", **settings) as mine,
        backend_at(url, time, vambe_due_at="utc", **settings) as theirs,
    ):
        yield sandbox, mine, theirs


@pytest.mark.parametrize(
    "theirs",
    [
        Edit(due=Due.instant(datetime(2026, 3, 12, 9, tzinfo=UTC), "Europe/Madrid")),
        Edit(due=Due(date(2026, 3, 12), None, SANTIAGO)),
        Edit(due=None),
        Edit(responsible_ids=(ANA,)),
        Edit(status=StatusChoice(name="Completado")),
        Edit(priority=2, description="Theirs"),
    ],
)
async def test_a_change_by_others_is_noticed_with_the_task_as_it_really_was(theirs: Edit) -> None:
    async with open_account() as (_, mine, other):
        before = await mine.get_task(TASK)
        really = (await other.update_task(await other.get_task(TASK), theirs)).task
        with pytest.raises(Misread) as found:
            await mine.update_task(before, MINE)
        assert found.value.before == really
        assert found.value.now == really.model_copy(update={"title": "Mine"})


async def test_a_field_that_the_write_sets_is_not_taken_for_a_change_by_others() -> None:
    async with open_account() as (_, mine, other):
        before = await mine.get_task(TASK)
        await other.update_task(await other.get_task(TASK), Edit(title="Theirs"))
        assert (await mine.update_task(before, MINE)).task.title == "Mine"


@pytest.mark.parametrize("is_terse", [False, True], ids=["before", "after"])
async def test_a_field_that_cannot_be_read_is_not_taken_for_a_change_by_others(*, is_terse: bool) -> None:
    async with open_account() as (sandbox, mine, _):
        before = await mine.get_task(TASK)
        sandbox.is_terse = is_terse
        if not is_terse:
            before = with_unreadable(before.model_copy(update={"priority": 2}), "priority")
        written = (await mine.update_task(before, MINE)).task
        assert (written.title, written.unreadable_fields) == ("Mine", ("priority",) if is_terse else ())


async def test_a_status_whose_name_was_learned_is_not_taken_for_a_change_by_others() -> None:
    async with open_account(SpecVariant(status_config="null")) as (sandbox, mine, _):
        before = await mine.get_task(TASK)
        sandbox.spec_variant = replace(sandbox.spec_variant, status_config="object")
        assert (await mine.update_task(before, MINE)).task.status_config is not None


async def test_a_response_with_the_id_in_capitals_is_about_the_same_task() -> None:
    async with open_account() as (sandbox, mine, _):
        before = await mine.get_task(TASK)
        sandbox.is_loud = True
        assert (await mine.update_task(before, MINE)).task.title == "Mine"


async def test_a_refused_write_of_a_task_that_others_have_deleted_is_not_found() -> None:
    async with open_account(vambe_cache_s=60) as (_, mine, other):
        before = await mine.get_task(TASK)
        await other.delete_task(await other.get_task(TASK))
        with pytest.raises(NotFound) as gone:  # Vambe answers the same to an unknown person
            await mine.update_task(before, Edit(responsible_ids=(ANA,)))
        assert gone.value.code == "task_not_found"


@pytest.mark.parametrize(
    ("refused", "edit", "code"),
    [
        (status(400), Edit(status=StatusChoice(name="Archivado")), "unknown_status"),
        (status(400), Edit(status=StatusChoice(position=9)), "unknown_status"),
        (status(409), Edit(status=StatusChoice(name="Archivado")), "conflict"),
        (status(422), Edit(status=StatusChoice(name="Archivado")), "upstream_refused"),
        (status(400, body="Bad request"), Edit(status=StatusChoice(name="Archivado")), "upstream_refused"),
        (status(400), Edit(title="Mine", status=StatusChoice(name="Archivado")), "upstream_refused"),
    ],
)
async def test_a_refused_status_is_unknown_unless_something_else_was_refused(
    refused: Fault, edit: Edit, code: str
) -> None:
    async with open_account() as (sandbox, mine, _):
        before = await mine.get_task(TASK)
        sandbox.faults = (replace(refused, route=PUT),)
        with pytest.raises(CallerError) as error:
            await mine.update_task(before, edit)
    is_named = any(f"'{status}' is probably none of" in error.value.message for status in ("Archivado", "9"))
    assert (error.value.code, is_named) == (code, code == "unknown_status")


async def test_a_refused_status_that_is_known_is_not_reported_as_unknown() -> None:
    async with open_account() as (sandbox, mine, _):
        before = await mine.get_task(TASK)
        [known, *_] = (await mine.statuses()).statuses
        sandbox.faults = (status(400, route=PUT),)
        with pytest.raises(CallerError) as error:
            await mine.update_task(before, Edit(status=StatusChoice.of(known)))
    assert error.value.code == "upstream_refused"


async def test_statuses_come_from_all_tasks_if_no_task_around_today_is_finished() -> None:
    rows = [row(1, dueDate="2026-03-10"), row(2, dueDate="2019-01-01", status="Completado")]
    async with serve_sandbox(vambe(rows)) as url, backend_at(url, Time(), vambe_statuses=None) as backend:
        assert "Completado" in {one.name for one in (await backend.statuses()).statuses}

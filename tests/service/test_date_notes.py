"""The notes on days in words that were counted in UTC, on a time zone that a CRM does not keep, and on the past."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import pytest

from behaviour.world import NOW
from builders import task
from file_stores import journal_in, store_in
from taskhand.domain.bulk_receipt import BulkReceipt, TaskResult
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamFailed
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import Outcome
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import StatusChoice, TaskPatch
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext
from taskhand.service.date_notes import note_on_words, note_on_zone, with_date_notes
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.update_task import update_task
from taskhand.service.write_call import Call

NIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
IN_CHILE = NIGHT.astimezone(timezone(timedelta(hours=-3)))
LIMA, SANTIAGO = {"timezone": "America/Lima"}, {"timezone": " america/santiago "}


@pytest.mark.parametrize(
    ("now", "zone", "argument", "is_noted"),
    [
        (NIGHT, None, "dueDate", True),
        (NIGHT, None, "responsibleIds", False),
        (NIGHT, "America/Santiago", "dueDate", False),
        (IN_CHILE, None, "dueDate", False),
    ],
)
def test_words_are_noted_if_neither_the_settings_nor_the_machine_have_a_zone(
    now: datetime, zone: str | None, argument: str, tmp_path: Path, *, is_noted: bool
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: now, timezone=zone)
    note = note_on_words(app, [Match(argument, day, "2026-03-03", "2026-03-03") for day in ("tomorrow", "Mar 3")])
    assert (note is not None) is is_noted


@pytest.mark.parametrize(
    ("keeps", "own", "arguments", "is_noted"),
    [
        (False, "America/Santiago", LIMA, True),
        (False, "America/Santiago", SANTIAGO, False),
        (False, "America/Santiago", {"tasks": [SANTIAGO, {"changes": LIMA}]}, True),
        (False, "America/Santiago", {"title": "America/Lima", "timezone": " "}, False),
        (False, None, {"timezone": "utc"}, False),
        (False, None, LIMA, True),
        (True, "America/Santiago", LIMA, False),
    ],
)
async def test_another_time_zone_than_the_stored_one_is_noted_wherever_it_is_sent(
    own: str | None, arguments: dict[str, Any], tmp_path: Path, *, keeps: bool, is_noted: bool
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, timezone=own)
    app.backend.capabilities = replace(app.backend.capabilities, keeps_timezone=keeps)
    note = note_on_zone(app, arguments)
    assert ("a time in America/Lima is stored" in (note or "")) is is_noted
    await app.aclose()


async def test_a_past_due_date_is_not_noted_with_any_of_several_finished_statuses(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    await store.edit(lambda one: one.add_status("Archivado", "done"))
    task = (await store.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    for day, status, is_noted in ((25, "Archivado", False), (26, "Completado", False), (27, "Pendiente", True)):
        call = Call(app, "update_task")
        written = await update_task(call, task.id, TaskPatch(due_date=f"2026-02-{day}", new_status_name=status))
        assert isinstance(written, Receipt)
        assert ("in the past" in ((await with_date_notes(call, written)).note or "")) is is_noted
    await app.aclose()


@pytest.mark.parametrize(("zone", "note"), [("Pacific/Kiritimati", "The new due date is in the past."), ("UTC", None)])
async def test_a_due_day_is_past_once_it_is_over_in_the_configured_zone(
    zone: str, note: str | None, tmp_path: Path
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, timezone=zone)
    call = Call(app, "create_task", arguments={})
    await call.begin(call.new_opening(), [Intent("create", edit=Edit(title="Call", due=Due(NOW.date())))])
    assert (await with_date_notes(call, Plan("plan_1", "create_task", (), NOW))).note == note
    await app.aclose()


@pytest.mark.parametrize(("count", "more"), [(3, ""), (4, " and later days")])
async def test_of_several_past_days_the_first_three_are_named(count: int, more: str, tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call = Call(app, "create_tasks", arguments={})
    days = [date(2026, 2, number) for number in range(1, count + 1)]
    await call.begin(call.new_opening(), [Intent("create", edit=Edit(title="Call", due=Due(day))) for day in days])
    plan = await with_date_notes(call, Plan("plan_1", "create_tasks", (), NOW))
    past = f"{count} of the new due dates are in the past: 2026-02-01, 2026-02-02, 2026-02-03{more}."
    assert plan.note == past
    await app.aclose()


@pytest.mark.parametrize("verb", ["create", "update"])
async def test_of_several_past_days_only_those_that_were_written_are_noted(
    verb: Literal["create", "update"], tmp_path: Path
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call, intents, results = Call(app, "apply_plan", arguments={}), list[Intent](), list[TaskResult]()
    for number, outcome in enumerate(get_args(Outcome), 1):
        title, edit = f"T{number}", Edit(title=f"T{number}", due=Due(date(2026, 2, number)))
        intents.append(Intent(verb, Snapshot(task(id=title)) if verb == "update" else None, edit))
        results.append(TaskResult(title if verb == "update" else f"new {title}", outcome, title=title))
    await call.begin(call.new_opening(), intents)
    written = await with_date_notes(call, BulkReceipt(tuple(results)))
    day = get_args(Outcome).index("applied") + 1
    assert written.note == f"1 of the new due dates is in the past: 2026-02-{day:02}."
    await app.aclose()


async def test_a_past_due_date_that_the_crm_has_not_stored_is_not_noted(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call, before, edit = Call(app, "update_task", arguments={}), task(), Edit(title="Call", due=Due(date(2026, 2, 1)))
    await call.begin(call.new_opening(), [Intent("update", Snapshot(before), edit)])
    written = await with_date_notes(call, Receipt.of(before, task(title="Call"), edit, ()))
    assert "in the past" not in (written.note or "")
    await app.aclose()


async def test_a_past_due_date_is_noted_although_the_statuses_cannot_be_read(tmp_path: Path) -> None:
    class NoStatuses(ForwardingBackend):
        """A CRM that does not answer after the write."""

        async def statuses(self) -> NoReturn:
            raise UpstreamFailed("The CRM did not answer.")

    app = AppContext(NoStatuses(store_in(tmp_path)), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    call, edit = Call(app, "update_task", arguments={}), Edit(due=Due(date(2026, 2, 1)), status=StatusChoice("Done"))
    await call.begin(call.new_opening(), [Intent("update", Snapshot(task()), edit)])
    plan = await with_date_notes(call, Plan("plan_1", "update_task", (), NOW))
    assert plan.note == "The new due date is in the past."
    await app.aclose()

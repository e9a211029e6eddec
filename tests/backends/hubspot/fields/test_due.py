"""Due dates: days are those of the account's calendar, also where the account refuses the all-day flag."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.hubspot.sandboxed_app import SANTIAGO, Account, Time, error_codes, hubspot, row, seed, served, task_id
from backends.hubspot.strategies import DAYS, INSTANTS, ZONES, exists
from taskhand.backends.hubspot.errors import MESSAGES as HUBSPOT
from taskhand.backends.hubspot.fields.due import Zones, due_from, parse_moment, readable_moment, stamp_of
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.sandbox.faults import Fault

TASKS, AUCKLAND = "/crm/v3/objects/tasks", "Pacific/Auckland"
OPEN = ("burst=0", "searches=0", "search_lag=0")
READ_ONLY = (*OPEN, "all_day=read_only")
DAY, NOON = Due(date(2026, 3, 10)), datetime(2026, 3, 10, 15, tzinfo=UTC)
EDIT = Edit(title="New", due=DAY, responsible_ids=(), priority=1)


def writes(crm: Account) -> list[Any]:
    """What was sent to be written, refused or not, as the properties of each task."""
    bodies: list[Any] = [one.body for one in crm.hubspot.requests if one.method in {"POST", "PATCH"}]
    inputs = [one for body in bodies for one in body.get("inputs", [body])]
    return [one["properties"] for one in inputs if isinstance(one.get("properties"), dict)]


@pytest.mark.parametrize("timezone", [AUCKLAND, "Pacific/Honolulu", SANTIAGO, None])
async def test_writes_and_reads_a_day_on_the_accounts_calendar(timezone: str | None) -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=OPEN), time, timezone=timezone) as crm:
        made = await crm.backend.create_task(EDIT)
        assert due_of(made.task) == DAY
        assert writes(crm)[0]["hs_timestamp"] == "2026-03-10T15:00:00.000Z"


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Etc/GMT-12", "Pacific/Kiritimati"])
def test_a_day_stays_the_same_in_a_zone_where_noon_is_midnight_utc(zone: str) -> None:
    assert due_from(stamp_of(DAY, Zones(zone)), all_day=True, zones=Zones(zone)) == DAY


@pytest.mark.usefixtures("in_santiago")
def test_a_moment_without_an_offset_is_in_utc_wherever_the_server_is() -> None:
    assert parse_moment("2026-03-10T15:00:00") == NOON


@pytest.mark.parametrize("raw", ["", None, [1], "soon", "2026-02-30", "9" * 17, "9" * 40, "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_no_calendar_has_is_none_and_no_error(raw: object) -> None:
    assert readable_moment(raw) is None


async def test_midnight_utc_of_an_all_day_task_is_that_day() -> None:
    time = Time()
    world = seed(rows=[row(1, hs_timestamp="2026-03-10T00:00:00Z", hs_task_is_all_day="true")])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        assert due_of(await crm.backend.get_task(task_id(1))) == DAY


async def test_uses_the_configured_zone_for_days_where_the_accounts_zone_cannot_be_read() -> None:
    time = Time()
    sandbox = hubspot(time, seed(1), spec_variant=OPEN)
    sandbox.faults = [Fault("status", "GET /account-info/v3/details", status=403, nth="every")]
    async with served(sandbox, time, timezone=AUCKLAND) as crm:
        made = await crm.backend.create_task(EDIT)
        assert due_of(made.task) == DAY
        assert writes(crm)[0]["hs_timestamp"] == "2026-03-09T23:00:00.000Z"


async def test_creates_an_all_day_task_where_the_account_refuses_the_flag() -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=READ_ONLY), time) as crm:
        for _ in range(2):
            made = await crm.backend.create_task(EDIT)
            assert due_of(made.task) == Due.instant(NOON, SANTIAGO)
            assert list(EDIT.unmet_by(made.task, written=True).given_fields()) == [("due", DAY)]
            assert made.note is not None
            assert "all day" in made.note
        assert ["hs_task_is_all_day" in one for one in writes(crm)] == [True, False, False]
        assert len(crm.hubspot.tasks) == 3


async def test_moves_a_task_to_a_day_where_the_account_refuses_the_flag() -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=READ_ONLY), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        changed = await crm.backend.update_task(before, Edit(title="New", due=DAY))
        assert (changed.task.title, due_of(changed.task)) == ("New", Due.instant(NOON, SANTIAGO))
        assert changed.note is not None
        assert (await crm.backend.update_task(changed.task, Edit(title="Newer"))).note is None


@pytest.mark.parametrize("spec_variant", ["batch_errors=spec", "some_traces=partial"])
async def test_moves_many_tasks_to_a_day_where_the_account_refuses_the_flag(spec_variant: str) -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=(*READ_ONLY, spec_variant)), time) as crm:
        before = [await crm.backend.get_task(task_id(number)) for number in (1, 2, 3)]
        edits = [Edit(due=DAY), Edit(title="New"), Edit(title="New", due=DAY)]
        outcomes = await crm.backend.update_tasks(list(zip(before, edits, strict=True)))
        written = [one.written for one in outcomes if one.written]
        assert len(written) == 3
        assert [one.note is not None for one in written] == [True, False, True]
        assert [due_of(one.task) == Due.instant(NOON, SANTIAGO) for one in written] == [True, False, True]
        assert [one.task.title for one in written] == [before[0].title, "New", "New"]


async def test_tasks_refused_again_without_the_flag_are_reported_as_refused() -> None:
    time = Time()
    async with served(hubspot(time, seed(3), spec_variant=READ_ONLY), time) as crm:
        before = [await crm.backend.get_task(task_id(number)) for number in (1, 2, 3)]
        crm.hubspot.faults = [Fault("status", f"POST {TASKS}/batch/update", status=403, nth=2)]
        edits = [Edit(due=DAY), Edit(title="New"), Edit(title="New", due=DAY)]
        outcomes = await crm.backend.update_tasks(list(zip(before, edits, strict=True)))
        assert error_codes(outcomes) == ["forbidden", None, "forbidden"]
        assert [one["properties"]["hs_task_subject"] for one in crm.hubspot.tasks][1:] == ["New", before[2].title]


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
async def test_recognises_a_lost_write_where_the_account_refuses_the_flag(
    kind: Literal["reset_after", "reset_before"],
) -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=READ_ONLY), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        await crm.backend.update_task(before, Edit(due=Due(date(2026, 3, 9))))
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = [Fault(kind, f"PATCH {TASKS}/{{id}}")]
        changed = await crm.backend.update_task(before, Edit(due=DAY))
        assert changed.note is not None
        assert changed.note.startswith(HUBSPOT.applied if kind == "reset_after" else HUBSPOT.sent_again)
        crm.hubspot.faults = [Fault("reset_after", f"POST {TASKS}")]
        made = await crm.backend.create_task(EDIT)
        assert made.note is not None
        assert made.note.startswith(HUBSPOT.found)


async def test_a_time_without_a_zone_is_written_although_the_account_refuses_the_flag() -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=READ_ONLY), time) as crm:
        before = (await crm.backend.create_task(EDIT)).task
        later = Due.instant(NOON + timedelta(days=1), None)
        changed = await crm.backend.update_task(before, Edit(due=later))
        assert changed.note is None
        assert due_of(changed.task) == Due.instant(NOON + timedelta(days=1), SANTIAGO)
        crm.hubspot.faults = [Fault("reset_after", f"PATCH {TASKS}/{{id}}")]
        found = await crm.backend.update_task(changed.task, Edit(due=Due.instant(NOON, None)))
        assert found.note == HUBSPOT.applied
        assert due_of(found.task) == Due.instant(NOON, SANTIAGO)


async def test_names_another_refused_value_without_the_day() -> None:
    time = Time()
    async with served(hubspot(time, seed(1), spec_variant=READ_ONLY), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        with pytest.raises(CallerError) as refused:
            await crm.backend.update_task(before, Edit(due=DAY, responsible_ids=("5",)))
        assert "responsibleIds" in refused.value.message
        assert "dueDate" not in refused.value.message


@given(DAYS, st.sampled_from(ZONES))
def test_a_day_is_the_same_day_in_every_zone(day: date, zone: str) -> None:
    zones = Zones(zone)
    if exists(day, zones.days):
        assert due_from(stamp_of(Due(day), zones), all_day=True, zones=zones) == Due(day)


@given(DAYS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_a_day_written_for_one_zone_is_the_same_day_within_half_a_days_clocks(day: date, one: str, other: str) -> None:
    mine, theirs = Zones(one), Zones(other)
    stamp = parse_moment(stamp_of(Due(day), mine))
    assert stamp is not None
    apart = (stamp.astimezone(theirs.days).utcoffset() or timedelta()) - (
        stamp.astimezone(mine.days).utcoffset() or timedelta()
    )
    if exists(day, mine.days) and -timedelta(hours=12) <= apart < timedelta(hours=12):
        assert due_from(stamp_of(Due(day), mine), all_day=True, zones=theirs) == Due(day)


@given(DAYS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_a_day_is_that_of_the_accounts_calendar_in_every_zone(day: date, shown: str, account: str) -> None:
    zones = Zones(shown, account)
    if exists(day, ZoneInfo(account)):
        stamp = parse_moment(stamp_of(Due(day), zones))
        assert stamp is not None
        assert stamp.astimezone(ZoneInfo(account)).date() == day
        assert due_from(stamp_of(Due(day), zones), all_day=True, zones=zones) == Due(day)


@given(DAYS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_midnight_utc_is_that_day_in_every_zone(day: date, shown: str, account: str) -> None:
    assert due_from(f"{day.isoformat()}T00:00:00Z", all_day=True, zones=Zones(shown, account)) == Due(day)


@given(INSTANTS, st.sampled_from(ZONES), st.sampled_from(["", "millis"]))
def test_reads_the_same_instant_from_both_forms_of_answer(at: datetime, zone: str, millis: str) -> None:
    zones = Zones(zone)
    due = Due.instant(at, zone)
    assert due.at is not None
    stamp = stamp_of(due, zones)
    shown = str((due.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)) if millis else stamp
    assert due_from(shown, all_day=False, zones=zones) == due

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import MISSING

from builders import DONE, PENDING, candidate_values, only_refuses, refused, task
from taskhand.domain.due import (
    Due,
    day_in,
    day_of,
    due_of,
    due_text,
    instant_text,
    is_day,
    is_late,
    is_overdue,
    iso_day,
    moment_text,
    shift_due,
    zone_rules,
)
from taskhand.domain.due_request import DueRequest
from taskhand.domain.errors import CallerError
from taskhand.domain.reference_time import Reference

SANTIAGO, NEW_YORK, MADRID, LORD_HOWE = "America/Santiago", "America/New_York", "Europe/Madrid", "Australia/Lord_Howe"
ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory", "posixrules"}))
DAYS = st.dates(date(1000, 1, 2), date(9998, 12, 30))
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))

NOW = Reference(datetime(2026, 3, 4, 15, 30, tzinfo=UTC))


def parse(
    due_date: str | None | MISSING = MISSING,
    due_time: str | None | MISSING = MISSING,
    timezone: str | None | MISSING = MISSING,
) -> DueRequest:
    return DueRequest.parse(due_date, due_time, timezone, reference=NOW)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(text: str, zone: str | None = None) -> Due:
    return Due(date.fromisoformat(text), None, zone)


def timed(text: str, zone: str | None) -> Due:
    """The due date that reads `text` on the clock of `zone`."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone or "UTC"))
    return Due(local.date(), local.astimezone(UTC), zone)


NONE = None
ALL_DAY = day("2026-03-10")
ALL_DAY_ZONED = day("2026-03-10", MADRID)
TIMED = timed("2026-03-10T22:30", SANTIAGO)
TIMED_UTC = timed("2026-03-10T22:30", None)
EXISTING = {"all-day": ALL_DAY, "all-day zoned": ALL_DAY_ZONED, "timed": TIMED, "timed without zone": TIMED_UTC}

Parts = dict[str, str | None]

WITHOUT_DUE: list[tuple[Parts, Due | None | str]] = [
    ({"due_date": "2026-05-02"}, day("2026-05-02")),
    ({"due_date": "2026-05-02", "due_time": None}, day("2026-05-02")),
    ({"due_date": "2026-05-02", "timezone": None}, day("2026-05-02")),
    ({"due_date": "2026-05-02", "timezone": SANTIAGO}, day("2026-05-02", SANTIAGO)),
    ({"due_date": "2026-05-02", "due_time": "09:05", "timezone": MADRID}, timed("2026-05-02T09:05", MADRID)),
    ({"due_date": "2026-05-02", "due_time": "09:05"}, "timezone_required"),
    ({"due_date": "2026-05-02", "due_time": "09:05", "timezone": None}, "timezone_required"),
    ({"due_date": None}, None),
    ({"due_date": None, "due_time": None, "timezone": None}, None),
    ({"due_time": "09:05", "timezone": MADRID}, "due_date_required"),
    ({"due_time": "09:05"}, "due_date_required"),
    ({"timezone": MADRID}, "due_date_required"),
    ({"due_date": "2026-05-02T15:00:00-03:00"}, timed("2026-05-02T18:00", None)),
    ({"due_date": "2026-05-02T15:00:00-04:00", "timezone": SANTIAGO}, timed("2026-05-02T15:00", SANTIAGO)),
    ({"due_date": "2026-05-02T15:00:00-04:00", "timezone": MADRID}, timed("2026-05-02T21:00", MADRID)),
    ({"due_date": "2026-05-02T15:00:00-04:00", "due_time": None, "timezone": SANTIAGO}, day("2026-05-02", SANTIAGO)),
    ({"due_date": "2026-05-02T23:00:00-04:00", "due_time": None, "timezone": MADRID}, day("2026-05-03", MADRID)),
]

WITH_DUE: list[tuple[str, Parts, Due | None | str]] = [
    ("all-day", {"due_date": "2026-05-02"}, day("2026-05-02")),
    ("all-day", {"due_date": None}, None),
    ("all-day", {"due_time": "09:05", "timezone": MADRID}, timed("2026-03-10T09:05", MADRID)),
    ("all-day", {"due_time": "09:05"}, "timezone_required"),
    ("all-day", {"due_time": "09:05", "timezone": None}, "timezone_required"),
    ("all-day", {"due_time": None}, ALL_DAY),
    ("all-day", {"timezone": SANTIAGO}, day("2026-03-10", SANTIAGO)),
    ("all-day", {"timezone": None}, ALL_DAY),
    ("all-day zoned", {"due_date": "2026-05-02"}, day("2026-05-02", MADRID)),
    ("all-day zoned", {"due_date": None}, None),
    ("all-day zoned", {"due_time": "09:05"}, timed("2026-03-10T09:05", MADRID)),
    ("all-day zoned", {"due_date": "2026-05-02", "due_time": "09:05"}, timed("2026-05-02T09:05", MADRID)),
    ("all-day zoned", {"due_time": "09:05", "timezone": SANTIAGO}, timed("2026-03-10T09:05", SANTIAGO)),
    ("all-day zoned", {"timezone": SANTIAGO}, day("2026-03-10", SANTIAGO)),
    ("all-day zoned", {"timezone": None}, ALL_DAY),
    ("all-day zoned", {"due_time": None}, ALL_DAY_ZONED),
    ("all-day zoned", {"due_date": "2026-05-02T15:00:00Z"}, timed("2026-05-02T17:00", MADRID)),
    ("timed", {"due_date": "2026-05-02"}, timed("2026-05-02T22:30", SANTIAGO)),
    ("timed", {"due_date": "2026-05-02", "due_time": None}, day("2026-05-02", SANTIAGO)),
    ("timed", {"due_date": None}, None),
    ("timed", {"due_date": None, "due_time": None, "timezone": None}, None),
    ("timed", {"due_time": "09:05"}, timed("2026-03-10T09:05", SANTIAGO)),
    ("timed", {"due_time": "09:05", "timezone": None}, timed("2026-03-10T09:05", SANTIAGO)),
    ("timed", {"due_time": None}, day("2026-03-10", SANTIAGO)),
    ("timed", {"due_time": None, "timezone": None}, day("2026-03-10")),
    ("timed", {"timezone": MADRID}, timed("2026-03-10T22:30", MADRID)),
    ("timed", {"timezone": None}, timed("2026-03-11T01:30", None)),
    ("timed", {"due_date": "2026-05-02", "timezone": MADRID}, timed("2026-05-02T22:30", MADRID)),
    ("timed", {"due_date": "2026-05-02T12:00:00Z"}, timed("2026-05-02T08:00", SANTIAGO)),
    ("timed without zone", {"due_date": "2026-05-02"}, timed("2026-05-02T22:30", None)),
    ("timed without zone", {"due_time": "09:05"}, "timezone_required"),
    ("timed without zone", {"due_time": "09:05", "timezone": MADRID}, timed("2026-03-10T09:05", MADRID)),
    ("timed without zone", {"due_time": None}, day("2026-03-10")),
    ("timed without zone", {"due_date": None}, None),
    ("timed without zone", {"timezone": None}, TIMED_UTC),
]


@pytest.mark.parametrize(("parts", "expected"), WITHOUT_DUE)
def test_due_fields_applied_to_a_task_without_a_due_date(parts: Parts, expected: Due | str | None) -> None:
    check_row(None, parts, expected)


@pytest.mark.parametrize(("before", "parts", "expected"), WITH_DUE)
def test_due_fields_applied_to_a_due_date(before: str, parts: Parts, expected: Due | str | None) -> None:
    check_row(EXISTING[before], parts, expected)


def check_row(before: Due | None, parts: Parts, expected: Due | str | None) -> None:
    if isinstance(expected, str):
        with refused(expected):
            parse(**parts).on(before, None)
    else:
        assert parse(**parts).on(before, None) == expected


@pytest.mark.parametrize("before", [NONE, ALL_DAY])
def test_the_default_zone_serves_a_time_that_comes_without_one(before: Due | None) -> None:
    request = parse(due_date="2026-05-02", due_time="09:05")
    assert request.on(before, MADRID) == timed("2026-05-02T09:05", MADRID)


def test_the_zones_of_the_task_and_of_the_call_precede_the_default_zone() -> None:
    assert parse(due_time="09:05").on(TIMED, MADRID) == timed("2026-03-10T09:05", SANTIAGO)
    assert parse(due_time="09:05", timezone=NEW_YORK).on(TIMED, MADRID) == timed("2026-03-10T09:05", NEW_YORK)
    instant = parse(due_date="2026-05-02T12:00:00Z", timezone=NEW_YORK)
    assert instant.on(None, MADRID) == timed("2026-05-02T08:00", NEW_YORK)
    assert parse(due_date="2026-05-02T12:00:00Z").on(TIMED, MADRID) == timed("2026-05-02T08:00", SANTIAGO)


def test_the_default_zone_does_not_change_a_day() -> None:
    assert parse(due_date="2026-05-02").on(None, MADRID) == day("2026-05-02")


def test_an_instant_without_a_zone_gives_a_task_without_a_time_its_day_in_the_default_zone() -> None:
    request = parse(due_date="2026-05-02T22:30:00Z", due_time=None)
    assert [request.on(None, zone) for zone in (MADRID, None)] == [day("2026-05-03"), day("2026-05-02")]


@pytest.mark.parametrize(("default", "clock"), [(SANTIAGO, "15:00"), (None, "14:00")])
def test_a_shifted_instant_without_a_zone_keeps_its_time_in_the_default_zone(default: str | None, clock: str) -> None:
    # The clocks go back in Chile on 5 April 2026.
    due = Due.instant(timed("2026-03-10T15:00", SANTIAGO).at or datetime.now(UTC), None)
    moved = shift_due(due, 30, default)
    assert moved.zone is None
    assert moved.at == timed(f"2026-04-09T{clock}", SANTIAGO).at


# The clocks go back in Chile on 5 April 2026 and forward, from midnight to one, on 6 September.
SHIFTED = [
    (day("2026-02-27"), 2, day("2026-03-01")),
    (day("2026-03-01", MADRID), -2, day("2026-02-27", MADRID)),
    (timed("2026-03-10T22:30", SANTIAGO), 30, timed("2026-04-09T22:30", SANTIAGO)),
    (timed("2026-04-09T22:30", SANTIAGO), -30, timed("2026-03-10T22:30", SANTIAGO)),
    (timed("2026-03-10T22:30", None), 1, timed("2026-03-11T22:30", None)),
    (day("1000-01-02"), -1, day("1000-01-01")),
    (day("9998-12-30"), 1, day("9998-12-31")),
    (day("1000-01-01"), -1, "invalid_due_date"),
    (day("9998-12-31"), 1, "invalid_due_date"),
    (timed("9998-12-31T10:00", MADRID), 1, "invalid_due_date"),
    (day("2026-03-10"), 10**9, "invalid_due_date"),
    (timed("2026-09-05T00:30", SANTIAGO), 1, "time_skipped"),
]


@pytest.mark.parametrize("default", [None, MADRID])
@pytest.mark.parametrize(("due", "days", "expected"), SHIFTED)
def test_a_due_date_is_shifted_by_days_at_the_same_time_on_its_clock(
    due: Due, days: int, expected: Due | str, default: str | None
) -> None:
    if isinstance(expected, str):
        with refused(expected):
            shift_due(due, days, default)
    else:
        assert shift_due(due, days, default) == expected


REQUESTS: list[tuple[Parts, bool, bool, bool]] = [
    ({}, False, False, True),
    ({"due_date": "2026-05-02"}, True, False, True),
    ({"due_date": "2026-05-02", "due_time": None}, True, False, False),
    ({"due_date": "2026-05-02", "due_time": "09:05"}, True, False, False),
    ({"due_date": None}, True, False, False),
    ({"due_time": None}, True, True, True),
    ({"due_time": "09:05"}, True, False, True),
    ({"timezone": None}, True, False, True),
    ({"timezone": MADRID}, True, False, True),
    ({"due_date": "2026-05-02T15:00:00Z"}, True, False, False),
    ({"due_date": "2026-05-02T00:00:00Z"}, True, False, True),
    ({"due_date": "2026-05-02T00:00:00-03:00"}, True, False, False),
]


@pytest.mark.parametrize(("parts", "given_any", "keeps_day", "keeps_any"), REQUESTS)
def test_a_due_request_knows_which_parts_of_the_current_due_date_it_needs(
    parts: Parts, *, given_any: bool, keeps_day: bool, keeps_any: bool
) -> None:
    request = parse(**parts)
    assert (request.is_given, request.needs_current_day, request.needs_current_due) == (given_any, keeps_day, keeps_any)


def test_a_time_on_a_null_date_is_refused_whatever_the_task_looks_like() -> None:
    with refused("due_date_required"):
        parse(due_date=None, due_time="10:00")


@given(DAYS, ZONES, st.none() | ZONES)
def test_a_date_without_a_time_stays_that_date_in_every_zone(on: date, zone: str, default: str | None) -> None:
    due = parse(due_date=on.isoformat(), timezone=zone).on(None, default)
    assert due is not None
    assert (due.day, due.at, str(due), due.key) == (on, None, on.isoformat(), on.isoformat())
    assert due.due_at == f"{on.isoformat()}T00:00:00.000Z"
    assert Due.read(due.due_at, due.zone, all_day=True) == due


def unless_skipped(request: DueRequest) -> Due | None:
    try:
        return request.on(None, None)
    except CallerError as error:
        if error.code != "time_skipped":
            raise
    return None


@given(DAYS, CLOCKS, ZONES)
@example(date(2011, 12, 30), time(10), "Pacific/Apia")
def test_a_timed_due_date_shows_the_same_day_and_time_on_its_own_clock(on: date, clock: time, zone: str) -> None:
    due = unless_skipped(parse(on.isoformat(), f"{clock:%H:%M}", zone))
    if due is None:
        return
    assert due.local is not None
    assert (due.local.date(), due.local.time(), due.day) == (on, clock, on)
    assert due.key == f"{on}T{clock:%H:%M}:00"
    assert Due.read(due.due_at, due.zone, all_day=False) == due


@given(st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30)), st.none() | ZONES)  # noqa: DTZ001  drawn as UTC
@example(datetime(2026, 3, 1, 15, 0, 0, 123456), SANTIAGO)  # noqa: DTZ001  drawn as UTC
def test_a_due_date_asked_for_as_an_instant_reads_back_as_itself(at: datetime, zone: str | None) -> None:
    due = parse(f"{at.isoformat()}+00:00", timezone=zone).on(None, None)
    assert due is not None
    assert Due.read(due.due_at, due.zone, all_day=due.at is None) == due


@given(DAYS, st.none() | ZONES)
def test_a_task_reads_as_the_due_date_written_to_it(on: date, zone: str | None) -> None:
    due = Due(on, None, zone)
    assert due_of(task(due_at=due.due_at, due_timezone=zone, is_all_day=True)) == due


def test_a_missing_due_at_means_no_due_date() -> None:
    assert due_of(task(due_timezone=SANTIAGO, is_all_day=True)) is None


SKIPPED = [
    ("2026-03-08", "02:30", NEW_YORK, ["01:30", "03:30"]),
    ("2026-03-29", "02:00", MADRID, ["01:00", "03:00"]),
    ("2026-10-04", "02:15", LORD_HOWE, ["01:15", "02:45"]),
]


@pytest.mark.parametrize(("on", "clock", "zone", "candidates"), SKIPPED)
def test_a_skipped_time_is_refused_with_the_times_around_it(
    on: str, clock: str, zone: str, candidates: list[str]
) -> None:
    with refused("time_skipped") as caught:
        parse(on, clock, zone).on(None, None)
    assert candidate_values(caught.value) == candidates
    for candidate in candidates:
        assert parse(on, candidate, zone).on(None, None) == timed(f"{on}T{candidate}", zone)


@pytest.mark.parametrize("clock", ["00:00", "00:30", "00:59"])
def test_a_time_skipped_at_midnight_has_candidates_on_the_same_day_only(clock: str) -> None:
    with refused("time_skipped") as caught:
        parse("2026-09-06", clock, SANTIAGO).on(None, None)
    assert caught.value.candidates
    for candidate in caught.value.candidates:
        assert "01:00" <= candidate.value <= "02:00"


@pytest.mark.parametrize(
    ("on", "zone"), [("2011-12-30", "Pacific/Apia"), ("2011-12-30", "Pacific/Fakaofo"), ("1993-08-21", "Kwajalein")]
)
def test_a_time_on_a_day_that_the_zone_skipped_whole_is_refused(on: str, zone: str) -> None:
    with refused("time_skipped"):
        parse(on, "10:00", zone).on(None, None)


def test_moving_a_day_onto_a_skipped_time_is_refused() -> None:
    with refused("time_skipped"):
        parse(due_date="2026-03-29").on(timed("2026-03-10T02:30", MADRID), None)


REPEATED = [
    ("2026-11-01", "01:30", NEW_YORK, "2026-11-01T05:30:00.000Z", "2026-11-01T01:30:00-05:00"),
    ("2026-10-25", "02:30", MADRID, "2026-10-25T00:30:00.000Z", "2026-10-25T02:30:00+01:00"),
    ("2026-04-04", "23:30", SANTIAGO, "2026-04-05T02:30:00.000Z", "2026-04-04T23:30:00-04:00"),
    ("2026-04-05", "01:45", LORD_HOWE, "2026-04-04T14:45:00.000Z", "2026-04-05T01:45:00+10:30"),
]


@pytest.mark.parametrize(("on", "clock", "zone", "first", "second"), REPEATED)
def test_a_repeated_time_means_the_first_one_and_an_offset_names_the_second(
    on: str, clock: str, zone: str, first: str, second: str
) -> None:
    due = parse(on, clock, zone).on(None, None)
    later = parse(second, timezone=zone).on(None, None)
    assert due is not None
    assert later is not None
    assert due.due_at == first
    assert later.at == datetime.fromisoformat(second)
    assert later.at != due.at
    assert str(later) == second.replace(":00-", "-").replace(":00+", "+")


@pytest.mark.parametrize("zone", [None, SANTIAGO, MADRID, "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "written",
    [
        "2026-11-26T00:00:00.000Z",
        "2026-11-26T00:00:00Z",
        "2026-11-26T00:00Z",
        "2026-11-26T00:00:00+00:00",
        "2026-11-26T00:00:00.000000+00:00",
        "2026-11-26 00:00:00+00:00",
        "2026-11-26 00:00:00Z",
        "2026-11-26T00Z",
        "2026-11-26T000000Z",
    ],
)
def test_midnight_utc_without_a_time_is_a_day(written: str, zone: str | None) -> None:
    assert parse(written, timezone=zone).on(None, MADRID) == day("2026-11-26", zone)


def test_midnight_utc_is_an_instant_where_the_task_has_a_time() -> None:
    request = parse("2026-11-26T00:00:00.000Z")
    before = timed("2026-03-10T15:00", SANTIAGO)
    assert request.on(before, None) == Due.instant(datetime(2026, 11, 26, tzinfo=UTC), SANTIAGO)
    assert request.on(before, None, midnight_is_day=True) == timed("2026-11-26T15:00", SANTIAGO)
    assert request.on(day("2026-03-10", SANTIAGO), None) == day("2026-11-26", SANTIAGO)


def test_midnight_utc_with_a_time_is_that_time_on_the_day() -> None:
    due = parse("2026-11-26T00:00:00.000Z", "09:00", SANTIAGO).on(None, None)
    assert due == timed("2026-11-26T09:00", SANTIAGO)


def test_the_documented_sample_means_local_time_on_the_written_day() -> None:
    due = parse("2025-10-26T15:00:00.000Z", "15:00", SANTIAGO).on(None, None)
    assert due == timed("2025-10-26T15:00", SANTIAGO)
    assert str(due) == "2025-10-26T15:00-03:00"


def test_a_datetime_and_a_time_that_name_the_same_instant_agree() -> None:
    due = parse("2026-01-02T01:30:00Z", "22:30", SANTIAGO).on(None, None)
    assert due == timed("2026-01-01T22:30", SANTIAGO)


@pytest.mark.parametrize("clock", ["14:00", "15:01", "00:00"])
def test_a_datetime_and_a_time_that_contradict_each_other_are_refused(clock: str) -> None:
    with refused("due_conflict"):
        parse("2025-10-26T15:00:00.000Z", clock, SANTIAGO).on(None, None)


@pytest.mark.parametrize(
    "given_date",
    [
        "",
        "2025-02-30",
        "2026-13-01",
        "20260101",
        "2026-W01-1",
        "0999-12-31",
        "9999-01-01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-01-01T15:00:00",
        "2026-01-01T00:00:00",
        "2026-01-01T25:00:00Z",
        "2026-01-01T15:00:00+99:00",
    ],
)
def test_a_malformed_due_date_is_refused(given_date: str) -> None:
    with refused("invalid_due_date"):
        parse(given_date)


@pytest.mark.parametrize(
    "clock", ["", "25:00", "24:00", "9", "09:60", "0900", "19am", "09:00:01", "0٣:00", "09:0\n", "noonish"]
)
def test_a_due_time_that_is_no_time_is_refused(clock: str) -> None:
    with refused("invalid_due_time"):
        parse(due_time=clock)


NOON = utc("2026-03-10T12:00")


@pytest.mark.parametrize(
    ("due", "default", "late"),
    [
        (None, None, False),
        (Due.instant(NOON - timedelta(seconds=1), SANTIAGO), None, True),
        (Due.instant(NOON, SANTIAGO), None, False),
        (Due.instant(NOON + timedelta(seconds=1), "Pacific/Kiritimati"), None, False),
        (day("2026-03-09"), None, True),
        (day("2026-03-10"), None, False),
        (day("2026-03-10", "Pacific/Kiritimati"), None, True),
        (day("2026-03-10"), "Pacific/Kiritimati", True),
        (day("2026-03-10", MADRID), "Pacific/Kiritimati", False),
        (day("2026-03-09", "Etc/GMT+12"), None, True),
    ],
)
def test_an_instant_is_late_by_the_clock_and_a_day_when_its_zones_day_is_over(
    due: Due | None,
    default: str | None,
    late: bool,  # noqa: FBT001  a column of the table
) -> None:
    assert is_overdue(due, NOON, default) is late


def test_a_finished_task_or_one_without_a_due_date_is_not_late() -> None:
    passed = {"due_at": "2026-03-09T00:00:00.000Z", "is_all_day": True}
    assert is_late(task(status_config=PENDING, **passed), NOON, None)
    assert not is_late(task(status_config=DONE, **passed), NOON, None)
    assert not is_late(task(), NOON, None)
    assert is_late(task(due_at="2026-03-10T00:00:00.000Z", is_all_day=True), NOON, "Pacific/Kiritimati")


def test_a_day_is_the_one_in_the_zone_and_without_a_zone_that_of_the_clock() -> None:
    assert day_in(NOON, "Pacific/Kiritimati") == date(2026, 3, 11)
    assert day_in(NOON, None) == date(2026, 3, 10)
    assert day_in(NOON.astimezone(ZoneInfo("Pacific/Kiritimati")), None) == date(2026, 3, 11)


@pytest.mark.parametrize(
    ("due", "default", "shown"),
    [
        (day("2026-12-30"), SANTIAGO, "2026-12-30 Wed"),
        (day("2026-12-27", MADRID), None, "2026-12-27 Sun"),
        (timed("2026-12-30T22:00", SANTIAGO), MADRID, "2026-12-30T22:00-03:00 Wed"),
        (timed("2026-12-31T01:00", None), SANTIAGO, "2026-12-30T22:00-03:00 Wed"),
        (timed("2026-12-31T01:00", None), None, "2026-12-31T01:00+00:00 Thu"),
        (timed("2026-12-31T01:00:07", SANTIAGO), None, "2026-12-31T01:00:07-03:00 Thu"),
    ],
)
def test_a_due_date_is_shown_with_its_weekday_in_its_own_zone_else_in_the_default(
    due: Due, default: str | None, shown: str
) -> None:
    assert due_text(due, default) == shown


def test_a_moment_without_a_zone_is_shown_as_it_comes() -> None:
    moment = NOON.astimezone(ZoneInfo("Pacific/Kiritimati"))
    assert moment_text(moment, None) == "2026-03-11T02:00+14:00 Wed"
    assert moment_text(moment, MADRID) == "2026-03-10T13:00+01:00 Tue"


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    moment = timed("2026-03-10T22:30:05.120", SANTIAGO).local
    assert moment is not None
    assert instant_text(moment) == "2026-03-11T01:30:05.120Z"
    exact = Due.instant(moment.replace(microsecond=120_999), None)
    assert (exact.due_at, exact.key) == ("2026-03-11T01:30:05.120Z", "2026-03-11T01:30:05")


def test_a_due_date_sorts_by_its_local_day_and_time() -> None:
    keys = [due.key for due in (day("2026-03-10"), timed("2026-03-10T00:00", SANTIAGO), TIMED, day("2026-03-11"))]
    assert keys == ["2026-03-10", "2026-03-10T00:00:00", "2026-03-10T22:30:00", "2026-03-11"]


def test_a_text_is_recognised_as_a_day_by_its_form() -> None:
    assert is_day("2026-02-30")
    assert not is_day("2026-02-30T00:00:00Z")
    assert not is_day("today")


def test_a_day_is_not_late_before_it_ends_in_its_own_zone() -> None:
    assert not is_overdue(day("2026-03-09", "Etc/GMT+12"), utc("2026-03-10T11:59"), None)


@pytest.mark.parametrize("zone", [None, "Mars/Base", "../zone", "America", "a\0b", "z" * 300])
def test_a_zone_that_only_the_crm_knows_has_the_rules_of_utc(zone: str | None) -> None:
    assert zone_rules(zone).key == "UTC"


UPSTREAM_ZONE = "Mars/Base"
FOREIGN = Due.read("2026-03-01T15:00:00.000Z", UPSTREAM_ZONE, all_day=False)


def test_a_zone_that_only_the_upstream_knows_is_read_as_utc() -> None:
    assert FOREIGN is not None
    assert FOREIGN.key == "2026-03-01T15:00:00"


@pytest.mark.parametrize(
    "request_",
    [parse(due_time="10:00"), parse("2026-03-02"), parse(timezone=None)],
    ids=["time", "date", "null zone"],
)
def test_a_due_date_in_a_zone_that_only_the_upstream_knows_can_be_changed(request_: DueRequest) -> None:
    only_refuses(lambda: request_.on(FOREIGN, None))


def test_a_day_in_a_zone_that_only_the_upstream_knows_can_be_late() -> None:
    assert is_overdue(day("2026-03-09", UPSTREAM_ZONE), NOON, None)


@pytest.mark.parametrize("text", ["2026-02-30", "", "2026-1-1", "2026-01-01T00:00:00Z", "0٣", "２０２６-01-01"])  # noqa: RUF001
def test_a_day_of_a_window_names_its_argument_when_refused(text: str) -> None:
    with refused("invalid_date") as caught:
        iso_day(text, "fromDate")
    assert caught.value.message.startswith("fromDate ")


def test_a_day_of_a_window_is_answered_as_it_is() -> None:
    assert iso_day("2024-02-29", "toDate") == "2024-02-29"


ALMOST_DATES = st.from_regex(r"\A\d{4}-\d{2}-\d{2}([T ]\d{2}:?\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?\Z")
ALMOST_CLOCKS = st.from_regex(r"\A\d{1,2}:\d{2}\Z")
GIVEN = st.tuples(
    st.none() | st.text() | ALMOST_DATES | DAYS.map(str),
    st.none() | st.text() | ALMOST_CLOCKS | CLOCKS.map(lambda clock: f"{clock:%H:%M}"),
    st.none() | st.text() | ZONES,
)
DueParts = tuple[str | None, str | None, str | None]
BEFORE = st.sampled_from([NONE, *EXISTING.values()])


@given(GIVEN)
def test_any_due_fields_are_parsed_or_refused(parts: DueParts) -> None:
    only_refuses(lambda: parse(*parts))


@given(GIVEN, BEFORE, st.none() | ZONES)
def test_any_due_fields_are_applied_or_refused(parts: DueParts, before: Due | None, default: str | None) -> None:
    only_refuses(lambda: parse(*parts).on(before, default))


@given(st.text())
def test_any_text_for_a_day_is_parsed_or_refused(text: str) -> None:
    only_refuses(lambda: date.fromisoformat(iso_day(text, "fromDate")))


@pytest.mark.parametrize(
    ("value", "day"),
    [("2025-03-15", date(2025, 3, 15)), ("2025-03-15T07:31:44Z", date(2025, 3, 15)), ("soon", None), (None, None)],
)
def test_a_day_is_read_from_the_beginning_of_a_text(value: object, day: date | None) -> None:
    assert day_of(value) == day

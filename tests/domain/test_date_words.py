"""Dates in words mean what a calendar says, or are refused: nothing is understood by half."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import MISSING

from builders import only_refuses, refused
from domain.date_phrases import (
    CANDIDATES,
    DUE,
    NOW,
    RARE,
    RARE_CANDIDATES,
    RARE_WINDOWS,
    REFUSED,
    TIMES,
    WINDOWS,
    ZONE,
)
from taskhand.domain.date_window import with_iso_days
from taskhand.domain.date_words.date_arguments import read_edge, read_edge_of_time
from taskhand.domain.date_words.parser import read_clock, read_date
from taskhand.domain.due import Due
from taskhand.domain.due_request import DueRequest
from taskhand.domain.errors import Ambiguous, CallerError
from taskhand.domain.moment_argument import read_moment
from taskhand.domain.reference_time import Reference
from taskhand.domain.task_query import TaskFilter

_Meaning = TypeVar("_Meaning")

HERE = Reference(NOW.astimezone(UTC), ZONE)


def split(phrases: Iterable[str]) -> list[str]:
    return [phrase for some in phrases for phrase in some.split(" · ")]


def rows(table: Mapping[str, _Meaning]) -> list[tuple[str, _Meaning]]:
    return [(phrase, meaning) for some, meaning in table.items() for phrase in some.split(" · ")]


WRONG_MOMENTS = (
    "2026-02-30T10:00Z · 2026-02-30T10:00-03:00 Mon · 2026-12-01T10:00Z Foo · 2026-12-01T10:00Z Wed",
    "fifth Friday of next month · quinto viernes del próximo mes",
)


def due_in(text: str, reference: Reference = HERE) -> str:
    """The due date that the words give to a task that has none, as the tables write it."""
    request = DueRequest.parse(text, reference=reference)
    due = request.on(None, reference.zone)
    assert due is not None
    return f"{due} without a time" if request.due_time is None else str(due)


@pytest.mark.parametrize(("phrase", "meaning"), rows(DUE | RARE))
def test_a_phrase_is_the_due_date_that_it_means(phrase: str, meaning: str) -> None:
    assert due_in(phrase) == meaning


NAMES: dict[str, tuple[Callable[[int], date], str]] = {
    "in {} days": (
        lambda number: NOW.date() + timedelta(days=number),
        (
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
            "seventeen eighteen nineteen twenty"
        ),
    ),
    "dentro de {} días": (
        lambda number: NOW.date() + timedelta(days=number),
        (
            "un dos tres cuatro cinco seis siete ? nueve diez once doce trece catorce ? dieciséis diecisiete dieciocho "
            "diecinueve veinte veintiún veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
            "veintiocho veintinueve"
        ),
    ),
    "the {} of March": (
        lambda number: date(2027, 3, number),
        (
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
            "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
    ),
    "el {} lunes de marzo": (lambda number: date(2027, 3, 7 * number - 6), "primer segundo tercer cuarto quinto"),
    "15 {} 2027": (lambda number: date(2027, number, 15), "jan feb mar apr may jun jul aug sep/sept oct nov dec"),
    "15 de {} de 2027": (
        lambda number: date(2027, number, 15),
        "ene feb mar abr may jun jul ago sep/sept/set/setiembre oct nov dic",
    ),
    "next week on {}": (
        lambda number: date(2026, 11, 29) + timedelta(days=number),
        "mon tue/tues wed thu/thur fri sat sun",
    ),
    "la próxima semana el {}": (
        lambda number: date(2026, 11, 29) + timedelta(days=number),
        "lun mar mié jue vie sáb dom",
    ),
}
"""Phrases, and the day of each with the first, second, … of these names; eight and fifteen days mean weeks too."""


@pytest.mark.parametrize("phrase", NAMES)
def test_each_name_of_a_number_a_month_or_a_weekday_has_its_place(phrase: str) -> None:
    day_of, all_names = NAMES[phrase]
    for number, names in enumerate(all_names.split(), 1):
        for name in names.split("/") if names != "?" else ():
            assert (name, due_in(phrase.format(name))) == (name, str(day_of(number)))


@pytest.mark.parametrize(("phrase", "candidates"), rows(CANDIDATES | RARE_CANDIDATES))
def test_an_ambiguous_date_is_refused_with_candidates_that_can_each_be_sent(
    phrase: str, candidates: tuple[str, ...]
) -> None:
    with pytest.raises(CallerError) as caught:
        DueRequest.parse(phrase, reference=HERE)
    assert caught.value.code == ("ambiguous_date" if isinstance(caught.value, Ambiguous) else "invalid_due_date")
    values = [one.value for one in caught.value.candidates]
    assert len(values) == len(candidates)
    for value, candidate in zip(values, candidates, strict=True):
        assert value == candidate
        day, _, clock = candidate.partition(" ")
        assert due_in(value).startswith(f"{day}T{clock[4:]}" if ":" in clock else day)


@pytest.mark.parametrize("phrase", split([*REFUSED, *WRONG_MOMENTS]))
def test_a_text_that_is_no_date_is_refused_with_a_short_next_step(phrase: str) -> None:
    with refused("invalid_due_date") as caught:
        DueRequest.parse(phrase, reference=HERE)
    assert caught.value.next_step
    assert len(caught.value.message) + len(caught.value.next_step) < 250


@pytest.mark.parametrize("number", ["1795900000", "1795900000123"])
def test_a_unix_time_is_refused_with_the_moment_that_it_may_be(number: str) -> None:
    with refused("invalid_due_date") as caught:
        due_in(number)
    (candidate,) = caught.value.candidates
    assert candidate.value == "2026-11-28T21:06:40+00:00"
    assert due_in(candidate.value).startswith("2026-11-28T")


def test_a_unix_time_for_a_day_of_a_window_is_refused_with_the_persons_day() -> None:
    with refused("invalid_date") as caught:
        with_iso_days(TaskFilter(from_date="1795918000"), HERE)  # 02:06 in UTC, 23:06 of the day before in the zone
    (candidate,) = caught.value.candidates
    assert candidate.value == "2026-11-28"
    assert caught.value.next_step == "If a Unix time is meant, send 2026-11-28."


def test_a_friday_that_is_over_is_no_due_day_of_this_week() -> None:
    saturday = Reference((NOW + timedelta(days=3)).astimezone(UTC), ZONE)
    with refused("ambiguous_date") as caught:
        due_in("this week", saturday)
    assert [one.value for one in caught.value.candidates] == ["2026-11-28 Sat", "2026-11-29 Sun"]


@pytest.mark.parametrize("phrase", ["tomorrow 3pm", "mañana a las 15:00"])
def test_a_day_of_a_window_with_a_time_is_refused(phrase: str) -> None:
    with refused("invalid_date") as caught:
        read_edge("fromDate", phrase, "from", HERE, "either")
    assert caught.value.message == f"fromDate {phrase!r} has a time, and fromDate is a day."


def test_a_distance_with_a_sign_is_refused_with_both_meanings() -> None:
    with refused("invalid_due_date") as caught:
        due_in("+7 days")
    assert caught.value.next_step is not None
    assert "Send 'in 7 days' to count from today." in caught.value.next_step
    assert "shiftDueDays" in caught.value.next_step


@pytest.mark.parametrize(
    ("phrase", "step"),
    [
        ("every Monday", "A task is due once and does not repeat: send its first day"),
        ("todos los lunes a las 9", "create_tasks"),
        ("weekly", "does not repeat"),
        ("sin fecha", 'To remove the due date send clear ["dueDate"]'),
        ("none", "a new task without one leaves dueDate out"),
        ("postpone 3 days", "call bulk_update_tasks with taskIds and shiftDueDays."),
        ("Move it by one week, please", "call bulk_update_tasks with taskIds and shiftDueDays."),
        ("posponer 3 días", "call bulk_update_tasks with taskIds and shiftDueDays."),
        ("adelántala una semana", "call bulk_update_tasks with taskIds and shiftDueDays."),
        ("delayed by 2 days", "shiftDueDays"),
        ("muévelo 2 días", "shiftDueDays"),
        ("move to the next office", 'such as "tomorrow"'),
        ("move to next week", 'such as "tomorrow"'),
        ("movie in 2 days", 'such as "tomorrow"'),
        ("correo en 3 días", 'such as "tomorrow"'),
        ("2 days later", "call bulk_update_tasks with taskIds and shiftDueDays."),
        ("un día antes", "To count from today, send words such as 'in 2 days'."),
        ("-3 days", "shiftDueDays"),
        ("+3 días", "Send 'en 3 dias' to count from today."),
        ("tomorrow 4pm Madrid time", "dueDate as 'tomorrow 4pm', and timezone as Europe/Madrid in place of"),
        ("lunes a las 15:00 hora de Bogotá", "timezone as America/Bogota in place of 'hora de Bogotá'"),
        ("mañana a las 15:00 (hora de Lima)", "timezone as America/Lima in place of 'hora de Lima'"),
        ("noon", "Send the day with it"),
        ("mediodía", "Send the day with it"),
        ("TBD", "leaves dueDate out"),
        ("por definir", "leaves dueDate out"),
        ("tomorrow 3pm Eastern time", "timezone as an IANA name such as America/Santiago in place of 'Eastern time'"),
    ],
)
def test_words_for_no_single_day_are_refused_with_what_to_send(phrase: str, step: str) -> None:
    with refused("invalid_due_date") as caught:
        due_in(phrase)
    assert step in str(caught.value.next_step)


def test_a_filter_for_tasks_without_a_date_is_refused_with_its_argument() -> None:
    for text in ("none", "sin fecha", "no due date"):
        with refused("invalid_date") as caught:
            with_iso_days(TaskFilter(from_date=text), HERE)
        assert caught.value.next_step == "For tasks without a due date send withoutDate true, and leave fromDate out."


def test_a_whole_day_as_a_time_is_refused_with_how_the_time_is_taken_away() -> None:
    with refused("invalid_due_time") as caught:
        DueRequest.parse("2026-12-01", "all day", ZONE, reference=HERE)
    assert 'clear ["dueTime"]' in str(caught.value.next_step)


@pytest.mark.parametrize(("phrase", "meanings"), rows(TIMES))
def test_a_due_time_in_words_is_one_time_or_refused(phrase: str, meanings: tuple[str, ...]) -> None:
    if len(meanings) == 1:
        request = DueRequest.parse("2026-12-01", phrase, ZONE, reference=HERE)
        assert request.due_time == time.fromisoformat(meanings[0])
        assert [(one.argument, one.id) for one in request.matched] == [("dueTime", meanings[0])]
    else:
        with refused("ambiguous_date" if meanings else "invalid_due_time") as caught:
            DueRequest.parse("2026-12-01", phrase, ZONE, reference=HERE)
        assert tuple(one.value for one in caught.value.candidates) == meanings
        assert ("may mean more than one time" in caught.value.message) == bool(meanings)


@pytest.mark.parametrize(("phrase", "days"), rows(WINDOWS | RARE_WINDOWS))
def test_a_window_takes_the_first_and_the_last_day_of_a_period(phrase: str, days: tuple[str, ...]) -> None:
    found, matched = with_iso_days(TaskFilter(from_date=phrase, to_date=phrase), HERE)
    assert (found.from_date, found.to_date) == days
    named = [] if phrase.startswith("2026") else [("fromDate", days[0]), ("toDate", days[1])]
    assert [(one.argument, one.id) for one in matched] == named


@pytest.mark.parametrize(("phrase", "days"), rows(WINDOWS))
def test_a_period_sent_as_the_first_day_alone_means_its_last_day_too(phrase: str, days: tuple[str, ...]) -> None:
    found, matched = with_iso_days(TaskFilter(from_date=phrase), HERE)
    is_period = days[0] != days[1]
    assert found.from_date == days[0]
    assert found.to_date == (days[1] if is_period else MISSING)
    ends = [("toDate", phrase, days[1])] if is_period else []
    assert [(one.argument, one.given, one.id) for one in matched if one.argument == "toDate"] == ends


@pytest.mark.parametrize(
    "phrase", ["since last month", "from last month", "Desde el mes pasado", "a partir del mes pasado"]
)
def test_a_window_has_no_end_if_its_words_name_only_the_beginning(phrase: str) -> None:
    found, matched = with_iso_days(TaskFilter(from_date=phrase), HERE)
    assert (found.from_date, found.to_date) == ("2026-10-01", MISSING)
    assert [one.argument for one in matched] == ["fromDate"]


def test_a_weekday_alone_is_ambiguous_as_the_first_day_of_a_window() -> None:
    with refused("ambiguous_date", Ambiguous) as caught:
        with_iso_days(TaskFilter(from_date="el lunes"), HERE)
    assert [one.value for one in caught.value.candidates] == ["2026-11-23 Mon", "2026-11-30 Mon"]
    with refused("ambiguous_date", Ambiguous):  # a day more than a quarter away on either side
        with_iso_days(TaskFilter(from_date="26 de febrero"), HERE)
    assert with_iso_days(TaskFilter(to_date="el lunes"), HERE)[0].to_date == "2026-11-30"
    assert with_iso_days(TaskFilter(to_date="el lunes", date_field="due"), HERE)[0].to_date == "2026-11-30"
    finished = TaskFilter(from_date="el lunes", to_date="Tuesday", date_field="completed")
    found = with_iso_days(finished, HERE)[0]
    assert (found.from_date, found.to_date) == ("2026-11-23", "2026-11-24")


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("hoy", "today"),
        ("el lunes", "Monday"),
        ("this week", "esta semana"),
        ("2 hours ago", "ahora"),
        ("yesterday at 9:00", "ayer a las 18:00"),
    ],
)
def test_a_time_of_the_journal_is_where_a_day_begins_or_ends_and_lies_behind(since: str, until: str) -> None:
    first, _ = read_edge_of_time("since", since, "from", HERE)
    last, _ = read_edge_of_time("until", until, "to", HERE)
    assert first < last
    assert first <= NOW
    if " " not in since:
        assert (first.time(), last.time()) == (time(), time.max)


SINCE = {
    "last hour · past hour · the last hour · in the last hour · la última hora · 1h · 1 hora": "-1 hours",
    "last 24 hours · las últimas 24 horas · en las últimas 24 horas · 24h · 24 hours · the past 24 hrs": "-24 hours",
    "last half hour · la última media hora · past 30 minutes · 30 min": "-0.5 hours",
    "last day · past day · el último día · 1d · un día · 1 day": "2026-11-24T00:00-03:00",
    "in the last 2 weeks · 2 weeks · en las últimas 2 semanas · 2w": "2026-11-11T00:00-03:00",
    "this morning · since this morning · esta mañana · earlier today": "2026-11-25T00:00-03:00",
    "yesterday afternoon · ayer por la tarde": "2026-11-24T12:00-03:00",
    "this Monday · este lunes · el lunes · Monday": "2026-11-23T00:00-03:00",
    "last night · anoche": "2026-11-24T18:00-03:00",
    "el 28 · the 28th · 28 de octubre": "2026-10-28T00:00-03:00",
    "30 de diciembre · December 30 · 30/12": "2025-12-30T00:00-03:00",
    "last day of December · a fin de diciembre": "2025-12-31T00:00-03:00",
    "el 25 · 2026-11-25 · 20261125 · 2026-11-25T00:00": "2026-11-25T00:00-03:00",
    "2026-11-24T09:30 · 2026-11-24 09:30 · 2026-11-24T09:30-03:00 · 2026-11-24T12:30Z": "2026-11-24T09:30-03:00",
}


@pytest.mark.parametrize(("phrase", "meaning"), [(one, at) for some, at in SINCE.items() for one in some.split(" · ")])
def test_a_past_moment_is_a_duration_ago_or_on_the_persons_clock(phrase: str, meaning: str) -> None:
    at, _ = read_moment("since", phrase, "from", HERE)
    ago = NOW.replace(second=0) + timedelta(hours=float(meaning.split(maxsplit=1)[0])) if "hours" in meaning else None
    assert at == (ago or datetime.fromisoformat(meaning))


@pytest.mark.parametrize(
    ("phrase", "meaning"),
    [
        ("2026-11-24", "2026-11-24T23:59:59.999999-03:00"),
        ("yesterday", "2026-11-24T23:59:59.999999-03:00"),
        ("ayer por la mañana", "2026-11-24T11:59:59.999999-03:00"),
        ("last night", "2026-11-24T23:59:59.999999-03:00"),
        ("yesterday at 3pm", "2026-11-24T15:00:00-03:00"),
        ("2026-11-24 09:30", "2026-11-24T09:30:00-03:00"),
        ("2026-11-24T09:30Z", "2026-11-24T09:30:00+00:00"),
        ("9999-12-31T23:59:59Z", "9998-12-31T00:00:00+00:00"),
        ("0001-01-01T00:00:00Z", "1000-01-01T00:00:00+00:00"),
    ],
)
def test_a_day_ends_with_its_last_moment_a_part_of_a_day_with_that_part_and_a_time_is_itself(
    phrase: str, meaning: str
) -> None:
    assert read_moment("until", phrase, "to", HERE)[0].isoformat() == meaning


def test_a_moment_may_be_a_minute_in_the_future_because_clocks_differ() -> None:
    ahead = [HERE.now + timedelta(seconds=seconds) for seconds in (60, 61)]
    assert read_moment("since", ahead[0].isoformat(), "from", HERE)[0] == ahead[0]
    with refused("invalid_window", CallerError):
        read_moment("since", ahead[1].isoformat(), "from", HERE)
    assert read_moment("until", ahead[1].isoformat(), "to", HERE)[0] == ahead[1]


@pytest.mark.parametrize("phrase", ["tomorrow", "in 2 hours", "2027-01-01", "2999-01-01T00:00:00Z"])
def test_nothing_is_since_a_moment_in_the_future(phrase: str) -> None:
    with refused("invalid_window", CallerError) as caught:
        read_moment("since", phrase, "from", HERE)
    assert "in the future" in caught.value.message
    assert "yesterday" in str(caught.value.next_step)


@pytest.mark.parametrize("phrase", ["5pm", "some day", "soon"])
def test_a_text_that_is_no_past_moment_is_refused_with_examples_of_one(phrase: str) -> None:
    with refused("invalid_date", CallerError) as caught:
        read_moment("since", phrase, "from", HERE)
    step = str(caught.value.next_step)
    assert "tomorrow" not in step
    assert "dueTime" not in step


@pytest.mark.parametrize("phrase", ["2 hours", "1h", "last hour", "24h", "2 days", "la última hora"])
def test_a_duration_is_refused_as_a_due_date(phrase: str) -> None:
    with pytest.raises(CallerError):
        DueRequest.parse(phrase, reference=HERE)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("tomorrow at 3pm", "15:00", None), "2026-11-26T15:00-03:00"),
        (("tomorrow at 3pm", "16:00", None), "due_conflict"),
        (("tomorrow at 3pm", None, None), "due_conflict"),
        (("tomorrow EOD", "17:00", None), "due_conflict"),
        (("tomorrow EOD", None, None), "2026-11-26"),
        (("tomorrow", "3pm", None), "2026-11-26T15:00-03:00"),
        (("tomorrow", None, None), "2026-11-26"),
        (("in 90 minutes", "09:00", None), "due_conflict"),
        (("tomorrow at 3pm", None, "Europe/Madrid"), "due_conflict"),
    ],
)
def test_a_time_in_the_words_agrees_with_due_time_or_is_refused(
    given: tuple[str, str | None, str | None], expected: str
) -> None:
    text, clock, _ = given
    if expected == "due_conflict":
        with refused(expected):
            DueRequest.parse(text, clock, reference=HERE)
    else:
        assert str(DueRequest.parse(text, clock, reference=HERE).on(None, ZONE)) == expected


def test_dates_in_words_count_in_the_given_zone_else_in_the_configured_one() -> None:
    late = Reference(datetime(2026, 11, 26, 1, 0, tzinfo=UTC), ZONE)  # the evening before in Santiago
    madrid = Due.instant(datetime(2026, 12, 1, 9, tzinfo=UTC), "Europe/Madrid")
    assert due_in("tomorrow", late) == "2026-11-26"
    assert due_in("tomorrow", Reference(late.now)) == "2026-11-27"
    assert str(DueRequest.parse("tomorrow", None, "Asia/Tokyo", reference=late).on(madrid, ZONE)) == "2026-11-27"
    at_ten = DueRequest.parse("tomorrow at 10:00", reference=late)
    assert str(at_ten.on(madrid, ZONE)) == "2026-11-26T14:00+01:00"  # ten in Santiago, on the task's clock
    assert [(one.id, one.name) for one in at_ten.matched] == [("2026-11-26T10:00-03:00", "Thursday")]
    asked = DueRequest.parse("tomorrow at 10:00", timezone="Asia/Tokyo", reference=late)
    assert str(asked.on(madrid, ZONE)) == "2026-11-27T10:00+09:00"
    with refused("timezone_required"):
        DueRequest.parse("tomorrow at 10:00", reference=Reference(late.now)).on(None, None)


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    before = Reference(datetime(2026, 3, 7, 12, tzinfo=UTC), "America/New_York")
    with refused("time_skipped"):
        DueRequest.parse("tomorrow at 02:30", reference=before)
    assert due_in("in 24 hours", before) == "2026-03-08T08:00-04:00"  # an hour later on the clock: real hours


@pytest.mark.parametrize(
    ("today", "phrase", "meaning"),
    [
        ("2026-01-31", "in a month", "2026-02-28"),
        ("2026-01-31", "dentro de un mes", "2026-02-28"),
        ("2024-02-29", "in a year", "2025-02-28"),
        ("2026-08-31", "en 6 meses", "2027-02-28"),
        ("2026-11-30", "end of month", "2026-11-30"),
        ("2026-12-31", "mañana", "2027-01-01"),
        ("2026-11-27", "in 1 business day", "2026-11-30"),
        ("2026-11-28", "in 1 business day", "2026-11-30"),
        ("2026-11-29", "dentro de 5 días hábiles", "2026-12-04"),
        ("2026-11-29", "last business day of January", "2027-01-29"),
        ("2026-11-29", "tercer día hábil de diciembre", "2026-12-03"),
        ("2026-11-29", "the 24th of next month, Thursday", "2026-12-24"),
        ("2026-11-29", "el lunes", "2026-11-30"),
        ("2026-11-30", "el 31", "2026-12-31"),
        ("2027-12-31", "29 de febrero", "2028-02-29"),
    ],
)
def test_phrases_for_the_ends_of_months_and_weeks_are_parsed(today: str, phrase: str, meaning: str) -> None:
    assert due_in(phrase, Reference(datetime.fromisoformat(f"{today}T12:00").replace(tzinfo=UTC))) == meaning


def test_next_monday_on_a_sunday_may_be_tomorrow_or_in_a_week() -> None:
    with refused("ambiguous_date", Ambiguous) as caught:
        DueRequest.parse("next Monday", reference=Reference(datetime(2026, 11, 29, 12, tzinfo=UTC)))
    assert [one.value for one in caught.value.candidates] == ["2026-11-30 Mon", "2026-12-07 Mon"]


WEEKDAYS = (
    ("Monday", "lunes"),
    ("Tuesday", "martes"),
    ("Wednesday", "miércoles"),
    ("Thursday", "jueves"),
    ("Friday", "viernes"),
    ("Saturday", "sábado"),
    ("Sunday", "domingo"),
)
MONTHS = (
    *(("January", "enero"), ("February", "febrero"), ("March", "marzo"), ("April", "abril"), ("May", "mayo")),
    *(("June", "junio"), ("July", "julio"), ("August", "agosto"), ("September", "septiembre")),
    *(("October", "octubre"), ("November", "noviembre"), ("December", "diciembre")),
)
UNITS = {1: (("day", "día"), ("days", "días")), 7: (("week", "semana"), ("weeks", "semanas"))}
NUMBERS = ("one", "two", "three", "four", "five"), ("un", "dos", "tres", "cuatro", "cinco")
ZONES = ("America/Santiago", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/Madrid")
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  drawn as UTC
LANGUAGE = st.sampled_from((0, 1))


def days_of(text: str, reference: Reference) -> list[date]:
    return sorted({one.span.first for one in read_date(text, reference.local(), "due").found})


@given(MOMENTS, st.sampled_from(ZONES), LANGUAGE, st.integers(0, 6))
def test_a_weekday_is_the_first_that_comes(now: datetime, zone: str, language: int, weekday: int) -> None:
    here, name = Reference(now, zone), WEEKDAYS[weekday][language]
    today = here.local().date()
    coming = next(day for n in range(1, 8) if (day := today + timedelta(n)).weekday() == weekday)
    gone = next(day for n in range(1, 8) if (day := today - timedelta(n)).weekday() == weekday)
    bare = [today, coming] if today.weekday() == weekday else [coming]
    assert days_of(name, here) == bare
    assert coming in days_of(("next {}", "el próximo {}")[language].format(name), here)
    assert gone in days_of(("last {}", "el {} pasado")[language].format(name), here)
    assert all(day.weekday() == weekday for day in days_of(("next {}", "{} que viene")[language].format(name), here))
    monday = today - timedelta(today.weekday())
    assert days_of(("{} next week", "{} de la próxima semana")[language].format(name), here) == [
        monday + timedelta(7 + weekday)
    ]


@given(MOMENTS, st.sampled_from(ZONES), LANGUAGE, st.integers(1, 900), st.sampled_from((1, 7)))
@example(datetime(2026, 11, 25, 23, 30, tzinfo=UTC), ZONE, 1, 1, 7)
def test_a_number_of_weeks_or_months_is_counted_in_days(
    now: datetime, zone: str, language: int, count: int, size: int
) -> None:
    here, unit = Reference(now, zone), UNITS[size][count > 1][language]
    today = here.local().date()
    names = [str(count), *([NUMBERS[language][count - 1]] if count <= 5 and unit != "semana" else [])]
    for name in names:
        assert days_of(("in {} {}", "dentro de {} {}")[language].format(name, unit), here) == [
            today + timedelta(count * size)
        ]
        assert days_of(("{} {} ago", "hace {} {}")[language].format(name, unit), here) == [
            today - timedelta(count * size)
        ]


@given(MOMENTS, st.sampled_from(ZONES), LANGUAGE, st.integers(1, 40))
def test_business_days_are_counted_one_by_one(now: datetime, zone: str, language: int, count: int) -> None:
    here = Reference(now, zone)
    day = here.local().date()
    for _ in range(count):
        day += timedelta(1)
        while day.strftime("%a") in ("Sat", "Sun"):
            day += timedelta(1)
    assert days_of(("in {} business days", "en {} días hábiles")[language].format(count), here) == [day]


@given(MOMENTS, LANGUAGE, st.dates(date(1999, 1, 1), date(2100, 1, 1)))
def test_a_date_is_parsed_with_its_year_and_a_wrong_weekday_is_detected(
    now: datetime, language: int, day: date
) -> None:
    here, month, weekday = Reference(now), MONTHS[day.month - 1][language], WEEKDAYS[day.weekday()][language]
    said = (f"{month} {day.day}, {day.year}", f"{day.day} de {month} de {day.year}")[language]
    other = WEEKDAYS[day.weekday() - 1][language]
    for text in (said, f"{weekday} {said}", f"{day} {weekday}", f"{weekday}, {day}", f"{said} ({weekday})"):
        assert days_of(text, here) == [day]
    for text in (f"{other} {said}", f"{day} {other}"):
        found = read_date(text, now, "due")
        assert (found.found, found.other_day) == ((), day)


@given(MOMENTS, LANGUAGE, st.integers(1, 12), st.integers(1, 28))
def test_a_date_without_a_year_is_the_next_one_or_one_of_two(
    now: datetime, language: int, month: int, day: int
) -> None:
    said = (f"{MONTHS[month - 1][0]} {day}", f"el {day} de {MONTHS[month - 1][1]}")[language]
    years = [date(now.year + n, month, day) for n in (-1, 0, 1)]
    coming = next(one for one in years if one >= now.date())
    gone = [one for one in years if one < now.date()][-1]
    found = days_of(said, Reference(now))
    assert found == ([gone, coming] if (now.date() - gone).days <= 31 < (coming - now.date()).days else [coming])


@given(st.integers(0, 23), st.integers(0, 59), LANGUAGE)
def test_a_time_of_day_is_parsed_in_each_usual_form(hour: int, minute: int, language: int) -> None:
    at = time(hour, minute)
    half = f"{hour % 12 or 12}:{minute:02} {'pm' if hour >= 12 else 'am'}"
    for said in (f"{at:%H:%M}", half, ("at ", "a las ")[language] + half, f"{at:%H}h{at:%M}"):
        assert [one.at for one in read_clock(said)] == [at]
        assert [one.clock for one in read_date(f"{('tomorrow', 'mañana')[language]} {said}", NOW, "due").found] == [at]


SHOWN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@given(MOMENTS, st.sampled_from(ZONES))
def test_shown_dates_are_parsed_back_to_the_same_dates(moment: datetime, zone: str) -> None:
    local = moment.replace(second=0, microsecond=0).astimezone(ZoneInfo(zone))
    day = SHOWN[local.weekday()]
    shown = DueRequest.parse(f"{local.isoformat(timespec='minutes')} {day}", reference=HERE)
    assert isinstance(shown.due_date, datetime)
    assert shown.due_date.astimezone(UTC) == local.astimezone(
        UTC
    )  # in an hour that comes twice, no two zones are equal
    assert DueRequest.parse(f"{local.date()} {day}", reference=HERE).due_date == local.date()
    assert shown.matched == ()
    utc = local.astimezone(UTC)
    in_small_letters = f"{utc:%Y-%m-%dt%H:%Mz} {SHOWN[utc.weekday()].lower()}"
    assert DueRequest.parse(in_small_letters, reference=HERE).due_date == utc
    window = f"{local.isoformat(timespec='minutes')} {day}"
    assert read_edge("fromDate", window, "from", HERE, "either")[0] == local.date()


WORDS = sorted({word for phrase in split([*DUE, *CANDIDATES, *REFUSED, *WINDOWS]) for word in phrase.split()})


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), min_size=1, max_size=7).map(" ".join) | st.text())
def test_any_text_is_either_read_as_a_date_or_refused_with_a_next_step(text: str) -> None:
    for read in (
        lambda: DueRequest.parse(text, reference=HERE),
        lambda: DueRequest.parse("2026-12-01", text, ZONE, reference=HERE),
        lambda: with_iso_days(TaskFilter(from_date=text), HERE),
        lambda: read_edge_of_time("until", text, "to", HERE),
    ):
        only_refuses(read)


OTHERS = ("foo", "5 people", "please", "maybe", "and call Ana", "x")


@given(phrase=st.sampled_from(split(DUE)), rest=st.sampled_from(OTHERS))
def test_a_phrase_with_anything_else_around_it_is_refused(phrase: str, rest: str) -> None:
    for text in (f"{phrase} {rest}", f"{rest} {phrase}"):
        assert read_date(text, NOW, "due").found == ()


def test_the_date_grammar_is_not_imported_at_start() -> None:
    listing = "import sys, taskhand.server.app, taskhand.wiring, taskhand.service.create_task; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)  # noqa: S603
    assert "taskhand.domain.due" in loaded.stdout
    assert "date_words" not in loaded.stdout


@pytest.mark.parametrize(
    ("english", "spanish", "days"),
    [
        *(("thirty", "treinta", 30), ("forty", "cuarenta", 40), ("fifty", "cincuenta", 50), ("sixty", "sesenta", 60)),
        *(("ninety", "noventa", 90), ("forty-two", "cuarenta y dos", 42), ("thirty-one", "treinta y uno", 31)),
    ],
)
def test_a_number_of_days_in_words_is_counted_from_today(english: str, spanish: str, days: int) -> None:
    expected = (NOW.date() + timedelta(days)).isoformat()
    assert [due_in(f"in {english} days"), due_in(f"en {spanish} días")] == [expected, expected]


def test_in_spanish_the_day_of_a_numeric_date_is_first_if_it_can_be() -> None:
    assert [due_in(one) for one in ("el 5/12", "el 12/25", "el 12/25/2026")] == ["2026-12-05", *["2026-12-25"] * 2]


def test_the_coming_weekday_is_the_first_after_today() -> None:
    for phrase in (
        "this coming Wednesday",
        "the coming Wednesday",
        "este próximo miércoles",
        "este miércoles que viene",
    ):
        assert due_in(phrase) == "2026-12-02"
    assert due_in("coming Thursday") == "2026-11-26"


@pytest.mark.parametrize(("days", "saturdays"), [(0, [28, 35]), (2, [28, 35]), (3, [35]), (4, [35]), (5, [35, 42])])
def test_the_next_weekend_may_be_the_coming_one_until_friday(days: int, saturdays: list[int]) -> None:
    at = Reference((NOW + timedelta(days)).astimezone(UTC), ZONE)
    with pytest.raises(CallerError) as caught:
        DueRequest.parse("next weekend", reference=at)
    first = date(2026, 11, 1)
    expected = [first + timedelta(day - 1 + more) for day in saturdays for more in (0, 1)]
    assert [one.value[:10] for one in caught.value.candidates] == [str(one) for one in expected]

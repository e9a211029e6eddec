"""The readings of a phrase as days: the actions of a table of phrases, applied to the values of its slots; pure."""

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from taskhand.domain.date_words import date_arithmetic, months, weekdays
from taskhand.domain.date_words.context import Context, Found
from taskhand.domain.date_words.date_arithmetic import Span, Unit
from taskhand.domain.date_words.language import Language
from taskhand.domain.date_words.numeric_dates import numeric_date
from taskhand.domain.date_words.patterns import Action, Word
from taskhand.domain.date_words.weekdays import WrongWeekday

__all__ = ["Days", "NoSuchDay", "days_of"]

_DATES: Final = frozenset({"iso", "numeric", "month_day", "day_month", "day_of_month", "day_in_month", "offset"})
"""The actions that may be combined with the weekday of the date."""
_HOUR: Final = 60
"""Minutes."""


class NoSuchDay(Exception):
    """The phrase names a day that no calendar has."""


@dataclass(frozen=True, slots=True)
class Days:
    """One reading of a phrase: the days, or the moment `at`."""

    span: Span
    at: datetime | None = None


def days_of(
    words: Sequence[Word], language: Language, context: Context, only: Container[str] | None = None
) -> set[Days]:
    """Every reading of the words as days; empty if they match no phrase, or none with an action of `only`.

    NoSuchDay and WrongWeekday if they match a phrase that names no day.
    """
    days, faults = set[Days](), list[NoSuchDay | WrongWeekday]()
    for some in _sources(words, language, context, only):
        try:
            days.update(some())
        except (NoSuchDay, WrongWeekday) as fault:
            faults.append(fault)
    if faults and not days:
        raise faults[0]
    return days


def _sources(
    words: Sequence[Word], language: Language, context: Context, only: Container[str] | None
) -> Iterator[Callable[[], Iterable[Days]]]:
    """The phrases that the words match, and the dates with a weekday beside them."""
    for action, values, rest in language.days.find(words):
        if (only is None or action[0] in only) and (context.direction == "past" or "recent" not in action[0]):
            yield partial(_days_of_action, context, language, action, values, rest)
    words = words[1:] if words and language.article in words[0] else words
    if len(words) > 1 and only is None:
        for weekday, others in ((words[0].get("W"), words[1:]), (words[-1].get("W"), words[:-1])):
            if weekday is not None and not any("W" in word and "M" not in word for word in others):
                yield partial(_on_weekday, weekday, others, language, context)


def _on_weekday(weekday: int, words: Sequence[Word], language: Language, context: Context) -> set[Days]:
    """The readings of the words on that weekday; WrongWeekday if all readings are on other weekdays."""
    days = _single_days(days_of(words, language, context, only=_DATES))
    if len(words) == 1 and "D" in words[0]:
        days = [*days, *(span.first for span in months.day_of_month(context, words[0]["D"]))]
    return {Days(Span.day(day)) for day in weekdays.keep_weekday(days, weekday)}


def _single_days(readings: Iterable[Days]) -> list[date]:
    return sorted(days.span.first for days in readings if days.span.is_day and days.at is None)


def _days_of_action(
    context: Context, language: Language, action: Action, values: tuple[Any, ...], rest: Sequence[Word] | None
) -> Iterator[Days]:
    """The days of an action; NoSuchDay."""
    name, *before = action
    if rest is not None:
        values = (*values, _single_days(days_of(rest, language, context)))
    try:
        if name in _MOMENTS:
            yield _MOMENTS[name](context, *before, *values)
            return
        options = {"day_first": language.day_first} if name == "numeric" else {}
        for span in _ACTIONS[name](context, *before, *values, **options):
            if span is not None:
                yield Days(span if isinstance(span, Span) else Span.day(span))
    except (ValueError, OverflowError):  # a day that the month does not have, or a year that no calendar has
        raise NoSuchDay from None


def _minutes(context: Context, sign: int, count: int, minutes: int) -> Days:
    """A moment; an hour later is an hour of real time, also if the clocks change between."""
    at = context.now.replace(second=0, microsecond=0).astimezone(UTC) + timedelta(minutes=sign * count * minutes)
    local = at.astimezone(context.now.tzinfo)
    return Days(Span.day(local.date()), local)


def _add_half(context: Context, count: int, minutes: int = _HOUR) -> Days:
    """The moment in `count` and a half hours."""
    if minutes != _HOUR:
        raise ValueError
    return _minutes(context, 1, 1, count * minutes + minutes // 2)


def _offset(context: Context, days: int) -> Found:
    return [context.today + timedelta(days)]


def _days_after(context: Context, count: int, unit: Unit, days: Sequence[date] | None = None) -> Found:
    return [date_arithmetic.add_unit(day, count, unit) for day in ([context.today] if days is None else days)]


def _after_a_few(context: Context, unit: Unit) -> Found:
    """A few may be two, three or four."""
    return [date_arithmetic.add_unit(context.today, count, unit) for count in (2, 3, 4)]


def _before(context: Context, count: int, unit: Unit, days: Sequence[date] | None = None) -> Found:
    return _days_after(context, -count, unit, days)


def _until_day(_: Context, days: Sequence[date]) -> Found:
    """Before a day may include it."""
    return [moved for day in days for moved in (day - timedelta(1), day)]


def _business(context: Context, count: int, days: Sequence[date] | None = None) -> Found:
    if count == 0:
        raise ValueError
    return [date_arithmetic.add_business_days(day, count) for day in ([context.today] if days is None else days)]


def _iso_day(_: Context, parts: tuple[int, int, int]) -> Found:
    return [date(*parts)]


def _end_of(context: Context, ahead: int, unit: Unit) -> Found:
    """The last day; a week may end with its Friday or its Sunday."""
    last = date_arithmetic.period_span(context.today, unit, ahead).last
    ends = [last - timedelta(2), last] if unit == "week" else [last]
    return [day for day in ends if day >= context.today]


def _period(context: Context, ahead: int, unit: Unit) -> Found:
    return [date_arithmetic.period_span(context.today, unit, ahead)]


def _rolling(context: Context, sign: int, count: int, unit: Unit) -> Found:
    return [Span(*sorted((context.today, date_arithmetic.add_unit(context.today, sign * count, unit))))]


def _week_of(_: Context, days: Sequence[date]) -> Found:
    return [date_arithmetic.period_span(day, "week", 0) for day in days]


_MOMENTS: Final[dict[str, Callable[..., Days]]] = dict.fromkeys(["minutes", "recent"], _minutes) | {
    "minutes_and_half": _add_half
}
_ACTIONS: Final[dict[str, Callable[..., Found]]] = {
    "offset": _offset,
    "after": _days_after,
    "after_day": _days_after,
    "after_a_few": _after_a_few,
    "soon": lambda context: [context.today, date_arithmetic.add_business_days(context.today, 1)],
    "before": _before,
    "before_day": _before,
    "until_day": _until_day,
    "business": _business,
    "business_after": _business,
    "business_ago": lambda context, count: _business(context, -count),
    "weekday": weekdays.weekday_alone,
    "weekday_this": weekdays.this_weekday,
    "weekday_coming": weekdays.coming_weekday,
    "weekday_next": weekdays.next_weekday,
    "weekday_last": weekdays.last_weekday,
    "weekday_plus": weekdays.weekday_plus_weeks,
    "weekday_in_week": lambda context, ahead, weekday: [weekdays.weekday_in_week(context, ahead, weekday)],
    "iso": _iso_day,
    "numeric": numeric_date,
    "month_day": months.month_day,
    "day_month": months.day_month,
    "month_day_in_year": lambda context, ahead, month, day: [date(context.today.year + ahead, month, day)],
    "day_month_in_year": lambda context, ahead, day, month: [date(context.today.year + ahead, month, day)],
    "day_of_month": months.day_of_month,
    "day_in_month": months.day_in_month,
    "end_of": _end_of,
    "end_of_month": months.end_of_month,
    "middle_of_month": months.middle_of_month,
    "nth_weekday": months.nth_weekday_of_month,
    "nth_weekday_in": months.nth_weekday_in_month,
    "nth_business": months.nth_business_day_of_month,
    "nth_business_in": months.nth_business_day_in_month,
    "period": _period,
    "rolling": _rolling,
    "recent_days": _rolling,
    "weekend": weekdays.this_weekend,
    "weekend_next": weekdays.next_weekend,
    "weekend_last": weekdays.last_weekend,
    "week_of": _week_of,
    "month": months.month_alone,
}

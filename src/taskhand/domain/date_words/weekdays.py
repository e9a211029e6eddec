"""The days that a weekday or a weekend in words can mean (alone, this, next, last), and a weekday beside a date; pure.

Functions that return several days have found the words ambiguous. A weekday is a number from 0, which is Monday.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from taskhand.domain.date_words.context import Context, Found
from taskhand.domain.date_words.date_arithmetic import FRIDAY, Span, period_span, weekday_after, weekday_before

__all__ = [
    "WrongWeekday",
    "coming_weekday",
    "keep_weekday",
    "last_weekday",
    "last_weekend",
    "next_weekday",
    "next_weekend",
    "this_weekday",
    "this_weekend",
    "weekday_alone",
    "weekday_in_week",
    "weekday_plus_weeks",
]

_WEEK: Final = timedelta(7)


class WrongWeekday(Exception):
    """The phrase names a day together with another weekday than the day's."""

    def __init__(self, day: date) -> None:
        super().__init__(day.isoformat())
        self.day = day


def keep_weekday(days: Sequence[date], weekday: int) -> list[date]:
    """Those of the days of a date that are on the weekday beside it; WrongWeekday if all are on others."""
    right = [day for day in days if day.weekday() == weekday]
    if days and not right:
        raise WrongWeekday(days[-1])
    return right


def weekday_alone(context: Context, weekday: int) -> Found:
    """The nearest day in the direction of the context, or in both; today and that day if today is such a weekday."""
    today, direction = context.today, context.direction
    ahead, behind = weekday_after(today, weekday), weekday_before(today, weekday)
    days = {"past": [behind], "either": [behind, ahead]}.get(direction, [ahead])
    return [today, *days] if today.weekday() == weekday else days


def this_weekday(context: Context, weekday: int) -> Found:
    """The day in the current week; if it has passed, also the day a week later."""
    day = weekday_in_week(context, 0, weekday)
    if day >= context.today or context.direction == "past":
        return [day]
    return [day, day + _WEEK]


def coming_weekday(context: Context, weekday: int) -> Found:
    """The first such day after today."""
    return [weekday_after(context.today, weekday)]


def next_weekday(context: Context, weekday: int) -> Found:
    """The first such day after today, and the day in the next week: they may be the same.

    People call the coming day "tomorrow" if it is, so then the second day is a week after it.
    """
    coming = weekday_after(context.today, weekday)
    next_week = weekday_in_week(context, 1, weekday)
    if coming == context.today + timedelta(1):
        next_week = coming + _WEEK
    return [coming, next_week]


def last_weekday(context: Context, weekday: int) -> Found:
    """The last such day before today, and the day in the previous week: they may be the same.

    People call the last day "yesterday" if it was, so then the second day is a week before it.
    """
    previous = weekday_before(context.today, weekday)
    last_week = weekday_in_week(context, -1, weekday)
    if previous == context.today - timedelta(1):
        last_week = previous - _WEEK
    return [previous, last_week]


def weekday_plus_weeks(context: Context, weeks: int, weekday: int) -> Found:
    """The day `weeks` weeks after the coming one; also `weeks` weeks after today if today is such a weekday."""
    today = context.today
    coming = [weekday_after(today, weekday)]
    return [day + _WEEK * weeks for day in ([today, *coming] if today.weekday() == weekday else coming)]


def weekday_in_week(context: Context, ahead: int, weekday: int) -> date:
    """The day in the week that is `ahead` weeks after the current one."""
    return period_span(context.today, "week", ahead).first + timedelta(weekday)


def this_weekend(context: Context) -> Found:
    """Saturday and Sunday of the current week."""
    return [_weekend(context, 0)]


def next_weekend(context: Context) -> Found:
    """The weekend of the next week; until Friday also the weekend of the current week."""
    coming, following = _weekend(context, 0), _weekend(context, 1)
    return [coming, following] if context.today.weekday() <= FRIDAY else [following]


def last_weekend(context: Context) -> Found:
    """The weekend of the previous week."""
    return [_weekend(context, -1)]


def _weekend(context: Context, ahead: int) -> Span:
    saturday = weekday_in_week(context, ahead, FRIDAY + 1)
    return Span(saturday, saturday + timedelta(1))

"""The words and phrases of dates in English."""

import re
from functools import cache
from typing import Final

from taskhand.domain.date_words.language import Language, number_names
from taskhand.domain.date_words.patterns import Action, Table

__all__ = ["english"]

_LAST_PERIOD: Final = "(last|past|previous)"
_WITHIN: Final = "[in|within|over|during]"
_BUSINESS: Final = "(business|working|work)"

_DAYS: Final[dict[str, Action]] = {
    # a day near today
    "today": ("offset", 0),
    "(tomorrow|tmrw)": ("offset", 1),
    "[the] day after tomorrow": ("offset", 2),
    "yesterday": ("offset", -1),
    "[the] day before yesterday": ("offset", -2),
    # a weekday
    "W": ("weekday",),
    "this W": ("weekday_this",),
    "[this|the] coming W": ("weekday_coming",),
    "next W": ("weekday_next",),
    "(last|past) W": ("weekday_last",),
    "W week": ("weekday_plus", 1),
    "a week [on] W": ("weekday_plus", 1),
    "W [of|in] (this|the) week": ("weekday_in_week", 0),
    "this week [on] W": ("weekday_in_week", 0),
    "W [of|in] next week": ("weekday_in_week", 1),
    "next week [on] W": ("weekday_in_week", 1),
    "W [of|in] last week": ("weekday_in_week", -1),
    "last week [on] W": ("weekday_in_week", -1),
    # a date
    "X": ("iso",),
    "F": ("numeric",),
    "M [the] D": ("month_day",),
    "M [the] D Y": ("month_day",),
    "[the] D [of] M": ("day_month",),
    "[the] D [of] M Y": ("day_month",),
    "M [the] D [of] next year": ("month_day_in_year", 1),
    "(the O|the J|J)": ("day_of_month",),
    "[the] D of (the|this) month": ("day_in_month", 0),
    "[the] D of next month": ("day_in_month", 1),
    "next month [on] the O": ("day_in_month", 1),
    "[the] D of last month": ("day_in_month", -1),
    # a distance
    "(in|within) N U": ("after",),
    "N U from (now|today)": ("after",),
    "(in|within) a couple [of] U": ("after", 2),
    "a couple [of] U from (now|today)": ("after", 2),
    "a couple [of] U ago": ("before", 2),
    "in (a few|some) U": ("after_a_few",),
    "(a few|some) U from (now|today)": ("after_a_few",),
    "(asap|as soon as possible)": ("soon",),
    "a week today": ("offset", 7),
    "a week tomorrow": ("offset", 8),
    "N U ago": ("before",),
    "N U (from|after) DAY": ("after_day",),
    "N U before DAY": ("before_day",),
    "[the] day after DAY": ("after_day", 1, "day"),
    "[the] day before DAY": ("before_day", 1, "day"),
    "before DAY": ("until_day",),
    f"(in|within) N {_BUSINESS} (day|days)": ("business",),
    f"N {_BUSINESS} (day|days) from (now|today)": ("business",),
    "(in|within) N workdays": ("business",),
    f"N {_BUSINESS} (day|days) (from|after) DAY": ("business_after",),
    f"N {_BUSINESS} (day|days) ago": ("business_ago",),
    f"[the] next {_BUSINESS} day": ("business", 1),
    # the end of a period, and days of a month
    "[at] [the] end of [the|this] K": ("end_of", 0),
    "[at] [the] end of next K": ("end_of", 1),
    "[at] [the] end of M": ("end_of_month",),
    "[at] [the] end of M Y": ("end_of_month",),
    "month end": ("end_of", 0, "month"),
    "eom": ("end_of", 0, "month"),
    "eoy": ("end_of", 0, "year"),
    "eow": ("end_of", 0, "week"),
    "eoq": ("end_of", 0, "quarter"),
    "[the] last day of (the|this) (month)": ("end_of", 0, "month"),
    "[the] last day of (the|this) year": ("end_of", 0, "year"),
    "[the] last day of next month": ("end_of", 1, "month"),
    "[the] last day of M": ("end_of_month",),
    "[the] last day of M Y": ("end_of_month",),
    "[the] first day of next month": ("day_in_month", 1, 1),
    "[the] first day of (the|this) month": ("day_in_month", 0, 1),
    "[the] first day of M": ("day_month", 1),
    "[in] (mid M|[the] middle of M)": ("middle_of_month",),
    "[in] (mid M Y|[the] middle of M Y)": ("middle_of_month",),
    "[the] O W (of|in) M": ("nth_weekday",),
    "[the] O W (of|in) M Y": ("nth_weekday",),
    "[the] last W (of|in) M": ("nth_weekday", -1),
    "[the] last W (of|in) M Y": ("nth_weekday", -1),
    "[the] O W (of|in) (the|this) month": ("nth_weekday_in", 0),
    "[the] O W (of|in) next month": ("nth_weekday_in", 1),
    "[the] last W (of|in) (the|this) month": ("nth_weekday_in", 0, -1),
    "[the] last W (of|in) next month": ("nth_weekday_in", 1, -1),
    f"[the] O {_BUSINESS} day of M": ("nth_business",),
    f"[the] last {_BUSINESS} day of M": ("nth_business", -1),
    f"[the] O {_BUSINESS} day of (the|this) month": ("nth_business_in", 0),
    f"[the] O {_BUSINESS} day of next month": ("nth_business_in", 1),
    f"[the] last {_BUSINESS} day of (the|this) month": ("nth_business_in", 0, -1),
    f"[the] last {_BUSINESS} day of next month": ("nth_business_in", 1, -1),
    # a period
    "(this|current) K": ("period", 0),
    "next K": ("period", 1),
    f"{_LAST_PERIOD} K": ("period", -1),
    "[the] K after next": ("period", 2),
    f"[the] {_LAST_PERIOD} N U": ("rolling", -1),
    "[the] (next|coming) N U": ("rolling", 1),
    "(this|the) weekend": ("weekend",),
    "next weekend": ("weekend_next",),
    "last weekend": ("weekend_last",),
    "[the] week of DAY": ("week_of",),
    "[in] M": ("month",),
    "[in] M Y": ("month",),
    # a moment
    "in N T": ("minutes", 1),
    "N T from now": ("minutes", 1),
    "in a couple [of] T": ("minutes", 1, 2),
    "in half an hour": ("minutes", 1, 1, 30),
    "half an hour from now": ("minutes", 1, 1, 30),
    "in N T and a half": ("minutes_and_half",),
    "in N and a half hours": ("minutes_and_half",),
    "in a quarter of an hour": ("minutes", 1, 1, 15),
    "N T ago": ("minutes", -1),
    "half an hour ago": ("minutes", -1, 1, 30),
    "[right] now": ("minutes", 1, 0, 0),
    # a distance back, for the start of a window
    f"{_WITHIN} [the] {_LAST_PERIOD} N T": ("recent", -1),
    f"{_WITHIN} [the] {_LAST_PERIOD} T": ("recent", -1, 1),
    f"{_WITHIN} [the] {_LAST_PERIOD} half hour": ("recent", -1, 1, 30),
    f"(in|within|over|during) [the] {_LAST_PERIOD} N U": ("recent_days", -1),
    f"{_WITHIN} [the] {_LAST_PERIOD} day": ("recent_days", -1, 1, "day"),
    "N T": ("recent", -1),
    "N U": ("recent_days", -1),
}

_CLOCKS: Final[dict[str, Action]] = {
    "H": ("hour",),
    "H (o'clock|h|hrs)": ("hour",),
    "C": ("hour",),
    "half past H": ("hour_minutes", 30),
    "[a] quarter past H": ("hour_minutes", 15),
    "[a] quarter to H": ("hour_minutes", -15),
    "(noon|midday)": ("time", 12, 0),
    "midnight": ("midnight",),
    "eod": ("no_time",),
    "[the] end of [the] (day|business|workday)": ("no_time",),
    "[the] (close of business|cob)": ("no_time",),
    "all day": ("whole_day",),
}

_PARTS: Final[dict[str, Action]] = {
    "am": ("part", "am"),
    "pm": ("part", "pm"),
    "[in the|at] P": ("part",),
}

_MONTHS: Final = number_names(
    "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug "
    "september/sep/sept october/oct november/nov december/dec",
)
_WEEKDAYS: Final = number_names(
    "monday/mon tuesday/tue/tues wednesday/wed thursday/thu/thur/thurs friday/fri saturday/sat sunday/sun",
    first=0,
)
_NUMBERS: Final = number_names(
    "one/a/an two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty",
)
_ORDINALS: Final = number_names(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
)


@cache
def english() -> Language:
    """English; 05/12 may be 5 December or May 12 in it."""
    return Language(
        weekdays=_WEEKDAYS,
        months=_MONTHS,
        numbers=_NUMBERS | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90},
        tens={"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50},
        ordinals=_ORDINALS | {"thirtieth": 30},
        day_ordinals=_ORDINALS | {"thirtieth": 30},
        ordinal_endings=re.compile(r"(\d{1,2})(?:st|nd|rd|th)", re.ASCII),
        units={
            "d": "day",
            "day": "day",
            "days": "day",
            "w": "week",
            "week": "week",
            "weeks": "week",
            "fortnight": "fortnight",
            "fortnights": "fortnight",
            "month": "month",
            "months": "month",
            "quarter": "quarter",
            "quarters": "quarter",
            "year": "year",
            "years": "year",
        },
        minutes=number_names("minute/minutes/min/mins") | {"hour": 60, "hours": 60, "hr": 60, "hrs": 60, "h": 60},
        parts={"morning": "morning", "afternoon": "afternoon", "evening": "evening", "night": "night"},
        days=Table(_DAYS),
        clocks=Table(_CLOCKS),
        part_phrases=Table(_PARTS),
        prefixes={
            "due": ("on", "by", "for", "due", "due on", "due by"),
            "from": ("on", "from", "since", "starting", "as of"),
            "to": ("on", "to", "by", "until", "till", "through", "up to"),
        },
        linked=("on", "of"),
        rewritten={
            "tonight": "today at night",
            "last night": "yesterday at night",
            "earlier today": "today",
            "this night": "today at night",
            "this morning": "today in the morning",
            "this afternoon": "today in the afternoon",
            "this evening": "today in the evening",
        },
        article="the",
        at=("at", "@", "by"),
        day_first=False,
        only_counts=frozenset({"a", "an"}),
        no_days=frozenset(),
    )

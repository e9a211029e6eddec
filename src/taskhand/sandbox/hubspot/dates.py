"""Instants: parsed from epoch milliseconds or ISO 8601, written as Java's Instant writes them."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

ISO = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?", re.ASCII)
MILLIS = re.compile(r"-?\d{1,14}", re.ASCII)
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
REMEMBERED = 4096  # instants: each search parses and formats those of every record


@lru_cache(REMEMBERED)
def format_instant(moment: dt.datetime) -> str:
    """Write UTC with three digits of milliseconds, or without when they are zero (recorded)."""
    utc = moment.astimezone(dt.UTC)
    has_millis = utc.microsecond // 1000 > 0
    return utc.isoformat(timespec="milliseconds" if has_millis else "seconds").replace("+00:00", "Z")


def to_millis(moment: dt.datetime) -> int:
    """Return the milliseconds since 1970."""
    return (moment - EPOCH) // dt.timedelta(milliseconds=1)


@lru_cache(REMEMBERED)
def parse_instant(text: str) -> dt.datetime | None:
    """Parse epoch milliseconds or ISO 8601 as a `datetime` in UTC; None for anything else."""
    try:
        if MILLIS.fullmatch(text):
            return EPOCH + dt.timedelta(milliseconds=int(text))
        if ISO.fullmatch(text):
            moment = dt.datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (OverflowError, ValueError):
        pass
    return None

"""Parsing of an operator's options for a new key: holder, scopes, expiry; pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.person_id import flaw_of_person
from taskhand.domain.principal import SCOPES, Person, Scope
from taskhand.keys.key import read_key_id

__all__ = ["DEFAULT_EXPIRY", "read_expiry", "read_person", "read_scopes"]

DEFAULT_EXPIRY: Final = "90d"
"""The default lifetime of a key."""

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION: Final = re.compile(r"([0-9]{1,9}) ?([smhdw])", re.ASCII)


def read_person(text: str) -> Person:
    """The person with this id or e-mail address; CallerError for a text that is neither."""
    name = text.strip()
    if problem := _problem_of_person(name):
        raise CallerError(
            f"{_quote_unless_key(name)} is not a person: {problem}.",
            next_step="Give an e-mail address such as ana@x.test, or an id such as ana.",
        )
    return Person.parse(name)


def _problem_of_person(name: str) -> str | None:
    if read_key_id(name, whole=False) and name.startswith("thk_"):
        return "it is a key"
    return flaw_of_person(name)


def _quote_unless_key(text: str) -> str:
    """The beginning of a text in quotes; nothing of a text that contains a key."""
    return "It" if "thk_" in text else repr(text[:60])


def read_scopes(text: str) -> frozenset[Scope]:
    """The scopes in a comma-separated text; CallerError for an unknown scope, and for none."""
    given = [word.strip().casefold() for word in text.split(",") if word.strip()]
    known = frozenset(scope for scope in SCOPES if scope in given)
    unknown = [word for word in given if word not in SCOPES]
    if unknown or not known:
        what = f"{_quote_unless_key(unknown[0])} is not a scope" if unknown else "No scope is given"
        raise CallerError(
            f"{what}.",
            candidates=[Candidate(scope) for scope in sorted(SCOPES)],
            next_step="Give one or several of read, write, destructive, with commas between.",
        )
    return known


def read_expiry(text: str, now: datetime) -> datetime | None:
    """The expiry of a key: after a duration, at a moment, or at the end of a day; None for `never`.

    A time without an offset is in this machine's zone. CallerError for anything else, and for a past time.
    """
    if text.strip().casefold() == "never":
        return None
    at = _read_moment(text.strip(), now)
    if at is None:
        raise CallerError(
            f"{_quote_unless_key(text)} is not a time to expire.",
            next_step="Give a duration such as 90d or 12h, a day such as 2027-01-31, or never.",
        )
    if at <= now:
        raise CallerError(
            f"{_quote_unless_key(text)} is not in the future.", next_step="Give a later time, or a longer one."
        )
    return at


def _read_moment(text: str, now: datetime) -> datetime | None:
    try:
        if duration := _DURATION.fullmatch(text.casefold()):
            at = now + timedelta(**{_UNITS[duration[2]]: int(duration[1])})
        elif len(text) == len("YYYY-MM-DD"):
            at = datetime.combine(date.fromisoformat(text), time.max)
        else:
            at = datetime.fromisoformat(text)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None

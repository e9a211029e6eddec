"""The headers of a response that ask to wait, the rate limit and `Retry-After`, and the seconds to wait; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

__all__ = ["MAX_WAIT_S", "RateHeaders", "parse_ietf_headers", "posix_time", "requested_wait_s", "retry_after_s"]

_DAY_S: Final = 86_400.0
_LOCKED_S: Final = 2.5
"""The shortest wait after a 423: HubSpot documents that a lock lasts two seconds, and asks to wait at least as long."""
MAX_WAIT_S: Final = 30.0
"""The longest wait, asked for by an upstream, that a request waits out; a longer one is reported at once."""
_PAIR: Final = re.compile(r"[a-z]+=(\d{1,9}(?:\.\d{1,9})?)")


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """The limit in a response's headers: `remaining` requests until the window ends in `reset_s` seconds.

    `rolling_limit` is the maximum of requests if any `reset_s` seconds are a window. `limit` is that of a window that
    begins at a moment chosen by the upstream.
    """

    remaining: int
    reset_s: float
    rolling_limit: int | None = None
    limit: int | None = None


def parse_ietf_headers(headers: Mapping[str, str]) -> RateHeaders | None:
    """Parse `RateLimit: limit=100, remaining=50, reset=5`, or its newer form `"default";r=50;t=5`.

    draft-ietf-httpapi-ratelimit-headers, versions 07 and 08 on; Close sends the former, with a decimal `reset`.
    """
    value = headers.get("ratelimit", "").lower()
    pairs = {pair[0].split("=")[0]: pair[1] for pair in _PAIR.finditer(value)}
    remaining, reset = pairs.get("remaining", pairs.get("r")), pairs.get("reset", pairs.get("t"))
    if remaining is None or reset is None:
        return None
    limit = int(float(pairs["limit"])) if "limit" in pairs else None
    return RateHeaders(remaining=int(float(remaining)), reset_s=float(reset), limit=limit)


def requested_wait_s(
    status: int, headers: Mapping[str, str], rate: RateHeaders | None, *, wall: float, body_s: float | None
) -> float | None:
    """Seconds that an upstream asks to wait: in Retry-After, else in the body of a 429, else in its rate headers.

    `wall` is POSIX time by our clock. `rate` and `body_s` are of a 429 only.
    """
    # Dates are relative to the upstream's clock if its response has a Date (RFC 9110 §6.6.1).
    date = posix_time(headers.get("date"))
    asked_s = retry_after_s(headers.get("retry-after"), now=wall if date is None else date)
    if status == HTTPStatus.LOCKED:
        return max(asked_s or 0.0, _LOCKED_S)
    if asked_s is not None:
        return asked_s
    if body_s is not None:
        return body_s
    return rate.reset_s if rate is not None and rate.remaining <= 0 else None


def retry_after_s(value: str | None, *, now: float) -> float | None:
    """Seconds that a `Retry-After` asks for, as a number or a date (RFC 9110 §10.2.3); None if it cannot be parsed.

    `now` is POSIX time, best taken from the same response's `Date`. A past date gives 0; the longest wait is a day.
    Fractions of a second are not in the RFC, but servers send them.
    """
    text = (value or "").strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return min(float(text), _DAY_S)
    moment = posix_time(text)
    return None if moment is None else min(max(moment - now, 0.0), _DAY_S)


def posix_time(value: str | None) -> float | None:
    """POSIX time of an HTTP date in any of its three forms (RFC 9110 §5.6.7); None if it cannot be parsed."""
    try:
        moment = parsedate_to_datetime(value or "")
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None

"""Rates: how many requests a window has left, and the header that says so."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.close.spec_variant import SpecVariant

GROUP = "ab60c1e5"  # groups have names, of which nothing is known


@dataclass(frozen=True)
class RateWindow:
    """What is left of a window: requests, and seconds until the next one."""

    limit: int
    remaining: int
    reset: float

    @property
    def header(self) -> tuple[str, str]:
        """Write `limit=100, remaining=50, reset=5`."""
        return ("ratelimit", f"limit={self.limit}, remaining={self.remaining}, reset={round(self.reset, 3):g}")


class Meter:
    """Counts requests by endpoint group: here, by route (the real groups are unpublished)."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[dt.datetime, int]] = {}

    def spend(self, group: str, now: dt.datetime, spec_variant: SpecVariant) -> RateWindow | None:
        """Count one request; None when the window has none left."""
        if spec_variant.rates != "enforced":
            return window_after_first(spec_variant)
        start, count = self._windows.get(group, (now, 0))
        age = (now - start).total_seconds()
        if age >= spec_variant.rate_window:
            start, count, age = now, 0, 0.0
        self._windows[group] = (start, count + 1)
        left = spec_variant.rate_limit - count - 1
        return RateWindow(spec_variant.rate_limit, left, spec_variant.rate_window - age) if left >= 0 else None

    def spent(self, group: str, now: dt.datetime, spec_variant: SpecVariant) -> RateWindow:
        """Tell of a window that is used up."""
        start, _ = self._windows.get(group, (now, 0))
        return RateWindow(spec_variant.rate_limit, 0, spec_variant.rate_window - (now - start).total_seconds())


def window_after_first(spec_variant: SpecVariant) -> RateWindow:
    """Tell of a window with its first request in it."""
    return RateWindow(spec_variant.rate_limit, max(spec_variant.rate_limit - 1, 0), float(spec_variant.rate_window))


def exhausted_window(spec_variant: SpecVariant) -> RateWindow:
    """Tell of a window with nothing left of it, as long as it can be."""
    return RateWindow(spec_variant.rate_limit, 0, float(spec_variant.rate_window))


def add_rate_header(answer: Response, rate: RateWindow, spec_variant: SpecVariant) -> Response:
    """Put the header on an answer, unless this reading has none."""
    if spec_variant.rates == "hidden":
        return answer
    return Response(answer.status, answer.body, (*answer.headers, rate.header))


def rate_limit_response(rate: RateWindow, spec_variant: SpecVariant) -> Response:
    """Refuse with 429: `RateLimit` and `retry-after`, whole seconds rounded up, are guaranteed."""
    body = _bodies(rate, spec_variant)[spec_variant.rate_body]
    bare = Response(429, b"") if body is None else Response.of_json(429, body)
    if spec_variant.rates == "hidden":
        return bare
    after = ("retry-after", str(math.ceil(rate.reset)))
    return Response(429, bare.body, (*bare.headers, rate.header, after))


def _bodies(rate: RateWindow, spec_variant: SpecVariant) -> dict[str, dict[str, Any] | None]:
    old = {
        "message": "API call count exceeded for this period",
        "rate_endpoint_group": GROUP,
        "rate_limit": rate.limit,
        "rate_limit_type": "key",
        "rate_reset": str(rate.reset),
        "rate_window": spec_variant.rate_window,
    }
    return {"error": {"error": "Too Many Requests"}, "old": old, "empty": None}

"""The rate limit and its header: https://developer.close.com/api/overview/rate-limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    import datetime as dt

    from taskhand.sandbox.close.spec_variant import SpecVariant

GROUP = "ab60c1e5"  # made up: the names of endpoint groups are unpublished


@dataclass(frozen=True)
class RateWindow:
    """The state of one window: its limit, the remaining requests, and the seconds until the next window."""

    limit: int
    remaining: int
    reset: float

    @property
    def header(self) -> tuple[str, str]:
        """The RateLimit header: `limit=100, remaining=50, reset=5`."""
        return ("ratelimit", f"limit={self.limit}, remaining={self.remaining}, reset={round(self.reset, 3):g}")


class Meter:
    """Counts requests by endpoint group. A group is one route here; the real groups are unpublished."""

    def __init__(self) -> None:
        self._windows: dict[str, tuple[dt.datetime, int]] = {}

    def spend(self, group: str, now: dt.datetime, spec_variant: SpecVariant) -> RateWindow | None:
        """Count a request and return its window; None if the window was exhausted."""
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
        """Return the exhausted window of a group."""
        start, _ = self._windows.get(group, (now, 0))
        return RateWindow(spec_variant.rate_limit, 0, spec_variant.rate_window - (now - start).total_seconds())


def window_after_first(spec_variant: SpecVariant) -> RateWindow:
    """Return a window after its first request."""
    return RateWindow(spec_variant.rate_limit, max(spec_variant.rate_limit - 1, 0), float(spec_variant.rate_window))


def exhausted_window(spec_variant: SpecVariant) -> RateWindow:
    """Return an exhausted window at its start."""
    return RateWindow(spec_variant.rate_limit, 0, float(spec_variant.rate_window))


def add_rate_header(response: Response, window: RateWindow, spec_variant: SpecVariant) -> Response:
    """Add the RateLimit header, unless the spec variant hides it."""
    return response if spec_variant.rates == "hidden" else response.with_headers(window.header)


def rate_limit_response(window: RateWindow, spec_variant: SpecVariant) -> Response:
    """Return a 429, with RateLimit and with `retry-after` in whole seconds, rounded up."""
    body = _bodies(window, spec_variant)[spec_variant.rate_body]
    response = Response(429) if body is None else Response.of_json(429, body)
    if spec_variant.rates == "hidden":
        return response
    return response.with_headers(window.header, ("retry-after", str(math.ceil(window.reset))))


def _bodies(window: RateWindow, spec_variant: SpecVariant) -> dict[str, dict[str, Any] | None]:
    old = {
        "message": "API call count exceeded for this period",
        "rate_endpoint_group": GROUP,
        "rate_limit": window.limit,
        "rate_limit_type": "key",
        "rate_reset": str(window.reset),
        "rate_window": spec_variant.rate_window,
    }
    return {"error": {"error": "Too Many Requests"}, "old": old, "empty": None}

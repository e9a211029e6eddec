"""What the webhooks of all CRMs share: a signature's time, comparisons that tell nothing by their time, and JSON."""

import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from taskhand.domain.webhook import Delivery, Verdict

__all__ = ["MISSING", "judge_signature", "read_events", "read_moment", "same_text"]

WINDOW: Final = timedelta(minutes=5)
"""How old a signature may be, and how far ahead of our clock: HubSpot documents it, Close leaves it to the receiver."""
_MOST_DIGITS: Final = 15
MISSING: Final = Verdict("no signature")


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))


def read_moment(text: str, *, unit: timedelta) -> datetime | None:
    """The moment of a timestamp: so many units since 1970, in decimal digits; None for any other text."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + int(text) * unit
    except OverflowError:
        return None


def judge_signature(delivery: Delivery, sent: str, signed_at: datetime | None, expected: tuple[str, ...]) -> Verdict:
    """The verdict on a signature that should be one of the `expected` ones, and not much older than the delivery."""
    matches = [same_text(sent, one) for one in expected]  # all of them, whichever fits
    if signed_at is None or not any(matches):
        return Verdict("a wrong signature")
    if abs(delivery.at - signed_at) > WINDOW:
        return Verdict("a signature of another time")
    return Verdict(proof=sent, valid_until=signed_at + 2 * WINDOW)


def read_events(body: bytes) -> Iterator[dict[str, Any]]:
    """The objects in a body: that which it is, or those in the list that it is; none where it is anything else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            yield one

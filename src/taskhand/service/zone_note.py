"""A note on the time zone of a call that the CRM does not keep."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.display_text import one_line
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.truncation import truncate
from taskhand.service.app_context import AppContext

__all__ = ["with_zone_note"]

_Written = TypeVar("_Written", bound=Receipt | BulkReceipt | Plan)
_MAX_CHARACTERS = 40


def with_zone_note(app: AppContext, arguments: Mapping[str, Any], written: _Written) -> _Written:
    """The answer with a note, if these arguments name a time zone other than the stored one."""
    if app.backend.capabilities.keeps_timezone:
        return written
    own = app.timezone or "UTC"
    others = [zone for zone in _zones_in(arguments) if zone.strip().casefold() != own.casefold()]
    if not others:
        return written
    sent = truncate(one_line(others[0]), _MAX_CHARACTERS)
    note = f"This CRM keeps no time zone: a time in {sent} is stored as that moment and shown in {own}."
    return replace(written, note=" ".join(filter(None, (written.note, note))))


def _zones_in(value: object) -> Iterator[str]:
    """The time zones in the arguments of a call, in the bodies inside them too."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name == "timezone" and isinstance(item, str) and item.strip():
                yield item
            else:
                yield from _zones_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _zones_in(item)

"""Due dates: set and changed by request bodies, and written as `due_at`."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.vambe.spec_variant import SpecVariant


@dataclass(frozen=True)
class LocalDue:
    """A local date, a local time (None for all day), an IANA time zone, and the text of a sent datetime."""

    date: dt.date | None = None
    time: dt.time | None = None
    zone: str | None = None
    sent_text: str | None = None

    @property
    def is_all_day(self) -> bool:
        """Whether there is a date without a time."""
        return self.date is not None and self.time is None


UNDATED = LocalDue()


def apply_due_fields(due: LocalDue, body: Mapping[str, Any], spec_variant: SpecVariant) -> LocalDue:
    """Apply `dueDate`, `dueTime` and `timezone` of a body; omitted fields stay, null removes the date."""
    zone = body.get("timezone", due.zone)
    if "dueDate" not in body:
        return _apply_time(due, body, spec_variant, zone)
    if body["dueDate"] is None:
        return LocalDue(zone=zone if spec_variant.cleared_zone == "kept" else None)
    kept = due.time if spec_variant.date_without_time == "keeps_time" else None
    text = body["dueDate"]
    return LocalDue(dt.date.fromisoformat(text[:10]), _time(body, kept), zone, text if "T" in text else None)


def render_due_at(due: LocalDue, spec_variant: SpecVariant) -> str | None:
    """Write `due_at` as the spec variant does; None without a date."""
    if due.date is None:
        return None
    if spec_variant.due_at == "echo":
        return due.sent_text or (f"{due.date}T{due.time:%H:%M}:00" if due.time else str(due.date))
    return format_instant(to_instant(due, spec_variant))


def to_instant(due: LocalDue, spec_variant: SpecVariant) -> dt.datetime:
    """Return the instant of `due_at`; midnight for an all-day task. The date must be set."""
    local = dt.datetime.combine(due.date or dt.date.min, due.time or dt.time.min)
    zoned = due.zone is not None and (due.time is not None or spec_variant.midnight == "zone")
    if spec_variant.due_at == "wall" or not zoned:
        return local.replace(tzinfo=dt.UTC)
    return local.replace(tzinfo=ZoneInfo(str(due.zone))).astimezone(dt.UTC)


def due_day(due: LocalDue, spec_variant: SpecVariant) -> dt.date | None:
    """Return the day that the window of the list compares, or None without a date."""
    if due.date is None or spec_variant.date_zone == "task":
        return due.date
    return to_instant(due, spec_variant).date()


def format_instant(moment: dt.datetime) -> str:
    """Write an instant as the documented samples do: UTC, milliseconds, Z."""
    return moment.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _apply_time(due: LocalDue, body: Mapping[str, Any], spec_variant: SpecVariant, zone: str | None) -> LocalDue:
    """Apply `dueTime` and `timezone` without `dueDate`; they change nothing on a task without a date."""
    if due.date is None or spec_variant.time_without_date != "keeps_date":
        return due
    if "dueTime" not in body and "timezone" not in body:
        return due
    return LocalDue(due.date, _time(body, due.time), zone)


def _time(body: Mapping[str, Any], otherwise: dt.time | None) -> dt.time | None:
    text = body.get("dueTime")
    if "dueTime" not in body:
        return otherwise
    return dt.time.fromisoformat(text) if text else None

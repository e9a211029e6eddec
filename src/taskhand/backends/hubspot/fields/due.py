"""Converts between a due date and HubSpot's `hs_timestamp` with `hs_task_is_all_day`.

HubSpot does not document which instant its own all-day tasks have. Midnight UTC is read as that day in UTC, and any
other instant as its day in the account's zone. Taskhand writes noon in the account's zone, which is the same day in
every zone less than half a day away.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import MISSING

from taskhand.backends.hubspot.errors import ALL_DAY, NO_ALL_DAY
from taskhand.domain.due import Due, instant_text
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.task import Task
from taskhand.http.response_body import Reply

__all__ = [
    "AllDayFlag",
    "Zones",
    "check_due",
    "due_from",
    "millis_of",
    "moment_at",
    "parse_moment",
    "readable_millis",
    "readable_moment",
    "stamp_of",
]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_FLAG: Final = (
    f"This HubSpot account does not accept {ALL_DAY}, which marks a task as all day; "
    "the due date was written without it."
)


class Zones:
    """The zones of an account: instants are shown in `shown` (None is UTC); days are in `days`, else in `shown`."""

    def __init__(self, shown: str | None, days: str | None = None) -> None:
        self.shown = shown
        self.days = ZoneInfo(days or shown or "UTC")


def parse_moment(raw: object) -> datetime | None:
    """The instant of an ISO 8601 or epoch milliseconds value; None if empty; ValueError or OverflowError if invalid."""
    text = "" if raw is None else str(raw)
    if not text:
        return None
    if text.lstrip("-").isdecimal():
        return _EPOCH + timedelta(milliseconds=int(text))
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def readable_moment(raw: object) -> datetime | None:
    """The instant of a value; None if it is empty or invalid."""
    try:
        return parse_moment(raw)
    except (ValueError, OverflowError):
        return None


def due_from(raw: object, *, all_day: bool, zones: Zones) -> Due | None:
    """The due date of a task; None if the value is empty; ValueError or OverflowError if it is invalid."""
    moment = parse_moment(raw)
    if moment is None:
        return None
    if not all_day:
        return Due.instant(moment, zones.shown)
    return Due(moment.date() if moment.time() == time() else moment.astimezone(zones.days).date())


def check_due(edit: Edit, *, new: bool) -> None:
    """Refuse an edit that leaves a task without a due date."""
    if edit.due is None or (new and edit.due is MISSING):
        raise CallerError(
            "HubSpot has no task without a due date.",
            code="due_date_required",
            next_step="Send dueDate as YYYY-MM-DD." if new else "Send dueDate as YYYY-MM-DD, or leave it out.",
        )


def stamp_of(due: Due, zones: Zones) -> str:
    """The `hs_timestamp` to write, ISO 8601 in UTC with milliseconds."""
    if due.at is not None:
        return instant_text(due.at)
    noon = datetime.combine(due.day, time(12), zones.days).astimezone(UTC)
    # If noon is midnight UTC of another day, that instant would be read as the other day.
    means_other_day = noon.time() == time() and noon.date() != due.day
    return instant_text(noon + timedelta(minutes=1) if means_other_day else noon)


def millis_of(moment: datetime) -> int:
    """A moment in epoch milliseconds."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment_at(millis: int) -> datetime:
    """The moment of epoch milliseconds."""
    return _EPOCH + timedelta(milliseconds=millis)


def readable_millis(raw: object) -> int:
    """A moment in epoch milliseconds; 0 if it cannot be read."""
    moment = readable_moment(raw)
    return 0 if moment is None else millis_of(moment)


class AllDayFlag:
    """Remembers whether an account refused `hs_task_is_all_day`; the flag is sent until then."""

    def __init__(self) -> None:
        self._refused = False

    def strip(self, properties: Mapping[str, str]) -> dict[str, str]:
        """The properties to send, without the flag if the account refused it."""
        return {name: value for name, value in properties.items() if name != ALL_DAY or not self._refused}

    def note_refusal(self, error: TaskhandError, properties: Mapping[str, str]) -> bool:
        """Remember a refusal of the flag; True if these properties contain it and should be sent again without it."""
        if error.explanation is not NO_ALL_DAY:
            return False
        self._refused = True
        return ALL_DAY in properties

    async def send(self, properties: dict[str, str], write: Callable[[dict[str, str]], Awaitable[Reply]]) -> Reply:
        """`write` properties, and once more without the flag if the account refuses only the flag."""
        try:
            return await write(self.strip(properties))
        except CallerError as refused:
            if not self.note_refusal(refused, properties):
                raise
        return await write(self.strip(properties))

    def unmet(self, edit: Edit, task: Task, zones: Zones) -> frozenset[str]:
        """The names of the fields in which `task` differs from `edit` as this account can hold it."""
        unmet = edit.unmet_by(task, written=True)
        if self._refused and isinstance(unmet.due, Due):
            # Without the flag, a day reads as an instant, and an instant may read as a day.
            reads_as = due_from(stamp_of(unmet.due, zones), all_day=unmet.due.at is not None, zones=zones)
            unmet = replace(unmet, due=reads_as or MISSING).unmet_by(task, written=True)
        return frozenset(name for name, _ in unmet.given_fields())

    def note_on(self, edit: Edit, task: Task) -> str | None:
        """The note of a write if the due date could not be marked as a day or an instant; else None."""
        if not self._refused or not isinstance(edit.due, Due) or edit.unmet_by(task, written=True).due is MISSING:
            return None
        return _NO_FLAG

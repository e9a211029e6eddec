"""Notes on the dates of a call: words counted in UTC, due dates in the past, and a time zone that the CRM drops."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from pydantic import MISSING

from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.display_text import one_line
from taskhand.domain.due import Due, is_overdue
from taskhand.domain.errors import TaskhandError
from taskhand.domain.name_matching import Match
from taskhand.domain.plan import Plan
from taskhand.domain.receipt import Receipt, join_notes
from taskhand.domain.task import FINISHED, Status, StatusChoice
from taskhand.domain.truncation import truncate
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext
from taskhand.service.write_call import Call

__all__ = ["merged_note_on_words", "note_on_words", "note_on_zone", "with_date_notes"]

_Written = TypeVar("_Written", bound=Receipt | BulkReceipt | Plan)

_DATES: Final = frozenset({"dueDate", "fromDate", "toDate", "since", "until"})
_SHOWN_DAYS: Final = 3
_MAX_CHARACTERS: Final = 40
"""Maximum length of a time zone in a note."""
_COUNTED_IN_UTC: Final = "No time zone is set, so days in words were counted in UTC: set TASKHAND_TIMEZONE."


def note_on_words(app: AppContext, matched: Iterable[Match]) -> str | None:
    """The note on dates in words that were counted in UTC, because neither the settings nor the machine have a zone."""
    words = [match for match in matched if match.argument in _DATES]
    if not words or app.timezone is not None or (now := app.clock()).utcoffset() != timedelta():
        return None
    from taskhand.domain.date_words.date_arguments import depends_on_zone  # noqa: PLC0415  few calls have words

    return _COUNTED_IN_UTC if any(depends_on_zone(match.argument, match.given, now) for match in words) else None


def merged_note_on_words(apps: Mapping[str, AppContext], matched: Mapping[str, Iterable[Match]]) -> str | None:
    """The note as of `note_on_words`, which names the connections that it is about."""
    about = {name: note for name, words in matched.items() if (note := note_on_words(apps[name], words))}
    return f"{', '.join(about)}: {next(iter(about.values()))}" if about else None


async def with_date_notes(call: Call, written: _Written) -> _Written:
    """The answer with notes on a zone that is not stored, on dates in words, and on new due dates in the past."""
    words = None if call.arguments.get("timezone") else note_on_words(call.app, written.matched)
    zone = note_on_zone(call.app, call.arguments)
    note = join_notes(written.note, zone, words, await _note_on_past(call, written))
    return written if note == written.note else replace(written, note=note)


async def _note_on_past(call: Call, written: Receipt | BulkReceipt | Plan) -> str | None:
    """The note on due dates in the past that this call gives to unfinished tasks; None for an undo."""
    change = call.change
    if change is None or change.opening.undoes is not None:
        return None
    dues = [
        (intent, intent.edit.due)
        for intent in change.intents
        if intent.edit is not None and isinstance(intent.edit.due, Due)
    ]
    if not dues:
        return None
    now, zone = call.app.clock(), call.app.timezone
    past = [intent for intent, due in dues if is_overdue(due, now, zone)]
    sets_status = any(intent.edit is not None and isinstance(intent.edit.status, StatusChoice) for intent in past)
    finished = await _finished_statuses(call.app) if sets_status else ()
    past = [intent for intent in past if _is_written(intent, written) and not _is_finished(intent, finished)]
    return _describe_past(past, len(change.intents)) if past else None


def _describe_past(past: Sequence[Intent], count: int) -> str:
    """The note on these of `count` intents; the days tell which of several tasks are meant."""
    if count == 1:
        return "The new due date is in the past."
    days = sorted(
        {intent.edit.due.day for intent in past if intent.edit is not None and isinstance(intent.edit.due, Due)}
    )
    shown = ", ".join(map(str, days[:_SHOWN_DAYS]))
    more = " and later days" if len(days) > _SHOWN_DAYS else ""
    return f"{len(past)} of the new due dates {'is' if len(past) == 1 else 'are'} in the past: {shown}{more}."


def _is_written(intent: Intent, written: Receipt | BulkReceipt | Plan) -> bool:
    """Whether the due date of an intent was written, or is planned."""
    if isinstance(written, Plan):
        return True
    if isinstance(written, Receipt):
        return any(change.field == "due" for change in written.changed)
    applied = [result for result in written.results if result.outcome == "applied"]
    if intent.before is not None:
        return any(result.id == intent.before.task.id for result in applied)
    return any(intent.edit is not None and result.title == intent.edit.title for result in applied)


async def _finished_statuses(app: AppContext) -> Sequence[Status]:
    """The statuses of finished tasks; none if the CRM does not answer, since the write is done."""
    try:
        return [status for status in (await app.backend.statuses()).statuses if status.type in FINISHED]
    except TaskhandError:
        return ()


def _is_finished(intent: Intent, finished: Sequence[Status]) -> bool:
    """Whether the task of an intent is finished after the write."""
    status = intent.edit.status if intent.edit is not None else MISSING
    if isinstance(status, StatusChoice):
        return any(map(status.met_by, finished))
    return intent.before is not None and intent.before.task.is_finished


def note_on_zone(app: AppContext, arguments: Mapping[str, Any]) -> str | None:
    """The note on a time zone in the arguments of a write, if the CRM does not store it."""
    if app.backend.capabilities.keeps_timezone:
        return None
    stored_zone = app.timezone or "UTC"
    others = [zone for zone in _zones_in(arguments) if zone.strip().casefold() != stored_zone.casefold()]
    if not others:
        return None
    sent = truncate(one_line(others[0]), _MAX_CHARACTERS)
    return f"This CRM keeps no time zone: a time in {sent} is stored as that moment and shown in {stored_zone}."


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

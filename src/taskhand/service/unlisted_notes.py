"""Notes beside tasks that another process has sent a moment ago: the journal knows them before a list shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from taskhand.domain.display_text import one_line
from taskhand.domain.errors import CallerError
from taskhand.domain.outcome import VOID
from taskhand.domain.task import Task
from taskhand.journal.journal import Change, ChangeQuery, Intent, Result
from taskhand.service.app_context import AppContext

__all__ = ["SentNote", "check_no_rival_note", "find_own_notes", "find_sent_notes"]

_LISTED_WITHIN: Final = timedelta(minutes=1)
"""How long a list may not show a new note."""
_MAX_CALL_TIME: Final = timedelta(minutes=10)
_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class SentNote:
    """A note that `change` has sent; `id` is None while nobody knows whether it was made."""

    change: Change
    id: str | None = None


async def find_sent_notes(app: AppContext, text: str, before: str | None = None) -> dict[str, SentNote]:
    """The notes with this text that other processes have sent and not deleted since, by the customer they are on.

    With `before`, only those of changes that began before the change with this id.
    """
    notes = dict[str, SentNote]()
    for change in await _recent_changes(app, before):
        for index, intent in enumerate(change.intents):
            customer_id = intent.before.task.ai_customer_id if intent.before else None
            note = intent.edit.note if intent.edit else None
            if customer_id is None or intent.edit is None:
                continue
            if isinstance(note, str) and one_line(note) == one_line(text):
                if (sent := _sent_note(change, change.results.get(index), note)) is not None:
                    notes[customer_id] = sent
            elif (
                note is None
                and customer_id in notes
                and _is_deleted(intent, notes[customer_id], change.results.get(index))
            ):
                del notes[customer_id]
    return {customer_id: sent for customer_id, sent in notes.items() if sent.change.session != app.journal.session}


async def find_own_notes(app: AppContext, tasks: Sequence[Task], text: str, since: datetime) -> dict[str, str]:
    """The notes that `Backend.find_notes` finds, without those that were written here for another person."""
    others: frozenset[str] = frozenset()
    while True:
        notes = await app.backend.find_notes(tasks, text, since, others)
        more = await _notes_of_others(app, frozenset(notes.values()), since)
        if not more:
            return notes
        others |= more


async def _notes_of_others(app: AppContext, note_ids: frozenset[str], since: datetime) -> frozenset[str]:
    """The notes among these that changes of other persons have written since then."""
    query, others, unknown = ChangeQuery(since=since, limit=_PAGE, with_plans=False), set[str](), set(note_ids)
    while app.principal.person is not None and unknown:
        page = await app.journal.page(query)
        for change in page.changes:
            written = {
                str(result.after.note_id) for result in change.results.values() if result.after is not None
            } & unknown
            unknown -= written
            others |= written if change.opening.caller.subject != app.principal.subject else set()
        if page.cursor is None:
            break
        query = replace(query, after=page.cursor)
    return frozenset(others)


async def check_no_rival_note(app: AppContext, change: Change) -> None:
    """CallerError if another process has begun, just before this change, to write one of its notes."""
    wanted = {
        (intent.edit.note, intent.before.task.ai_customer_id)
        for intent in change.intents
        if intent.edit is not None and isinstance(intent.edit.note, str) and intent.before is not None
    }
    for text in {text for text, _ in wanted}:
        sent = await find_sent_notes(app, text, change.id)
        if rival := next(
            (sent[customer_id] for note, customer_id in wanted if note == text and customer_id in sent), None
        ):
            raise CallerError(
                "The same note is being written by another call.",
                code="in_progress",
                retryable=True,
                next_step="Send it again in a moment: an existing note is not written twice.",
                details={"changeId": rival.change.id},
            )


async def _recent_changes(app: AppContext, before: str | None) -> list[Change]:
    """The changes of this person, if one calls, that are under way or have just ended, oldest first."""
    now, cursor, changes = app.clock(), None, list[Change]()
    recent = ChangeQuery(since=now - _MAX_CALL_TIME, limit=_PAGE, with_plans=False, subject=app.principal.subject)
    while True:
        query = replace(recent, after=cursor)
        page = await app.journal.page(query)
        changes += page.changes
        if (cursor := page.cursor) is None:
            break
    ids = [change.id for change in changes]
    earlier = changes[ids.index(before) + 1 :] if before in ids else changes
    return [change for change in reversed(earlier) if now - (change.ended_at or now) < _LISTED_WITHIN]


def _sent_note(change: Change, result: Result | None, text: str) -> SentNote | None:
    """The note of an intent; None if it was not written."""
    if result is None:
        return None if change.outcome in VOID else SentNote(change)
    if result.outcome in VOID or result.outcome == "unchanged":
        return None
    after = result.after
    if result.outcome != "applied" or after is None or "note" in after.unreadable_fields:
        return SentNote(change)
    return SentNote(change, after.note_id) if after.note == text and isinstance(after.note_id, str) else None


def _is_deleted(intent: Intent, sent: SentNote, result: Result | None) -> bool:
    is_same = intent.before is not None and sent.id is not None and intent.before.task.note_id == sent.id
    return is_same and result is not None and result.outcome == "applied"

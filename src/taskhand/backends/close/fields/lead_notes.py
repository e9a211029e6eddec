"""Notes on a lead, as tasks have no description: a note is written once, and an undo deletes it.

Source: https://developer.close.com/api/resources/activities/note. A note is created as a task is (`bulk_create`): after
a lost response the note is searched for on the lead, and not sent again. Lists lag, so notes written here are
remembered for a minute.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import anyio

from taskhand.backends.close.account import Account
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.errors import MESSAGES
from taskhand.backends.close.mapping import created_at
from taskhand.backends.close.offset_paging import OffsetPage, read_all_pages
from taskhand.backends.remote.adapter import Creator
from taskhand.backends.remote.deletion import Deletion, Presence, find_presence
from taskhand.backends.remote.parsing import JsonObject, id_of, text_or_none
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.call.author import current_author
from taskhand.call.deadline import hold_lock
from taskhand.call.parallel_work import for_each
from taskhand.domain.chunks import chunks
from taskhand.domain.display_text import plain
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError
from taskhand.domain.html.conversion import html_to_text as text_of_html
from taskhand.domain.task import Task
from taskhand.domain.unreadable_fields import task_from

__all__ = ["Notes", "WrittenNote"]

_LEADS: Final = 25
"""Maximum leads in one request; their ids fill a URL."""
_LAG_S: Final = 60.0
"""Assumed lag of lists, in seconds, for which a note that was written here is remembered."""
_MAX_READS_AT_ONCE: Final = 16
_Key = tuple[str, str, str | None]
"""The lead of a note, its text, and the person for whom it is written, None if unknown."""
_MESSAGES: Final = replace(MESSAGES, noun="note")
_UNKNOWN: Final = "Wait a minute, then send the same call again: it searches for the note before it writes one."
_UNKNOWN_DELETION: Final = "Send the same call again: a note that is gone is not deleted twice."


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """The note of a task after a write: its `id` and text, both None if it has none, and a `remark` about the write."""

    id: str | None
    text: str | None
    remark: str | None = None


@dataclass(slots=True)
class _Sent:
    """A note that was sent at `at` (monotonic seconds); `id` is None while its creation is not confirmed."""

    at: float
    id: str | None = None


class Notes:
    """Writes, finds and deletes notes."""

    messages = _MESSAGES

    def __init__(self, client: CloseClient, account: Account, timing: Timing) -> None:
        self.client = client
        self._account = account
        self.timing = timing
        self._sent: dict[_Key, _Sent] = {}
        self.recent = RecentWrites[JsonObject](0, timing.monotonic)
        self._locks: dict[_Key | str, anyio.Lock] = {}

    async def find(
        self, lead_ids: Sequence[str], text: str, since: datetime, but: Collection[str] = ()
    ) -> dict[str, str]:
        """The ids of notes with this text that were written with this credential at `since` or later, by lead.

        Ids in `but` are left out. OutcomeUnknown if the same note was just sent for the same person and is not
        confirmed.
        """
        unique = list(dict.fromkeys(lead_ids))
        pages = [await self.equal(part, text, since) for part in chunks(unique, _LEADS)]
        note_ids = {str(row.get("lead_id")): id_of(row) for page in pages for row in page.rows if id_of(row) not in but}
        for lead_id in unique:
            sent = self._find_recent(_key(lead_id, text))
            if sent is not None and lead_id not in note_ids:
                if sent.id is None:
                    raise _MESSAGES.unknown_write(_UNKNOWN)
                note_ids[lead_id] = sent.id
        return note_ids

    async def missing(self, note_ids: Collection[str]) -> frozenset[str]:
        """The notes of `note_ids` that no longer exist in Close."""
        unique = list(set(note_ids))
        found = await for_each(unique, lambda note_id: find_presence(self, note_id), at_once=_MAX_READS_AT_ONCE)
        return frozenset(note_id for note_id, presence in zip(unique, found, strict=True) if presence is Presence.GONE)

    async def write(self, lead_id: str | None, text: str) -> WrittenNote:
        """Write a note on a lead, unless this process just wrote it; OutcomeUnknown if it may have been created."""
        if lead_id is None:
            raise CallerError(
                "A note is written on the task's lead in Close, and this task has none.",
                code="field_not_changeable",
                next_step="Leave addNote out.",
            )
        key = _key(lead_id, text)
        async with hold_lock(self._locks.setdefault(key, anyio.Lock())):
            if (sent := self._find_recent(key)) is not None and sent.id is not None:
                return WrittenNote(sent.id, text)
            sent = self._sent[key] = _Sent(self.timing.monotonic())
            try:
                written = await _NewNote(self, lead_id).create_task(Edit(note=text))
            except OutcomeUnknown as unknown:
                raise _MESSAGES.unknown_write(_UNKNOWN) from unknown
            except TaskhandError:
                del self._sent[key]  # the note was refused or not sent
                raise
            sent.id = written.task.id
            return WrittenNote(sent.id, text, written.note)

    async def remove(self, note_id: str, text: str | None) -> WrittenNote:
        """Delete the note with this text; if the note was edited since, it stays and is returned."""
        async with hold_lock(self._locks.setdefault(note_id, anyio.Lock())):
            if self.recent.is_deleted(note_id):  # several tasks of a lead share a note
                return WrittenNote(None, None)
            try:
                shown = _text(await self.get(note_id))
                if shown is not None and text and _fold_text(shown) != _fold_text(text):
                    return WrittenNote(note_id, shown, "The note was edited since, and stays as it is.")
                await Deletion(self, note_id).run()
            except NotFound:
                return WrittenNote(None, None, "The note was gone already.")
            except OutcomeUnknown as unknown:
                raise _MESSAGES.unknown_write(_UNKNOWN_DELETION) from unknown
            self._sent = {key: sent_note for key, sent_note in self._sent.items() if sent_note.id != note_id}
            return WrittenNote(None, None)

    async def delete(self, task_id: str) -> None:
        """DELETE a note; NotFound if it does not exist."""
        await self.client.delete_note(task_id)

    async def get(self, task_id: str) -> JsonObject:
        """A note; NotFound."""
        return await self.client.note(task_id)

    async def find_listed(self, ids: Sequence[str]) -> frozenset[str]:
        """All ids: notes are not listed by id."""
        return frozenset(ids)

    async def equal(self, lead_ids: Sequence[str], text: str, since: datetime) -> OffsetPage:
        """The notes on these leads with this text, created at `since` or later, that this credential may have written.

        Notes that were deleted here are left out: a list may still show them.
        """
        page = await read_all_pages(lambda skip: self.client.notes(lead_ids, since, skip))
        me = await self._account.me_if_known() if page.rows else None
        rows = [
            row
            for row in page.rows
            if (note_id := id_of(row))
            and not self.recent.is_deleted(note_id)
            and (me is None or row.get("created_by", row.get("user_id")) in (None, me))
            and (shown := _text(row)) is not None
            and _fold_text(shown) == _fold_text(text)
        ]
        return replace(page, rows=tuple(rows))

    def _find_recent(self, key: _Key) -> _Sent | None:
        """The note with this key that was sent within the lag of lists; None if there is none."""
        now = self.timing.monotonic()
        for old in [old for old, sent_note in self._sent.items() if now - sent_note.at >= _LAG_S]:
            del self._sent[old]
            self._locks.pop(old, None)
        return self._sent.get(key)


class _NewNote(Creator[JsonObject]):
    """Creates a note on one lead, as tasks are created: an edit and a task hold its text as their `note`."""

    messages = _MESSAGES

    def __init__(self, notes: Notes, lead_id: str) -> None:
        super().__init__(notes.timing, notes.recent)
        self._notes = notes
        self._lead_id = lead_id

    async def create(self, edit: Edit) -> JsonObject:
        """POST a note."""
        return await self._notes.client.create_note(self._lead_id, str(edit.note))

    async def get(self, task_id: str, edit: Edit | None = None) -> JsonObject:  # noqa: ARG002  a note has only its text
        """A note; NotFound."""
        return await self._notes.get(task_id)

    async def created_since(
        self,
        moment: datetime,
        edits: Sequence[Edit],
        known_ids: frozenset[str],  # noqa: ARG002  the search leaves them out
    ) -> tuple[list[JsonObject], timedelta | None]:
        """The notes on the lead with the same text."""
        since = moment - timedelta(days=1)  # Close's clock may be behind ours
        page = await self._notes.equal([self._lead_id], str(edits[0].note), since)
        return [*page.rows], None if page.at is None else page.at - self.timing.clock()

    def to_task(self, row: JsonObject) -> Task:
        """A note as a task without other fields."""
        made = created_at(row)
        return task_from(id_of(row), row, {}, {"note": _text(row), "created_at": made and made.isoformat()})

    def disproves_create(self, row: JsonObject, edit: Edit) -> bool:  # noqa: ARG002  equal notes only
        """False: `created_since` returns equal notes only, whose blanks may differ."""
        return False


def _text(row: JsonObject) -> str | None:
    return text_or_none(row.get("note")) or text_of_html(text_or_none(row.get("note_html")))


def _key(lead_id: str, text: str) -> _Key:
    """The key of a note; the same text for another person is another note."""
    author = current_author()
    return lead_id, _fold_text(text), author.person if author else None


def _fold_text(text: str) -> str:
    return " ".join(plain(text).split())

"""Notes on a lead, as tasks have no description: a note is written once, and an undo deletes it.

Source: https://developer.close.com/api/resources/activities/note. If the response to a new note is lost, the note is
searched on the lead; the same call never sends it again. Lists lag, so notes written here are remembered for a minute.
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
from taskhand.backends.close.offset_paging import Page, read_all_pages
from taskhand.backends.remote.adapter import Timing
from taskhand.backends.remote.deletion import Deletion, is_gone
from taskhand.backends.remote.parsing import JsonObject, id_of, text_of
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.retry_waits import (
    REPEAT_WAITS_S,
    SEARCH_WAITS_S,
    sleep_if_time,
    wait_to_repeat,
)
from taskhand.backends.remote.write_refusals import is_doubtful
from taskhand.domain.author import current_author
from taskhand.domain.chunks import chunks
from taskhand.domain.deadline import hold_lock
from taskhand.domain.display_text import plain
from taskhand.domain.errors import (
    CallerError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamFailed,
)
from taskhand.domain.html.conversion import text_of as text_of_html
from taskhand.domain.parallel_work import for_each
from taskhand.domain.request_log import recorded_requests
from taskhand.http.rate_limiter import without_pauses

__all__ = ["Notes", "WrittenNote"]

_LEADS: Final = 25
"""Maximum leads in one request; their ids fill a URL."""
_LAG_S: Final = 60.0
"""Assumed lag of lists, in seconds, for which a note that was written here is remembered."""
_CLOCKS_APART: Final = timedelta(seconds=2)
_CLOCK_UNKNOWN: Final = timedelta(minutes=2)
"""How far a note's creation time may lie before its sending: with Close's clock known, and with it unknown."""
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
        self._client = client
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
        rows = [row for part in chunks(unique, _LEADS) for row in (await self._read(part, since)).rows]
        equal = [row for row in await self._equal(rows, text) if id_of(row) not in but]
        found = {str(row.get("lead_id")): id_of(row) for row in equal}
        for lead_id in unique:
            sent = self._recent(_key(lead_id, text))
            if sent is not None and lead_id not in found:
                if sent.id is None:
                    raise _MESSAGES.unknown(_UNKNOWN)
                found[lead_id] = sent.id
        return found

    async def missing(self, note_ids: Collection[str]) -> frozenset[str]:
        """The notes of `note_ids` that no longer exist in Close."""
        missing: set[str] = set()

        async def look_for(note_id: str) -> None:
            if await is_gone(self, note_id):
                missing.add(note_id)

        await for_each(list(set(note_ids)), look_for, at_once=_MAX_READS_AT_ONCE)
        return frozenset(missing)

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
            if (sent := self._recent(key)) is not None and sent.id is not None:
                return WrittenNote(sent.id, text)
            since = self.timing.clock()
            sent = self._sent[key] = _Sent(self.timing.monotonic())
            try:
                sent.id, remark = await self._send(lead_id, text, since)
            except OutcomeUnknown:
                raise
            except TaskhandError:
                del self._sent[key]  # the note was refused or not sent
                raise
            return WrittenNote(sent.id, text, remark)

    async def remove(self, note_id: str, text: str | None) -> WrittenNote:
        """Delete the note with this text; if the note was edited since, it stays and is returned."""
        async with hold_lock(self._locks.setdefault(note_id, anyio.Lock())):
            if self.recent.is_deleted(note_id):  # several tasks of a lead share a note
                return WrittenNote(None, None)
            try:
                shown = _text(await self.get(note_id))
                if shown is not None and text and _folded(shown) != _folded(text):
                    return WrittenNote(note_id, shown, "The note was edited since, and stays as it is.")
                await Deletion(self, note_id).run()
            except NotFound:
                return WrittenNote(None, None, "The note was gone already.")
            except OutcomeUnknown as unknown:
                raise _MESSAGES.unknown(_UNKNOWN_DELETION) from unknown
            self._sent = {key: one for key, one in self._sent.items() if one.id != note_id}
            return WrittenNote(None, None)

    async def delete(self, task_id: str) -> None:
        """DELETE a note; NotFound if it does not exist."""
        await self._client.delete_note(task_id)

    async def get(self, task_id: str) -> JsonObject:
        """A note; NotFound."""
        return await self._client.note(task_id)

    async def _send(self, lead_id: str, text: str, since: datetime) -> tuple[str, str | None]:
        """POST a note; its id and a remark. After a lost response or a doubtful refusal, the note is searched first."""
        for wait_s in REPEAT_WAITS_S:
            refused: TaskhandError | None = None
            with recorded_requests() as requests:
                try:
                    return await self._client.create_note(lead_id, text), None
                except (OutcomeUnknown, UpstreamFailed):
                    pass
                except TaskhandError as error:
                    refused = error
            is_in_doubt = refused is None or is_doubtful(requests, refused)
            is_foreign = requests.has_foreign_refusal and not isinstance(refused, RateLimited)
            waits = SEARCH_WAITS_S if refused is None or is_foreign else SEARCH_WAITS_S[:1]
            if is_in_doubt and (found := await self._search(lead_id, text, since, refused, waits)):
                return found, _MESSAGES.found
            if not isinstance(refused, RateLimited) or not await wait_to_repeat(refused, wait_s, self.timing.sleep):
                raise refused or _MESSAGES.unknown(_UNKNOWN)
        raise AssertionError("the last wait is none")

    async def _search(
        self, lead_id: str, text: str, since: datetime, refused: TaskhandError | None, waits: Sequence[float]
    ) -> str | None:
        """The id of a note that was lost, or `refused`; None if it is not found. OutcomeUnknown if the search fails."""
        for wait_s in waits:
            if wait_s and not await sleep_if_time(self.timing.sleep, wait_s):
                break
            try:
                with without_pauses(when=refused is not None):
                    found = await self._find_sent(lead_id, text, since)
            except TaskhandError:
                raise _MESSAGES.unknown(_UNKNOWN) from refused
            if found is not None:
                return found
        return None

    async def _find_sent(self, lead_id: str, text: str, since: datetime) -> str | None:
        """The id of the note that was sent at `since`; None if Close does not show exactly one such note."""
        known = {one.id for one in self._sent.values()}
        page = await self._read([lead_id], since - timedelta(days=1))
        earliest = (
            since - _CLOCK_UNKNOWN if page.at is None else since + (page.at - self.timing.clock()) - _CLOCKS_APART
        )
        equal = [row for row in await self._equal(page.rows, text) if (created_at(row) or since) >= earliest]
        found = [note_id for note_id in map(id_of, equal) if note_id not in known]
        return found[0] if len(found) == 1 else None

    async def _read(self, lead_ids: Sequence[str], since: datetime) -> Page:
        return await read_all_pages(lambda skip: self._client.notes(lead_ids, since, skip))

    async def _equal(self, rows: Sequence[JsonObject], text: str) -> list[JsonObject]:
        """The notes with this text that this credential may have written and that were not deleted here."""
        me = await self._account.me_if_known() if rows else None
        return [
            row
            for row in rows
            if (note_id := id_of(row))
            and not self.recent.is_deleted(note_id)
            and (me is None or row.get("created_by", row.get("user_id")) in (None, me))
            and (shown := _text(row)) is not None
            and _folded(shown) == _folded(text)
        ]

    def _recent(self, key: _Key) -> _Sent | None:
        """The note with this key that was sent within the lag of lists; None if there is none."""
        now = self.timing.monotonic()
        for old in [old for old, one in self._sent.items() if now - one.at >= _LAG_S]:
            del self._sent[old]
            self._locks.pop(old, None)
        return self._sent.get(key)


def _text(row: JsonObject) -> str | None:
    return text_of(row.get("note")) or text_of_html(text_of(row.get("note_html")))


def _key(lead_id: str, text: str) -> _Key:
    """The key of a note; the same text for another person is another note."""
    author = current_author()
    return lead_id, _folded(text), author.person if author else None


def _folded(text: str) -> str:
    return " ".join(plain(text).split())

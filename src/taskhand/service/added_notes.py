"""Notes that a call adds to tasks: in the description, or beside the task if it has none."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from taskhand.domain import task_rules
from taskhand.domain.description_note import REPEATED_WITHIN, DatedNote
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OutcomeUnknown
from taskhand.domain.field_limits import check_description
from taskhand.domain.html.conversion import append_line
from taskhand.domain.snapshot import Snapshot
from taskhand.service.app_context import AppContext
from taskhand.service.idempotency import wait_until_ended
from taskhand.service.list_team_members import Team
from taskhand.service.unlisted_notes import SentNote, find_own_notes, find_sent_notes

__all__ = ["AddedNotes"]


class AddedNotes:
    """The notes of one call."""

    def __init__(self, app: AppContext, known_team: Callable[[], Awaitable[Team]], client: str | None) -> None:
        """`client` is the caller's name: the author of a note if `me` is unknown."""
        self._app = app
        self._known_team = known_team
        self._client = client
        self._known_author: tuple[str | None] | None = None
        self._noted: dict[str, bool] = {}

    async def add(self, text: str, before: Snapshot) -> Edit:
        """The edit that adds a note to the description, or beside the task if it has none."""
        if "description" not in self._app.backend.capabilities.absent:
            description, native = await self._append_note(text, before)
            return Edit(description=description, native=native)
        await self.look_for(text, [before])
        return Edit() if self._noted[before.task.id] else Edit(note=text.strip())

    async def look_for(self, text: str, snapshots: Sequence[Snapshot]) -> None:
        """Find, in one query, the tasks without a description that already have this note beside them."""
        unknown = [snapshot.task for snapshot in snapshots if snapshot.task.id not in self._noted]
        if not unknown or "description" not in self._app.backend.capabilities.absent:
            return
        notes = await find_own_notes(self._app, unknown, text.strip(), self._start_of_day())
        unlisted = {task.ai_customer_id for task in unknown if task.id not in notes}
        sent = await self._find_sent_notes(text, unlisted) if unlisted else {}
        self._noted |= {task.id: task.id in notes or task.ai_customer_id in sent for task in unknown}

    async def _find_sent_notes(self, text: str, customer_ids: Collection[str | None]) -> dict[str, SentNote]:
        """Notes that another process has sent and the CRM does not list yet; OutcomeUnknown if one may be there."""
        sent = await find_sent_notes(self._app, text)
        if under_way := [
            sent[customer_id].change
            for customer_id in customer_ids
            if customer_id in sent and not sent[customer_id].change.ending
        ]:
            await wait_until_ended(self._app, under_way[0])
            return await self._find_sent_notes(text, customer_ids)
        if unconfirmed := [
            sent[customer_id].change
            for customer_id in customer_ids
            if customer_id in sent and sent[customer_id].id is None
        ]:
            raise OutcomeUnknown(
                "This note was sent a moment ago, and the CRM has neither confirmed nor shown it yet.",
                next_step="Wait a minute, then send the same call again: "
                "it searches for the note before it writes one.",
                details={"changeId": unconfirmed[0].id},
            )
        return sent

    def _start_of_day(self) -> datetime:
        """The moment since which an equal note counts as the same, early enough for a repeat just after midnight."""
        now = self._app.clock().astimezone(ZoneInfo(self._app.timezone or "UTC"))
        return min(now.replace(hour=0, minute=0, second=0, microsecond=0), now - REPEATED_WITHIN)

    async def _append_note(self, text: str, before: Snapshot) -> tuple[str, Mapping[str, str] | None]:
        """The description with a note at its end, and the native value to write if the CRM has it as HTML.

        An unchanged description if it already has this note. CallerError if it cannot be read or becomes too long.
        """
        task_rules.check_readable(before.task, "description")
        zone, now = self._app.timezone, self._app.clock()
        note = DatedNote(text, await self._author(), now.astimezone(ZoneInfo(zone)) if zone else now)
        description = before.task.description or ""
        if note.is_in(description):
            return description, None
        name = self._app.backend.capabilities.html_description
        body = before.native.get(name) if name else None
        after = note.below(description) if name else note.after(description)
        check_description(after)
        if name is None or not isinstance(body, str) or not body:
            return after, None
        if (html := append_line(body, note.line, after)) is None:
            raise CallerError(
                "The description ends in HTML that is not closed, so nothing can be appended to it as it is.",
                code="unreadable_field",
                next_step="Replace it: send the whole description with update_task.",
            )
        return after, {name: html}

    async def _author(self) -> str | None:
        """The name of `me`, or else of the person, or else of the client."""
        if self._known_author is None:
            team, person = await self._known_team(), self._app.principal.person
            caller = person.shown_name if person else self._client
            self._known_author = (next((member.name for member in team.members if member.id == team.me), caller),)
        return self._known_author[0]

"""Resolve a documented body to an edit: names to ids, due fields to a due date.

The statuses and the team are read once per call, however many tasks it changes.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import MISSING

from taskhand.domain import status_lookup, task_rules
from taskhand.domain.argument_limits import check_description, check_responsibles
from taskhand.domain.dated_note import REPEATED_WITHIN, DatedNote
from taskhand.domain.due import Due, DueRequest, due_of, instant_text, shifted
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Candidate, OutcomeUnknown
from taskhand.domain.html.conversion import append_line
from taskhand.domain.name_matching import Match
from taskhand.domain.people_lookup import People
from taskhand.domain.priority import DEFAULT_PRIORITY
from taskhand.domain.properties import PropertyValue, PropertyValues, names_of, property_field
from taskhand.domain.resolution import check_no_resolution, settle_resolution
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import FINISHED, StatusChoice, StatusList, Task, TaskDraft, TaskPatch
from taskhand.domain.text_merge import restore_unshown
from taskhand.domain.zones import offset_of_reversed
from taskhand.service import resolve_people
from taskhand.service.app_context import AppContext
from taskhand.service.idempotency import wait_until_ended
from taskhand.service.list_team_members import Team, list_team_members
from taskhand.service.resolve_contact import resolve_link
from taskhand.service.resolve_deal import resolve_deal
from taskhand.service.resolve_task_type import resolve_task_type
from taskhand.service.sent_notes import SentNote, find_own_notes, find_sent_notes

__all__ = ["EditFor", "ResolvedEdit", "Resolver"]

ResolvedEdit = tuple[Edit, tuple[Match, ...]]
"""An edit, and the names that were resolved for it."""

EditFor = Callable[[Snapshot], Awaitable[ResolvedEdit]]
"""Makes the edit of a task from the task as it is now; CallerError if it cannot be made."""


_NO_PRIORITY = Match("priority", "left out", DEFAULT_PRIORITY, "medium")
"""The match that an answer shows for a new task without a priority: Vambe's documentation requires one."""


class Resolver:
    """Resolves the names and due fields of one call."""

    def __init__(self, app: AppContext, client: str | None = None) -> None:
        """`client` is the caller's name: the author of a note if `me` is unknown."""
        self._app = app
        self._client = client
        self._known_author: tuple[str | None] | None = None
        self._backend = app.backend
        self._statuses: StatusList | None = None
        self._team: Team | None = None
        self._deals: dict[str, tuple[str, tuple[Match, ...]]] = {}
        self._links: dict[tuple[str, str], str] = {}
        self._noted: dict[str, bool] = {}

    async def resolve(
        self, body: TaskDraft | TaskPatch, due: DueRequest, snapshot: Snapshot | None, *, shift_days: int | None = None
    ) -> ResolvedEdit:
        """The edit that `body` makes to a task, None for a new one; `due` are its due fields, parsed.

        The due date that the task has is moved by `shift_days` before they are applied.
        """
        before = snapshot.task if snapshot else None
        choice, status_matched = await self.resolve_status(body)
        responsible_ids, people_matched = await self._resolve_responsibles(body, before)
        noted = Edit(description=_resolve_description(body.description, before))
        if snapshot is not None and isinstance(body, TaskPatch) and body.add_note is not MISSING:
            noted = await self.add_note(body.add_note, snapshot)
        deal_id, deal_matched = await self.resolve_deal(body.deal_id)
        task_type, type_matched = await self.resolve_task_type(body)
        properties, properties_matched = await self.resolve_properties(body.properties)
        edit = Edit(
            title=_resolve_title(body.title, before),
            description=noted.description,
            note=noted.note,
            native=noted.native,
            due=self._resolve_due(due, before, shift_days),
            responsible_ids=responsible_ids,
            ai_contact_id=await self._resolve_link("ai_contact_id", body.ai_contact_id, before),
            ai_customer_id=await self._resolve_link("ai_customer_id", body.ai_customer_id, before),
            priority=body.priority if body.priority is MISSING else int(body.priority),
            status=choice,
            task_type=task_type,
            resolution=body.resolution if isinstance(body, TaskPatch) else MISSING,
            deal_id=deal_id,
            properties=properties,
        )
        if before is not None:
            edit = await self.settle_resolution(edit, before)
        matched = status_matched + people_matched + deal_matched + type_matched + due.matched
        matched += _zone_matched(due) + _midnight_matched(due, edit.due) + properties_matched
        if isinstance(body, TaskDraft) and body.priority is MISSING:
            edit, matched = replace(edit, priority=int(DEFAULT_PRIORITY)), (*matched, _NO_PRIORITY)
        return edit, matched

    async def settle_resolution(self, edit: Edit, before: Task) -> Edit:
        """The edit with the resolution that it implies, if tasks of this kind have one."""
        types = self._backend.capabilities.resolved_types
        if edit.resolution is MISSING and before.task_type not in types:
            return edit
        if "resolution" in self._backend.capabilities.absent:
            return edit
        is_finished = before.is_finished
        if edit.status is not MISSING:
            known = await self._known_statuses()
            is_finished = any(edit.status.met_by(one) and one.type in FINISHED for one in known.statuses)
        return settle_resolution(edit, before, is_finished=is_finished)

    async def resolve_status(self, body: TaskDraft | TaskPatch) -> tuple[StatusChoice | MISSING, tuple[Match, ...]]:
        """The status that a body names, and the name that was resolved."""
        if isinstance(body, TaskPatch) and body.new_status_name is not MISSING:
            check_no_resolution(body.new_status_name, self._backend.capabilities)
            return status_lookup.resolve_status(body.new_status_name, await self._known_statuses())
        if isinstance(body, TaskPatch) and body.new_status_position is not MISSING:
            return status_lookup.status_at_position(body.new_status_position, await self._known_statuses())
        return MISSING, ()

    async def resolve_deal(self, given: str | None | MISSING) -> tuple[str | None | MISSING, tuple[Match, ...]]:
        """The id of the deal given by id or name, and the name that was resolved."""
        if given is MISSING or given is None:
            return given, ()
        if given not in self._deals:
            self._deals[given] = await resolve_deal(self._app, given)
        return self._deals[given]

    async def _resolve_link(self, field: str, given: str | None | MISSING, before: Task | None) -> str | None | MISSING:
        """The id of a contact or customer; a value that the task has is no new link."""
        if given is MISSING or given is None or (before is not None and given == getattr(before, field)):
            return given
        if (field, given) not in self._links:
            self._links[field, given] = await resolve_link(self._app, field, given)
        return self._links[field, given]

    async def resolve_task_type(self, body: TaskDraft | TaskPatch) -> tuple[str | MISSING, tuple[Match, ...]]:
        """The type that a body names, and the name that was resolved."""
        if body.task_type is MISSING:
            return MISSING, ()
        return await resolve_task_type(self._app, body.task_type, new=isinstance(body, TaskDraft))

    async def resolve_people(
        self, given: Sequence[str], current: Sequence[str], argument: str = "responsibleIds"
    ) -> People:
        """The people given by id, e-mail, name or 'me'; `current` are ids on the task, perhaps of former members."""
        return await resolve_people.resolve_people(self._app, await self._known_team(), given, current, argument)

    async def change_people(
        self, before: Task, add: Sequence[str], remove: Sequence[str], argument: str | None = None
    ) -> People:
        """The people on a task after `add` are added and `remove` are removed.

        `argument` is the name of the argument with both. CallerError for a person in both, and for too many or too few
        people on the task.
        """
        task_rules.check_readable(before, "responsible_ids")
        current = before.responsible_ids
        added = await self.resolve_people(add, current, argument or "addResponsibleIds")
        removed = await self.resolve_people(remove, current, argument or "removeResponsibleIds")
        if both := {*added.ids} & {*removed.ids}:
            raise CallerError(
                "The same person is in addResponsibleIds and in removeResponsibleIds.",
                code="several_changes",
                candidates=[Candidate(one) for one in sorted(both)],
                next_step="Send each person in one of the two.",
            )
        ids = tuple(one for one in dict.fromkeys(current + added.ids) if one not in removed.ids)
        check_responsibles(ids, self._backend.capabilities)
        return People(ids, added.matched + removed.matched)

    async def add_note(self, text: str, before: Snapshot) -> Edit:
        """The edit that adds a note to the description, or beside the task if it has none."""
        if "description" not in self._backend.capabilities.absent:
            description, native = await self._append_note(text, before)
            return Edit(description=description, native=native)
        await self.look_for_note(text, [before])
        return Edit() if self._noted[before.task.id] else Edit(note=text.strip())

    async def look_for_note(self, text: str, snapshots: Sequence[Snapshot]) -> None:
        """Find, in one query, the tasks without a description that already have this note beside them."""
        unknown = [one.task for one in snapshots if one.task.id not in self._noted]
        if not unknown or "description" not in self._backend.capabilities.absent:
            return
        found = await find_own_notes(self._app, unknown, text.strip(), self._start_of_day())
        unlisted = {task.ai_customer_id for task in unknown if task.id not in found}
        sent = await self._find_sent_notes(text, unlisted) if unlisted else {}
        self._noted |= {task.id: task.id in found or task.ai_customer_id in sent for task in unknown}

    async def _find_sent_notes(self, text: str, places: Collection[str | None]) -> dict[str, SentNote]:
        """Notes that another process has sent and the CRM does not list yet; OutcomeUnknown if one may be there."""
        sent = await find_sent_notes(self._app, text)
        if under_way := [sent[place].change for place in places if place in sent and not sent[place].change.ending]:
            await wait_until_ended(self._app, under_way[0])
            return await self._find_sent_notes(text, places)
        if unconfirmed := [sent[place].change for place in places if place in sent and sent[place].id is None]:
            raise OutcomeUnknown(
                "This note was sent a moment ago, and the CRM neither confirmed it nor shows it so far.",
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
        name = self._backend.capabilities.html_description
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
            self._known_author = (next((one.name for one in team.members if one.id == team.me), caller),)
        return self._known_author[0]

    def _check_day_is_certain(self, before: Task) -> None:
        """Refuse to change a due date whose day the backend cannot tell with certainty."""
        if not self._backend.sure_of_due(before, of_day=True):
            raise CallerError(
                "The day of the task's due date is not certain, so it cannot be kept or shifted.",
                code="due_unsure",
                next_step="Send dueDate as YYYY-MM-DD together with dueTime null.",
            )

    def _to_stored_due(self, due: Due | None) -> Due | None:
        """The due date as this backend stores it: in the configured zone if it does not keep the task's own."""
        if due is None or self._backend.capabilities.keeps_timezone:
            return due
        return Due.instant(due.at, self._app.timezone) if due.at else Due(due.day)

    async def _known_team(self) -> Team:
        if self._team is None:
            self._team = await list_team_members(self._app)
        return self._team

    async def _known_statuses(self) -> StatusList:
        if self._statuses is None:
            self._statuses = await self._backend.statuses()
        return self._statuses

    async def find_property_names(self, given: tuple[PropertyValue, ...] | MISSING) -> tuple[str, ...]:
        """The names of the properties that a body sets by name or label; those that cannot be resolved as given."""
        own = self._backend.properties
        names = names_of(given)
        return tuple((await own.find_names(names)).values()) if names and own is not None else names

    async def resolve_properties(
        self, given: Sequence[PropertyValue] | MISSING
    ) -> tuple[PropertyValues | MISSING, tuple[Match, ...]]:
        """The properties as the backend keeps them, and those values that were sent in another form."""
        own = self._backend.properties
        if given is MISSING or not given or own is None:
            return MISSING, ()
        task_rules.check_properties(given)
        names = await own.find_names([one.name for one in given])
        matched = [Match("properties", one.name, name, name) for one in given if (name := names[one.name]) != one.name]
        given = [PropertyValue(name=names[one.name], value=one.value) for one in given]
        task_rules.check_properties(given)
        values = await own.resolve({one.name: one.value for one in given})
        matched += [
            Match(property_field(one.name), one.value, value, value)
            for one in given
            if one.value is not None and (value := values[one.name]) is not None and value != one.value
        ]
        return tuple(sorted(values.items())), tuple(matched)

    async def _resolve_responsibles(
        self, body: TaskDraft | TaskPatch, before: Task | None
    ) -> tuple[tuple[str, ...] | MISSING, tuple[Match, ...]]:
        if isinstance(body, TaskPatch) and before is not None and task_rules.changes_people(body):
            changed = await self.change_people(
                before, _given(body.add_responsible_ids), _given(body.remove_responsible_ids)
            )
            return changed.ids, changed.matched
        if body.responsible_ids is MISSING or not body.responsible_ids:
            is_to_be_own = before is None and self._app.principal.rules.own_tasks_only
            return await self._me_alone() if is_to_be_own else (body.responsible_ids, ())
        found = await self.resolve_people(body.responsible_ids, before.responsible_ids if before else ())
        return found.ids, found.matched

    async def _me_alone(self) -> tuple[tuple[str, ...] | MISSING, tuple[Match, ...]]:
        """The responsible of a new task that came without one, if the caller may have own tasks only."""
        team = await self._known_team()
        names = {member.id: member.name for member in team.members}
        if team.me is None:
            return MISSING, ()
        return (team.me,), (Match("responsibleIds", "left out", team.me, names.get(team.me, "you")),)

    def _resolve_due(self, request: DueRequest, before: Task | None, shift_days: int | None) -> Due | None | MISSING:
        if before is not None and shift_days is not None:
            return self._to_stored_due(self._shift_due(request, before, shift_days))
        if not request.is_given:
            return MISSING
        if before and request.needs_current_due:
            task_rules.check_readable(before, "due")
        if before and request.needs_current_day:
            self._check_day_is_certain(before)
        midnight_is_day = self._backend.capabilities.midnight_is_day
        due = request.on(due_of(before) if before else None, self._app.timezone, midnight_is_day=midnight_is_day)
        return self._to_stored_due(due)

    def _shift_due(self, request: DueRequest, before: Task, days: int) -> Due | None:
        """The due date of a task, moved by days, at the time and in the zone that are asked for or else its own."""
        task_rules.check_readable(before, "due")
        due = due_of(before)
        if due is None:
            raise CallerError(
                "The task has no due date to shift.", code="no_due_date", next_step="Give it one with update_task."
            )
        self._check_day_is_certain(before)
        if not request.is_given:
            return shifted(due, days, self._app.timezone)
        # The new time may exist on the new day even if the task's own time does not.
        local = due if due.at is None else Due.instant(due.at, due.zone or self._app.timezone)
        return replace(request, due_date=shifted(Due(local.day), days, None).day).on(local, self._app.timezone)


def _given(people: tuple[str, ...] | MISSING) -> tuple[str, ...]:
    return () if people is MISSING else people


def _resolve_title(title: str | MISSING, before: Task | None) -> str | MISSING:
    if title is MISSING or before is None or before.title is None:
        return title if title is MISSING else title.strip()
    return restore_unshown(title.strip(), before.title, "title")


def _resolve_description(text: str | None | MISSING, before: Task | None) -> str | None | MISSING:
    if text is MISSING or not text:
        return MISSING if text is MISSING else None
    return restore_unshown(text, before.description, "description") if before and before.description else text


def _midnight_matched(request: DueRequest, due: Due | None | MISSING) -> tuple[Match, ...]:
    """The match for a midnight that was read as a day: the caller may have meant the instant."""
    at = request.due_date
    if not request.is_midnight or not isinstance(at, datetime) or not isinstance(due, Due) or due.at == at:
        return ()
    day = f"the day {at.date()}"
    means = day if due.at is None or request.due_time is not MISSING else f"{day}, at the time it had"
    return (Match("dueDate", instant_text(at), at.date().isoformat(), means),)


def _zone_matched(due: DueRequest) -> tuple[Match, ...]:
    """The match for a zone whose name has the opposite sign of its offset: the caller may have meant it literally."""
    zone = due.timezone
    offset = offset_of_reversed(zone) if isinstance(zone, str) else None
    return (Match("timezone", zone, zone, offset),) if isinstance(zone, str) and offset else ()

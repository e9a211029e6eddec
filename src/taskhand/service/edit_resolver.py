"""Resolve a documented body to an edit: names to ids, due fields to a due date, a note to a description.

The statuses and the team are read once per call, however many tasks it changes.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from pydantic import MISSING

from taskhand.domain import status_lookup, task_rules
from taskhand.domain.due_request import DueRequest
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.field_limits import check_responsibles
from taskhand.domain.finished_resolution import check_no_resolution, settle_resolution
from taskhand.domain.name_matching import Match
from taskhand.domain.people_lookup import People
from taskhand.domain.priority import DEFAULT_PRIORITY
from taskhand.domain.properties import PropertyValue, PropertyValues, names_of, property_field
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import FINISHED, StatusChoice, StatusList, Task, TaskDraft, TaskPatch
from taskhand.domain.unshown_text import restore_unshown
from taskhand.service import resolve_people
from taskhand.service.added_notes import AddedNotes
from taskhand.service.app_context import AppContext
from taskhand.service.list_team_members import Team, list_team_members
from taskhand.service.resolve_contact import resolve_link
from taskhand.service.resolve_deal import resolve_deal
from taskhand.service.resolve_due import match_due, resolve_due
from taskhand.service.resolve_task_type import resolve_task_type

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
        self.notes = AddedNotes(app, self._known_team, client)
        self._app = app
        self._backend = app.backend
        self._statuses: StatusList | None = None
        self._team: Team | None = None
        self._deals: dict[str, tuple[str, tuple[Match, ...]]] = {}
        self._links: dict[tuple[str, str], str] = {}

    async def resolve(
        self, body: TaskDraft | TaskPatch, due: DueRequest, snapshot: Snapshot | None, *, shift_days: int | None = None
    ) -> ResolvedEdit:
        """The edit that `body` makes to a task, None for a new one; `due` are its due fields, parsed.

        The due date that the task has is moved by `shift_days` before they are applied.
        """
        before = snapshot.task if snapshot else None
        choice, status_matched = await self.resolve_status(body)
        responsible_ids, people_matched = await self._resolve_responsibles(body, before)
        deal_id, deal_matched = await self.resolve_deal(body.deal_id)
        task_type, type_matched = await self.resolve_task_type(body)
        properties, properties_matched = await self.resolve_properties(body.properties)
        edit = Edit(
            title=_resolve_title(body.title, before),
            description=_resolve_description(body.description, before),
            due=resolve_due(self._app, due, before, shift_days),
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
        if snapshot is not None and isinstance(body, TaskPatch) and body.add_note is not MISSING:
            noted = await self.notes.add(body.add_note, snapshot)
            edit = replace(edit, description=noted.description, note=noted.note, native=noted.native)
        if before is not None:
            edit = await self.settle_resolution(edit, before)
        matched = status_matched + people_matched + deal_matched + type_matched + due.matched
        matched += match_due(due, edit.due) + properties_matched
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
            status_list = await self._known_statuses()
            is_finished = any(edit.status.met_by(status) and status.type in FINISHED for status in status_list.statuses)
        return settle_resolution(edit, before, is_finished=is_finished)

    async def resolve_status(self, body: TaskDraft | TaskPatch) -> tuple[StatusChoice | MISSING, tuple[Match, ...]]:
        """The status that a body names, and the name that was resolved."""
        if isinstance(body, TaskPatch) and body.new_status_name is not MISSING:
            check_no_resolution(body.new_status_name, self._backend.capabilities)
            return status_lookup.resolve_status(body.new_status_name, await self._known_statuses())
        if isinstance(body, TaskPatch) and body.new_status_position is not MISSING:
            return status_lookup.status_at_position(body.new_status_position, await self._known_statuses())
        return MISSING, ()

    async def resolve_deal(self, text: str | None | MISSING) -> tuple[str | None | MISSING, tuple[Match, ...]]:
        """The id of the deal given by id or name, and the name that was resolved."""
        if text is MISSING or text is None:
            return text, ()
        if text not in self._deals:
            self._deals[text] = await resolve_deal(self._app, text)
        return self._deals[text]

    async def resolve_task_type(self, body: TaskDraft | TaskPatch) -> tuple[str | MISSING, tuple[Match, ...]]:
        """The type that a body names, and the name that was resolved."""
        if body.task_type is MISSING:
            return MISSING, ()
        return await resolve_task_type(self._app, body.task_type, new=isinstance(body, TaskDraft))

    async def resolve_people(
        self, texts: Sequence[str], accepted: Sequence[str], argument: str = "responsibleIds"
    ) -> People:
        """The people given by id, e-mail, name or 'me'; `accepted` are ids on the task, perhaps of former members."""
        return await resolve_people.resolve_people(self._app, await self._known_team(), texts, accepted, argument)

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
                candidates=[Candidate(name) for name in sorted(both)],
                next_step="Send each person in one of the two.",
            )
        ids = tuple(person_id for person_id in dict.fromkeys(current + added.ids) if person_id not in removed.ids)
        check_responsibles(ids, self._backend.capabilities)
        return People(ids, added.matched + removed.matched)

    async def find_property_names(self, properties: tuple[PropertyValue, ...] | MISSING) -> tuple[str, ...]:
        """The names of the properties that a body sets by name or label; those that cannot be resolved as given."""
        names, own_properties = names_of(properties), self._backend.properties
        if not names or own_properties is None:
            return names
        return tuple((await own_properties.find_names(names)).values())

    async def resolve_properties(
        self, properties: Sequence[PropertyValue] | MISSING
    ) -> tuple[PropertyValues | MISSING, tuple[Match, ...]]:
        """The properties as the backend keeps them, and those values that were sent in another form."""
        own_properties = self._backend.properties
        if properties is MISSING or not properties or own_properties is None:
            return MISSING, ()
        task_rules.check_properties(properties)
        names = await own_properties.find_names([property_value.name for property_value in properties])
        matched = [
            Match("properties", property_value.name, name, name)
            for property_value in properties
            if (name := names[property_value.name]) != property_value.name
        ]
        properties = [
            PropertyValue(name=names[property_value.name], value=property_value.value) for property_value in properties
        ]
        task_rules.check_properties(properties)
        values = await own_properties.resolve(
            {property_value.name: property_value.value for property_value in properties}
        )
        matched += [
            Match(property_field(property_value.name), property_value.value, value, value)
            for property_value in properties
            if property_value.value is not None
            and (value := values[property_value.name]) is not None
            and value != property_value.value
        ]
        return tuple(sorted(values.items())), tuple(matched)

    async def _resolve_responsibles(
        self, body: TaskDraft | TaskPatch, before: Task | None
    ) -> tuple[tuple[str, ...] | MISSING, tuple[Match, ...]]:
        if isinstance(body, TaskPatch) and before is not None and task_rules.changes_people(body):
            changed = await self.change_people(
                before, _or_empty(body.add_responsible_ids), _or_empty(body.remove_responsible_ids)
            )
            return changed.ids, changed.matched
        if body.responsible_ids is MISSING or not body.responsible_ids:
            is_to_be_own = before is None and self._app.principal.rules.own_tasks_only
            return await self._me_alone() if is_to_be_own else (body.responsible_ids, ())
        resolved = await self.resolve_people(body.responsible_ids, before.responsible_ids if before else ())
        return resolved.ids, resolved.matched

    async def _me_alone(self) -> tuple[tuple[str, ...] | MISSING, tuple[Match, ...]]:
        """The responsible of a new task that came without one, if the caller may have own tasks only."""
        team = await self._known_team()
        names = {member.id: member.name for member in team.members}
        if team.me is None:
            return MISSING, ()
        return (team.me,), (Match("responsibleIds", "left out", team.me, names.get(team.me, "you")),)

    async def _resolve_link(self, field: str, link: str | None | MISSING, before: Task | None) -> str | None | MISSING:
        """The id of a contact or customer; a value that the task has is no new link."""
        if link is MISSING or link is None or (before is not None and link == getattr(before, field)):
            return link
        if (field, link) not in self._links:
            self._links[field, link] = await resolve_link(self._app, field, link)
        return self._links[field, link]

    async def _known_team(self) -> Team:
        if self._team is None:
            self._team = await list_team_members(self._app)
        return self._team

    async def _known_statuses(self) -> StatusList:
        if self._statuses is None:
            self._statuses = await self._backend.statuses()
        return self._statuses


def _or_empty(people: tuple[str, ...] | MISSING) -> tuple[str, ...]:
    return () if people is MISSING else people


def _resolve_title(title: str | MISSING, before: Task | None) -> str | MISSING:
    if title is MISSING or before is None or before.title is None:
        return title if title is MISSING else title.strip()
    return restore_unshown(title.strip(), before.title, "title")


def _resolve_description(text: str | None | MISSING, before: Task | None) -> str | None | MISSING:
    if text is MISSING or not text:
        return MISSING if text is MISSING else None
    return restore_unshown(text, before.description, "description") if before and before.description else text

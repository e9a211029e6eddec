"""Names to ids for one call: the statuses and the team, asked for once however many tasks there are."""

from collections.abc import Awaitable, Callable, Sequence

from pydantic import MISSING

from taskhand.domain import people, statuses
from taskhand.domain.due import Due, DueRequest, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.names import Match
from taskhand.domain.people import People
from taskhand.domain.task import Member, StatusChoice, StatusList, Task, TaskDraft, TaskPatch
from taskhand.service.app_context import AppContext

__all__ = ["EditFor", "ResolvedEdit", "Resolver"]

ResolvedEdit = tuple[Edit, tuple[Match, ...]]
"""What is asked of a task, and what names were taken to mean."""

EditFor = Callable[[Task], Awaitable[ResolvedEdit]]
"""Makes the edit of one task from the task as it is now."""


class Resolver:
    """Reads what a documented body says of a task."""

    def __init__(self, app: AppContext) -> None:
        self._desk = app
        self._backend = app.backend
        self._statuses: StatusList | None = None
        self._team: tuple[tuple[Member, ...], str | None] | None = None

    async def wanted(self, body: TaskDraft | TaskPatch, due: DueRequest, before: Task | None) -> ResolvedEdit:
        """What `body` asks of the task `before` (None: a new one), names replaced by ids; and what was matched.

        `due` are the due fields of `body`, parsed.
        """
        choice, status_matched = await self._status(body)
        responsible_ids, people_matched = await self._people(body, before)
        edit = Edit(
            title=body.title if body.title is MISSING else body.title.strip(),
            description=body.description if body.description is MISSING else body.description or None,
            due=self._due(due, before),
            responsible_ids=responsible_ids,
            ai_contact_id=body.ai_contact_id,
            ai_customer_id=body.ai_customer_id,
            priority=body.priority if body.priority is MISSING else int(body.priority),
            status=choice,
        )
        return edit, status_matched + people_matched

    async def people(self, given: Sequence[str], on_it: Sequence[str]) -> People:
        """The people meant; those that are `on_it` may have left the team."""
        if self._team is None:
            self._team = (await self._backend.members(), await self._backend.me())
        members, me = self._team
        return people.resolve_people(given, members, me, also=on_it)

    async def statuses(self) -> StatusList:
        """The statuses."""
        if self._statuses is None:
            self._statuses = await self._backend.statuses()
        return self._statuses

    async def _status(self, body: TaskDraft | TaskPatch) -> tuple[StatusChoice | MISSING, tuple[Match, ...]]:
        if isinstance(body, TaskPatch) and body.new_status_name is not MISSING:
            return statuses.resolve_status(body.new_status_name, await self.statuses())
        if isinstance(body, TaskPatch) and body.new_status_position is not MISSING:
            return statuses.status_at_position(body.new_status_position, await self.statuses())
        return MISSING, ()

    async def _people(
        self, body: TaskDraft | TaskPatch, before: Task | None
    ) -> tuple[tuple[str, ...] | MISSING, tuple[Match, ...]]:
        if body.responsible_ids is MISSING or not body.responsible_ids:
            return body.responsible_ids, ()
        found = await self.people(body.responsible_ids, before.responsible_ids if before else ())
        return found.ids, found.matched

    def _due(self, request: DueRequest, before: Task | None) -> Due | None | MISSING:
        if not request.is_given:
            return MISSING
        if before and request.needs_current_day:
            self.check_day(before)
        return self.shown(request.on(due_of(before) if before else None, self._desk.timezone))

    def check_day(self, before: Task) -> None:
        """Refuse to move a due date from a day that cannot be told for certain."""
        if not self._backend.sure_of_due(before, of_day=True):
            raise CallerError(
                "The task's day cannot be told from its due time with certainty here.",
                code="due_unsure",
                next_step="Send dueDate as YYYY-MM-DD together with dueTime null.",
            )

    def shown(self, due: Due | None) -> Due | None:
        """A due date as this backend keeps it: without the zone it was said in, where it remembers none."""
        if due is None or self._backend.capabilities.keeps_timezone:
            return due
        return Due.instant(due.at, self._desk.timezone) if due.at else Due(due.day)

"""Changes of one task: its links, then its properties, then the task read back."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from pydantic import MISSING

from taskhand.backends.base import Written
from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.confirmed import shows
from taskhand.backends.hubspot.doubt import HUBSPOT, is_untouched, not_applied
from taskhand.backends.hubspot.links import (
    Relinking,
    changes_links,
    left_linked,
    relinkings,
    still_linked,
    unknown_link,
)
from taskhand.backends.hubspot.mapping import Record, properties_of, record_of
from taskhand.backends.hubspot.raw_values import has_raw_status
from taskhand.backends.hubspot.reader import Reader
from taskhand.backends.hubspot.restage import restaged
from taskhand.backends.remote.parsing import parse
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OutcomeUnknown, TaskhandError, UpstreamError, UpstreamFailed
from taskhand.domain.task import Task
from taskhand.http.reply import Reply

__all__ = ["Update", "checked", "unlinked", "wanted_link"]


class Update:
    """Changes tasks one at a time."""

    def __init__(self, wire: HubSpotClient, reader: Reader, portal: Account) -> None:
        self._wire = wire
        self._reader = reader
        self._portal = portal

    async def __call__(self, before: Task, edit: Edit) -> Written:
        """Link, PATCH, unlink what was linked before, and read back; OutcomeUnknown where nobody can tell.

        What refuses the PATCH takes the new links back, so that a refusal leaves the task as it was; where nobody can
        tell, the error says that they may be there.
        """
        edit = await checked(self._portal, edit)
        await self._portal.zones()
        relinked = await self._linked(before, edit)
        try:
            answer, note = await self._patched(before, edit)
        except OutcomeUnknown as unknown:
            if left := left_linked(relinked):
                unknown.next_step = f"{unknown.next_step or ''} {left}".lstrip()
            raise
        except TaskhandError:
            await self._take_back(relinked)
            raise
        unstaged = await restaged(self._wire, before.id, edit)
        await self._unlinked(relinked)
        return await self._read_back(before, edit, answer, unstaged or note, relinked)

    async def _linked(self, before: Task, edit: Edit) -> Sequence[Relinking]:
        """Make the new links, having looked at what is linked now; NotFound for a contact or company that is not."""
        if not changes_links(edit):
            return ()
        wanted = relinkings(await self._reader.one(before.id), edit)
        made: list[Relinking] = []
        for one in wanted:
            try:
                if one.link is not None:
                    await self._wire.link(one.task_id, one.kind, one.link)
            except (CallerError, UpstreamError) as error:
                await self._take_back(made if isinstance(error, CallerError) else [*made, one])
                if isinstance(error, CallerError):
                    raise unknown_link(one) from None
                raise
            made.append(one)
        return made

    async def _take_back(self, made: Sequence[Relinking]) -> None:
        """Undo new links; where that fails too, the error that led here is still the one to tell."""
        await self._unlinked([replace(one, unlink=(one.link,)) for one in made if one.link is not None])

    async def _unlinked(self, made: Sequence[Relinking]) -> None:
        """Remove former links; reading the task back tells whether they are gone."""
        for one in made:
            for other in one.unlink:
                with suppress(CallerError, UpstreamError):
                    await self._wire.unlink(one.task_id, one.kind, other)

    async def _patched(self, before: Task, edit: Edit) -> tuple[Record | None, str | None]:
        """The answer to the PATCH, None where there was none to send; and how its outcome was learned."""
        properties = properties_of(edit, before, await self._portal.zones())
        if not properties:
            return None, None
        try:
            return await self._answered(before.id, properties), None
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            record, task = await self._seen(before.id, unknown)
            if await self._shows(record, task, edit, properties):
                return None, HUBSPOT.applied
            if isinstance(unknown, UpstreamFailed):
                raise
        try:
            return await self._answered(before.id, properties), HUBSPOT.sent_again
        except (OutcomeUnknown, UpstreamFailed) as unknown:
            record, task = await self._seen(before.id, unknown)
            if await self._shows(record, task, edit, properties):
                return None, HUBSPOT.applied
            if isinstance(unknown, UpstreamFailed):
                raise
            if is_untouched(task, before, unlinked(edit)):
                raise not_applied() from None
            raise HUBSPOT.of_task(before.id) from None

    async def _answered(self, task_id: str, properties: dict[str, str]) -> Record:
        try:
            reply = await self._sent(task_id, properties)
        except NotFound:
            await self._reader.one(task_id)
            raise
        try:
            return parse("HubSpot", Record.from_json, reply.object)
        except UpstreamError:
            raise self._wire.http.invalid(reply, "with something that is not a task") from None

    async def _sent(self, task_id: str, properties: dict[str, str]) -> Reply:
        """PATCH; once more without what says all day, where the account refused that and wrote nothing."""
        all_day = self._portal.all_day
        try:
            return await self._wire.update(task_id, all_day.strip(properties))
        except CallerError as refused:
            if not all_day.note_refusal(refused, properties):
                raise
        return await self._wire.update(task_id, all_day.strip(properties))

    async def _seen(self, task_id: str, unknown: UpstreamError) -> tuple[Record, Task]:
        """The task as it is now; the doubt stays where it cannot be read."""
        try:
            record = await self._reader.one(task_id)
            return record, await self._reader.task(record)
        except (UpstreamError, NotFound):
            raise HUBSPOT.of_task(task_id) from unknown

    async def _shows(self, record: Record, task: Task, edit: Edit, properties: dict[str, str]) -> bool:
        """Whether a task is as an edit makes it, links aside; HubSpot's own values have to be there as they are."""
        all_day = self._portal.all_day
        if edit.native is not None and not shows(record.properties, all_day.strip(properties)):
            return False
        return not all_day.is_unmet(unlinked(edit), task, await self._portal.zones())

    async def _read_back(
        self, before: Task, edit: Edit, answer: Record | None, note: str | None, relinked: Sequence[Relinking]
    ) -> Written:
        """The task as it is now, or as HubSpot confirmed it where that answer says all that was asked."""
        try:
            record = await self._reader.one(before.id)
        except UpstreamError as error:
            zones = await self._portal.zones()
            sent = self._portal.all_day.strip(properties_of(edit, before, zones))
            if answer is None or changes_links(edit) or not shows(answer.properties, sent):
                raise HUBSPOT.of_task(before.id) from error
            record, note = record_of(before, answer, zones, id_property=self._wire.id_property), HUBSPOT.accepted
        self._reader.wrote(record.id)
        task = await self._reader.task(record, wanted_link(edit))
        note = self._portal.all_day.add_note(edit, task, still_linked(record, relinked) or note)
        return Written(task, note)


async def checked(portal: Account, edit: Edit) -> Edit:
    """The edit with the value of its status; CallerError for what HubSpot cannot hold."""
    if edit.due is None:
        raise CallerError(
            "HubSpot has no task without a due date.",
            code="due_date_required",
            next_step="Send dueDate as YYYY-MM-DD, or leave it out.",
        )
    if edit.status is MISSING or has_raw_status(edit):
        return edit
    return replace(edit, status=await portal.value_of(edit.status))


def unlinked(edit: Edit) -> Edit:
    """The edit without what it says of contacts and companies."""
    return replace(edit, ai_contact_id=MISSING, ai_customer_id=MISSING)


def wanted_link(edit: Edit) -> str | None:
    """The contact or company to show where there are several: the one that was asked for."""
    return next((one for one in (edit.ai_contact_id, edit.ai_customer_id) if isinstance(one, str)), None)

"""Links and unlinks tasks with contacts, companies and deals, as edits require.

https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide. A task may have several links of a kind,
but a field of the contract holds only one: an edit that would change several links is refused. New links are made
before the properties are written, and former links are removed afterwards, so that a refusal leaves the task as it was.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from taskhand.backends.base import BulkProgress
from taskhand.backends.hubspot.client import MAX_PAIRS
from taskhand.backends.hubspot.errors import MESSAGES
from taskhand.backends.hubspot.fields.links import KINDS, LINKS, Kind, links_set
from taskhand.backends.hubspot.mapping import Record
from taskhand.backends.hubspot.task_reader import TaskReader
from taskhand.backends.remote.bulk_item import Applied, Item
from taskhand.backends.remote.write_refusals import UnknownLink, explain_refusal
from taskhand.call.request_log import recorded_requests
from taskhand.domain.chunks import chunks
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import (
    CallerError,
    Forbidden,
    NoAnswer,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamFailed,
)
from taskhand.domain.field_names import argument_name
from taskhand.domain.receipt import join_notes
from taskhand.http.rate_limiter import without_pauses

__all__ = ["LinkChanges", "check_link_ids", "has_links", "without_links"]

_MAX_ID_DIGITS: Final = 20


def without_links(edit: Edit) -> Edit:
    """The edit without the contact, the company and the deal."""
    return without(edit, *(link_type.field for link_type in LINKS.values()))


def has_links(record: Record, edit: Edit) -> bool:
    """Whether a record has the contact, the company and the deal of a new task, as far as its links are known."""
    known = record.links.keys() - record.unread_links
    return all(
        linked_id in record.links[kind] for kind, linked_id in links_set(edit).items() if linked_id and kind in known
    )


@dataclass(slots=True, eq=False)
class _LinkChange:
    """The id to link and the ids to unlink, for one kind and the task of one item."""

    item: Item[Record]
    task_id: str
    kind: Kind
    link: str | None
    unlink: tuple[str, ...]
    may_be_linked: bool = False

    @property
    def unwanted(self) -> tuple[str, ...]:
        """The ids to unlink: the former ones, or the new one if the update failed; none if its outcome is unknown."""
        if self.item.error is None:
            return self.unlink
        has_failed = self.may_be_linked and not isinstance(self.item.error, OutcomeUnknown)
        return (str(self.link),) if has_failed else ()


class LinkChanges:
    """Changes the links of some tasks, with one request for many pairs.

    After `progress` is stopped, no new link is made. Changes that have begun are finished: a task with a new link loses
    the former one, or the new one if the rest of its edit was not written.
    """

    def __init__(self, reader: TaskReader, progress: BulkProgress) -> None:
        self._reader = reader
        self._client = reader.client
        self._progress = progress
        self._changes: list[_LinkChange] = []

    async def link(self, items: Sequence[Item[Record]]) -> None:
        """Make the new links; an item whose link cannot be made fails."""
        wanted = [item for item in items if links_set(item.edit)]
        kinds = [kind for kind in KINDS if any(kind in links_set(item.edit) for item in wanted)]
        records = await self._read_links([item.id for item in wanted], kinds)
        for item in wanted:
            try:
                self._changes += _changes_of(item, records.get(item.id), self._reader.hidden)
            except (CallerError, Forbidden) as error:
                item.state = error
        groups: dict[tuple[Kind, str], list[_LinkChange]] = {}
        for change in self._changes:
            if change.link is not None:
                groups.setdefault((change.kind, change.link), []).append(change)
        for group in groups.values():
            await self._link([change for change in group if not change.item.is_over])

    async def finish(self) -> None:
        """Remove the former links, or the new links of failed items; errors name new links that may remain."""
        for kind in KINDS:
            pairs = [(change, other) for change in self._changes if change.kind == kind for other in change.unwanted]
            for part in chunks(pairs, MAX_PAIRS):
                try:
                    await self._client.unlink(kind, [(change.task_id, other) for change, other in part])
                except TaskhandError as error:
                    self._progress.heed(error)
                else:
                    for change, _ in part:
                        change.may_be_linked = False
        for change in self._changes:
            if change.may_be_linked and change.item.error is not None:
                unknown = MESSAGES.unknown_update(change.item.id)  # with such a link, the task may have been changed
                left = f"The task may be newly linked to {change.kind} {change.link}, besides its former links."
                change.item.state = unknown.but(message=f"{unknown.message} {left}")

    async def read_back(self, items: Sequence[Item[Record]]) -> None:
        """Read the links of written tasks; the items fail if the links cannot be read."""
        applied = [(item, item.state) for item in items if isinstance(item.state, Applied)]
        try:
            records = await self._reader.with_links([outcome.row for _, outcome in applied])
        except TaskhandError:
            for item, _ in applied:
                item.state = MESSAGES.unknown_update(item.id)
            return
        for (item, outcome), record in zip(applied, records, strict=True):
            item.state = replace(outcome, row=record)

    def add_notes(self) -> None:
        """Add a note to each written item whose task, as read back, still has former links."""
        for change in self._changes:
            if not isinstance(outcome := change.item.state, Applied):
                continue
            links = outcome.row.links.get(change.kind, ())
            if left := ", ".join(other for other in change.unlink if other in links):
                note = f"The task is still linked to {change.kind} {left} too: HubSpot did not remove that link."
                change.item.state = replace(outcome, note=join_notes(outcome.note, note))

    async def _read_links(self, ids: Sequence[str], kinds: Sequence[Kind]) -> Mapping[str, Record]:
        """The tasks with their links of these kinds; only the links of several tasks known by HubSpot's own ids."""
        if self._client.id_property or len(ids) == 1:
            return await self._reader.read_with_links(ids)
        unread = [Record({"id": task_id, "properties": {}}, {}) for task_id in ids]
        return {record.id: record for record in await self._reader.with_links(unread, kinds)}

    async def _link(self, changes: Sequence[_LinkChange]) -> None:
        """Link tasks to one contact, company or deal; items that cannot be linked fail."""
        for part in chunks(changes, MAX_PAIRS):
            try:
                await self._send(part)
            except TaskhandError as error:
                self._progress.heed(error)
                await self._after_failure(part, error)

    async def _send(self, part: Sequence[_LinkChange]) -> None:
        """Send one request, and once more if its response is lost: linking twice does no harm."""
        if self._progress.stopped is not None:
            raise self._progress.stopped
        kind, pairs = part[0].kind, [(change.task_id, str(change.link)) for change in part]
        with recorded_requests() as requests:
            try:
                await self._client.link(kind, pairs)
            except OutcomeUnknown:
                await self._client.link(kind, pairs)
            finally:
                for change in part:
                    change.may_be_linked = requests.has_write_left

    async def _after_failure(self, part: Sequence[_LinkChange], error: TaskhandError) -> None:
        """Fail the tasks that a read shows without their new link, or all if nothing can be read.

        A request that may be about a task that does not exist is sent once more for the others.
        """
        found: Mapping[str, Record] | None = None
        with suppress(TaskhandError), without_pauses(when=isinstance(error, RateLimited)):
            if part[0].may_be_linked:
                ids, kinds = [change.task_id for change in part], [part[0].kind]
                found = await self._reader.by_own_id.read_with_links(ids, kinds=kinds)
        if found is None:
            for change in part:
                change.item.state = error
            return
        shown = {task_id: record.links.get(part[0].kind, ()) for task_id, record in found.items()}
        unlinked = [change for change in part if change.link not in shown.get(change.task_id, ())]
        is_about_task = isinstance(error, CallerError) and any(change.task_id not in found for change in unlinked)
        for change in unlinked:
            change.may_be_linked = isinstance(error, NoAnswer)
            if change.task_id not in found:
                change.item.state = MESSAGES.no_task(change.task_id)
            elif not is_about_task:
                change.item.state = _error_of_unlinked(change, error)
        if is_about_task:
            await self._link([change for change in unlinked if not change.item.is_over])


def _changes_of(item: Item[Record], record: Record | None, hidden: Mapping[Kind, Forbidden]) -> list[_LinkChange]:
    """The changes to the links of a task; Forbidden if the token may not read the links of a kind (`hidden`).

    CallerError if the task does not exist, or has several links of a kind to change.
    """
    if record is None:
        raise MESSAGES.no_task(item.id)
    found = []
    for kind, wanted in links_set(item.edit).items():
        linked = record.links.get(kind, ())
        if kind in hidden:
            raise hidden[kind].but()
        if linked == ((wanted,) if wanted else ()):
            continue
        if len(linked) > 1:
            argument = argument_name(LINKS[kind].field)
            raise CallerError(
                f"Task {record.id} is linked to {len(linked)} {kind} in HubSpot, and {argument} can hold only one; "
                "nothing was written.",
                code="several_links",
                next_step=f"Leave {argument} out, and change these links in HubSpot.",
            )
        found.append(_LinkChange(item, record.id, kind, wanted, linked))
    return found


def check_link_ids(edit: Edit) -> None:
    """Check the ids of the contact, company and deal that an edit sets; CallerError for an invalid id."""
    for kind, linked_id in links_set(edit).items():
        if linked_id is not None and not (
            linked_id.isascii() and linked_id.isdecimal() and len(linked_id) <= _MAX_ID_DIGITS
        ):
            argument = argument_name(LINKS[kind].field)
            raise CallerError(
                f"{argument} {linked_id[:60]!r} is not a HubSpot id.",
                code="invalid_id",
                next_step=f"Send {argument} exactly as find_contacts returns it.",
            )


def _error_of_unlinked(change: _LinkChange, error: TaskhandError) -> TaskhandError:
    """The error for a task that exists and does not have its new link after the request failed."""
    if isinstance(error, OutcomeUnknown):
        return MESSAGES.unknown_update(change.item.id) if isinstance(error, NoAnswer) else MESSAGES.not_applied()
    if isinstance(error, UpstreamFailed):
        return MESSAGES.failed_write(error)
    if not isinstance(error, NotFound) and not isinstance(error.explanation, UnknownLink):
        others = {name for name, _ in change.item.edit.given_fields()} - {LINKS[change.kind].field}
        return explain_refusal(error, MESSAGES.name, without(change.item.edit, *others), change.item.id)
    argument = argument_name(LINKS[change.kind].field)
    return NotFound(
        f"HubSpot has no record with {argument} {str(change.link)[:20]}.",
        code="unknown_reference",
        next_step=f"Take {argument} from find_contacts, and send the call again.",
    )

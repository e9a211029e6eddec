"""Links of tasks to contacts and companies: what an edit has to link and unlink, and the requests for that.

https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide. A task may be linked to several contacts
and companies, of which the contract can say one: such links are left alone, and changing them is refused. New links are
made before the properties are written and former ones removed after, so that a refusal leaves the task as it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Final

from pydantic import MISSING

from taskhand.backends.base import BulkProgress
from taskhand.backends.hubspot.mapping import ID_OF, KINDS, Kind, Record
from taskhand.backends.hubspot.raw_values import raw_links
from taskhand.backends.hubspot.task_reader import MESSAGES, MOST_PAIRS, TaskReader
from taskhand.backends.remote.bulk_item import Item, State
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.edit import Edit, without
from taskhand.domain.errors import (
    CallerError,
    NotAttempted,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    TaskhandError,
    UpstreamError,
)

__all__ = ["BulkLinks", "LinkChange", "Links", "association_of", "changes_links", "unlinked", "wanted_link"]

_CATEGORY: Final = "HUBSPOT_DEFINED"
_LONGEST_ID: Final = 20


@dataclass(frozen=True, slots=True)
class LinkChange:
    """For one task and one kind: the id to link and the ids to unlink."""

    task_id: str
    kind: Kind
    link: str | None
    unlink: tuple[str, ...]


def changes_links(edit: Edit) -> bool:
    """Whether an edit sets the contact or the company."""
    return any(getattr(edit, ID_OF[kind][0]) is not MISSING for kind in KINDS)


def unlinked(edit: Edit) -> Edit:
    """The edit without the contact and the company."""
    return without(edit, *(ID_OF[kind][0] for kind in KINDS))


def wanted_link(edit: Edit) -> str | None:
    """The contact or company to show where there are several: the one that was asked for."""
    return next((one for one in (edit.ai_contact_id, edit.ai_customer_id) if isinstance(one, str)), None)


def association_of(edit: Edit) -> list[JsonObject]:
    """The `associations` of a new task, all of them where raw values have them; CallerError for an invalid id."""
    rows: list[JsonObject] = []
    for kind in KINDS:
        field, argument, type_id = ID_OF[kind]
        wanted = getattr(edit, field)
        known = None if wanted is MISSING else raw_links(edit, kind)
        for other in known if known is not None else (wanted,) if wanted and wanted is not MISSING else ():
            _check_id(other, argument)
            types = [{"associationCategory": _CATEGORY, "associationTypeId": type_id}]
            rows.append({"to": {"id": other}, "types": types})
    return rows


class Links:
    """Changes the links of one task."""

    def __init__(self, reader: TaskReader) -> None:
        self._reader = reader
        self._client = reader.client

    async def link(self, task_id: str, edit: Edit) -> list[LinkChange]:
        """Make the new links, having read the present ones; NotFound for a contact or company that does not exist."""
        made: list[LinkChange] = []
        for one in _changes_of(await self._reader.one(task_id), edit):
            try:
                if one.link is not None:
                    await self._client.link(one.task_id, one.kind, one.link)
            except CallerError:
                await self.take_back(made)
                raise _unknown_link(one) from None
            except UpstreamError:
                await self.take_back([*made, one])
                raise
            made.append(one)
        return made

    async def unlink(self, made: Iterable[LinkChange]) -> None:
        """Remove the former links; reading the task tells whether they are gone."""
        for one in made:
            for other in one.unlink:
                with suppress(TaskhandError):
                    await self._client.unlink(one.task_id, one.kind, other)

    async def take_back(self, made: Iterable[LinkChange]) -> None:
        """Remove the new links; where that fails too, the error that led here is still the one to report."""
        await self.unlink([replace(one, unlink=(one.link,)) for one in made if one.link is not None])


class BulkLinks:
    """Changes the links of many tasks, with one request for many pairs.

    Once `progress` is stopped no new link is made. What was begun is finished all the same: a task that has its new
    contact loses the former one, or the new one where the rest of its edit was not written.
    """

    def __init__(self, reader: TaskReader, progress: BulkProgress) -> None:
        self._reader = reader
        self._client = reader.client
        self._progress = progress
        self._changes: dict[int, list[LinkChange]] = {}
        self._sent: set[tuple[int, Kind]] = set()

    async def link(self, items: Sequence[Item[Record]]) -> None:
        """Make the new links; an item that cannot be given its own fails."""
        wanted = {item.index: item for item in items if changes_links(item.edit)}
        if not wanted:
            return
        records = await self._read_links(list(dict.fromkeys(item.id for item in wanted.values())))
        for index, item in wanted.items():
            try:
                self._changes[index] = _changes_of(records[item.id], item.edit) if item.id in records else []
            except CallerError as error:
                item.fail(error)
        new = [(index, one) for index, made in self._changes.items() for one in made if one.link is not None]
        for _, group in groupby(sorted(new, key=_target), key=_target):
            await self._link_group([one for one in group if not wanted[one[0]].is_over], wanted)

    async def finish(self, items: Sequence[Item[Record]]) -> None:
        """Remove the former links, or the new ones of what was not written, and read the tasks with their links."""
        stayed = await self._unlink({item.index: item for item in items})
        for item in items:
            if item.index in stayed and item.error is not None:
                item.fail(_with_left_links(item.error, stayed[item.index], item.id))
        written = [item for item in items if item.state is State.APPLIED and item.row is not None]
        changed = [item for item in written if changes_links(item.edit)]
        try:
            records = await self._reader.with_links([item.row for item in changed if item.row is not None])
        except TaskhandError:
            for item in changed:
                item.fail(MESSAGES.unknown_update(item.id))
            return
        for item, record in zip(changed, records, strict=True):
            item.row = record
            item.add_note(still_linked(record, self._changes.get(item.index, ())))

    async def _read_links(self, ids: Sequence[str]) -> dict[str, Record]:
        """The tasks with their links; where they go by HubSpot's own ids, nothing else of them is read."""
        if self._client.id_property is None:
            found = {one: Record({"id": one, "properties": {}}, {}) for one in ids}
        else:
            found = await self._reader.many(ids, by_property=True)
        return dict(zip(found, await self._reader.with_links(list(found.values())), strict=True))

    async def _link_group(self, group: Sequence[tuple[int, LinkChange]], items: Mapping[int, Item[Record]]) -> None:
        """Link many tasks to one contact or company."""
        for at in range(0, len(group), MOST_PAIRS):
            part = group[at : at + MOST_PAIRS]
            if self._progress.stopped is not None:
                _fail([items[index] for index, _ in part], self._progress.stopped)
            else:
                await self._link_part(part, items)

    async def _link_part(self, part: Sequence[tuple[int, LinkChange]], items: Mapping[int, Item[Record]]) -> None:
        kind, keys = part[0][1].kind, {(index, one.kind) for index, one in part}
        body = _pairs_body(kind, [(one.task_id, str(one.link)) for _, one in part], link=True)
        self._sent |= keys
        try:
            await self._client.link_many(kind, body)
        except OutcomeUnknown:
            return
        except CallerError:
            await self._after_refusal(part, items)
        except TaskhandError as error:
            if isinstance(error, RateLimited):
                self._sent -= keys  # refused before anything was linked: there is nothing to take back
                self._progress.heed(error)
            _fail([items[index] for index, _ in part], error)

    async def _after_refusal(self, part: Sequence[tuple[int, LinkChange]], items: Mapping[int, Item[Record]]) -> None:
        """Leave out tasks that do not exist and link the others again; else the refusal is about what is linked."""
        try:
            existing = await self._reader.many([one.task_id for _, one in part], by_property=False)
        except TaskhandError as error:
            _fail([items[index] for index, _ in part], error)
            return
        left = [(index, one) for index, one in part if one.task_id in existing]
        for index, one in part:
            if len(left) == len(part):
                items[index].fail(_unknown_link(one))
            elif one.task_id not in existing:
                items[index].fail(MESSAGES.no_task(one.task_id))
        if len(left) < len(part):
            await self._link_group(left, items)

    async def _unlink(self, items: Mapping[int, Item[Record]]) -> dict[int, str]:
        """Remove what is not wanted any more; the sentence about new links that may have stayed, by index."""
        stayed: dict[int, list[LinkChange]] = {}
        for kind in KINDS:
            pairs = [
                (index, one, other)
                for index, made in self._changes.items()
                for one in made
                if one.kind == kind
                for other in self._unwanted(items[index], one)
            ]
            for at in range(0, len(pairs), MOST_PAIRS):
                part = pairs[at : at + MOST_PAIRS]
                try:
                    await self._client.unlink_many(
                        kind, _pairs_body(kind, [(one.task_id, other) for _, one, other in part], link=False)
                    )
                except TaskhandError as error:
                    self._progress.heed(error)
                    for index, one, _ in part:
                        stayed.setdefault(index, []).append(one)
        return {index: left_linked(ones) or "" for index, ones in stayed.items()}

    def _unwanted(self, item: Item[Record], one: LinkChange) -> Sequence[str]:
        """The ids that a task must not be linked to any more: of a failed item those that were linked for it."""
        if item.state is not State.FAILED:
            return one.unlink
        return [one.link] if one.link is not None and (item.index, one.kind) in self._sent else []


def still_linked(record: Record, changes: Iterable[LinkChange]) -> str | None:
    """The note for former links that could not be removed; None when all are gone."""
    for one in changes:
        if left := [other for other in one.unlink if other in record.links.get(one.kind, ())]:
            return f"The task is still linked to {one.kind} {', '.join(left)} too: HubSpot did not remove that."
    return None


def left_linked(changes: Iterable[LinkChange]) -> str | None:
    """The sentence for new links of a task that may not have been written; None without any."""
    if new := [f"{one.kind} {one.link}" for one in changes if one.link is not None]:
        return f"It may be newly linked to {' and '.join(new)}, beside what it was linked to before."
    return None


def _changes_of(record: Record, edit: Edit) -> list[LinkChange]:
    """The changes to the links of a task; CallerError where it has several, or where an id is invalid."""
    found = []
    for kind in KINDS:
        field, argument, _ = ID_OF[kind]
        wanted, linked = getattr(edit, field), record.links.get(kind, ())
        if wanted is MISSING or linked == ((wanted,) if wanted else ()):
            continue
        if len(linked) > 1:
            raise CallerError(
                f"Task {record.id} is linked to {len(linked)} {kind} in HubSpot, and {argument} can say only one; "
                "nothing was written.",
                code="several_links",
                next_step=f"Leave {argument} out, and change these links in HubSpot.",
            )
        _check_id(wanted, argument)
        found.append(LinkChange(record.id, kind, wanted, linked))
    return found


def _check_id(value: str | None, argument: str) -> None:
    if value is not None and not (value.isascii() and value.isdecimal() and len(value) <= _LONGEST_ID):
        raise CallerError(
            f"{argument} {value[:60]!r} is not an id of HubSpot's.",
            code="invalid_id",
            next_step=f"Take {argument} from find_contacts, exactly as it stands there.",
        )


def _pairs_body(kind: Kind, pairs: Iterable[tuple[str, str]], *, link: bool) -> JsonObject:
    """The body of `batch/create`, or of `batch/archive`, for pairs of a task's id and another's."""
    types = [{"associationCategory": _CATEGORY, "associationTypeId": ID_OF[kind][2]}]
    if link:
        return {"inputs": [{"from": {"id": one}, "to": {"id": other}, "types": types} for one, other in pairs]}
    return {"inputs": [{"from": {"id": one}, "to": [{"id": other}]} for one, other in pairs]}


def _unknown_link(one: LinkChange) -> NotFound:
    """The error for a contact or company that does not exist."""
    _, argument, _ = ID_OF[one.kind]
    return NotFound(
        f"HubSpot has nothing to link by {argument} {str(one.link)[:20]}.",
        code="unknown_reference",
        next_step=f"Take {argument} from find_contacts, and send the call again.",
    )


def _with_left_links(error: TaskhandError, left: str, task_id: str) -> TaskhandError:
    """The error of an item with the links that it may have left; one that was stopped is not called unsent then."""
    told = MESSAGES.unknown_update(task_id) if isinstance(error, NotAttempted) else copy(error)
    told.next_step = f"{told.next_step or ''} {left}".strip()
    return told


def _fail(items: Iterable[Item[Record]], error: TaskhandError) -> None:
    for item in items:
        item.fail(error)


def _target(one: tuple[int, LinkChange]) -> tuple[str, str]:
    return one[1].kind, str(one[1].link)

"""The links of many tasks: one request for many pairs, before their properties are written and after."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from taskhand.backends.base import BulkProgress
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.doubt import HUBSPOT
from taskhand.backends.hubspot.links import (
    MOST_PAIRS,
    Relinking,
    changes_links,
    left_linked,
    pairs_body,
    relinkings,
    still_linked,
    unknown_link,
)
from taskhand.backends.hubspot.mapping import Kind, Record
from taskhand.backends.hubspot.reader import Reader, gone
from taskhand.backends.hubspot.together import heed
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OutcomeUnknown, RateLimited, TaskhandError
from taskhand.domain.task import Task

__all__ = ["Relink", "linked_as"]


class Relink:
    """Links and unlinks for a call of many edits, which are known by their place.

    Once the call is stopped no new link is made. What was begun is ended all the same: a task that has its new contact
    loses the former one, or the new one where the rest of its edit was not written.
    """

    def __init__(
        self, wire: HubSpotClient, reader: Reader, edits: Mapping[int, tuple[Task, Edit]], watch: BulkProgress
    ) -> None:
        self._wire = wire
        self._reader = reader
        self._edits = edits
        self._watch = watch
        self._made: dict[int, list[Relinking]] = {}
        self._sent: set[tuple[int, Kind]] = set()

    async def link(self, places: Sequence[int]) -> dict[int, TaskhandError]:
        """Make the new links; the error of each place that could not be given its own."""
        wanted = {place: self._edits[place] for place in places if changes_links(self._edits[place][1])}
        if not wanted:
            return {}
        errors: dict[int, TaskhandError] = {}
        linked = await self._linked(list(dict.fromkeys(before.id for before, _ in wanted.values())))
        for place, (before, edit) in wanted.items():
            try:
                self._made[place] = relinkings(linked[before.id], edit) if before.id in linked else []
            except CallerError as error:
                errors[place] = error
        for _, group in groupby(sorted(self._to_link(), key=_target), key=_target):
            errors |= await self._link_group([one for one in group if one[0] not in errors])
        return errors

    def is_begun(self, place: int) -> bool:
        """Whether a request has left that makes a link of this edit."""
        return any((place, one.kind) in self._sent for one in self._made.get(place, ()))

    def is_wanted(self, place: int) -> bool:
        """Whether this edit has a link to make or to remove."""
        return bool(self._made.get(place))

    async def _linked(self, ids: Sequence[str]) -> dict[str, Record]:
        """What tasks are linked to; where they go by HubSpot's own ids, nothing else of them is read."""
        if self._wire.id_property is None:
            found = {one: Record({"id": one, "properties": {}}, {}) for one in ids}
        else:
            found = await self._reader.many(ids, by_property=True)
        return dict(zip(found, await self._reader.with_links(list(found.values())), strict=True))

    async def finish(self, refused: Collection[int]) -> dict[int, str]:
        """Unlink what was linked before, and the new links of what was refused; reading back tells whether it is so.

        Nothing of what was refused is read back: what is answered is to be said of links that may have stayed.
        """
        pairs: dict[Kind, list[tuple[int, Relinking, str]]] = {}
        for place, made in self._made.items():
            for one in made:
                pairs.setdefault(one.kind, []).extend(
                    (place, one, other) for other in self._unwanted(place, one, refused)
                )
        stayed: dict[int, list[Relinking]] = {}
        for kind, wanted in pairs.items():
            for at in range(0, len(wanted), MOST_PAIRS):
                part = wanted[at : at + MOST_PAIRS]
                body = pairs_body(kind, [(one.task_id, other) for _, one, other in part], link=False)
                try:
                    await self._wire.unlink_many(kind, body)
                except TaskhandError as error:
                    heed(self._watch, error)
                    for place, one, _ in part:
                        stayed.setdefault(place, []).append(one)
        return {place: left_linked(ones) or "" for place, ones in stayed.items() if place in refused}

    def _unwanted(self, place: int, one: Relinking, refused: Collection[int]) -> Sequence[str]:
        """What a task must not be linked to any more: of an edit that was refused, what may have been made for it."""
        if place not in refused:
            return one.unlink
        return [one.link] if one.link is not None and (place, one.kind) in self._sent else []

    def note(self, place: int, record: Record) -> str | None:
        """What is to be said of a task that was written, where a former link could not be removed."""
        return still_linked(record, self._made.get(place, ()))

    async def read(self, now: Mapping[int, Record]) -> tuple[dict[int, Record], dict[int, TaskhandError]]:
        """The tasks with the links that they have now; and the error of what cannot be read."""
        try:
            records = await self._reader.with_links(list(now.values()))
        except TaskhandError:
            return {}, {place: HUBSPOT.of_task(self._edits[place][0].id) for place in now}
        return dict(zip(now, records, strict=True)), {}

    def _to_link(self) -> list[tuple[int, Relinking]]:
        return [(place, one) for place, made in self._made.items() for one in made if one.link is not None]

    async def _link_group(self, group: Sequence[tuple[int, Relinking]]) -> dict[int, TaskhandError]:
        """Link many tasks to one contact or company; a refusal is about that one, unless a task is there no more."""
        errors: dict[int, TaskhandError] = {}
        for at in range(0, len(group), MOST_PAIRS):
            part = group[at : at + MOST_PAIRS]
            if self._watch.stopped is not None:
                errors |= {place: self._watch.stopped for place, _ in part}
                continue
            errors |= await self._link_part(part)
        return errors

    async def _link_part(self, part: Sequence[tuple[int, Relinking]]) -> dict[int, TaskhandError]:
        kind, keys = part[0][1].kind, {(place, one.kind) for place, one in part}
        body = pairs_body(kind, [(one.task_id, str(one.link)) for _, one in part], link=True)
        self._sent |= keys
        try:
            await self._wire.link_many(kind, body)
        except OutcomeUnknown:
            return {}
        except CallerError:
            return await self._refused(part)
        except RateLimited as error:
            self._sent -= keys  # refused at the door: there is nothing to take back
            heed(self._watch, error)
            return {place: error for place, _ in part}
        except TaskhandError as error:
            return {place: error for place, _ in part}
        return {}

    async def _refused(self, part: Sequence[tuple[int, Relinking]]) -> dict[int, TaskhandError]:
        """What a refusal of many links means: tasks that are there no more are left out, the others sent again."""
        try:
            there = await self._reader.many([one.task_id for _, one in part], by_property=False)
        except TaskhandError as error:
            return {place: error for place, _ in part}
        left = [(place, one) for place, one in part if one.task_id in there]
        if len(left) == len(part):
            return {place: unknown_link(one) for place, one in part}
        missing = {place: gone(one.task_id) for place, one in part if one.task_id not in there}
        return {**missing, **(await self._link_group(left))}


def linked_as(before: Task, record: Record) -> Record:
    """A task that was read without its links, which were not to change."""
    contact, customer = before.ai_contact_id, before.ai_customer_id
    return record.with_links({"contacts": (contact,) if contact else (), "companies": (customer,) if customer else ()})


def _target(one: tuple[int, Relinking]) -> tuple[str, str]:
    return one[1].kind, str(one[1].link)

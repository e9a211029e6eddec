"""The links of many tasks: one request for many pairs, before their properties are written and after."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from taskhand.backends.hubspot.doubt import HUBSPOT
from taskhand.backends.hubspot.links import MOST_PAIRS, Relinking, changes_links, pairs_body, relinkings, unknown_link
from taskhand.backends.hubspot.reader import Reader, gone
from taskhand.backends.hubspot.record import Kind, Record
from taskhand.backends.hubspot.wire import HubSpotWire
from taskhand.edit import Edit
from taskhand.errors import CallerError, OutcomeUnknown, TaskhandError
from taskhand.task import Task

__all__ = ["Relink", "linked_as"]


class Relink:
    """Links and unlinks for a call of many edits, which are known by their place."""

    def __init__(self, wire: HubSpotWire, reader: Reader, edits: Mapping[int, tuple[Task, Edit]]) -> None:
        self._wire = wire
        self._reader = reader
        self._edits = edits
        self._made: dict[int, list[Relinking]] = {}

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
            errors |= await self._link_group(list(group))
        return errors

    async def _linked(self, ids: Sequence[str]) -> dict[str, Record]:
        """What tasks are linked to; where they go by HubSpot's own ids, nothing else of them is read."""
        if self._wire.id_property is None:
            found = {one: Record({"id": one, "properties": {}}, {}) for one in ids}
        else:
            found = await self._reader.many(ids, by_property=True)
        return dict(zip(found, await self._reader.with_links(list(found.values())), strict=True))

    async def finish(self, refused: Collection[int]) -> None:
        """Unlink what was linked before, and the new links of what was refused; reading back tells whether it is so."""
        groups: dict[Kind, list[tuple[str, str]]] = {}
        for place, made in self._made.items():
            for one in made:
                others = (one.link,) if place in refused else one.unlink
                groups.setdefault(one.kind, []).extend((one.task_id, other) for other in others if other is not None)
        for kind, pairs in groups.items():
            for at in range(0, len(pairs), MOST_PAIRS):
                body = pairs_body(kind, pairs[at : at + MOST_PAIRS], link=False)
                try:
                    await self._wire.unlink_many(kind, body)
                except TaskhandError:
                    continue

    async def read(self, now: Mapping[int, Record]) -> tuple[dict[int, Record], dict[int, TaskhandError]]:
        """The tasks with their links, read where they were to change, else as they were; and what cannot be read."""
        unchanged = {place: linked_as(self._edits[place][0], now[place]) for place in now if place not in self._made}
        changed = [place for place in now if place in self._made]
        try:
            records = await self._reader.with_links([now[place] for place in changed])
        except TaskhandError:
            return unchanged, {place: HUBSPOT.of_task(self._edits[place][0].id) for place in changed}
        return unchanged | dict(zip(changed, records, strict=True)), {}

    def _to_link(self) -> list[tuple[int, Relinking]]:
        return [(place, one) for place, made in self._made.items() for one in made if one.link is not None]

    async def _link_group(self, group: Sequence[tuple[int, Relinking]]) -> dict[int, TaskhandError]:
        """Link many tasks to one contact or company; a refusal is about that one, unless a task is there no more."""
        errors: dict[int, TaskhandError] = {}
        for at in range(0, len(group), MOST_PAIRS):
            part = group[at : at + MOST_PAIRS]
            kind = part[0][1].kind
            body = pairs_body(kind, [(one.task_id, str(one.link)) for _, one in part], link=True)
            try:
                await self._wire.link_many(kind, body)
            except OutcomeUnknown:
                continue
            except CallerError:
                errors |= await self._refused(part)
            except TaskhandError as error:
                errors |= {place: error for place, _ in part}
        return errors

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

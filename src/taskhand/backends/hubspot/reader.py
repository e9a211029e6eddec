"""Tasks out of HubSpot, whole: properties and links together, and what was written a moment ago as it is now."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.batch import MOST_INPUTS, unheard_of
from taskhand.backends.hubspot.client import HubSpotClient
from taskhand.backends.hubspot.links import MOST_PAIRS, links_in
from taskhand.backends.hubspot.mapping import KINDS, Kind, Record, task_of
from taskhand.backends.hubspot.together import side_by_side
from taskhand.backends.remote.parsing import objects, parse
from taskhand.domain.errors import NotFound
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task

__all__ = ["Reader", "View", "gone"]

View = Callable[[Record, str | None], Task]
"""A record as the contract has it; of several links the one that is named is shown. UpstreamError."""

_INDEX_LAG_S: Final = 60.0
"""How long after a write a search is not believed about a task; HubSpot's index has been seen 30 seconds behind."""
_MOST_RECENT: Final = 1_000


class Reader:
    """Reads tasks, and remembers which were written lately and which were ever seen."""

    def __init__(self, wire: HubSpotClient, portal: Account, monotonic: Callable[[], float]) -> None:
        self._wire = wire
        self._portal = portal
        self._monotonic = monotonic
        self._written: dict[str, float] = {}
        self.seen: set[str] = set()
        """HubSpot's ids of every task that was ever read: what is not among them may be new."""

    async def one(self, task_id: str, *, by_property: bool = True) -> Record:
        """One task as it is now; NotFound."""
        try:
            reply = await self._wire.task(task_id, by_property=by_property)
        except NotFound:
            raise gone(task_id) from None
        record = parse("HubSpot", Record.from_json, reply.object)
        if record.json.get("archived") is True:
            raise gone(task_id)
        self.seen.add(record.id)
        return record

    async def many(self, ids: Sequence[str], *, by_property: bool) -> dict[str, Record]:
        """Tasks by the ids asked for, without their links; what is not there is not among them.

        An id that an answer neither shows nor calls missing is read by itself.
        """
        found: dict[str, Record] = {}

        async def fetch(batch: Sequence[str]) -> None:
            answer = await self._wire.read_many(batch, by_property=by_property)
            rows = [one for one in objects(answer.get("results")) if one.get("archived") is not True]
            asked = {one.casefold(): one for one in batch}
            for record in (parse("HubSpot", Record.from_json, row) for row in rows):
                known_by = record.known_by(self._wire.id_property if by_property else None)
                found[asked.get(known_by.casefold(), known_by)] = record
            for one in unheard_of(batch, answer, found):
                found.update(await self._singly(one, by_property=by_property))

        wanted = list(dict.fromkeys(ids))
        await side_by_side(fetch, [wanted[at : at + MOST_INPUTS] for at in range(0, len(wanted), MOST_INPUTS)])
        self.seen.update(record.id for record in found.values())
        return found

    async def _singly(self, task_id: str, *, by_property: bool) -> dict[str, Record]:
        """One task that a batch was silent about; a merged one has another id by now, and counts as not there."""
        try:
            record = await self.one(task_id, by_property=by_property)
        except NotFound:
            return {}
        known_by = record.known_by(self._wire.id_property if by_property else None)
        return {task_id: record} if known_by.casefold() == task_id.casefold() else {}

    async def snapshots(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        """Tasks with HubSpot's own values, by the ids asked for; what is not there is not among them.

        One is a single request. Many are one for every hundred, and one for every thousand and kind of link.
        """
        wanted = list(dict.fromkeys(ids))
        found = await (self._one_of(wanted[0]) if len(wanted) == 1 else self._all_of(wanted))
        tasks = await self.tasks(found.values())
        told = {one: Snapshot(task, found[one].raw_values) for one, task in zip(found, tasks, strict=True)}
        return {one: told[one] for one in wanted if one in told}

    async def _one_of(self, task_id: str) -> dict[str, Record]:
        try:
            return {task_id: await self.one(task_id)}
        except NotFound:
            return {}

    async def _all_of(self, ids: Sequence[str]) -> dict[str, Record]:
        found = await self.many(ids, by_property=True)
        return dict(zip(found, await self.with_links(list(found.values())), strict=True))

    async def with_links(self, records: Sequence[Record]) -> list[Record]:
        """The same tasks with what they are linked to."""
        links: dict[Kind, dict[str, tuple[str, ...]]] = {kind: {} for kind in KINDS}

        async def fetch(part: tuple[Kind, Sequence[str]]) -> None:
            kind, ids = part
            answer = await self._wire.links(kind, ids)
            links[kind] |= parse("HubSpot", lambda json: links_in(json, ids), answer)

        ids = [record.id for record in records]
        parts = [(kind, ids[at : at + MOST_PAIRS]) for at in range(0, len(ids), MOST_PAIRS) for kind in KINDS]
        await side_by_side(fetch, parts)
        return [record.with_links({kind: links[kind].get(record.id, ()) for kind in KINDS}) for record in records]

    async def task(self, record: Record, of_links: str | None = None) -> Task:
        """A task as the contract has it."""
        return (await self.tasks([record], of_links))[0]

    async def tasks(self, records: Iterable[Record], of_links: str | None = None) -> list[Task]:
        """Tasks as the contract has them; of several links the one that `of_links` names is shown."""
        view = await self.view()
        return [view(record, of_links) for record in records]

    async def view(self) -> View:
        """How records are turned into tasks; nothing is asked for any more when it is used."""
        zones, statuses = await self._portal.zones(), await self._portal.by_value()
        by = self._wire.id_property

        def of(record: Record, of_links: str | None) -> Task:
            return parse(
                "HubSpot", lambda one: task_of(one, zones, statuses, of_links=of_links, id_property=by), record
            )

        return of

    def wrote(self, *record_ids: str) -> None:
        """Take note that these were written just now."""
        now = self._monotonic()
        self._written |= dict.fromkeys(record_ids, now)
        self.seen.update(record_ids)
        kept = sorted((when, one) for one, when in self._written.items() if now - when < _INDEX_LAG_S)
        self._written = {one: when for when, one in kept[-_MOST_RECENT:]}

    async def recent(self) -> dict[str, Record | None]:
        """What was written lately, by HubSpot's id, as it is now; None for what is there no more."""
        now = self._monotonic()
        ids = [one for one, when in self._written.items() if now - when < _INDEX_LAG_S]
        found: Mapping[str, Record] = await self.many(ids, by_property=False) if ids else {}
        return {one: found.get(one) for one in ids}


def gone(task_id: str) -> NotFound:
    """The error for a task that is not there."""
    return NotFound(
        f"There is no task {task_id[:60]} in HubSpot.",
        code="task_not_found",
        next_step="Call list_tasks to find the task's id.",
    )

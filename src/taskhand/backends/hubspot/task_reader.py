"""Reads HubSpot tasks with their properties and links, and recent writes in their present state."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import Final

from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.client import MAX_INPUTS, MAX_PAIRS, HubSpotClient
from taskhand.backends.hubspot.errors import MESSAGES, LackingScopes, ids_in_error
from taskhand.backends.hubspot.fields.links import KINDS, Kind, linked_ids
from taskhand.backends.hubspot.mapping import MERGED, Record, records_in, task_of
from taskhand.backends.hubspot.undo_deletion import DeletedTasks
from taskhand.backends.remote.parsing import JsonObject, invalid_answer, objects, read_task, rows_in, value_at
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.call.parallel_work import for_each
from taskhand.domain.chunks import chunks
from taskhand.domain.edit import Edit, properties_in
from taskhand.domain.errors import CallerError, Forbidden, InvalidAnswer, NotFound, UpstreamError
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.http.response_body import Reply

__all__ = ["INDEX_LAG_S", "TaskReader", "unmentioned_ids"]

INDEX_LAG_S: Final = 60.0
"""Seconds after a write in which a task is read by id: HubSpot's search index was seen 30 seconds behind."""

_DEALS: Final[Kind] = "deals"
"""Deals have a scope of their own: a token that reads tasks, by the scope of contacts, may not read deals."""


class TaskReader:
    """Reads tasks; `recent` holds the recently written records, which a search may not show yet."""

    def __init__(self, client: HubSpotClient, account: Account, recent: RecentWrites[Record]) -> None:
        self.client = client
        self.id_property = client.id_property
        """The unique property whose values are the ids to read by; None for HubSpot's own ids."""
        self.recent = recent
        self.account = account
        self.deleted_tasks = DeletedTasks(client, account)
        self.hidden: dict[Kind, Forbidden] = {}
        """HubSpot's refusals, by the kinds of links that the token may not read: tasks are read without them."""
        self._reads_deals = False

    @property
    def by_own_id(self) -> "TaskReader":
        """The same reader for HubSpot's own ids."""
        reader = copy(self)
        reader.id_property = None
        return reader

    def to_task(self, record: Record, of_links: Collection[str] = ()) -> Task:
        """The task of a record; if it has several links of a kind, one in `of_links` is shown."""
        data = self.account.data
        return read_task(record.known_by(data.id_property), lambda: task_of(record, data, of_links))

    async def to_tasks(self, records: Iterable[Record], of_links: Collection[str] = ()) -> list[Task]:
        """The tasks of records, after fetching the zones and statuses."""
        records = list(records)
        await self.account.prepare(records)
        return [self.to_task(record, of_links) for record in records]

    def read_written(self, reply: Reply, edit: Edit) -> Record:
        """The record in the response to a write of `edit`; OutcomeUnknown if the response is not a task."""
        record = Record.read(reply.object)
        if record is None or "properties" not in reply.object:
            raise self.client.http.invalid(reply, "with something that is not a task")
        return record.with_names(properties_in(edit))

    async def read_record(self, task_id: str, names: frozenset[str] = frozenset()) -> Record:
        """One task with these further properties; NotFound, and InvalidAnswer for a response without an id."""
        await self.account.prepare_values(names)
        try:
            reply = await self._read_one(task_id, names)
        except NotFound:
            raise MESSAGES.no_task(task_id) from None
        if (record := Record.read(reply.object)) is None:
            raise invalid_answer("HubSpot", "with a task without an id")
        if not record.is_known_by(task_id, self.id_property):
            if MERGED in names:
                raise invalid_answer("HubSpot", "with another task")
            return await self.read_record(task_id, names | {MERGED})
        if record.is_archived:
            raise MESSAGES.no_task(task_id)
        self.recent.note_read([record.id])
        return record.without_links(self.hidden).with_names(names)

    async def find_ids(self, name: str, values: Sequence[str]) -> dict[str, str]:
        """The ids of tasks by the given values of a unique property."""
        found: dict[str, str] = {}
        for part in chunks(list(dict.fromkeys(values)), MAX_INPUTS):
            asked = {key.casefold(): key for key in part}
            also = list(filter(None, (name, self.client.id_property)))
            answer = await self.client.read_many(part, also, id_property=name)
            for record in records_in(answer):
                value = record.known_by(name)
                if not record.is_archived and value.casefold() in asked:
                    found[asked[value.casefold()]] = record.known_by(self.client.id_property)
        return found

    async def read_records(self, ids: Sequence[str], names: frozenset[str] = frozenset()) -> dict[str, Record]:
        """Tasks by the requested ids, with these further properties and without links; missing tasks are left out."""
        await self.account.prepare_values(names)
        records: dict[str, Record] = {}

        async def fetch(batch: Sequence[str]) -> None:
            answer = await self.client.read_many(batch, self.client.properties(names), id_property=self.id_property)
            asked = {key.casefold(): key for key in batch}
            for record in records_in(answer):
                known_by = record.known_by(self.id_property)
                if not record.is_archived:
                    records[asked.get(known_by.casefold(), known_by)] = record.with_names(names)
            for key in unmentioned_ids(batch, answer, records):
                try:
                    single = await self._find_record(key, names)
                except InvalidAnswer:
                    single = Record({"id": key}, {})  # the task exists, but its values are unknown
                # A merged task has another id, and the requested id counts as missing.
                if single is not None and single.known_by(self.id_property).casefold() == key.casefold():
                    records[key] = single

        batches = chunks(list(dict.fromkeys(ids)), MAX_INPUTS)
        await for_each(batches, fetch, at_once=len(batches))
        self.recent.note_read(record.id for record in records.values())
        return records

    async def snapshots(
        self, ids: Sequence[str], *, whole: bool = False, names: frozenset[str] = frozenset()
    ) -> dict[str, Snapshot]:
        """Tasks with HubSpot's raw values, by the requested ids; missing tasks are left out.

        With `whole`, they hold everything that an undo of a deletion needs. `names` are further properties to show.
        """
        records = await self.read_with_links(list(dict.fromkeys(ids)), names)
        await self.account.prepare(records.values())
        read = {
            task_id: Snapshot(self.to_task(records[task_id]), records[task_id].raw_values)
            for task_id in ids
            if task_id in records
        }
        return await self.deleted_tasks.complete(read, {key: records[key].id for key in read}) if whole else read

    async def read_with_links(
        self, ids: Sequence[str], names: frozenset[str] = frozenset(), kinds: Sequence[Kind] = KINDS
    ) -> dict[str, Record]:
        """Tasks with their links of these kinds, by the requested ids; missing tasks are left out."""
        if len(ids) == 1:
            record = await self._find_record(ids[0], names)
            return {ids[0]: record} if record is not None else {}
        records = await self.read_records(ids, names)
        return dict(zip(records, await self.with_links(list(records.values()), kinds), strict=True))

    async def with_links(self, records: Sequence[Record], kinds: Sequence[Kind] = KINDS) -> list[Record]:
        """The same tasks with their links of these kinds."""
        kinds = [kind for kind in kinds if kind not in self.hidden]
        links: dict[Kind, dict[str, tuple[str, ...] | None]] = {kind: {} for kind in kinds}

        async def fetch(part: tuple[Kind, Sequence[str]]) -> None:
            kind, ids = part
            try:
                links[kind] |= _links_in(await self.client.links(kind, ids), ids)
            except Forbidden as error:
                if kind != _DEALS or not _may_be_about_deals(error):
                    raise
                self.hidden[kind] = error

        ids = [record.id for record in records]
        pairs = [(kind, part) for part in chunks(ids, MAX_PAIRS) for kind in kinds]
        await for_each(pairs, fetch, at_once=len(pairs))
        linked = []
        for record in records:
            found = {kind: links[kind].get(record.id, ()) for kind in kinds}
            unread = frozenset(kind for kind, others in found.items() if others is None)
            read = record.with_links({kind: others or () for kind, others in found.items()}, unread)
            linked.append(read.without_links(self.hidden))
        return linked

    async def check_deal(self, deal_id: str) -> None:
        """Refuse a link to a deal if the token may not read deals, because it could not be read back; Forbidden.

        The answer is remembered. HubSpot itself checks that the deal exists.
        """
        if (refused := self.hidden.get(_DEALS)) is not None:
            raise refused.but()
        if self._reads_deals:
            return
        try:
            with suppress(CallerError):
                await self.client.tasks_of(_DEALS, deal_id)
            self._reads_deals = True
        except Forbidden as error:
            if _may_be_about_deals(error):
                self.hidden[_DEALS] = error
            raise
        except UpstreamError:
            pass  # unknown as yet

    async def read_recent(self) -> dict[str, Record | None]:
        """The recently written tasks by HubSpot's id, in their present state; None for a task that does not exist."""
        ids = [task_id for task_id, _ in self.recent.all()]
        records = await self.by_own_id.read_records(ids)
        return {task_id: records.get(task_id) for task_id in ids}

    async def _read_one(self, task_id: str, names: frozenset[str]) -> Reply:
        """The response to GET, without links to deals if the token may not read them."""
        kinds = [kind for kind in KINDS if kind not in self.hidden]
        try:
            return await self.client.task(task_id, self.id_property, kinds, names)
        except Forbidden as error:
            if self.hidden or not _may_be_about_deals(error):
                raise
            kinds.remove(_DEALS)
            reply = await self.client.task(task_id, self.id_property, kinds, names)
            self.hidden[_DEALS] = error
            return reply

    async def _find_record(self, task_id: str, names: frozenset[str]) -> Record | None:
        try:
            return await self.read_record(task_id, names)
        except NotFound:
            return None


def unmentioned_ids(ids: Sequence[str], answer: JsonObject, found_ids: Container[str]) -> list[str]:
    """The requested ids that a response to `batch/read` neither contains nor reports as missing."""
    missing = {name for error in objects(answer.get("errors")) for name in ids_in_error(error)}
    return [task_id for task_id in ids if task_id not in found_ids and task_id not in missing]


def _may_be_about_deals(error: Forbidden) -> bool:
    """Whether HubSpot may have refused a read for its links to deals: the error names their scope, or no scope."""
    lacking = error.explanation.scopes if isinstance(error.explanation, LackingScopes) else (_DEALS,)
    return any(_DEALS in scope for scope in lacking)


def _links_in(answer: JsonObject, ids: Sequence[str]) -> Mapping[str, tuple[str, ...] | None]:
    """The links of each requested task in a response to `batch/read`; None if they cannot be read.

    The response omits a task without links, or lists it among `errors`. InvalidAnswer for any other error.
    """
    for error in objects(answer.get("errors")):
        category = f"{error.get('category')} {error.get('subCategory')}".upper()
        if "NO_ASSOCIATIONS" not in category and "NOT_FOUND" not in category:
            raise invalid_answer("HubSpot", "with only some of the associations")
    links: dict[str, tuple[str, ...] | None] = dict.fromkeys(ids, ())
    for row in rows_in("HubSpot", answer, "results"):
        if (task_id := str(value_at(row, "from", "id"))) in links:
            links[task_id] = linked_ids(row["to"]) if isinstance(row.get("to"), list) else None
    return links

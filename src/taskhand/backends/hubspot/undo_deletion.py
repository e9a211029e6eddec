"""Reads all links and all writable properties of a task before it is deleted, and restores them on an undo.

The fields of the contract hold only some of them. The API does not list the objects that tasks can be linked to: links
to those of the guide (https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide) and to the account's
custom objects are read.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from taskhand.backends.hubspot.account import Account
from taskhand.backends.hubspot.client import MAX_INPUTS, MAX_PAIRS, HubSpotClient, association_types
from taskhand.backends.hubspot.fields.links import KINDS, links_set
from taskhand.backends.hubspot.mapping import Record, records_in
from taskhand.backends.hubspot.properties.definitions import ARGUMENTS
from taskhand.backends.remote.parsing import JsonObject, objects, rows_in, value_at
from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.chunks import chunks
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, Forbidden, TaskhandError
from taskhand.domain.snapshot import Snapshot

__all__ = ["DeletedTasks", "further_properties", "links_of_new", "without_further"]

_FURTHER: Final = "properties"
"""The key, in the raw values of a task to delete, of the properties that no field of the contract holds."""
_ASSOCIATIONS: Final = "associations"
"""The key, in the same values, of all links with their types, by kind."""

_OTHERS: Final = (
    *("tickets", "leads", "quotes", "orders", "appointments", "courses", "listings", "services", "projects"),
)
_ALWAYS_READABLE: Final = frozenset({"contacts", "companies"})
"""The kinds whose links a token that reads tasks may read."""
_NEVER_WRITTEN: Final = frozenset({"hs_unique_creation_key"})
_LOST: Final[Mapping[str, str]] = {
    "hs_task_completion_date": "completion date",
    "hs_repeat_status": "repetition",
    "hs_task_sequence_step_enrollment_id": "place in a sequence",
    "hs_calendar_event_id": "calendar event",
}
"""Properties that only HubSpot writes, and the words for each that tell a caller what an undo cannot restore."""


@dataclass(slots=True)
class _Whole:
    """The further properties and the links of one task, and what an undo cannot restore."""

    properties: dict[str, str] = field(default_factory=dict)
    associations: dict[str, list[JsonObject]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)


class DeletedTasks:
    """Reads the values that only an undo of a deletion needs, and writes those that the new task lacks."""

    def __init__(self, client: HubSpotClient, account: Account) -> None:
        self._client = client
        self._account = account
        self._absent: set[str] = set()

    async def complete(self, snapshots: Mapping[str, Snapshot], ids: Mapping[str, str]) -> dict[str, Snapshot]:
        """The snapshots with all links and writable properties; `ids` has HubSpot's own id of each task."""
        found = {ids[task_id]: _Whole() for task_id in snapshots}
        if not found:
            return {}
        async with concurrent_tasks() as group:
            group.start_soon(self._add_properties, found)
            group.start_soon(self._add_custom_links, found)
            for kind in (*KINDS, *_OTHERS):
                group.start_soon(self._add_links, kind, found)
        return {task_id: _with(snapshot, found[ids[task_id]]) for task_id, snapshot in snapshots.items()}

    async def put_back(self, record_id: str, edit: Edit) -> str | None:
        """Restore the further properties and links that a new task lacks; a note about those not restored, or None."""
        missing = further_properties(edit), links_of_new(edit) if edit.native else {}
        try:
            if not any(missing) or not any(missing := await self._find_missing(record_id, *missing)):
                return None
            await self._write(record_id, *missing)
            lacking, unlinked = await self._find_missing(record_id, *missing)
        except TaskhandError:
            return "Its links and further properties could not be read back; some may not be restored."
        left = [*lacking, *(f"{kind} {link['id']}" for kind, ones in unlinked.items() for link in ones)]
        return f"HubSpot did not restore: {', '.join(left)}." if left else None

    async def _find_missing(
        self, record_id: str, properties: Mapping[str, str], links: Mapping[str, list[JsonObject]]
    ) -> tuple[dict[str, str], dict[str, list[JsonObject]]]:
        shown = Record({}, {})
        if properties:
            answer = await self._client.read_many([record_id], list(properties))
            shown = next(iter(records_in(answer)), shown)
        missing = {name: text for name, text in properties.items() if not shown.shows({name: text})}
        unlinked: dict[str, list[JsonObject]] = {}
        for kind, wanted in links.items():
            rows: list[JsonObject] = []
            with suppress(CallerError):  # of an account that has no such objects any more
                rows = rows_in("HubSpot", await self._client.links(kind, [record_id]), "results")
            linked = {link["id"] for row in rows for link in _links_in(row)}
            unlinked[kind] = [link for link in wanted if link["id"] not in linked]
        return missing, {kind: ones for kind, ones in unlinked.items() if ones}

    async def _write(self, record_id: str, properties: dict[str, str], links: Mapping[str, list[JsonObject]]) -> None:
        """Write the properties together, or one by one if HubSpot refuses that; then write each link."""
        try:
            if properties:
                await self._client.update(record_id, properties, None)
        except CallerError:
            for name, text in properties.items() if len(properties) > 1 else ():
                with suppress(TaskhandError):
                    await self._client.update(record_id, {name: text}, None)
        except TaskhandError:  # the caller reads the task again
            pass
        for kind, ones in links.items():
            for link in ones:
                with suppress(TaskhandError):
                    await self._client.link_as(kind, record_id, link["id"], link["types"])

    async def _add_properties(self, tasks: Mapping[str, _Whole]) -> None:
        try:
            known = await self._account.definitions()
        except (Forbidden, CallerError) as error:
            why = "which the token may not read" if isinstance(error, Forbidden) else "which HubSpot does not list"
            for unread in tasks.values():
                unread.lost.append(f"further properties, {why}")
            return
        not_further = _NEVER_WRITTEN | ARGUMENTS.keys()
        names = [name for name, definition in known.items() if definition.is_writable and name not in not_further]
        for part in chunks(list(tasks), MAX_INPUTS):
            answer = await self._client.read_many(part, [*names, *_LOST])
            for record in records_in(answer):
                given, whole = record.properties, tasks.get(record.id)
                if whole is not None:
                    whole.properties = {name: str(given[name]) for name in names if given.get(name) not in (None, "")}
                    whole.lost += [words for name, words in _LOST.items() if name not in names and given.get(name)]

    async def _add_custom_links(self, tasks: Mapping[str, _Whole]) -> None:
        try:
            kinds = await self._account.custom_objects()
        except Forbidden:
            for whole in tasks.values():
                whole.lost.append("links to custom objects, which the token may not list")
            return
        except CallerError:  # the account has none
            return
        for kind, name in kinds.items():
            await self._add_links(kind, tasks, name)

    async def _add_links(self, kind: str, tasks: Mapping[str, _Whole], name: str | None = None) -> None:
        """Read the links to objects of one kind; `name` is the label of a custom kind."""
        if kind in self._absent:
            return
        try:
            for part in chunks(list(tasks), MAX_PAIRS):
                answer = await self._client.links(kind, part)
                for row in rows_in("HubSpot", answer, "results"):
                    whole = tasks.get(str(value_at(row, "from", "id")))
                    if whole is not None and (links := list(_links_in(row))):
                        whole.associations[kind] = links
                        whole.lost += [f"some of the links to {name or kind}"] if row.get("paging") else []
        except Forbidden:
            for unread in tasks.values() if kind not in _ALWAYS_READABLE else ():
                unread.lost.append(f"links to {name or kind}, which the token may not read")
        except CallerError:  # the account has no such objects
            self._absent.add(kind)


def further_properties(edit: Edit) -> dict[str, str]:
    """The properties of a deleted task that no field of the contract holds."""
    given = (edit.native or {}).get(_FURTHER)
    return {str(name): str(text) for name, text in given.items()} if isinstance(given, dict) else {}


def without_further(edit: Edit) -> Edit | None:
    """The edit that restores only the fields of a deleted task; None if the edit holds nothing else."""
    if not further_properties(edit) and not _further_links(edit):
        return None
    native = {name: value for name, value in (edit.native or {}).items() if name not in {_FURTHER, _ASSOCIATIONS}}
    return replace(edit, native=native)


def links_of_new(edit: Edit) -> dict[str, list[JsonObject]]:
    """The links of a new task by kind, with ids and types; for a deleted task, all links that it had."""
    further = _further_links(edit)
    found: dict[str, list[JsonObject]] = {}
    for kind, wanted in links_set(edit).items():
        raw = (edit.native or {}).get(kind)
        ids = map(str, raw) if isinstance(raw, list | tuple) else filter(None, [wanted])
        types = {link["id"]: link["types"] for link in further.get(kind, ())}
        all_ids = dict.fromkeys([*ids, *types])
        found[kind] = [
            {"id": linked_id, "types": types.get(linked_id) or association_types(kind)} for linked_id in all_ids
        ]
    found |= {kind: links for kind, links in further.items() if kind not in KINDS}
    return {kind: links for kind, links in found.items() if links}


def _further_links(edit: Edit) -> dict[str, list[JsonObject]]:
    """All links of a deleted task with their types, by kind."""
    given = (edit.native or {}).get(_ASSOCIATIONS)
    return {str(kind): objects(links) for kind, links in given.items()} if isinstance(given, dict) else {}


def _with(snapshot: Snapshot, whole: _Whole) -> Snapshot:
    native = {**snapshot.native, _FURTHER: whole.properties, _ASSOCIATIONS: whole.associations}
    return replace(snapshot, native=native, lost=(*snapshot.lost, *dict.fromkeys(sorted(whole.lost))))


def _links_in(row: JsonObject) -> Iterable[JsonObject]:
    """The links in one result, in the form of a request that creates a task."""
    for target in objects(row.get("to")):
        types = [
            {"associationCategory": given.get("category"), "associationTypeId": given.get("typeId")}
            for given in objects(target.get("associationTypes"))
        ]
        if types and str(target.get("toObjectId")).isdecimal():
            yield {"id": str(target["toObjectId"]), "types": types}

"""Read tasks as they are before a write: with the backend's own values, and the properties that the write is about."""

from collections.abc import Collection, Iterable, Sequence

from taskhand.domain.edit import properties_in
from taskhand.domain.errors import NotFound
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Intent
from taskhand.service.app_context import AppContext

__all__ = ["intended_properties", "read_snapshot", "read_snapshots"]


async def read_snapshots(
    app: AppContext,
    ids: Sequence[str],
    deletes: Collection[str] = (),
    *,
    properties: Collection[str] = (),
    fresh: bool = True,
) -> dict[str, Snapshot]:
    """Tasks as they are now; of those that are to be deleted, with everything that an undo needs.

    `properties` are the names of further properties to read.
    """
    backend, own_properties = app.backend, app.backend.properties if properties else None
    deleted = [task_id for task_id in ids if task_id in deletes]
    others = [task_id for task_id in ids if task_id not in deletes]
    snapshots: dict[str, Snapshot] = {}
    if others and own_properties is not None:
        snapshots |= await own_properties.snapshots(others, properties)
    elif others:
        snapshots |= await backend.snapshots(others, fresh=fresh)
    if deleted and own_properties is not None:
        snapshots |= await own_properties.snapshots(deleted, properties, to_delete=True)
    elif deleted:
        snapshots |= await backend.snapshots_to_delete(deleted)
    return snapshots


async def read_snapshot(
    app: AppContext, task_id: str, *, fresh: bool = False, to_delete: bool = False, properties: Collection[str] = ()
) -> Snapshot:
    """One task with the backend's own values; NotFound."""
    deletes = [task_id] if to_delete else ()
    snapshots = await read_snapshots(app, [task_id], deletes, properties=properties, fresh=fresh)
    if task_id not in snapshots:
        raise NotFound.of_task(task_id)
    return snapshots[task_id]


def intended_properties(intents: Iterable[Intent]) -> frozenset[str]:
    """The names of the properties that intents set."""
    return properties_in(*(edit for intent in intents for edit in (intent.edit, intent.asked)))

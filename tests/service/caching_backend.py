"""A backend that shows tasks as they were first read."""

from collections.abc import Sequence

from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task

__all__ = ["CachingBackend"]


class CachingBackend:
    """Shows a task as it was first read, unless it is asked for it as it is now."""

    def __init__(self, backend: object) -> None:
        self._backend = backend
        self._known: dict[str, Snapshot] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def get_task(self, task_id: str, *, fresh: bool = False) -> Task:
        """One task."""
        return (await self.snapshots([task_id], fresh=fresh))[task_id].task

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        """The tasks."""
        found: dict[str, Snapshot] = await self._backend.snapshots(ids)  # type: ignore[attr-defined]  # the store's
        self._known = self._known | found if fresh else found | self._known
        return {one: self._known[one] for one in found}

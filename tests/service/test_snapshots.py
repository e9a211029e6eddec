"""The read of tasks before a write: with the properties that it sets, and with all that an undo of a deletion needs."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import task
from file_stores import journal_in, store_in
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.snapshot import Snapshot
from taskhand.service.app_context import AppContext
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.snapshots import read_snapshots

IDS = ("T-1", "T-2", "T-3")


class Backend(ForwardingBackend):
    """A backend with properties; `reads` are the ids of each read, and how they were read."""

    def __init__(self, store: LocalBackend) -> None:
        super().__init__(store)
        self.reads: dict[str, tuple[str, ...]] = {}
        self.properties = Properties(self)  # type: ignore[assignment]  # reads are enough

    def read(self, how: str, ids: Sequence[str]) -> dict[str, Snapshot]:
        self.reads[how] = tuple(ids)
        return {one: Snapshot(task(id=one)) for one in ids}

    async def snapshots(self, ids: Sequence[str], *, fresh: bool = False) -> dict[str, Snapshot]:
        return self.read("fresh" if fresh else "cached", ids)

    async def snapshots_to_delete(self, ids: Sequence[str]) -> dict[str, Snapshot]:
        return self.read("to delete", ids)


class Properties:
    """The properties of tasks."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def snapshots(
        self, ids: Sequence[str], names: Collection[str], *, to_delete: bool = False
    ) -> Mapping[str, Snapshot]:
        return self._backend.read(f"{', '.join(names)}{' to delete' if to_delete else ''}", ids)


@pytest.mark.parametrize(
    ("deletes", "properties", "fresh", "reads"),
    [
        ((), (), True, {"fresh": IDS}),
        ((), (), False, {"cached": IDS}),
        (IDS, (), True, {"to delete": IDS}),
        (("T-2",), (), False, {"cached": ("T-1", "T-3"), "to delete": ("T-2",)}),
        (("T-2",), ("stage",), True, {"stage": ("T-1", "T-3"), "stage to delete": ("T-2",)}),
    ],
)
async def test_tasks_are_read_as_the_write_needs_them(
    deletes: tuple[str, ...], properties: tuple[str, ...], reads: dict[str, object], tmp_path: Path, *, fresh: bool
) -> None:
    backend = Backend(store_in(tmp_path))
    app = AppContext(backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert {*await read_snapshots(app, IDS, deletes, properties=properties, fresh=fresh)} == {*IDS}
    assert backend.reads == reads

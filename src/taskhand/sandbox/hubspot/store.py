"""What the sandbox keeps: records with all their versions, links between them, owners, subscriptions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.links import Links
from taskhand.sandbox.hubspot.object_types import BY_NAME, KINDS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.people import Owner
    from taskhand.sandbox.hubspot.record import Record

    Shelf = dict[str, Record]


class Store:
    """The state. `owners` are the portal's; `links` know since when they are there."""

    def __init__(self, owners: Iterable[Owner]) -> None:
        self.owners = tuple(owners)
        self.links = Links()
        self._live: dict[str, Shelf] = {kind.name: {} for kind in KINDS}
        self._versions: dict[tuple[str, str], list[tuple[dt.datetime, Record]]] = {}
        self._before = self._copied()
        self._is_written = False

    def begin(self, now: dt.datetime) -> None:
        """Begin a call: what was calculated meanwhile is written."""
        self._is_written = False
        for record in [record for record in self.all(BY_NAME["tasks"]) if _is_due(record, now)]:
            moment = record.settles_at or now
            self._keep(replace(record, updated_at=moment, settles_at=None, is_settled=True), moment)

    def put(self, record: Record, now: dt.datetime) -> None:
        """Write one version of a record."""
        if not self._is_written:
            self._before, self._is_written = self._copied(), True
        self._keep(record, now)

    def find(self, kind: ObjectType, record_id: str) -> Record | None:
        """Find a record as it is now, archived or not."""
        return self._live[kind.name].get(record_id)

    def all(self, kind: ObjectType, *, stale: bool = False) -> Iterator[Record]:
        """Give every record, archived ones too; with `stale`, as they were before the last write."""
        return iter((self._before if stale else self._live)[kind.name].values())

    def versions(self, record: Record) -> list[tuple[dt.datetime, Record]]:
        """Give all versions of a record, oldest first."""
        return self._versions[record.kind.name, record.id]

    def as_of(self, record: Record, moment: dt.datetime) -> Record | None:
        """Give a record as it was at a moment; None before it was made."""
        seen = [version for since, version in self.versions(record) if since <= moment]
        return seen[-1] if seen else None

    def _keep(self, record: Record, now: dt.datetime) -> None:
        self._live[record.kind.name][record.id] = record
        self._versions.setdefault((record.kind.name, record.id), []).append((now, record))

    def _copied(self) -> dict[str, Shelf]:
        return {name: dict(shelf) for name, shelf in self._live.items()}


def _is_due(record: Record, now: dt.datetime) -> bool:
    return record.settles_at is not None and record.settles_at <= now

"""The sandbox's data: owners, records with all their versions, and links."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.links import Associations
from taskhand.sandbox.hubspot.object_types import BY_NAME, OBJECT_TYPES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator

    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.people import Owner
    from taskhand.sandbox.hubspot.record import RecordVersion
    from taskhand.sandbox.odd_data import OddFields

    Records = dict[str, RecordVersion]


class Store:
    """Data in memory."""

    def __init__(self, owners: Iterable[Owner]) -> None:
        self.owners = tuple(owners)
        self.links = Associations()
        self.odd: dict[str, OddFields] = {}
        self._live: dict[str, Records] = {object_type.name: {} for object_type in OBJECT_TYPES}
        self._versions: dict[tuple[str, str], list[tuple[dt.datetime, RecordVersion]]] = {}
        self._before = self._copy()
        self._is_written = False
        self._deferred: list[tuple[dt.datetime, Callable[[], object]]] = []

    def defer(self, due: dt.datetime, work: Callable[[], object]) -> None:
        """Schedule `work` for the first request after `due`."""
        self._deferred.append((due, work))

    def begin(self, now: dt.datetime) -> None:
        """Start a request: do the deferred work and write the calculated properties that are due."""
        self._is_written = False
        ready = [work for due, work in self._deferred if due <= now]
        self._deferred = [(due, work) for due, work in self._deferred if due > now]
        for work in ready:
            work()
        for record in [record for record in self.all(BY_NAME["tasks"]) if _is_due(record, now)]:
            moment = record.settles_at or now
            self._append(replace(record, updated_at=moment, settles_at=None, is_settled=True), moment)

    def put(self, record: RecordVersion, now: dt.datetime) -> None:
        """Store a new version of a record."""
        if not self._is_written:
            self._before, self._is_written = self._copy(), True
        self._append(record, now)

    def find(self, object_type: ObjectType, record_id: str) -> RecordVersion | None:
        """Return the latest version of a record, archived or not, or None."""
        return self._live[object_type.name].get(record_id)

    def all(self, object_type: ObjectType, *, stale: bool = False) -> Iterator[RecordVersion]:
        """Return all records, including archived ones; with `stale`, in their state before the last write."""
        return iter((self._before if stale else self._live)[object_type.name].values())

    def versions(self, record: RecordVersion) -> list[tuple[dt.datetime, RecordVersion]]:
        """Return all versions of a record with their times, oldest first."""
        return self._versions[record.object_type.name, record.id]

    def as_of(self, record: RecordVersion, moment: dt.datetime) -> RecordVersion | None:
        """Return the version of a record at a moment; None before its creation."""
        until = [version for since, version in self.versions(record) if since <= moment]
        return until[-1] if until else None

    def _append(self, record: RecordVersion, now: dt.datetime) -> None:
        self._live[record.object_type.name][record.id] = record
        self._versions.setdefault((record.object_type.name, record.id), []).append((now, record))

    def _copy(self) -> dict[str, Records]:
        return {name: dict(records) for name, records in self._live.items()}


def _is_due(record: RecordVersion, now: dt.datetime) -> bool:
    return record.settles_at is not None and record.settles_at <= now

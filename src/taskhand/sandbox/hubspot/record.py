"""A version of a record, and the object that represents it in responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.dates import format_instant

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.hubspot.object_types import ObjectType


@dataclass(frozen=True)
class RecordVersion:
    """One version of a record. `properties` are the stored properties, without calculated ones.

    `source` and `user_id` are the channel and the user of this version's write, `made_by` and `maker_id` those of the
    creation; a user of None is the app itself. `settles_at` is when the calculated properties are written and the
    modification date changes.
    """

    object_type: ObjectType
    id: str
    properties: Mapping[str, str]
    created_at: dt.datetime
    updated_at: dt.datetime
    archived_at: dt.datetime | None = None
    settles_at: dt.datetime | None = None
    is_settled: bool = False
    source: str = "INTEGRATION"
    user_id: int | None = None
    made_by: str = "INTEGRATION"
    maker_id: int | None = None

    @property
    def is_archived(self) -> bool:
        """Whether it is in the recycling bin."""
        return self.archived_at is not None


def render_record(record: RecordVersion, properties: Mapping[str, str | None]) -> dict[str, Any]:
    """Write the object; property names are sorted, values are strings or null."""
    body: dict[str, Any] = {
        "id": record.id,
        "properties": dict(sorted(properties.items())),
        "createdAt": format_instant(record.created_at),
        "updatedAt": format_instant(record.updated_at),
        "archived": record.is_archived,
    }
    return body | ({"archivedAt": format_instant(record.archived_at)} if record.archived_at else {})


def select_properties(
    view: Mapping[str, str], object_type: ObjectType, requested_names: Iterable[str], known_names: Iterable[str]
) -> dict[str, str | None]:
    """Return the wanted properties: unknown names are omitted, known ones without a value are None."""
    names = list(requested_names)
    selected = (
        [*object_type.always, *(name for name in names if name in known_names)] if names else object_type.defaults
    )
    return {name: view.get(name) for name in selected}

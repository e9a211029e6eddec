"""Makes a store from a seed, which is plain data.

A seed is a mapping with `owners`, `statuses`, `stages`, `contacts`, `companies`, `deals`, `tickets`, `vehicles` (custom
objects) and `tasks`, each a list of mappings. Omitted lists are empty; omitted owners are the demo's, omitted statuses
HubSpot's. Owners have their documented camelCase fields; statuses have `value` and `label`, in the account's order.
Stages are those of the task pipeline, with `id`, `label`, `isClosed` and, if one corresponds, the `status`; if they are
omitted, there is one for each status. `properties` are custom task properties, with `name` and optionally `label`,
`type`, `fieldType`, `options`, `hasUniqueValue` and `readOnlyValue`. Records have `properties`, and optionally `id`,
`createdAt` (ISO 8601), `archived`, and for a task the ids of its `contacts`, `companies`, `deals`, `tickets` and
`vehicles`. Seeded properties are not validated, so that a seed can have values that the API would refuse. A task's
`odd` has values that are sent in place of the true ones, by the path of the field (`properties.hs_timestamp`). The
fields named in `missing` are not sent.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.calculated_properties import apply_write, defaults_for
from taskhand.sandbox.hubspot.dates import parse_instant
from taskhand.sandbox.hubspot.demo import OWNERS, PROPERTIES, demo
from taskhand.sandbox.hubspot.links import Association
from taskhand.sandbox.hubspot.object_types import OBJECT_TYPES, TASKS
from taskhand.sandbox.hubspot.people import Owner
from taskhand.sandbox.hubspot.pipeline import Option, OwnProperty, Stage, build_pipeline
from taskhand.sandbox.hubspot.record import RecordVersion
from taskhand.sandbox.hubspot.spec_variant import SpecVariant
from taskhand.sandbox.hubspot.store import Store
from taskhand.sandbox.odd_data import ODD_KEYS, OddFields
from taskhand.sandbox.seed_checks import check_row_keys, seed_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.pipeline import TaskPipeline

SEED_KEYS = frozenset(
    {"owners", "statuses", "stages", "properties", *(object_type.name for object_type in OBJECT_TYPES)}
)
ROW_KEYS = frozenset({"id", "properties", "createdAt", "archived"})
LINKED = ("contacts", "companies", "deals", "tickets", "vehicles")
FIRST_IDS = {
    "tasks": 77_597_400_001,
    "contacts": 101,
    "companies": 201,
    "deals": 301,
    "tickets": 401,
    "vehicles": 501,
}  # recorded ids of tasks have 11 digits
EDITOR = 98_499_705  # the user who created the seeded records
AGE = dt.timedelta(days=1)
PLAIN = SpecVariant()


def read_seed(seed: str | Mapping[str, Any], now: dt.datetime) -> Store:
    """Make the store of "demo", "empty" or data in the form above; anything else is a ValueError."""
    data = seed_data(seed, SEED_KEYS, demo, now)
    store = Store(_owner(row) for row in data.get("owners", OWNERS))
    pipeline = build_pipeline(PLAIN, read_statuses(data), read_stages(data))
    for object_type in OBJECT_TYPES:
        for number, row in enumerate(data.get(object_type.name, ())):
            of_task = {*LINKED, *ODD_KEYS} if object_type == TASKS else set()
            check_row_keys(f"a seeded {object_type.singular}", row, ROW_KEYS | of_task)
            record = _record(object_type, row, FIRST_IDS[object_type.name] + number, now, pipeline)
            store.put(record, record.updated_at)
            store.odd |= {record.id: odd} if (odd := OddFields.of_row(row)) else {}
            for link in [Association(record.id, other, str(found)) for other in LINKED for found in row.get(other, ())]:
                store.links.add(link, record.created_at)
    store.begin(now)
    return store


def read_statuses(seed: str | Mapping[str, Any]) -> tuple[Option, ...] | None:
    """Return the seed's status options in its order, or None for HubSpot's."""
    rows = None if isinstance(seed, str) else seed.get("statuses")
    return None if rows is None else tuple(Option(row["value"], row["label"]) for row in rows)


def read_stages(seed: str | Mapping[str, Any]) -> tuple[Stage, ...] | None:
    """Return the seed's stages in its order; None if each status has one stage."""
    rows = None if isinstance(seed, str) else seed.get("stages")
    if rows is None:
        return None
    return tuple(Stage(str(row["id"]), row["label"], row.get("isClosed", False), row.get("status")) for row in rows)


def read_properties(seed: str | Mapping[str, Any]) -> tuple[OwnProperty, ...]:
    """Return the custom task properties."""
    rows = PROPERTIES if seed == "demo" else () if isinstance(seed, str) else seed.get("properties", ())
    return tuple(
        OwnProperty(
            row["name"],
            row.get("label", row["name"]),
            row.get("type", "string"),
            tuple(Option(option["value"], option["label"]) for option in row.get("options", ())),
            row.get("hasUniqueValue", False),
            row.get("fieldType", ""),
            row.get("readOnlyValue", False),
        )
        for row in rows
    )


def _owner(row: Mapping[str, Any]) -> Owner:
    return Owner(
        id=str(row["id"]),
        email=row["email"],
        first_name=row["firstName"],
        last_name=row["lastName"],
        user_id=row["userId"],
        created_at=row.get("createdAt", "2024-01-15T09:00:00Z"),
        updated_at=row.get("updatedAt", "2024-06-01T09:00:00Z"),
        archived=row.get("archived", False),
        teams=tuple((team["id"], team["name"]) for team in row.get("teams", ())),
    )


def _record(
    object_type: ObjectType, row: Mapping[str, Any], number: int, now: dt.datetime, pipeline: TaskPipeline
) -> RecordVersion:
    made = parse_instant(row["createdAt"]) if "createdAt" in row else None
    made = made or now - AGE
    properties = dict(row.get("properties", {}))
    if object_type == TASKS:
        properties = apply_write({}, defaults_for(properties) | properties, made, pipeline, PLAIN)
    return RecordVersion(
        object_type=object_type,
        id=str(row.get("id", number)),
        properties=properties,
        created_at=made,
        updated_at=made,
        archived_at=made if row.get("archived") else None,
        is_settled=True,
        source="CRM_UI",
        user_id=EDITOR,
        made_by="CRM_UI",
        maker_id=EDITOR,
    )

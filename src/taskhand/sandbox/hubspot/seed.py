"""Seeds: plain data from which a store is made.

A seed is a mapping with `owners`, `statuses`, `contacts`, `companies`, `deals` and `tasks`, each a list of
mappings; what is left out is empty, or the demo's for owners and HubSpot's for statuses. Owners have their
documented camelCase fields; statuses have `value` and `label`, in the portal's order. Records have `properties`,
and may have `id`, `createdAt` (ISO 8601), `archived`, and a task the ids of its `contacts`, `companies` and
`deals`. Seeded properties are not checked, so that a seed can be what an API would not let through.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.calculated_properties import DEFAULTS, apply_write
from taskhand.sandbox.hubspot.dates import parse_instant
from taskhand.sandbox.hubspot.demo import OWNERS, demo
from taskhand.sandbox.hubspot.links import Link
from taskhand.sandbox.hubspot.object_types import KINDS, TASKS
from taskhand.sandbox.hubspot.people import Owner
from taskhand.sandbox.hubspot.pipeline import Option, build_pipeline
from taskhand.sandbox.hubspot.record import Record
from taskhand.sandbox.hubspot.spec_variant import SpecVariant
from taskhand.sandbox.hubspot.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.object_types import ObjectType

SEEDS = ("demo", "empty")
SEED_KEYS = frozenset({"owners", "statuses", *(kind.name for kind in KINDS)})
ROW_KEYS = frozenset({"id", "properties", "createdAt", "archived"})
LINKED = ("contacts", "companies", "deals")
FIRST_IDS = {"tasks": 77_597_400_001, "contacts": 101, "companies": 201, "deals": 301}  # tasks have 11 digits
EDITOR = 98_499_705  # the user who made what is there
AGE = dt.timedelta(days=1)
PLAIN = SpecVariant()


def read_seed(seed: str | Mapping[str, Any], now: dt.datetime) -> Store:
    """Make a store of a named seed or of data; anything else is a ValueError."""
    data = _data(seed, now)
    store = Store(_owner(row) for row in data.get("owners", OWNERS))
    for kind in KINDS:
        for number, row in enumerate(data.get(kind.name, ())):
            _check_keys(f"a seeded {kind.singular}", row, ROW_KEYS | (set(LINKED) if kind == TASKS else set()))
            record = _record(kind, row, FIRST_IDS[kind.name] + number, now)
            store.put(record, record.updated_at)
            for link in [Link(record.id, other, str(found)) for other in LINKED for found in row.get(other, ())]:
                store.links.add(link, record.created_at)
    store.begin(now)
    return store


def read_statuses(seed: str | Mapping[str, Any]) -> tuple[Option, ...] | None:
    """Read the portal's own status options, in its order; None for HubSpot's."""
    rows = None if isinstance(seed, str) else seed.get("statuses")
    return None if rows is None else tuple(Option(row["value"], row["label"]) for row in rows)


def _data(seed: str | Mapping[str, Any], now: dt.datetime) -> Mapping[str, Any]:
    if isinstance(seed, str):
        if seed not in SEEDS:
            raise ValueError(f"seed is one of {', '.join(SEEDS)}, or data; not {seed!r}")
        return demo(now) if seed == "demo" else {}
    _check_keys("a seed", seed, SEED_KEYS)
    return seed


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


def _record(kind: ObjectType, row: Mapping[str, Any], number: int, now: dt.datetime) -> Record:
    made = parse_instant(row["createdAt"]) if "createdAt" in row else None
    made = made or now - AGE
    properties = dict(row.get("properties", {}))
    if kind == TASKS:
        portal = build_pipeline(PLAIN, None)
        properties = apply_write({}, {**DEFAULTS, **properties}, made, portal, PLAIN)
    return Record(
        kind=kind,
        id=str(row.get("id", number)),
        properties=properties,
        created_at=made,
        updated_at=made,
        archived_at=made if row.get("archived") else None,
        is_settled=True,
        source="CRM_UI",
        user_id=EDITOR,
        maker_id=EDITOR,
    )


def _check_keys(what: str, row: Mapping[str, Any], allowed: frozenset[str] | set[str]) -> None:
    unknown = sorted(set(row) - allowed)
    if unknown:
        raise ValueError(f"{what} has no {', '.join(unknown)}; it takes {', '.join(sorted(allowed))}")

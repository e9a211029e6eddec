"""The small world of the suites, and a backend that a suite runs on; what a backend lacks is data, with a reason.

The world: you, Ana Soto, Luis Pereira and two people called Maria Rodriguez; the statuses Pendiente (1), En Progreso
(2) and Completado (3); the contact Carolina Vega of the customer `CUSTOMER`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from taskhand.service.app_context import AppContext

__all__ = [
    "CAROLINA",
    "CUSTOMER",
    "DUE",
    "NOW",
    "PEOPLE",
    "SANTIAGO",
    "SMALL_WORLD",
    "STATUSES",
    "BackendCase",
    "World",
    "person",
]

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""When every test happens: a Monday, noon in Santiago."""

SANTIAGO = "America/Santiago"
"""The configured zone of the backends that do not keep the zone of a due time."""

CUSTOMER = "7b0c2a52-1111-4222-8333-9a8b7c6d5e4f"


def person(number: int, name: str, email: str) -> dict[str, Any]:
    """A member of the sandbox's organisation."""
    first, _, last = name.partition(" ")
    member_id = f"5d1f0000-0000-4000-8000-{number:012}"
    return {"id": member_id, "name": name, "first_name": first, "last_name": last, "email": email}


PEOPLE = [
    person(1, "Elena", "elena@example.com"),
    person(2, "Ana Soto", "ana@example.com"),
    person(3, "Luis Pereira", "luis@example.com"),
    person(4, "Maria Rodriguez", "maria.one@example.com"),
    person(5, "María Rodríguez", "maria.two@example.com"),
]

STATUSES = [
    {"id": f"57a70000-0000-4000-8000-{order:012}", "name": name, "color": "#60a5fa", "type": kind, "order": order}
    for order, (name, kind) in enumerate(
        [("Pendiente", "initial"), ("En Progreso", "in_progress"), ("Completado", "done")], start=1
    )
]

CAROLINA = {
    "id": "c0a00000-0000-4000-8000-000000000001",
    "name": "Carolina Vega",
    "phone": "+56955550101",
    "email": "carolina@acme.example",
    "ai_customer_id": CUSTOMER,
    "created_at": "2025-11-01T12:00:00+00:00",
    "last_message_at": "2026-02-20T12:00:00+00:00",
}

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class World:
    """The small world, or one with other people, statuses and contact.

    The first of the `people` asks; who is not `active` has left the team. `theirs` is a task of the last one, due on a
    day: its title, None for none. `settings` are further settings of the backend, or other values of them.
    """

    people: Rows = tuple(PEOPLE)
    statuses: Rows = tuple(STATUSES)
    carolina: str = "Carolina Vega"
    theirs: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


SMALL_WORLD = World()
DUE = "2026-03-10"
"""The day on which the task `theirs` is due."""


class Open(Protocol):
    """Opens a backend on a world; what it keeps is in the folder."""

    def __call__(self, folder: Path, world: World = SMALL_WORLD, /) -> AbstractAsyncContextManager[AppContext]: ...


@dataclass(frozen=True)
class BackendCase:
    """A backend that the suite runs on.

    `needs` are the arguments that it requires for a new task besides the documented ones. `customer` is the id of
    Carolina Vega's customer, `customer_name` its name where the backend tells one, `absent` an id that no task has.
    `gaps` are the tests that cannot pass there, with the reason, besides those that follow from its capabilities.
    `names_former_members` is whether it tells the names of people who have left. `has_zone` is whether it is opened
    with a configured time zone.
    """

    name: str
    open: Open
    needs: dict[str, str] = field(default_factory=dict)
    customer: str = CUSTOMER
    absent: str = "99999999-9999-4999-8999-999999999999"
    gaps: dict[str, str] = field(default_factory=dict)
    customer_name: str | None = None
    names_former_members: bool = True
    has_zone: bool = False

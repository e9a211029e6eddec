"""The backends that the suite runs on, each with the same small world; what one lacks is data, with its reason.

The world: you, Ana Soto, Luis Pereira and two people called Maria Rodriguez; the statuses Pendiente (1), En Progreso
(2) and Completado (3); the contact Carolina Vega of the customer `CUSTOMER`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from taskhand.backends.local.directory import Directory
from taskhand.service.desk import Desk
from taskhand.settings import Settings
from taskhand.wiring import desk, local_backend

__all__ = ["ARMS", "CUSTOMER", "NOW", "Arm"]

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
"""When every test happens: a Monday, noon in Santiago."""

CUSTOMER = "7b0c2a52-1111-4222-8333-9a8b7c6d5e4f"


@dataclass(frozen=True)
class Arm:
    """A backend ready to be worked on; `gaps` are tests that cannot hold there, and why."""

    name: str
    open: Callable[[Path], AbstractAsyncContextManager[Desk]]
    gaps: dict[str, str] = field(default_factory=dict)


def _furnish(directory: Directory) -> None:
    directory.add_member("Ana Soto", "ana@example.com")
    directory.add_member("Luis Pereira", "luis@example.com")
    directory.add_member("Maria Rodriguez", "maria.one@example.com")
    directory.add_member("María Rodríguez", "maria.two@example.com")
    directory.add_contact("Carolina Vega", "+56 9 5555 0101", "carolina@acme.example", CUSTOMER)


@asynccontextmanager
async def _local(folder: Path) -> AsyncIterator[Desk]:
    settings = Settings(db=folder / "tasks.sqlite", clock=NOW, user="Elena")
    backend = local_backend(settings)
    await backend.edit(_furnish)
    await backend.aclose()
    async with desk(settings) as at:
        yield at


ARMS = (Arm("local", _local),)

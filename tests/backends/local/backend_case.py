"""The built-in store in the behaviour suite: in a file, and in a PostgreSQL database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from behaviour.world import CUSTOMER, DUE, NOW, SMALL_WORLD, BackendCase, World
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.config.settings import Settings
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.service.app_context import AppContext
from taskhand.wiring import open_app, open_local_store

__all__ = ["BACKEND", "POSTGRES", "open_postgres"]


def _furnish(directory: Directory, world: World) -> None:
    for known, status in zip(SMALL_WORLD.statuses, world.statuses, strict=True):
        if status["name"] != known["name"]:
            directory.rename_status(known["name"], status["name"])
    for person in world.people[1:]:
        directory.add_member(person["name"], person["email"])
    directory.add_contact(world.carolina, "+56 9 5555 0101", "carolina@acme.example", CUSTOMER)


async def _fill(settings: Settings, world: World) -> None:
    """Make the world in an empty store."""
    backend = open_local_store(settings)
    await backend.edit(lambda directory: _furnish(directory, world))
    members = {member.email: member.id for member in await backend.account.members()}
    if world.theirs is not None:
        owner = members[world.people[-1]["email"]]
        await backend.create_task(
            Edit(title=world.theirs, responsible_ids=(owner,), priority=1, due=Due(date.fromisoformat(DUE)))
        )
    for person in world.people:
        if not person.get("active", True):
            await backend.edit(lambda directory, name=person["name"]: directory.remove_member(name))  # type: ignore[misc]
    await backend.aclose()


@asynccontextmanager
async def _open(folder: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    given: dict[str, Any] = {"db": folder / "tasks.sqlite", "clock": NOW, "user": "Elena"}
    settings = Settings(**given | dict(world.settings))
    await _fill(settings, world)
    async with open_app(settings) as at:
        yield at


@asynccontextmanager
async def open_postgres(url: str, _: Path, world: World = SMALL_WORLD) -> AsyncIterator[AppContext]:
    """The built-in store and its journal in an empty database."""
    settings = Settings.from_env({"TASKHAND_DB": url, "TASKHAND_STATE": url, "TASKHAND_USER": "Elena"})
    settings = settings.model_copy(update={"clock": NOW})
    await _fill(settings, world)
    async with open_app(settings) as at:
        yield at


BACKEND = BackendCase("local", _open)
POSTGRES = BackendCase("postgres", _open)
"""The built-in store in a database, which the test gives it."""

"""From settings to a desk: the one place that knows every part."""

import getpass
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.directory import sequential_id
from taskhand.service.desk import Desk
from taskhand.settings import Settings

__all__ = ["desk", "local_backend", "store_path"]


@asynccontextmanager
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """A desk for these settings; what its backend opened is closed at the end."""
    clock = _clock(settings)
    backend = local_backend(settings)
    try:
        yield Desk(backend, clock, settings.timezone)
    finally:
        await backend.aclose()


def local_backend(settings: Settings) -> LocalBackend:
    """The embedded store; its file is opened when it is first used."""
    return LocalBackend(
        store_path(settings),
        clock=_clock(settings),
        new_id=sequential_id if settings.ids == "sequential" else lambda _: str(uuid4()),
        user=settings.user or _os_user(),
        timezone=settings.timezone,
    )


def _clock(settings: Settings) -> Callable[[], datetime]:
    """The system's clock in its own zone, or the one that stands still."""
    frozen = settings.clock
    return (lambda: frozen) if frozen else (lambda: datetime.now().astimezone())


def store_path(settings: Settings) -> Path:
    """The embedded store's file."""
    if settings.db:
        return settings.db.expanduser()
    from platformdirs import user_data_path  # noqa: PLC0415  needed only where no file is configured

    return user_data_path("taskhand", appauthor=False) / "tasks.sqlite"


def _os_user() -> str:
    """The name of the first member; a container without a user database still has somebody."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "user"

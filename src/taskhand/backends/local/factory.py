"""Opens the built-in store as a backend, from the server's own settings such as TASKHAND_DB."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from taskhand.backends.factory import BackendFactory, BackendSettings, OpenContext
from taskhand.domain.errors import OperatorError
from taskhand.sql.store_address import INSTALL_DRIVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskhand.backends.local.backend import LocalBackend
    from taskhand.sql.store_address import StoreAddress

# Every start imports this module; only a start with the built-in store imports the other modules.
# ruff: noqa: PLC0415

__all__ = ["FACTORY", "open_store"]


async def open_backend(_: BackendSettings, context: OpenContext) -> "LocalBackend":
    """Open the built-in store as a backend."""
    return open_store(context)


def open_store(context: OpenContext) -> "LocalBackend":
    """The built-in store in its file or database, which is opened at first use."""
    from uuid import uuid4

    from taskhand.backends.local.people_and_statuses import sequential_id
    from taskhand.backends.local.tasks import short_id

    opens = _open_file(context.store) if isinstance(context.store, Path) else _open_database(context.store)
    return opens(
        clock=context.clock,
        new_id=sequential_id if context.sequential_ids else lambda _: str(uuid4()),
        new_task_id=sequential_id if context.sequential_ids else short_id,
        user=context.user or _os_user(),
        timezone=context.timezone,
        language=context.language,
    )


def _open_file(path: Path) -> "Callable[..., LocalBackend]":
    from taskhand.backends.local.sqlite import open_file_store

    return partial(open_file_store, path)


def _open_database(address: "StoreAddress") -> "Callable[..., LocalBackend]":
    try:
        from taskhand.backends.local.postgres import open_database_store
        from taskhand.postgres.database import open_shared
    except ImportError:
        raise OperatorError(
            "TASKHAND_DB names a database, but the PostgreSQL driver is not installed.",
            next_step=f"{INSTALL_DRIVER}. Or set TASKHAND_DB to a file.",
        ) from None
    return partial(open_database_store, open_shared(address.url))


def _os_user() -> str:
    """The operating system's user name; "user" if it has none, as in some containers."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "user"


FACTORY = BackendFactory(
    title="the built-in store",
    settings=BackendSettings,
    open=open_backend,
    questions=("TASKHAND_TIMEZONE", "TASKHAND_LANGUAGE"),
)

"""What the replicas of a server tell each other of the tasks that they change."""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from anyio.lowlevel import checkpoint

from taskhand.backends.registry import find_factory
from taskhand.config.paths import store_place
from taskhand.events.task_changes import CHANNEL, TaskChanges
from taskhand.postgres.listener import Channel
from taskhand.state import open_database

if TYPE_CHECKING:
    from taskhand.config.configuration import Configuration
    from taskhand.config.connections import ConnectionSettings
    from taskhand.service.connections import Connections

__all__ = ["share_changes"]


def share_changes(found: "Configuration", connections: "Connections") -> Callable[[], Coroutine[Any, Any, None]]:
    """Work that tells the others what this process changes, and hears what they change, until it is cancelled.

    Nothing is to be done if what is kept is in files.
    """
    if (database := open_database(found.settings)) is None:
        return checkpoint
    updates = {_name_everywhere(one): connections.by_name[one.name].updates for one in found.connections}
    return TaskChanges(Channel(database, CHANNEL), updates).run


def _name_everywhere(connection: "ConnectionSettings") -> str:
    """What every replica calls a connection; nothing of its credential or its address can be told from it."""
    settings = connection.settings
    account = find_factory(settings.backend).account
    place = str(store_place(settings)) if account is None else account(settings)
    return sha256(f"{connection.name}\n{settings.backend}\n{place}".encode()).hexdigest()[:16]

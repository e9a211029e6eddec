"""Broadcast of changed tasks between the replicas of a server."""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from anyio.lowlevel import checkpoint

from taskhand.backends.registry import find_factory
from taskhand.config.data_files import store_location
from taskhand.events.change_broadcast import CHANNEL, TaskChanges
from taskhand.postgres.listener import NotifyChannel
from taskhand.state import open_database

if TYPE_CHECKING:
    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.effective_settings import Configuration
    from taskhand.service.connections import Connections

__all__ = ["share_changes"]


def share_changes(
    configuration: "Configuration", connections: "Connections"
) -> Callable[[], Coroutine[Any, Any, None]]:
    """Work that sends this process's changes to the other replicas and receives theirs, until it is cancelled.

    Without a shared database it does nothing.
    """
    if (database := open_database(configuration.settings)) is None:
        return checkpoint
    updates = {
        _hash_account(connection): connections.by_name[connection.name].updates
        for connection in configuration.connections
    }
    return TaskChanges(NotifyChannel(database, CHANNEL), updates).run


def _hash_account(connection: "ConnectionSettings") -> str:
    """The name of a connection on every replica; it reveals neither credential nor address."""
    settings = connection.settings
    factory = find_factory(settings.backend)
    account_name = str(store_location(settings))
    if factory.account is not None:
        account_name = factory.account(settings.of_backend(factory))
    return sha256(f"{connection.name}\n{settings.backend}\n{account_name}".encode()).hexdigest()[:16]

"""Finds connections to the same CRM account, which give a warning, and refuses two to the same built-in store."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from taskhand.backends.registry import find_factory
from taskhand.config.connection_settings import TABLES, ConnectionSettings
from taskhand.config.paths import data_folder, expand_path
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.sql.store_address import StoreAddress

__all__ = ["find_duplicates"]


def find_duplicates(connections: Sequence[ConnectionSettings], file: Path) -> Iterator[CheckResult]:
    """A warning for each pair of CRM connections to the same account.

    OperatorError if two connections use the same built-in store: each would journal the same tasks.
    """
    chosen = [connection for connection in connections if _has_backend(connection.settings)]
    for index, connection in enumerate(chosen):
        for other in chosen[:index]:
            if _account(connection.settings) is None and _account(other.settings) is None:
                _check_stores(other, connection, file)
            elif _account(connection.settings) == _account(other.settings):
                found = f"The connections {other.name} and {connection.name} lead to the same account."
                unset = "" if other.keys else f"Unset {' and '.join(other.credentials)}, or run "
                remedy = f"{unset or 'Run '}`taskhand connections remove {connection.name}`."
                yield CheckResult("configuration", "warning", found, remedy)


def _has_backend(settings: Settings) -> bool:
    """Whether the backend can be determined; otherwise the connection cannot be opened."""
    try:
        return bool(settings.backend)
    except OperatorError:
        return False


def _account(settings: Settings) -> tuple[str, ...] | None:
    """The base URL and the credential of a CRM; None for the built-in store."""
    factory = find_factory(settings.backend)
    if factory.account is None:
        return None
    base = str(getattr(settings.of_backend(factory), f"{factory.name}_base_url", "")).rstrip("/").casefold()
    keys = map(settings.value, factory.credentials)
    return (factory.name, base, *(key.get_secret_value() if key else "" for key in keys))


def _check_stores(one: ConnectionSettings, other: ConnectionSettings, file: Path) -> None:
    first, second = _store(one), _store(other)
    if first == second or _is_same_file(first, second):
        raise OperatorError(
            f"The connections {one.name} and {other.name} lead to the same store, {second}.",
            next_step=f"Set db in [{TABLES}.{other.name}] of {file} to a file of its own, or remove the connection.",
        )


def _is_same_file(one: Path | StoreAddress, other: Path | StoreAddress) -> bool:
    if not (isinstance(one, Path) and isinstance(other, Path)):
        return False
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)  # noqa: PTH110, PTH121  raise less


def _store(connection: ConnectionSettings) -> Path | StoreAddress:
    given = connection.settings.db
    if isinstance(given, StoreAddress):
        return given
    origin = connection.origins.get("db")
    called = origin.called if origin else "TASKHAND_DB"
    return Path(os.path.realpath(expand_path(called, given) if given else data_folder() / "tasks.sqlite"))

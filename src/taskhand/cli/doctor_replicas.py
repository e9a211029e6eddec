"""Checks for state that replicas do not share, as far as the settings tell."""

from collections.abc import Iterator
from typing import Final

from taskhand.cli.config import backend_of
from taskhand.config.effective_settings import Configuration
from taskhand.domain.check_result import CheckResult
from taskhand.sql.store_address import StoreAddress

__all__ = ["MAKE_KEY", "NO_KEY", "check_replicas", "describe_unshared"]

NO_KEY: Final = (
    "TASKHAND_STATE is for several servers, and without a shared key none of them can use the answer to a question of "
    "another one."
)
MAKE_KEY: Final = (
    "Set TASKHAND_STATE_KEY, or TASKHAND_STATE_KEY_FILE, to the same key for all of them; make one with "
    "`python -c 'import secrets; print(secrets.token_hex(32))'`."
)
_OWN_TASKS: Final = (
    "TASKHAND_STATE is for several servers, and each of them has its own tasks, because the built-in store is a file."
)
_OWN_JOURNAL: Final = (
    "The built-in store is in a database, and the journal is in a file of this machine: a server can neither undo the "
    "changes of another one nor detect a call that another one has already carried out."
)


def check_replicas(configuration: Configuration) -> tuple[CheckResult, ...]:
    """A finding for each kind of state that replicas on one database would not share."""
    settings = configuration.settings
    no_key = CheckResult("replicas", "failed", f"{NO_KEY} `taskhand serve --http` does not start.", MAKE_KEY)
    lacks = [no_key] if settings.state is not None and not settings.state_keys else []
    return (*lacks, *(CheckResult("replicas", "warning", *texts) for texts in describe_unshared(configuration)))


def describe_unshared(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """The problem and the remedy if only one of store and state is in a database."""
    stores = [connection.settings.db for connection in configuration.connections if backend_of(connection) == "local"]
    in_database = [isinstance(store, StoreAddress) for store in stores]
    if configuration.settings.state is not None and not all(in_database):
        yield _OWN_TASKS, "Set TASKHAND_DB to the address of a database too, such as the same one."
    if configuration.settings.state is None and any(in_database):
        yield _OWN_JOURNAL, "If several servers use the store, set TASKHAND_STATE to a database too."

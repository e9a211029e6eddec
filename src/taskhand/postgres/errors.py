"""The errors of PostgreSQL as errors for the operator, without the password of the address in any text."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from taskhand.domain.errors import CommitUnknown, OperatorError
from taskhand.postgres.migrations import PostgresKind
from taskhand.sql.connection import DamagedRow
from taskhand.sql.store_address import is_whole_address, split_passwords

__all__ = ["describe_database", "is_connection_lost", "is_refused", "postgres_errors", "unreachable_error"]

_UNKNOWN: Final = "the database of this server"

_BUSY = (
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.TooManyConnections,
    errors.OutOfMemory,
)
_REFUSED = (
    errors.InvalidPassword,
    errors.InvalidAuthorizationSpecification,
    errors.InvalidCatalogName,
    errors.InsufficientPrivilege,
)
_ENDED = (
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
    errors.IdleInTransactionSessionTimeout,
    errors.DatabaseDropped,
)
"""With these the server ends a connection."""
_REFUSALS: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied")
"""A part of the text of a refused connection: the driver gives it no state."""


def describe_database(url: str) -> str:
    """Which database the address is of, without who signs in to it."""
    if _secrets_in(url) is None:
        return _UNKNOWN
    given = conninfo_to_dict(url)
    host, port = given.get("host") or given.get("hostaddr") or "this machine", given.get("port")
    return f"the database {given.get('dbname') or 'of the user'} at {host}{f':{port}' if port else ''}"


def is_connection_lost(error: psycopg.Error, driver: "psycopg.Connection[object]") -> bool:
    """Whether the connection is gone, and not only its statement refused: the server gives a refusal a state."""
    is_of_driver = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
    return driver.closed or driver.broken or is_of_driver or isinstance(error, _ENDED)


def is_refused(error: psycopg.Error) -> bool:
    """Whether another try would be refused too."""
    has_text = isinstance(error, psycopg.OperationalError) and any(refusal in str(error) for refusal in _REFUSALS)
    return isinstance(error, _REFUSED) or has_text


@contextmanager
def postgres_errors(url: str, kind: PostgresKind) -> Iterator[None]:
    """Errors of a database leave as OperatorError, which names it and what to do."""
    try:
        yield
    except DamagedRow as error:
        where = describe_database(url)
        raise OperatorError(
            f"The {kind.label} in {where} could not be used: {error}.",
            code="store_unavailable",
            next_step="Restore it.",
        ) from error
    except psycopg.Error as error:
        raise _to_operator_error(error, url, kind) from None


def unreachable_error(url: str, kind: PostgresKind, why: str, *, in_doubt: bool = False) -> OperatorError:
    """The error for a database that does not answer; CommitUnknown if `in_doubt`: the last write may be stored."""
    return (CommitUnknown if in_doubt else OperatorError)(
        f"The {kind.label} in {describe_database(url)} cannot be reached: {why}.",
        code="store_unavailable",
        retryable=True,
        next_step=f"Check that PostgreSQL runs and that {kind.variable} names it; then try again.",
    )


def _to_operator_error(error: psycopg.Error, url: str, kind: PostgresKind) -> OperatorError:
    where, why = describe_database(url), _reason(error, url)
    if isinstance(error, _BUSY):
        return OperatorError(
            f"The {kind.label} in {where} is busy: {why}.",
            code="store_busy",
            retryable=True,
            next_step="Try again in a moment.",
        )
    if is_refused(error):
        return OperatorError(
            f"The {kind.label} in {where} cannot be used: {why}.",
            code="store_unavailable",
            next_step=f"Check user, password and database in {kind.variable}; the user must own Taskhand's schemas.",
        )
    if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
        return OperatorError(
            f"The {kind.label} in {where} is missing, although it existed before.",
            code="store_unavailable",
            next_step="Restore it, or restart Taskhand to begin with a new one.",
        )
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return unreachable_error(url, kind, why)
    return OperatorError(
        f"The {kind.label} in {where} could not be used: {why}.",
        code="store_unavailable",
        next_step=f"Check the database, or set {kind.variable} to another one.",
    )


def _reason(error: psycopg.Error, url: str) -> str:
    """The line that says why; the kind of error alone if the address may be quoted in it."""
    message = error.diag.message_primary or next((line for line in str(error).splitlines() if line.strip()), "")
    message = message.rpartition("failed: ")[2].strip().removeprefix("FATAL:").strip().rstrip(".")
    secrets = _secrets_in(url)
    if secrets is None or any(secret in message for secret in secrets):
        return type(error).__name__
    return message or type(error).__name__


def _secrets_in(url: str) -> set[str] | None:
    """Every spelling of the password; None if the address cannot be read, so that any part may be one."""
    if "://" in url and not is_whole_address(url):
        return None
    try:
        password = conninfo_to_dict(url).get("password")
    except (psycopg.Error, ValueError):
        return None
    secrets = {secret for secret in (str(password or ""), *split_passwords(url)) if secret}
    return secrets | {quote(secret, safe="") for secret in secrets}

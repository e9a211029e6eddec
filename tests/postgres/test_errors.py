"""The errors of PostgreSQL: which are worth another try, and what the operator is told."""

from types import SimpleNamespace

import psycopg
import pytest
from psycopg import errors

from taskhand.domain.errors import OperatorError
from taskhand.postgres.errors import is_connection_lost, postgres_errors
from taskhand.postgres.migrations import PostgresKind
from taskhand.sql.connection import DamagedRow

KIND = PostgresKind("list of keys", "keys", "taskhand.keys")


@pytest.mark.parametrize(
    ("kinds", "code", "retryable", "step"),
    [
        (
            (
                errors.LockNotAvailable,
                errors.QueryCanceled,
                errors.DeadlockDetected,
                errors.SerializationFailure,
                errors.TooManyConnections,
                errors.OutOfMemory,
            ),
            "store_busy",
            True,
            "Try again in a moment.",
        ),
        (
            (
                errors.InvalidPassword,
                errors.InvalidAuthorizationSpecification,
                errors.InvalidCatalogName,
                errors.InsufficientPrivilege,
            ),
            "store_unavailable",
            False,
            "Check user, password and database in TASKHAND_STATE",
        ),
        ((errors.UndefinedTable, errors.InvalidSchemaName), "store_unavailable", False, "Restore it, or restart"),
        ((errors.AdminShutdown, psycopg.InterfaceError), "store_unavailable", True, "Check that PostgreSQL runs"),
        ((errors.UniqueViolation,), "store_unavailable", False, "Check the database, or set TASKHAND_STATE"),
        ((DamagedRow,), "store_unavailable", False, "Restore it."),
    ],
)
def test_an_error_says_whether_to_try_again_and_what_to_check(
    kinds: tuple[type[Exception], ...], code: str, step: str, *, retryable: bool
) -> None:
    for kind in kinds:
        with pytest.raises(OperatorError) as caught, postgres_errors("postgresql://host/db", KIND):
            raise kind("no")
        error = caught.value
        assert (error.code, error.retryable, (error.next_step or "")[: len(step)]) == (code, retryable, step), kind
        assert "The list of keys in the database db at host " in error.message


@pytest.mark.parametrize(
    ("text", "retryable"),
    [
        ('connection failed: FATAL:  password authentication failed for user "ana"', False),
        ('connection failed: FATAL:  database "x" does not exist', False),
        ('connection failed: FATAL:  no pg_hba.conf entry for host "::1"', False),
        ('connection failed: FATAL:  permission denied for database "x"', False),
        ("connection failed: FATAL:  sorry, too many clients already", True),
        ("connection failed: Connection refused", True),
    ],
)
def test_a_refused_connection_is_known_by_its_text(text: str, *, retryable: bool) -> None:
    with pytest.raises(OperatorError) as caught, postgres_errors("postgresql://host/db", KIND):
        raise psycopg.OperationalError(text)
    assert caught.value.retryable == retryable


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [
        (errors.AdminShutdown(), True),
        (errors.CrashShutdown(), True),
        (errors.CannotConnectNow(), True),
        (errors.IdleInTransactionSessionTimeout(), True),
        (errors.DatabaseDropped(), True),
        (psycopg.OperationalError("the connection is lost"), True),
        (errors.LockNotAvailable(), False),
        (errors.UniqueViolation(), False),
    ],
)
def test_the_errors_with_which_the_server_ends_a_connection_are_known(error: psycopg.Error, *, is_lost: bool) -> None:
    open_driver = SimpleNamespace(closed=False, broken=False)
    assert is_connection_lost(error, open_driver) == is_lost  # type: ignore[arg-type]  # what is read of a driver
    for end in ("closed", "broken"):
        ended = SimpleNamespace(**{**vars(open_driver), end: True})
        assert is_connection_lost(error, ended)  # type: ignore[arg-type]  # as above

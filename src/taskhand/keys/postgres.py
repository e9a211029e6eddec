"""The keys in a PostgreSQL database, shared safely by any number of replicas."""

from typing import Final

from taskhand.keys.sql_key_store import SqlKeyStore
from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import PostgresStore

__all__ = ["KEYS", "PostgresKeyStore"]

KEYS: Final = PostgresKind("list of keys", "keys", "taskhand.keys")


class PostgresKeyStore(SqlKeyStore):
    """The keys in the database."""

    def __init__(self, database: Database) -> None:
        super().__init__(PostgresStore(database, KEYS))

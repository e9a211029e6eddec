"""The links and the tickets in a PostgreSQL database, shared safely by any number of replicas."""

from typing import Final

from taskhand.postgres.database import Database
from taskhand.postgres.migrations import PostgresKind
from taskhand.postgres.store import PostgresStore
from taskhand.vault.sql_link_store import SqlLinkStore
from taskhand.vault.sql_ticket_store import SqlTicketStore

__all__ = ["LINKS", "PostgresLinkStore", "PostgresTicketStore"]

LINKS: Final = PostgresKind("list of links", "vault", "taskhand.vault", lock=3)


class PostgresLinkStore(SqlLinkStore):
    """The links in the database."""

    def __init__(self, database: Database) -> None:
        super().__init__(PostgresStore(database, LINKS))


class PostgresTicketStore(SqlTicketStore):
    """The tickets in the database."""

    def __init__(self, database: Database) -> None:
        super().__init__(PostgresStore(database, LINKS))

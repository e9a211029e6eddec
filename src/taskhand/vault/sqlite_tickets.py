"""The tickets in the SQLite file of the links, shared safely by the processes of one machine."""

from pathlib import Path

from taskhand.sqlite.store import SqliteStore
from taskhand.vault.sql_ticket_store import SqlTicketStore
from taskhand.vault.sqlite import LINKS, prepare_links

__all__ = ["SqliteTicketStore"]


class SqliteTicketStore(SqlTicketStore):
    """The tickets in the file at `path`, which is made at first use, readable only by its owner, and not made again."""

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteStore(path, LINKS, prepare=prepare_links, makes_anew=False))

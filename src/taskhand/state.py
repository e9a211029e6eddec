"""What a server keeps: in files of its own, or in the one PostgreSQL database that replicas share (TASKHAND_STATE)."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from taskhand.config.data_files import events_path, journal_path, keys_path, links_path
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.sql.store_address import INSTALL_DRIVER

# A start imports what it opens, and nothing of PostgreSQL unless a database is named.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from taskhand.budgets.postgres import PostgresBudgets
    from taskhand.events.sql_event_store import SqlEventStore
    from taskhand.journal.journal_owner import JournalOwner
    from taskhand.journal.sql_journal import JournalOptions, SqlJournal
    from taskhand.keys.key_check import KeyCheck
    from taskhand.keys.sql_key_store import SqlKeyStore
    from taskhand.postgres.database import Database
    from taskhand.sql.store import SqlStore
    from taskhand.vault.cipher import Cipher
    from taskhand.vault.links_of_persons import Links
    from taskhand.vault.sql_link_store import SqlLinkStore
    from taskhand.vault.sql_ticket_store import SqlTicketStore
    from taskhand.vault.tickets import Tickets

__all__ = [
    "clock_of",
    "describe_location",
    "locate_journal",
    "locate_keys",
    "locate_links",
    "open_budgets",
    "open_cipher",
    "open_database",
    "open_event_store",
    "open_key_check",
    "open_key_store",
    "open_link_store",
    "open_links",
    "open_owned_journal",
    "open_rows",
    "open_tickets",
]


def open_database(settings: Settings) -> "Database | None":
    """The database that replicas share, which this process has once; None if what is kept is in files."""
    return None if settings.state is None else _open_database(settings.state.get_secret_value())


def _open_database(url: str) -> "Database":
    try:
        from taskhand.postgres.database import open_shared
    except ImportError:
        raise OperatorError(
            "TASKHAND_STATE names a database, and the PostgreSQL driver is not installed.",
            next_step=f"{INSTALL_DRIVER}. Or unset TASKHAND_STATE.",
        ) from None
    return open_shared(url)


def open_owned_journal(settings: Settings, owner: "JournalOwner", clock: Callable[[], datetime]) -> "SqlJournal":
    """The journal with the changes of this owner; it is opened at first use."""

    def new_id(prefix: str, number: int) -> str:
        return f"{prefix}_{f'{number:04}' if settings.ids == 'sequential' else token_hex(5)}"

    options: JournalOptions = {
        "clock": clock,
        "new_id": new_id,
        "secrets": settings.secrets,
        "keep_days": 0 if settings.clock else settings.journal_days,  # a frozen clock tells no age
    }
    if (database := open_database(settings)) is not None:
        from taskhand.journal.postgres import PostgresJournal

        return PostgresJournal(database, owner=owner, **options)
    from taskhand.journal.sqlite import SqliteJournal

    return SqliteJournal(owner, **options)


def open_event_store(settings: Settings) -> "SqlEventStore":
    """The feeds of changes; they are opened at first use."""
    keep_days = 0 if settings.clock else settings.journal_days  # a frozen clock tells no age
    if (database := open_database(settings)) is not None:
        from taskhand.events.postgres import PostgresEventStore

        return PostgresEventStore(database, keep_days=keep_days)
    from taskhand.events.sqlite import SqliteEventStore

    return SqliteEventStore(events_path(settings), keep_days=keep_days)


def open_rows(settings: Settings) -> "SqlStore | None":
    """The rows of the journal in the database; None if what is kept is in files."""
    if (database := open_database(settings)) is None:
        return None
    from taskhand.journal.postgres import JOURNAL
    from taskhand.postgres.store import PostgresStore

    return PostgresStore(database, JOURNAL)


def open_budgets(settings: Settings, account: str) -> "PostgresBudgets | None":
    """The rate budgets of an account that all replicas share; None if what is kept is in files."""
    if (database := open_database(settings)) is None:
        return None
    from taskhand.budgets.postgres import PostgresBudgets

    return PostgresBudgets.of(database, account)


def open_key_store(settings: Settings) -> "SqlKeyStore":
    """The keys of callers; they are opened at first use."""
    if (database := open_database(settings)) is not None:
        from taskhand.keys.postgres import PostgresKeyStore

        return PostgresKeyStore(database)
    from taskhand.keys.sqlite import SqliteKeyStore

    return SqliteKeyStore(keys_path(settings))


def open_link_store(settings: Settings) -> "SqlLinkStore":
    """The place where links are kept; it is opened at first use."""
    if (database := open_database(settings)) is not None:
        from taskhand.vault.postgres import PostgresLinkStore

        return PostgresLinkStore(database)
    from taskhand.vault.sqlite import SqliteLinkStore

    return SqliteLinkStore(links_path(settings))


def _open_ticket_store(settings: Settings) -> "SqlTicketStore":
    """The place where tickets are kept, beside the links; it is opened at first use."""
    if (database := open_database(settings)) is not None:
        from taskhand.vault.postgres import PostgresTicketStore

        return PostgresTicketStore(database)
    from taskhand.vault.sqlite_tickets import SqliteTicketStore

    return SqliteTicketStore(links_path(settings))


def clock_of(settings: Settings) -> Callable[[], datetime]:
    """The system's clock in its own zone, or one frozen at TASKHAND_CLOCK."""
    frozen = settings.clock
    return (lambda: frozen) if frozen else (lambda: datetime.now(UTC).astimezone())


def open_cipher(settings: Settings) -> "Cipher":
    """The cipher of the vault; it opens nothing if the settings have no key."""
    from taskhand.vault.cipher import Cipher
    from taskhand.vault.vault_key import read_vault_keys

    settings.check_own_secrets()
    return Cipher(read_vault_keys(settings.vault_keys))


def open_links(settings: Settings, clock: Callable[[], datetime] | None = None) -> "Links":
    """The credentials that persons have linked."""
    from taskhand.vault.links_of_persons import Links

    return Links(open_link_store(settings), open_cipher(settings), clock or clock_of(settings))


def open_tickets(settings: Settings, clock: Callable[[], datetime] | None = None) -> "Tickets":
    """The tickets of the pages on which persons link credentials; they are kept beside the links."""
    from taskhand.vault.tickets import Tickets

    return Tickets(_open_ticket_store(settings), open_cipher(settings), clock or clock_of(settings))


def open_key_check(settings: Settings) -> "KeyCheck":
    """The check of the keys that callers send."""
    from taskhand.keys.key_check import KeyCheck

    return KeyCheck(open_key_store(settings), clock_of(settings))


def locate_journal(settings: Settings) -> Path | str:
    """The journal's file, or the database that it is in."""
    return _database_location(settings) or journal_path(settings)


def locate_keys(settings: Settings) -> Path | str:
    """The file with the keys of callers, or the database that they are in."""
    return _database_location(settings) or keys_path(settings)


def locate_links(settings: Settings) -> Path | str:
    """The file with the credentials that persons have linked, or the database that they are in."""
    return _database_location(settings) or links_path(settings)


def describe_location(location: Path | str) -> str:
    """The location of a file or database, as the end of a sentence."""
    return f"at {location}" if isinstance(location, Path) else f"in {location}"


def _database_location(settings: Settings) -> str | None:
    database = open_database(settings)
    return None if database is None else database.location

"""The owner of a journal, which is an account or a store: it finds the journal's file and its names in it.

A CRM account has one name. The built-in store is named by an identity inside its file, so that its history goes with
the file, however the path is spelled. Journals of earlier versions name the store by the path.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from anyio import to_thread

from taskhand.domain.errors import OperatorError
from taskhand.sqlite.connection import file_identity

__all__ = [
    "ACCOUNT_NAMES",
    "AccountOwner",
    "BuiltInStore",
    "DatabaseOwner",
    "IdentifiedStore",
    "JournalOwner",
    "ReadAccountNames",
    "StoreIdentity",
    "StoreOwner",
    "UnknownAccountOwner",
    "read_account_names",
]

_SUFFIX: Final = ".journal.sqlite"

ACCOUNT_NAMES: Final = """
WITH RECURSIVE named (place) AS (
    SELECT min(place) FROM entry WHERE kind = 'opening'
    UNION ALL
    SELECT (SELECT min(e.place) FROM entry e WHERE e.kind = 'opening' AND e.place > named.place) FROM named
    WHERE named.place IS NOT NULL
)
SELECT place FROM named WHERE place IS NOT NULL
"""
"""All the names in a journal. There are few, and the index finds each without reading every row."""

ReadAccountNames = Callable[[], Awaitable[Sequence[str]]]
"""Reads all the names in a journal."""


class JournalOwner(Protocol):
    """The account or store whose changes a journal holds. Both methods that find something raise OperatorError."""

    @property
    def path(self) -> Path:
        """The configured file of the journal."""
        ...

    async def find_file(self) -> Path:
        """The journal's file, which may not exist yet."""
        ...

    async def find_account_names(self, account_names: ReadAccountNames, *, create: bool) -> tuple[str, ...]:
        """The owner's names in the journal that has these `account_names`: new changes get the first.

        `create` makes a store that does not exist.
        """
        ...

    async def aclose(self) -> None:
        """Close what was opened to find them."""
        ...


@dataclass(frozen=True, slots=True)
class AccountOwner:
    """An account with a given file and name."""

    path: Path
    account_name: str

    async def find_file(self) -> Path:
        """The file."""
        return self.path

    async def find_account_names(self, account_names: ReadAccountNames, *, create: bool) -> tuple[str, ...]:  # noqa: ARG002  nothing to look for
        """The name."""
        return (self.account_name,)

    async def aclose(self) -> None:
        """Nothing to close."""


@dataclass(frozen=True, slots=True)
class UnknownAccountOwner:
    """An account whose key, a hash of which is the third word of its name, cannot be read; `why` is the error.

    Its history is read for every key, and nothing is written.
    """

    path: Path
    account_name: str
    why: OperatorError

    async def find_file(self) -> Path:
        """The file."""
        return self.path

    async def find_account_names(self, account_names: ReadAccountNames, *, create: bool) -> tuple[str, ...]:
        """The names in the file that differ in the key alone."""
        if create:
            message = (
                "Nothing is written, not even with an own credential: the journal names the account by the shared key."
            )
            raise OperatorError(f"{message} {self.why.message}", code=self.why.code, next_step=self.why.next_step)
        return tuple(
            name for name in await account_names() if _without_key(name) == _without_key(self.account_name)
        ) or ("",)

    async def aclose(self) -> None:
        """Nothing to close."""


def _without_key(account_name: str) -> list[str]:
    words = account_name.split(" ")
    return [*words[:2], *words[3:]]


class StoreIdentity(Protocol):
    """The id of a store, and its `former` names in journals. A store that `is_new` never had another name."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def is_new(self) -> bool: ...  # noqa: D102
    @property
    def former(self) -> tuple[str, ...]: ...  # noqa: D102


class BuiltInStore(Protocol):
    """The built-in store in a file, as its journal uses it. Every method raises OperatorError if it cannot be used."""

    async def exists(self) -> bool:
        """Whether the file exists."""
        ...

    async def identity(self) -> StoreIdentity:
        """Its identity; the file is created if it does not exist."""
        ...

    async def save_former_names(self, former: Sequence[str]) -> None:
        """Store the former names that a journal has for it."""
        ...

    async def aclose(self) -> None:
        """Close the file."""
        ...


class IdentifiedStore(Protocol):
    """A built-in store in a database, as its journal uses it. OperatorError if it cannot be used."""

    async def identity(self) -> StoreIdentity:
        """Its identity; created if it does not exist."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...


@dataclass(frozen=True, slots=True)
class DatabaseOwner:
    """The built-in store in a database, whose journal is at `path` if that is a file."""

    store: IdentifiedStore
    path: Path
    closes: bool

    async def find_file(self) -> Path:
        """The configured file."""
        return self.path

    async def find_account_names(self, account_names: ReadAccountNames, *, create: bool) -> tuple[str, ...]:  # noqa: ARG002  as above
        """The store's identity, then the names that it had as a file."""
        identity = await self.store.identity()
        return (_store_name(identity.id), *identity.former)

    async def aclose(self) -> None:
        """Close the store, unless somebody else does."""
        if self.closes:
            await self.store.aclose()


class StoreOwner:
    """The built-in store in the file at `store_path`.

    `path` is the journal's path as configured, or as derived from the store's (`is_beside`).
    """

    def __init__(self, store: BuiltInStore, store_path: Path, path: Path, *, is_beside: bool, closes: bool) -> None:
        """`closes` is whether the store is closed with the journal."""
        self._store = store
        self._store_path = store_path
        self.path = path
        self._is_beside = is_beside
        self._closes = closes
        self._account_names: tuple[str, ...] = ()
        self._file_of_names: tuple[int, int] | None = None

    async def find_file(self) -> Path:
        """The configured file, or the one beside the store, also if the store was renamed without its journal."""
        if not self._is_beside or _may_exist(self.path):
            return self.path
        others = await to_thread.run_sync(_journals_beside, self.path)
        if not others or not await self._store.exists():
            return self.path
        identity = await self._store.identity()
        return await to_thread.run_sync(_left_behind, identity, others) or self.path

    async def find_account_names(self, account_names: ReadAccountNames, *, create: bool) -> tuple[str, ...]:
        """The store's identity, then its former names; only the path if there is no store to have an identity."""
        if self._is_same_file():
            return self._account_names
        if not await self._store.exists() and not create:
            return (_store_name(str(self._store_path.absolute())),)
        identity = await self._store.identity()
        former = identity.former
        if not identity.is_new and not former:
            former = await to_thread.run_sync(self._find_former, await account_names())
            with suppress(OperatorError):  # a store that cannot be written now is searched for again
                await self._store.save_former_names(former)
        self._account_names = (_store_name(identity.id), *former)
        self._file_of_names = file_identity(self._store_path)
        return self._account_names

    def _is_same_file(self) -> bool:
        """Whether the store is the file whose names are known."""
        try:
            return self._file_of_names is not None and self._file_of_names == file_identity(self._store_path)
        except OSError:
            return False

    async def aclose(self) -> None:
        """Close the store, unless somebody else does."""
        if self._closes:
            await self._store.aclose()

    def _find_former(self, account_names: Sequence[str]) -> tuple[str, ...]:
        """The paths of this store among the names, including missing paths that can only have been this store's."""
        stores = (account_name for account_name in account_names if account_name.startswith(_store_name("")))
        return tuple(store for store in stores if self._is_former(store.removeprefix(_store_name(""))))

    def _is_former(self, path: str) -> bool:
        if not Path(path).is_absolute():
            return False  # the identity of another store
        try:
            return self._store_path.samefile(path)
        except FileNotFoundError:
            return self._is_beside
        except OSError:
            return False


def _store_name(name: str) -> str:
    return f"local {name}"


def _may_exist(path: Path) -> bool:
    """Whether the file exists, or may exist because it cannot be checked; opening it then raises the reason."""
    try:
        return file_identity(path) is not None
    except OSError:
        return True


def _journals_beside(journal: Path) -> list[Path]:
    try:
        return sorted(path for path in journal.parent.iterdir() if path.name.endswith(_SUFFIX))
    except OSError:
        return []


def _left_behind(identity: StoreIdentity, journals: Sequence[Path]) -> Path | None:
    """The journal that holds changes of this store and does not belong to a copy of the store."""
    account_names = {_store_name(identity.id), *identity.former}
    for journal in journals:
        if account_names & set(read_account_names(journal)) and not any(
            _id_of(store) == identity.id for store in _stores_of(journal)
        ):
            return journal
    return None


def _stores_of(journal: Path) -> Iterator[Path]:
    """The files whose journal would be this one."""
    stem = journal.name.removesuffix(_SUFFIX)
    return (path for path in journal.parent.iterdir() if path.stem == stem and path.suffix and path.is_file())


def read_account_names(journal: Path) -> list[str]:
    """All the names in a journal's file; empty for a file that is not a journal."""
    return [str(row[0]) for row in _read(journal, ACCOUNT_NAMES)]


def _id_of(store: Path) -> str | None:
    rows = _read(store, "SELECT id FROM identity")
    return str(rows[0][0]) if rows else None


def _read(path: Path, sql: str) -> list[tuple[object, ...]]:
    """The rows of a file, opened read-only; empty if the file has no such table."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(sql).fetchall()
    except sqlite3.Error:
        return []

"""Restore a backup: all databases change in one transaction or none does, and their former content is kept."""

import os
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from typing import Final

from taskhand.domain.errors import OperatorError
from taskhand.sqlite.backup import (
    MANIFEST,
    DatabaseFile,
    connect_autocommit,
    describe_copy,
    operator_errors,
    read_manifest,
    write_archive,
)
from taskhand.sqlite.connection import is_locked, make_database, move_into_place
from taskhand.sqlite.database_copies import copy_database, sync_folder
from taskhand.sqlite.health_checks import Description
from taskhand.sqlite.work_folder import work_folder
from taskhand.sqlite.write_ahead_log import find_foreign_log

__all__ = ["Restored", "restore_backup"]

_SQLITE: Final = b"SQLite format 3\0"
_ORDER: Final = {"table": 0, "view": 1, "index": 2, "trigger": 3}
_CREATED: Final = re.compile(r"^(CREATE (?:TABLE|VIEW|TRIGGER|(?:UNIQUE\s+)?INDEX)) ")
"""The beginning of every statement in `sqlite_schema`: https://www.sqlite.org/schematab.html"""
_MAX_DATABASES: Final = 5
"""Each database and its copy are attached to one connection, which allows ten: https://www.sqlite.org/limits.html"""


@dataclass(frozen=True, slots=True)
class Restored:
    """The restored content, by the label of the database, and the files that hold the former content."""

    found: Mapping[str, Description]
    kept: Sequence[Path]


def restore_backup(
    databases: Sequence[DatabaseFile], source: Path, stamp: str, report: Callable[[str], object] = lambda _: None
) -> Restored:
    """Put the databases of a backup, or a copy of one database, in the place of those that are there.

    One of which the backup has none becomes empty if one that it is `beside` is restored; else it stays. `stamp` is
    in the names of the files that are kept; `report` is called with each step. OperatorError if the file is no backup,
    is damaged or of a newer program, if it has something for which there is no place, if one that others share would
    go back for them too, if another process has a database open, and if a file cannot be written.
    """
    with operator_errors(f"{source} could not be restored"):
        return _restore_backup(databases, source, stamp, report)


def _restore_backup(
    databases: Sequence[DatabaseFile], source: Path, stamp: str, report: Callable[[str], object]
) -> Restored:
    for database in databases:
        database.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = databases[0].path.resolve().parent
    with work_folder(home, databases[0].path.name) as folder:
        staged = _stage_databases(databases, source, folder)
        _check_replaceable([database for database, _ in staged], source)
        descriptions = {database.label: describe_copy(database, copy) for database, copy in staged}
        for database, _ in staged:
            if problem := descriptions[database.label].problem:
                raise OperatorError(
                    f"The {database.kind.label} in {source} is not as it was written: {problem}.",
                    code="store_unavailable",
                    next_step="Restore another backup.",
                )
        report("checked")
        kept = _replace(staged, stamp, folder, report)
    return Restored(descriptions, kept)


def _check_replaceable(staged: Sequence[DatabaseFile], source: Path) -> None:
    """OperatorError if another owner's database would be replaced too, or there are too many for one transaction."""
    for database in staged:
        if database.others:
            raise OperatorError(
                f"The {database.kind.label} {database.path} is shared with {', '.join(database.others)}, whose "
                "changes would be replaced too, so nothing was restored.",
                next_step="Restore a backup of all connections, without --connection.",
            )
    if len(staged) > _MAX_DATABASES:
        raise OperatorError(
            f"{source} has {len(staged)} databases, and {_MAX_DATABASES} at most are restored together.",
            next_step="Restore it for one connection after the other, with --connection.",
        )


def _stage_databases(databases: Sequence[DatabaseFile], source: Path, folder: Path) -> list[tuple[DatabaseFile, Path]]:
    """Extract each database to restore to a file of its own in the folder."""
    if not source.is_file():
        raise OperatorError(f"There is no file {source}.", code="no_backup")
    with source.open("rb") as file:
        is_database = file.read(len(_SQLITE)) == _SQLITE
    staged = _stage_copy(databases, source, folder) if is_database else _stage_archive(databases, source, folder)
    if not staged:
        raise OperatorError(f"{source} is no backup of Taskhand.", next_step="Give the file that `backup` wrote.")
    return staged


def _stage_copy(databases: Sequence[DatabaseFile], source: Path, folder: Path) -> list[tuple[DatabaseFile, Path]]:
    """A file that a migration has left, or that another program has copied."""
    copy = folder / "copy.sqlite"
    with suppress(sqlite3.DatabaseError), closing(connect_autocommit(source)) as connection:
        copy_database(connection, copy)
        tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        matching = [database for database in databases if database.table in tables]
        if len(matching) > 1:
            raise OperatorError(
                f"{source} is a copy of one {matching[0].kind.label}, and the configuration has {len(matching)}.",
                next_step="Choose its connection with --connection.",
            )
        return [(database, copy) for database in matching]
    return []


def _stage_archive(databases: Sequence[DatabaseFile], source: Path, folder: Path) -> list[tuple[DatabaseFile, Path]]:
    if (about := read_manifest(source)) is None:
        return []
    if about["format"] != 1:
        raise OperatorError(
            f"{source} was written by a newer Taskhand.",
            code="store_too_new",
            next_step="Restore it with the newest Taskhand.",
        )
    staged = []
    try:
        with zipfile.ZipFile(source) as archive:
            members = set(archive.namelist())
            for database in databases:
                copy = folder / database.member
                if member := next((name for name in (database.member, *database.also) if name in members), None):
                    members.remove(member)
                    _unpack(archive, member, copy)
                    staged.append((database, copy))
                elif database.beside & {other.path for other, _ in staged}:  # the journal of a store that had none yet
                    make_database(copy, database.kind)
                    staged.append((database, copy))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise OperatorError(f"{source} is damaged: {error}.", code="store_unavailable") from None
    if homeless := sorted(members - {MANIFEST}) if len({database.owner for database in databases}) > 1 else []:
        raise OperatorError(
            f"{source} has {', '.join(homeless)}, which no connection of this configuration has.",
            next_step="Choose a connection for it with --connection.",
        )
    return staged


def _unpack(archive: zipfile.ZipFile, member: str, copy: Path) -> None:
    copy.touch(0o600, exist_ok=False)
    with archive.open(member) as packed, copy.open("r+b") as file:
        copyfileobj(packed, file)
        file.flush()
        os.fsync(file.fileno())


def _replace(
    staged: Sequence[tuple[DatabaseFile, Path]], stamp: str, folder: Path, report: Callable[[str], object]
) -> list[Path]:
    """Keep the former content, and replace it by the staged files; the files that keep it."""
    sound = [pair for pair in staged if _is_sound(pair[0])]
    kept: list[Path] = []
    with _lock_databases([database for database, _ in sound]) as connection:
        if connection is not None:
            kept.append(_keep([database for database, _ in sound], connection, stamp, folder))
            report(f"kept {kept[0]}")
            _copy_contents(connection, [copy for _, copy in sound], report)
        for database, copy in staged:
            if (database, copy) not in sound:
                kept += _move_away(database.path.resolve(), stamp)
                if not move_into_place(copy, database.path.resolve()):
                    raise _in_use(database)
                sync_folder(database.path.resolve().parent)
    return kept


def _is_sound(database: DatabaseFile) -> bool:
    """Whether the database can be read, so that its own locks and transactions can serve to replace it."""
    if not database.exists:
        return False
    try:
        if find_foreign_log(database.path):
            return False
        with closing(connect_autocommit(database.path)) as connection:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok")
    except sqlite3.OperationalError as error:
        raise _in_use(database) if is_locked(error) else error from None
    except sqlite3.DatabaseError:
        return False


@contextmanager
def _lock_databases(databases: Sequence[DatabaseFile]) -> Iterator[sqlite3.Connection | None]:
    """A connection with exclusive locks on the databases, as `main`, `live1` and so on; None if there are none.

    A process that has a database open holds a lock on it until it closes it, even while idle.
    """
    if not databases:
        yield None
        return
    with ExitStack() as stack:
        connection = stack.enter_context(closing(connect_autocommit(databases[0].path)))
        for number, database in enumerate(databases):
            schema = _schema(number)
            try:
                if number:
                    connection.execute(f"ATTACH ? AS {schema}", (str(database.path.absolute()),))
                connection.execute(f"PRAGMA {schema}.secure_delete = ON").fetchone()
                connection.execute(f"PRAGMA {schema}.locking_mode = EXCLUSIVE").fetchone()
                # A transaction on several files is one transaction if none has a write-ahead log:
                # https://www.sqlite.org/lang_attach.html
                connection.execute(f"PRAGMA {schema}.journal_mode = DELETE").fetchone()
            except sqlite3.OperationalError as error:
                raise _in_use(database) if is_locked(error) else error from None
        yield connection


def _schema(number: int) -> str:
    return f"live{number}" if number else "main"


def _in_use(database: DatabaseFile) -> OperatorError:
    return OperatorError(
        f"Another process has the {database.kind.label} {database.path} open, so nothing was restored.",
        code="store_busy",
        next_step="Stop every Taskhand server, quit the AI hosts that started one, and restore again.",
    )


def _keep(databases: Sequence[DatabaseFile], connection: sqlite3.Connection, stamp: str, folder: Path) -> Path:
    """Write a backup of the former content, beside the first of the databases."""
    (kept_folder := folder / "kept").mkdir()
    copies = [kept_folder / database.member for database in databases]
    for number, copy in enumerate(copies):
        copy_database(connection, copy, _schema(number))
    first = databases[0].path.resolve()
    target = _unused_path(first.with_name(f"{first.stem}.before-restore-{stamp}.zip"))
    write_archive(copies, folder / MANIFEST, target, {"made_at": stamp})
    return target


def _move_away(path: Path, stamp: str) -> list[Path]:
    """Rename a file that is no sound database, with its log."""
    if not path.exists():
        return []
    kept = _unused_path(path.with_name(f"{path.name}.before-restore-{stamp}.bak"))
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(f"{path.name}{end}").rename(kept.with_name(f"{kept.name}{end}"))
    path.rename(kept)
    sync_folder(path.parent)
    return [kept]


def _unused_path(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, 1_000))
    return path if not path.exists() else next(candidate for candidate in names if not candidate.exists())


def _copy_contents(connection: sqlite3.Connection, copies: Sequence[Path], report: Callable[[str], object]) -> None:
    """Replace the content of all held databases by the copies, in one transaction."""
    for number, copy in enumerate(copies):
        connection.execute(f"ATTACH ? AS copy{number}", (str(copy),))
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for number, copy in enumerate(copies):
            _copy_database(connection, _schema(number), f"copy{number}")
            report(f"copied {copy.name}")
        connection.execute("COMMIT")
    finally:
        connection.rollback()


def _copy_database(connection: sqlite3.Connection, live: str, copy: str) -> None:
    """Replace the content of `live`.

    Indexes in virtual tables are left out: the next program to open it rebuilds them.
    """
    for kind, name, _ in reversed(_objects(connection, live)):
        connection.execute(f'DROP {kind} IF EXISTS {live}."{name}"')
    made = _objects(connection, copy)
    virtual = [name for _, name, sql in made if _is_virtual(sql)]
    made = [row for row in made if not any(re.search(rf"\b{name}", row[2]) for name in virtual)]
    for kind, name, sql in made:
        if kind == "table":
            connection.execute(_CREATED.sub(rf"\1 {live}.", sql))
            connection.execute(f'INSERT INTO {live}."{name}" SELECT * FROM {copy}."{name}"')  # noqa: S608  names of ours
    for kind, _, sql in made:
        if kind != "table":
            connection.execute(_CREATED.sub(rf"\1 {live}.", sql))
    [version] = connection.execute(f"PRAGMA {copy}.user_version").fetchone()
    connection.execute(f"PRAGMA {live}.user_version = {version}")


def _objects(connection: sqlite3.Connection, schema: str) -> list[tuple[str, str, str]]:
    """Kind, name and statement of each object in a schema: tables first, virtual tables last.

    Dropping a virtual table drops the tables that hold its content.
    """
    sql = f"SELECT type, name, sql FROM {schema}.sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'"  # noqa: S608
    objects = [(str(kind), str(name), str(text)) for kind, name, text in connection.execute(sql)]
    return sorted(objects, key=lambda row: (_is_virtual(row[2]), _ORDER[row[0]]))


def _is_virtual(sql: str) -> bool:
    return sql.startswith("CREATE VIRTUAL TABLE")

"""The copy of a server's files into a database, published as a whole or not at all."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from taskhand.domain.errors import OperatorError
from taskhand.postgres.staging_schema import Target, open_target
from taskhand.sqlite.snapshot_reader import SourceFile, hold_source, open_source
from taskhand.state_copy.copied_tables import DataKind
from taskhand.state_copy.table_copy import Copied, PartCopy, Report

__all__ = ["Moved", "Source", "copy_state"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file and its kind of data."""

    path: Path
    part: DataKind


@dataclass(frozen=True, slots=True)
class Moved:
    """The result of a copy to the database `location`, by the path of the file.

    `in_use` are the files that another process has open: everything is copied, but not yet published to servers of the
    database. If there are none, a file missing from `copied` was copied by an earlier run.
    """

    location: str
    copied: dict[Path, Copied]
    in_use: tuple[Path, ...] = ()


def copy_state(sources: Sequence[Source], url: str, report: Report) -> Moved:
    """Copy the files, compare both sides, and publish the result to servers of the database in one transaction.

    The files are not changed. A run resumes where an interrupted one ended. OperatorError if the database already has
    other content, or a file cannot be read.
    """
    with open_target(url, sources[0].part.database) as target:
        sources = _find_unmoved(sources, target)
        if not sources:
            return Moved(target.location, {})
        stagings = [
            target.stage(source.part.database, [*source.part.tables], source.part.holding) for source in sources
        ]
        copies = [PartCopy(source.part, staging, report) for source, staging in zip(sources, stagings, strict=True)]
        in_use, copied = _copy_alone(sources, copies, lambda: target.publish(stagings))
        if in_use:
            _copy_used(sources, copies)
            in_use, copied = _copy_alone(sources, copies, lambda: target.publish(stagings))
        return Moved(target.location, copied, in_use)


def _copy_alone(
    sources: Sequence[Source], copies: Sequence[PartCopy], publish: Callable[[], None]
) -> tuple[tuple[Path, ...], dict[Path, Copied]]:
    """Copy with all files locked against other processes; if some are in use, only report which."""
    with ExitStack() as stack:
        held = [stack.enter_context(hold_source(source.path, source.part.file)) for source in sources]
        if in_use := tuple(source.path for source, file in zip(sources, held, strict=True) if file is None):
            return in_use, {}
        copied = {
            source.path: copy.copy(file)
            for source, copy, file in zip(sources, copies, held, strict=True)
            if file is not None
        }
        publish()
    return (), copied


def _copy_used(sources: Sequence[Source], copies: Sequence[PartCopy]) -> None:
    """Copy each file from one snapshot; a later pass copies what is written to it afterwards."""
    for source, copy in zip(sources, copies, strict=True):
        with open_source(source.path, source.part.file) as file:
            copy.copy(file)


def _find_unmoved(sources: Sequence[Source], target: Target) -> list[Source]:
    """The files with content that is not published in the database yet.

    OperatorError if the database has other content, which a copy would hide.
    """
    unmoved: list[Source] = []
    empty: list[Source] = []
    for source in sources:
        with open_source(source.path, source.part.file) as file:
            if not _is_used(source.part, target):
                (unmoved if file.count(source.part.counted) else empty).append(source)
            elif not _has_newest(source.part, file, target):
                raise _not_empty(source, target)
    return [*unmoved, *empty] if unmoved or len(empty) == len(sources) else []


def _is_used(part: DataKind, target: Target) -> bool:
    tables = [table for table in part.holding if target.has_table(part.database, table)]
    schema = part.database.schema
    return any(target.rows(part.database, f"SELECT 1 FROM {schema}.{table} LIMIT 1") for table in tables)  # noqa: S608


def _has_newest(part: DataKind, file: SourceFile, target: Target) -> bool:
    """Whether the database has the last row of the file in key order."""
    key = part.tables[part.counted]
    shown = [*key, "hash"] if part.grows else [*key]
    order = ", ".join(f"{name} DESC" for name in key)
    last = file.rows(f"SELECT {', '.join(shown)} FROM {part.counted} ORDER BY {order} LIMIT 1")  # noqa: S608
    if not last:
        return False
    where = " AND ".join(f"{name} = %s" for name in shown)
    return bool(
        target.rows(
            part.database,
            f"SELECT 1 FROM {part.database.schema}.{part.counted} WHERE {where}",  # noqa: S608  names of ours
            last[0],
        )
    )


def _not_empty(source: Source, target: Target) -> OperatorError:
    return OperatorError(
        f"The {source.part.file.label} in {target.location} has other rows than {source.path}, so nothing was copied.",
        code="not_empty",
        next_step="Name a database that no server has written to yet. Two that were both written to cannot be joined.",
    )

"""The move of what a server keeps in files into a database, so that it is there wholly or not at all."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from taskhand.domain.errors import OperatorError
from taskhand.postgres.staging import Target, open_target
from taskhand.sqlite.source_file import SourceFile, hold_source, open_source
from taskhand.state_copy.part_copy import Copied, PartCopy, Report
from taskhand.state_copy.parts import Part

__all__ = ["Moved", "Source", "copy_state"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file and what it has."""

    path: Path
    part: Part


@dataclass(frozen=True, slots=True)
class Moved:
    """What has come of a move to the database `place`, by the path of the file.

    `in_use` are the files that another process has open: all is copied, and servers of the database do not have it yet.
    Without those, a file that is not in `copied` was moved by an earlier run.
    """

    place: str
    copied: dict[Path, Copied]
    in_use: tuple[Path, ...] = ()


def copy_state(sources: Sequence[Source], url: str, report: Report) -> Moved:
    """Copy what is in the files, compare both, and give it to the servers of the database all at once.

    Nothing of the files is changed. A run that was ended anywhere is gone on with by the next. OperatorError if the
    database has something else already, and if a file cannot be read.
    """
    with open_target(url, sources[0].part.database) as target:
        sources = _find_unmoved(sources, target)
        if not sources:
            return Moved(target.place, {})
        stagings = [target.stage(one.part.database, [*one.part.tables], one.part.holding) for one in sources]
        copies = [PartCopy(one.part, staging, report) for one, staging in zip(sources, stagings, strict=True)]
        in_use, copied = _copy_alone(sources, copies, lambda: target.publish(stagings))
        if in_use:
            _copy_used(sources, copies)
            in_use, copied = _copy_alone(sources, copies, lambda: target.publish(stagings))
        return Moved(target.place, copied, in_use)


def _copy_alone(
    sources: Sequence[Source], copies: Sequence[PartCopy], publish: Callable[[], None]
) -> tuple[tuple[Path, ...], dict[Path, Copied]]:
    """Copy while no other process has any of the files open; else say which are in use, and do nothing."""
    with ExitStack() as stack:
        held = [stack.enter_context(hold_source(one.path, one.part.file)) for one in sources]
        if in_use := tuple(one.path for one, file in zip(sources, held, strict=True) if file is None):
            return in_use, {}
        copied = {
            one.path: copy.copy(file) for one, copy, file in zip(sources, copies, held, strict=True) if file is not None
        }
        publish()
    return (), copied


def _copy_used(sources: Sequence[Source], copies: Sequence[PartCopy]) -> None:
    """Copy each file as it is at one moment; the rest of what is written to it is copied by a later pass."""
    for one, copy in zip(sources, copies, strict=True):
        with open_source(one.path, one.part.file) as file:
            copy.copy(file)


def _find_unmoved(sources: Sequence[Source], target: Target) -> list[Source]:
    """The files that have something which servers of the database do not have yet.

    OperatorError if they have something else, so that a copy would hide it.
    """
    unmoved: list[Source] = []
    empty: list[Source] = []
    for one in sources:
        with open_source(one.path, one.part.file) as file:
            if not _is_used(one.part, target):
                (unmoved if file.count(one.part.counted) else empty).append(one)
            elif not _has_newest(one.part, file, target):
                raise _not_empty(one, target)
    return [*unmoved, *empty] if unmoved or len(empty) == len(sources) else []


def _is_used(part: Part, target: Target) -> bool:
    found = [table for table in part.holding if target.has_table(part.database, table)]
    schema = part.database.schema
    return any(target.rows(part.database, f"SELECT 1 FROM {schema}.{table} LIMIT 1") for table in found)  # noqa: S608


def _has_newest(part: Part, file: SourceFile, target: Target) -> bool:
    """Whether the last row of the file, in the order of its key, is in the database too."""
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
        f"The {source.part.file.label} in {target.place} has other rows than {source.path}, so nothing was copied.",
        code="not_empty",
        next_step="Name a database that no server has written to yet. Two that were both written to cannot be joined.",
    )

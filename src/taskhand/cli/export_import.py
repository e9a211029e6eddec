"""The commands `taskhand export` and `taskhand import`: tasks as JSON lines, or as CSV for people."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click

from taskhand.cli.chosen_connection import pass_account
from taskhand.cli.store import open_built_in_store
from taskhand.cli.terminal import print_json_line, print_line
from taskhand.config.settings import Settings
from taskhand.domain.errors import CallerError

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend
    from taskhand.backends.local.task_import import ImportReport, Line
    from taskhand.config.connection_settings import ConnectionSettings

__all__ = ["export_tasks", "import_tasks"]

_KINDS = ("export", "status", "member", "contact", "task", "unreadable")
_MAX_TOLD = 20
_ALL = 2**31 - 1
"""The largest limit of every engine, in place of no limit."""


@click.command("export")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@pass_account
def export_tasks(account: "ConnectionSettings", file: Path) -> None:
    """Write all tasks of the backend to FILE; - prints them.

    The format is CSV if the name of FILE ends with .csv, else JSON lines.

    JSON lines have everything. Each line is an object: first the statuses, people and contacts (of the built-in store),
    then the tasks. CSV has a row for each task, with names. An existing file is not replaced.
    """
    if str(file) != "-" and file.exists():
        raise CallerError(f"{file} exists already.", next_step="Choose another name, or remove it.")
    records = anyio.run(_collect, account)
    count, unreadable = (sum(kind in record for record in records) for kind in ("task", "unreadable"))
    if str(file) == "-":
        for record in records:
            print_json_line(json.dumps(record, ensure_ascii=False))
    else:
        _write(file, _to_text(file, records))
        print_line(f"{file} has the tasks: {count}.")
    if unreadable:
        print_line(f"Unreadable tasks that are left out: {unreadable}.", err=True)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Check the file and count; write nothing.")
@pass_account
def import_tasks(account: "ConnectionSettings", file: Path, *, dry_run: bool) -> None:
    """Add the tasks in FILE to the built-in store.

    FILE comes from `taskhand export` or from a person; - reads JSON lines. All lines are checked before anything is
    written. An error names the lines that are wrong. A task whose id is in the store already stays as it is, so that a
    file can be imported twice. The journal does not record the import: make a backup first.
    """
    text, is_csv = _read_text(file), _is_csv(file)
    done = anyio.run(_import, account.settings, text, is_csv, not dry_run)
    print_line(
        f"{'Tasks that would be made' if dry_run else 'Tasks made'}: {done.made}. Already in the store: {done.known}."
    )
    if done.differing:
        shown = ", ".join(map(str, done.differing[:_MAX_TOLD]))
        more = ", …" if len(done.differing) > _MAX_TOLD else ""
        print_line(f"Not changed in the store, although the file differs: lines {shown}{more}.")


async def _collect(account: "ConnectionSettings") -> list[Mapping[str, Any]]:
    from taskhand.backends.local.backend import LocalBackend
    from taskhand.service.export_tasks import export_records
    from taskhand.wiring import open_connection

    async with open_connection(account) as app:
        contacts = await app.backend.account.find_contacts("", _ALL) if isinstance(app.backend, LocalBackend) else ()
        return [record async for record in export_records(app, contacts)]


def _to_text(file: Path, records: list[Mapping[str, Any]]) -> Iterator[str]:
    if _is_csv(file):
        from taskhand.cli.task_csv import write_rows

        yield "\ufeff"  # spreadsheets recognize UTF-8 by the byte order mark
        yield from write_rows(records)
    else:
        yield from (f"{json.dumps(record, ensure_ascii=False)}\n" for record in records)


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() == ".csv"


def _write(file: Path, lines: Iterator[str]) -> None:
    """Write a new file that only this user may read; it gets its name when it is complete."""
    part = file.with_name(f".{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(0o600, exist_ok=False)
        with part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            out.writelines(lines)
        part.replace(file)
    except OSError as error:
        raise CallerError(f"{file} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)


def _read_text(file: Path) -> str:
    try:
        return (sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()).decode("utf-8-sig")
    except OSError as error:
        raise CallerError(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        remedy = "Save it as UTF-8; spreadsheets call that CSV UTF-8."
        raise CallerError(f"{file} is not UTF-8.", next_step=remedy) from None


async def _import(settings: Settings, text: str, is_csv: bool, commit: bool) -> "ImportReport":  # noqa: FBT001  anyio.run names none
    async with open_built_in_store(settings) as store:
        lines = await _read_rows(store, settings, text) if is_csv else _read_records(text)
        return await store.import_lines(lines, commit=commit)


async def _read_rows(store: "LocalBackend", settings: Settings, text: str) -> "list[Line]":
    from taskhand.cli.task_csv import CsvReader
    from taskhand.domain.reference_time import Reference

    now = Reference(store.now(), settings.default_timezone)
    people = await store.account.members(), await store.account.former_members(), await store.account.me()
    reader = CsvReader((await store.statuses()).statuses, *people, now)
    return list(reader.read_rows(text))


def _read_records(text: str) -> "list[Line]":
    lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    return [record for number, line in lines if (record := _read_record(number, line)) is not None]


def _read_record(number: int, text: str) -> "Line | None":
    from taskhand.backends.local.task_import import Line

    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return Line(number, "wrong", {"problem": "it is not JSON"})
    kinds = list(record) if isinstance(record, dict) else []
    if len(kinds) != 1 or kinds[0] not in _KINDS or not isinstance(record[kinds[0]], dict):
        problem = f"it is not an object with one of the fields {', '.join(_KINDS[:-1])}"
        return Line(number, "wrong", {"problem": problem})
    return None if kinds[0] == "unreadable" else Line(number, kinds[0], record[kinds[0]])

"""`taskhand state copy` of a journal of 1,000,000 rows, which is killed halfway and run again.

`python -m benchmarks.state_copy 10000000` has another size. PostgreSQL is a server of our own without fsync, or the one
that TASKHAND_TEST_POSTGRES names.
"""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Final

import psycopg

from benchmarks.figure import Measurement
from benchmarks.filled_journals import CLOCK, fill_file_journal
from benchmarks.host import plain_environment, taskhand
from postgres_server import TestDatabase, open_database
from taskhand.journal.hash_chain import START, next_link

__all__ = ["measure"]

ROWS: Final = 1_000_000
_LOOK_S: Final = 0.2
_PORTION: Final = 10_000


def measure(rows: int = ROWS) -> Measurement:
    """Seconds and memory: what it costs and not a goal, as a disk and a network decide it."""
    with TemporaryDirectory() as folder, open_database() as database:
        path = Path(folder) / "journal.sqlite"
        environment = plain_environment(
            TASKHAND_DB=str(Path(folder) / "tasks.sqlite"),
            TASKHAND_JOURNAL=str(path),
            TASKHAND_CLOCK=CLOCK,
            TASKHAND_CONFIG=os.devnull,
            XDG_DATA_HOME=folder,
        )
        fill_file_journal(path, environment, rows)
        _chain(path)
        begin = perf_counter()
        process = _start(environment, database.url)
        while process.poll() is None and _copied(database) < rows // 2:
            sleep(_LOOK_S)
        process.kill()
        process.wait()
        half = perf_counter() - begin
        left = rows - _copied(database)
        begin = perf_counter()
        process = _start(environment, database.url)
        peak = 0
        while process.poll() is None:
            peak = _peak_kib(process.pid) or peak
            sleep(_LOOK_S)
        took = perf_counter() - begin
        assert process.returncode == 0, f"the copy ended with {process.returncode}"
        [(copied,)] = database.rows("SELECT count(*) FROM taskhand_journal.entry")
        assert copied == rows, f"{copied} rows have come"
    details = (
        f"{rows:,} rows of a journal, killed after {half:.0f} s with {left:,} rows left, run again: {took:.0f} s more, "
        f"in which all were compared and their hashes computed; {rows / (half + took):,.0f} rows a second in all. "
        f"Peak memory: {peak / 1024:.0f} MB."
    )
    return Measurement({}, details)


def _start(environment: dict[str, str], url: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  our own command
        taskhand("state", "copy"), env=environment | {"TASKHAND_STATE": url}, stdout=subprocess.DEVNULL
    )


def _peak_kib(pid: int) -> int:
    """The peak memory of a process so far (Linux only); 0 where it has just ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) if "VmHWM:" in status else 0


def _copied(database: TestDatabase) -> int:
    """The rows that have come so far."""
    try:
        [(last,)] = database.rows("SELECT coalesce(max(seq), 0) FROM taskhand_journal_copy.entry")
    except psycopg.Error:
        return 0
    return int(str(last))


def _chain(path: Path) -> None:
    """Give each row the hash that ties it to the row before."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        link = START

        def hashes(bodies: list[tuple[str]]) -> Iterator[tuple[str, int]]:
            nonlocal link
            for (body,) in bodies:
                link = next_link(link, body)
                yield link.hash, link.seq

        portion = "SELECT body FROM entry WHERE seq > ? ORDER BY seq LIMIT ?"
        while bodies := connection.execute(portion, (link.seq, _PORTION)).fetchall():
            connection.executemany("UPDATE entry SET hash = ? WHERE seq = ?", hashes(bodies))
        connection.execute("UPDATE link SET hash = ? WHERE name = 'head'", (link.hash,))
        connection.execute("COMMIT")


if __name__ == "__main__":
    sys.stdout.write(f"{measure(*map(int, sys.argv[1:])).details}\n")

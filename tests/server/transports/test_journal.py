"""`taskhand journal` at the command line, on what a server has written."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from server.transports.server_process import Pipe, environment, output, run
from server.transports.task_calls import DRAFT, create_task
from time_limits import BOUND_S


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store in which a task was made, changed for a reason, and refused; its server runs on."""
    store = tmp_path_factory.mktemp("journal") / "tasks.sqlite"
    with Pipe(store) as pipe:
        task = create_task(pipe, DRAFT | {"title": "Llamar a Ñuñoa"})
        pipe.call("update_task", {"id": task["id"], "priority": "2", "reason": "urge"})
        pipe.call("complete_task", {"id": "7"})
        yield store


def test_the_journal_is_readable_while_the_server_runs(store: Path) -> None:
    text = output(store, "journal")
    heads = [line for line in text.splitlines() if not line.startswith(" ")]
    assert [head.split("  ")[1:3] for head in heads] == [
        ["complete_task", "refused (invalid_id)"],
        ["update_task", "applied"],
        ["create_task", "applied"],
    ]
    assert "Llamar a Ñuñoa" in text
    assert "reason: urge" in text
    assert output(store, "journal", "--outcome", "refused", "--limit", "1").startswith(heads[0])


def test_the_journal_is_verified_and_its_head_is_known_again(store: Path) -> None:
    head = output(store, "journal", "verify").split()[-1]
    assert len(head) == 64
    output(store, "journal", "verify", "--head", head)
    other = run(store, "journal", "verify", "--head", "0" * 63 + "1")
    assert (other.returncode, other.stderr) == (1, "")


def test_an_export_is_lines_of_json_whatever_the_locale(store: Path) -> None:
    lines = output(store, "journal", "export", PYTHONUTF8="0", LC_ALL="C").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert {row["body"]["kind"] for row in rows} == {"opening", "intent", "result", "ending"}
    assert rows[-1]["hash"] == output(store, "journal", "verify").split()[-1]


@pytest.mark.parametrize("command", [("journal", "export"), ("journal",), ("demo", "--brief")])
def test_a_closed_reader_gets_no_traceback(store: Path, command: tuple[str, ...]) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as nobody:
        done = subprocess.run(  # noqa: S603  our own program
            [sys.executable, "-m", "taskhand", *command],
            env=environment(store),
            stdin=subprocess.DEVNULL,
            stdout=nobody,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=BOUND_S,
            check=False,
        )
    assert done.stderr == ""


def test_a_frozen_clock_prunes_nothing_whatever_its_time(tmp_path: Path) -> None:
    store = tmp_path / "tasks.sqlite"
    for day in ("2025-01-01", "2026-02-01", "2028-01-01", "2029-06-01"):
        output(store, "--clock", f"{day}T12:00:00Z", "call", "create_task", json.dumps(DRAFT | {"title": day}))
    assert output(store, "--clock", "2031-03-01T12:00:00Z", "journal", "prune") == "Rows removed: 0.\n"
    kept = output(store, "journal")
    assert all(day in kept for day in ("2025-01-01", "2026-02-01", "2028-01-01", "2029-06-01"))
    output(store, "journal", "verify")


def test_a_row_that_was_altered_is_named_with_exit_code_1(tmp_path: Path) -> None:
    store = tmp_path / "tasks.sqlite"
    output(store, "call", "create_task", json.dumps(DRAFT))
    with closing(sqlite3.connect(tmp_path / "tasks.journal.sqlite")) as connection, connection:
        connection.execute("UPDATE entry SET body = replace(body, 'Acme', 'Ajax') WHERE kind = 'intent'")
    done = run(store, "journal", "verify")
    assert done.returncode == 1
    assert "Row 2 is wrong" in done.stdout
    assert done.stderr == ""


def test_reading_the_journal_creates_no_journal(store_file: Path) -> None:
    assert output(store_file, "journal") == ""
    for name in ("verify", "export", "prune"):
        done = run(store_file, "journal", name)
        assert done.returncode == (3 if name == "verify" else 1)
        assert done.stderr.startswith("taskhand: There is no journal at ")
    assert list(store_file.parent.iterdir()) == []

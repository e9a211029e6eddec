"""The size of a SQLite file, as the health check of a store gives it, and whether it can be written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from builders import refused
from taskhand.backends.local.sqlite import TASK_STORE
from taskhand.domain.errors import OperatorError
from taskhand.sqlite.connection import make_database
from taskhand.sqlite.health_checks import describe_size, find_damage
from taskhand.sqlite.store import SqliteStore


@pytest.mark.parametrize(
    ("size", "of_log", "text"),
    [
        (0, None, "0 B"),
        (999, None, "999 B"),
        (999, 1, "1 kB"),
        (4_096, 8_192, "12 kB"),
        (999_499, 0, "999 kB"),
        (1_000_000, None, "1 MB"),
        (600_000_000, 700_000_000, "1.3 GB"),
        (12_340_000_000, None, "12.3 GB"),
    ],
)
async def test_the_size_of_a_store_includes_its_log(tmp_path: Path, size: int, of_log: int | None, text: str) -> None:
    path = tmp_path / "tasks.sqlite"
    for name, length in ((path, size), (tmp_path / "tasks.sqlite-wal", of_log)):
        if length is not None:
            with name.open("wb") as file:
                file.truncate(length)
    assert await describe_size(path) == text


async def test_a_file_is_sound_only_if_it_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sqlite"
    make_database(path, TASK_STORE)
    store = SqliteStore(path, TASK_STORE, busy_s=0)
    assert await find_damage(store) is None
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with refused("store_busy", OperatorError):
            await find_damage(store)
    await store.aclose()

"""The size of a SQLite file, as the health check of a store gives it."""

from pathlib import Path

import pytest

from taskhand.sqlite.health_checks import describe_size


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

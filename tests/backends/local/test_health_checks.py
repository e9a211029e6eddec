"""The doctor finds damage in the files of the built-in store and of the journal."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.data_files import journal_path, store_path
from taskhand.config.settings import Settings
from taskhand.domain.check_result import CheckResult
from taskhand.journal.journal import Caller, Ending, Intent, Opening
from taskhand.service.health_checks import check_health
from taskhand.wiring import open_app, open_journal

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def settings(store_file: Path) -> Settings:
    return Settings(db=store_file, user="Elena", timezone="America/Santiago")


async def looked_at(settings: Settings) -> dict[str, CheckResult]:
    """The findings by subject."""
    async with open_app(settings) as at:
        return {finding.subject: finding for finding in await check_health(at)}


async def keep(settings: Settings, *, ends: bool) -> None:
    """Write a change down; one that does not end is left open."""
    kept = open_journal(ConnectionSettings.of(settings))
    opening = Opening("create_task", Caller("tests", "1"), NOW)
    change, _ = await kept.begin(opening, [Intent("create")])
    if ends:
        await kept.settle(change.id, [], Ending("applied"))
    await kept.aclose()


async def test_a_new_store_passes_the_health_checks(settings: Settings, store_file: Path) -> None:
    found = await looked_at(settings)
    assert list(found) == ["journal", "events", "store", "clock", "team", "me", "statuses", "due times", "time zone"]
    assert {one.outcome for one in found.values()} == {"ok"}
    assert not any(one.remedy for one in found.values())
    assert str(store_file) in found["store"].found
    assert "kB" in found["store"].found
    assert not journal_path(settings).exists(), "a look makes no journal"


async def test_a_journal_is_counted_and_looked_through(settings: Settings) -> None:
    await keep(settings, ends=True)
    await keep(settings, ends=False)
    found = (await looked_at(settings))["journal"]
    assert found.outcome == "ok"
    assert "open changes: 1" in found.found
    assert str(journal_path(settings)) in found.found


async def test_a_journal_that_was_altered_is_found(settings: Settings) -> None:
    await keep(settings, ends=True)
    with closing(sqlite3.connect(journal_path(settings))) as connection, connection:
        connection.execute("UPDATE entry SET body = replace(body, 'create_task', 'delete_task') WHERE seq = 1")
    found = await looked_at(settings)
    assert found["journal"].outcome == "failed"
    assert "row 1" in found["journal"].found
    assert "TASKHAND_JOURNAL" in str(found["journal"].remedy)
    assert found["store"].outcome == "ok"


async def test_a_journal_that_is_no_database_is_found(settings: Settings) -> None:
    journal_path(settings).write_bytes(b"not a database" * 100)
    found = (await looked_at(settings))["journal"]
    assert (found.outcome, "TASKHAND_JOURNAL" in str(found.remedy)) == ("failed", True)


async def test_a_store_that_is_no_database_is_found_and_nothing_else_is_tried(settings: Settings) -> None:
    store_path(settings).write_bytes(b"not a database" * 100)
    found = await looked_at(settings)
    assert found["store"].outcome == "failed"
    assert "TASKHAND_DB" in str(found["store"].remedy)
    assert {found[subject].outcome for subject in ("clock", "team", "me", "statuses", "due times")} == {"unknown"}


async def test_a_store_with_a_damaged_page_is_found(settings: Settings, store_file: Path) -> None:
    await looked_at(settings)
    with closing(sqlite3.connect(store_file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'task'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with store_file.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 64)
    found = (await looked_at(settings))["store"]
    assert found.outcome == "failed"
    assert "TASKHAND_DB" in str(found.remedy)


async def test_a_folder_in_place_of_the_store_is_found(settings: Settings) -> None:
    store_path(settings).mkdir()
    found = (await looked_at(settings))["store"]
    assert (found.outcome, "TASKHAND_DB" in str(found.remedy)) == ("failed", True)


async def test_a_missing_time_zone_is_a_warning(store_file: Path) -> None:
    found = (await looked_at(Settings(db=store_file, user="Elena")))["time zone"]
    assert (found.outcome, "TASKHAND_TIMEZONE" in str(found.remedy)) == ("warning", True)

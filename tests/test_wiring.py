"""What is opened by settings: a journal of its own for each connection, and nothing stays open at the end."""

from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import anyio
import pytest

from builders import task
from fixed_clock import NOW
from postgres_server import TestDatabase
from settings_of import required_variables
from taskhand.backends.factory import BackendFactory
from taskhand.backends.registry import FACTORIES
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OperatorError
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, ChangeQuery, Ending, Intent, Opening
from taskhand.state import open_event_store
from taskhand.wiring import open_app, open_as_person, open_journal

OPENING = Opening("update_task", Caller("tests"), NOW)
CRMS = [factory for factory in FACTORIES if factory.account]


@pytest.mark.parametrize("crm", CRMS, ids=lambda factory: factory.name)
async def test_one_journal_of_several_connections_to_a_crm_keeps_their_histories_apart(
    tmp_path: Path, crm: BackendFactory[Any]
) -> None:
    credentials = {Settings.variable(crm.credentials[0]): "a-credential"}
    settings = Settings.from_env(
        {"TASKHAND_BACKEND": crm.name, "TASKHAND_JOURNAL": str(tmp_path / "journal.sqlite")}
        | credentials
        | required_variables(crm.name)
    )
    found: dict[str | None, list[str]] = {}
    for name in ("north", "south", None, "north"):
        journal = open_journal(ConnectionSettings.of(settings) if name is None else ConnectionSettings(name, settings))
        change = await journal.record(OPENING, Ending("refused"))
        found.setdefault(name, []).insert(0, change.id)
        assert [one.id for one in (await journal.page(ChangeQuery())).changes] == found[name]
        await journal.aclose()


async def test_a_change_that_a_closed_application_left_open_is_left_to_the_next_one(store_file: Path) -> None:
    settings = Settings(db=store_file)
    async with open_app(settings) as first:  # which stays in memory, so that no garbage collector closes it
        change, _ = await first.journal.begin(OPENING, [Intent("update", Snapshot(task()), Edit(priority=2))])
        assert await first.journal.abandoned_changes() == ()
    async with open_app(settings) as second:
        assert [one.id for one in await second.journal.abandoned_changes()] == [change.id]


async def test_a_journal_closes_the_store_that_it_has_opened_for_itself(store_file: Path) -> None:
    journal = open_journal(ConnectionSettings.of(Settings(db=store_file)))
    await journal.record(OPENING, Ending("refused"))
    open_log = store_file.with_name(f"{store_file.name}-wal")
    assert open_log.exists()
    await journal.aclose()
    assert not open_log.exists()


async def test_an_application_is_closed_in_a_cancelled_scope_too(postgres: TestDatabase, store_file: Path) -> None:
    settings = Settings(db=store_file, state=postgres.url)
    with anyio.CancelScope() as scope:
        async with open_app(settings) as first:
            change, _ = await first.journal.begin(OPENING, [Intent("update", Snapshot(task()), Edit(priority=2))])
            scope.cancel()
    async with open_app(settings) as second:
        assert [one.id for one in await second.journal.abandoned_changes()] == [change.id]


async def test_the_errors_of_an_own_credential_name_the_keys_of_its_connection() -> None:
    given = {"TASKHAND_BACKEND": "vambe", "VAMBE_API_KEY": "shared", "VAMBE_BASE_URL": "http://crm.example.com"}
    keys = {"VAMBE_API_KEY": "connections.north.api_key", "VAMBE_BASE_URL": "connections.north.base_url"}
    connection = ConnectionSettings("north", Settings.from_env(given), keys=keys)
    with pytest.raises(OperatorError, match=r"^connections\.north\.base_url is plain http"):
        async with open_as_person(connection, "own"):
            pass


OF_AN_APPLICATION = [
    ("TASKHAND_PLAN_OVER", "3", "policy.plan_over", 3),
    ("TASKHAND_DUPLICATE_S", "7", "policy.same_within", timedelta(seconds=7)),
    ("TASKHAND_ASK", "never", "policy.asks", False),
    ("TASKHAND_READ_ONLY", "true", "surface.only_reads", True),
    ("TASKHAND_TOOLS", "read", "surface.tools", "read"),
    ("TASKHAND_ANSWERS", "whole", "surface.answers", "whole"),
    ("TASKHAND_UI", "off", "surface.shows_board", False),
    ("TASKHAND_CALL_S", "9", "call_time.limit_s", 9),
    ("TASKHAND_TIMEZONE", "Asia/Tokyo", "timezone", "Asia/Tokyo"),
    ("TASKHAND_USER", "Elena", "connection.configured_me", "Elena"),
]


async def test_each_setting_reaches_its_part_of_the_application(store_file: Path) -> None:
    usual = {"TASKHAND_DB": str(store_file)}
    given = usual | {variable: text for variable, text, _, _ in OF_AN_APPLICATION}
    async with open_app(Settings.from_env(usual)) as by_default, open_app(Settings.from_env(given)) as app:
        for variable, _, part, value in OF_AN_APPLICATION:
            assert attrgetter(part)(app) == value != attrgetter(part)(by_default), variable


def test_events_are_kept_as_long_as_changes_and_for_ever_if_the_clock_stands_still() -> None:
    for more, kept_from in (({}, NOW - timedelta(days=30)), ({"clock": NOW}, None)):
        store = open_event_store(Settings(journal_days=30, **more))
        assert store.kept_from(NOW) == kept_from

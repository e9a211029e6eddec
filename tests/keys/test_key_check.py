"""The check of keys: by the file as it is at that moment, whichever process has written it, and without a trace."""

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta, timezone
from pathlib import Path

import anyio
import pytest

from fixed_clock import NOW, FixedClock
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.domain.principal import Scope
from taskhand.keys.health_checks import check_keys
from taskhand.keys.key import Key, KeyText, make_key_text
from taskhand.keys.key_check import KeyCheck
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.sqlite.connection import BUSY_S
from time_limits import BOUND_S

SCOPES: frozenset[Scope] = frozenset({"read", "write"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.sqlite"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteKeyStore]:
    """The store of the server."""
    store = SqliteKeyStore(path)
    yield store
    await store.aclose()


@pytest.fixture
async def cli(path: Path) -> AsyncIterator[SqliteKeyStore]:
    """The store of another process."""
    store = SqliteKeyStore(path)
    yield store
    await store.aclose()


async def add_key(store: SqliteKeyStore, *, hours: float | None = None) -> KeyText:
    """A key that was added to a store."""
    new = make_key_text()
    expires_at = None if hours is None else NOW + timedelta(hours=hours)
    await store.add(Key(new.id, "ana@x.test", SCOPES, NOW, expires_at, "laptop"), new.hash)
    return new


async def test_a_key_is_found_by_its_whole_text_only(store: SqliteKeyStore, cli: SqliteKeyStore) -> None:
    check, new, other = KeyCheck(store, FixedClock()), await add_key(cli), await add_key(cli)
    found = await check.find_holder(new.text)
    assert found == Key(new.id, "ana@x.test", SCOPES, NOW, None, "laptop")
    secret, foreign = new.text.rpartition("_")[2], other.text.rpartition("_")[2]
    wrong = [new.text[:-1], f"{new.text}0", new.text.upper(), f"{new.text} ", f"thk_{new.id}_{foreign}", secret, ""]
    wrong += [new.id, f"thk_{new.id}", f"thk_{new.id}_{new.hash}", new.hash, make_key_text().text, "\ud800", "é", "%"]
    for text in wrong:
        assert await check.find_holder(text) is None, text


async def test_keys_are_listed_as_they_were_kept_the_oldest_first(store: SqliteKeyStore) -> None:
    at = NOW.astimezone(timezone(timedelta(hours=-3)))
    keys = [
        Key("0000000002", "ana", SCOPES, NOW, expires_at=at + timedelta(days=1), name="laptop"),
        Key("0000000003", "ben", frozenset({"destructive"}), NOW - timedelta(days=1), revoked_at=at),
        Key("0000000001", "ana", SCOPES, NOW, last_used_at=at - timedelta(microseconds=1)),
    ]
    for key in keys:
        await store.add(key, key.id)
    assert await store.list_keys() == [keys[1], keys[0], keys[2]]
    await store.note_uses({"0000000002": at})
    assert (await store.list_keys())[1].last_used_at == NOW


async def test_a_key_expires_and_is_revoked_at_the_next_check(store: SqliteKeyStore, cli: SqliteKeyStore) -> None:
    clock = FixedClock()
    check, brief, lasting = KeyCheck(store, clock), await add_key(cli, hours=1), await add_key(cli)
    assert await check.find_holder(brief.text)
    assert await check.count_active() == 2
    clock.move(hours=1)
    assert await check.find_holder(brief.text) is None
    assert not await check.is_active(brief.id)
    assert await check.find_holder(lasting.text)
    await cli.revoke([lasting.id, "no such key"], clock())
    assert await check.find_holder(lasting.text) is None
    assert not await check.is_active(lasting.id)
    await cli.revoke([lasting.id], clock() + timedelta(days=1))
    assert [key.revoked_at for key in await store.list_keys()] == [None, clock()]
    assert await check.count_active() == 0


async def test_the_last_use_is_written_once_a_minute(store: SqliteKeyStore, cli: SqliteKeyStore) -> None:
    clock = FixedClock()
    check, new = KeyCheck(store, clock), await add_key(cli)

    async def written() -> object:
        assert await check.find_holder(new.text)
        await check.write_uses()
        return (await cli.list_keys())[0].last_used_at

    assert (await cli.list_keys())[0].last_used_at is None
    assert await written() == NOW
    clock.move(seconds=59)
    assert await written() == NOW
    clock.move(seconds=1)
    assert await written() == NOW + timedelta(minutes=1)
    clock.move(hours=-5)  # a clock that was put right
    assert await written() == clock()


async def test_a_use_that_was_just_recorded_is_not_written_again(
    store: SqliteKeyStore, cli: SqliteKeyStore, path: Path
) -> None:
    check, new = KeyCheck(store, FixedClock()), await add_key(cli)
    assert await check.find_holder(new.text)
    await check.write_uses()
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE caller_key SET last_used_at = NULL")  # what a reader sees who came before the write
    assert await check.find_holder(new.text)
    await check.write_uses()
    assert (await cli.list_keys())[0].last_used_at is None


async def test_a_use_that_another_process_wrote_less_than_a_minute_ago_is_not_written_again(
    store: SqliteKeyStore, cli: SqliteKeyStore
) -> None:
    clock = FixedClock()
    check, new = KeyCheck(store, clock), await add_key(cli)
    await cli.note_uses({new.id: NOW})
    for seconds, written in ((59, NOW), (1, NOW + timedelta(minutes=1))):
        clock.move(seconds=seconds)
        assert await check.find_holder(new.text)
        await check.write_uses()
        assert (await cli.list_keys())[0].last_used_at == written


async def test_no_check_waits_while_the_last_use_cannot_be_written(
    store: SqliteKeyStore, cli: SqliteKeyStore, path: Path
) -> None:
    check, new = KeyCheck(store, FixedClock()), await add_key(cli)
    assert await check.count_active() == 1
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # for as long as the other process likes
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(check.record_uses)
            with anyio.fail_after(BUSY_S):
                for _ in range(20):
                    assert await check.find_holder(new.text)
            other.execute("ROLLBACK")
            with anyio.fail_after(BOUND_S):
                while (await cli.list_keys())[0].last_used_at is None:
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()


async def test_a_last_use_that_cannot_be_written_is_logged_and_no_error(
    store: SqliteKeyStore, cli: SqliteKeyStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    check, new = KeyCheck(store, FixedClock()), await add_key(cli)
    assert await check.find_holder(new.text)
    path.unlink()  # noqa: ASYNC240  the test's own
    await check.write_uses()
    [message] = caplog.messages
    assert message.startswith("the last use of 1 keys was not written down: The file of keys")


async def test_nothing_of_a_key_but_its_hash_is_in_the_folder(
    store: SqliteKeyStore, cli: SqliteKeyStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    check, new = KeyCheck(store, FixedClock()), await add_key(cli)
    assert repr(await check.find_holder(new.text))
    await check.find_holder(new.text[:-1])
    secret = new.text.rpartition("_")[2].encode()
    files = [*path.parent.iterdir()]
    assert any(new.hash.encode() in file.read_bytes() for file in files)
    assert not any(secret in file.read_bytes() for file in files)
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert secret.decode() not in caplog.text


async def test_a_file_that_cannot_be_read_is_an_operator_error_and_admits_no_caller(
    store: SqliteKeyStore, cli: SqliteKeyStore, path: Path
) -> None:
    check, new = KeyCheck(store, FixedClock()), await add_key(cli)
    await cli.aclose()
    path.write_bytes(b"")  # noqa: ASYNC240  the test's own
    with pytest.raises(OperatorError) as refused:
        await KeyCheck(SqliteKeyStore(path), FixedClock()).find_holder(new.text)
    assert "file of keys" in refused.value.message
    with pytest.raises(OperatorError):
        await KeyCheck(SqliteKeyStore(path), FixedClock()).check_access()
    path.unlink()  # noqa: ASYNC240  the test's own
    assert await check.find_holder(new.text) is None  # an empty one takes its place
    await check.check_access()


async def test_a_file_that_disappears_is_missed_and_not_made_again(
    store: SqliteKeyStore, cli: SqliteKeyStore, path: Path
) -> None:
    check, new = KeyCheck(store, FixedClock()), await add_key(cli)
    assert await check.find_holder(new.text)
    path.unlink()  # noqa: ASYNC240  the test's own
    for ask in (store.exists, check.check_access, check.count_active):
        with pytest.raises(OperatorError, match="is missing, although it existed before"):
            await ask()
    assert not path.exists()  # noqa: ASYNC240  as above


async def test_nothing_is_written_in_a_file_of_a_newer_version(cli: SqliteKeyStore, path: Path) -> None:
    new = await add_key(cli)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version = 99")
    for write in (cli.note_uses({new.id: NOW}), add_key(cli)):
        with pytest.raises(OperatorError, match="newer Taskhand") as refused:
            await write
        assert refused.value.code == "store_too_new"


async def test_a_damaged_row_locks_out_only_its_holder(store: SqliteKeyStore, cli: SqliteKeyStore, path: Path) -> None:
    check, damaged, sound = KeyCheck(store, FixedClock()), await add_key(cli), await add_key(cli)
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE caller_key SET expires_at = 'soon' WHERE id = ?", (damaged.id,))
    with pytest.raises(OperatorError, match=f"the row of the key {damaged.id} is damaged"):
        await check.find_holder(damaged.text)
    with pytest.raises(OperatorError):
        await check.count_active()
    assert await check.find_holder(sound.text)


async def test_the_health_check_counts_keys_and_names_those_that_expire_soon(store: SqliteKeyStore, path: Path) -> None:
    def found(check: CheckResult) -> tuple[str, str]:
        return check.outcome, check.found.replace(str(path), "FILE")

    assert found(await check_keys(path, SqliteKeyStore(path), NOW)) == (
        "ok",
        "There is no file FILE yet: no key for callers over HTTP exists.",
    )
    assert not path.exists()  # noqa: ASYNC240  the test's own
    brief, lasting, revoked = await add_key(store, hours=3), await add_key(store, hours=240), await add_key(store)
    await store.revoke([revoked.id], NOW)
    assert found(await check_keys(path, SqliteKeyStore(path), NOW)) == ("ok", "FILE: 2 active, 0 expired, 1 revoked.")
    later = await check_keys(path, SqliteKeyStore(path), NOW + timedelta(days=5))
    expected = f"FILE: 1 active, 1 expired, 1 revoked. Within 7 days these expire: {lasting.id} of ana@x.test."
    assert found(later) == ("warning", expected)
    assert brief.id not in later.found
    path.chmod(0o644)  # noqa: ASYNC240  the test's own
    opened = await check_keys(path, SqliteKeyStore(path), NOW)
    openly = "FILE is open to other users of this machine, who could change or read it."
    assert found(opened) == ("warning", openly)
    assert opened.remedy == f"Run: chmod 600 {path}*"
    await store.aclose()
    path.write_bytes(b"no database" * 100)  # noqa: ASYNC240  the test's own
    assert (await check_keys(path, SqliteKeyStore(path), NOW)).outcome == "failed"


async def test_the_health_check_names_the_first_three_keys_that_expire_soon(store: SqliteKeyStore, path: Path) -> None:
    later, named = NOW + timedelta(days=5), []
    for number in range(4):
        named.append(f"{(await add_key(store, hours=240)).id} of ana@x.test")
        check = await check_keys(path, SqliteKeyStore(path), later)
        more = " and 1 more" if number == 3 else ""
        assert check.found.endswith(f"Within 7 days these expire: {', '.join(named[:3])}{more}.")

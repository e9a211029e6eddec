"""Links: one for each person, in a file without readable secrets; a broken link affects only its person."""

import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest

from fixed_clock import NOW, FixedClock
from taskhand.domain.errors import LinkBroken, LinkRequired, OperatorError
from taskhand.domain.principal import Person
from taskhand.vault.cipher import Cipher
from taskhand.vault.credential_link import LinkedMember, LinkKind, OwnCredential
from taskhand.vault.link_store import KeptLink
from taskhand.vault.links_of_persons import Links
from taskhand.vault.sealed_link import SealedLink
from taskhand.vault.sqlite import SqliteLinkStore
from taskhand.vault.vault_key import read_vault_keys
from vault.vaults import KEY, OLD_KEY, SECRETS, link_of, links_at, rows


@pytest.fixture
async def links(path: Path) -> AsyncIterator[Links]:
    links = links_at(path)
    yield links
    await links.aclose()


async def states(links: Links) -> dict[tuple[str, str], str]:
    return {(one.person, one.connection): one.state for one in await links.list()}


async def test_a_link_is_found_by_its_person_and_connection_and_replaced_by_the_next(links: Links, path: Path) -> None:
    assert await links.find("ana", "north") is None
    assert await links.list() == []
    assert not await links.remove("ana", "north")
    assert not path.exists()  # noqa: ASYNC240  the test's own
    saved = await links.save(link_of("ana"))
    assert saved == replace(link_of("ana"), generation=1, saved_at=NOW)
    await links.save(link_of("ben"))
    pasted = await links.save(link_of("ana", "south", kind="key", minutes=None))
    assert await links.find("ana", "north") == saved
    assert await links.find("ana", "south") == pasted
    assert await links.find("ben", "south") is None
    other = await links.save(replace(link_of("ana"), credential=OwnCredential("another")))
    assert (await links_at(path).find("ana", "north")) == other
    assert other.generation == 2
    assert await links.remove("ana", "north")
    assert not await links.remove("ana", "north")
    assert await links.find("ana", "north") is None
    assert await states(links) == {("ana", "south"): "linked", ("ben", "north"): "linked"}
    assert (await links.save(link_of("ana"))).generation > other.generation


async def test_the_members_of_a_connection_are_those_whom_its_links_name(links: Links) -> None:
    await links.save(link_of("ana@x.test"))
    await links.save(replace(link_of("ben"), member=LinkedMember()))
    await links.save(link_of("eva", "south"))
    assert await links.list_members("north") == [(Person.parse("ana@x.test"), "17"), (Person("ben"), None)]
    assert [one.person for one in await links.list("ben")] == ["ben"]


async def test_a_link_that_others_change_at_every_try_is_not_saved(path: Path) -> None:
    class ContendedStore(SqliteLinkStore):
        async def put(self, row: SealedLink, *, after: int | None) -> bool:  # noqa: ARG002  another was first
            return False

    links = Links(ContendedStore(path), Cipher(read_vault_keys((KEY,))), FixedClock())
    with pytest.raises(OperatorError) as refused:
        await links.save(link_of("ana"))
    assert (refused.value.code, refused.value.retryable) == ("store_busy", True)
    await links.aclose()


@pytest.mark.parametrize("kind", get_args(LinkKind))
@pytest.mark.parametrize("counts_by_app", [True, False])
def test_only_the_links_of_an_app_share_a_rate_budget_and_only_where_the_crm_counts_by_app(
    kind: LinkKind, *, counts_by_app: bool
) -> None:
    ana, ben = (link_of(person, kind=kind).rate_budget(counts_by_app=counts_by_app) for person in ("ana", "ben"))
    assert (ana == ben) == (counts_by_app and kind == "oauth")
    assert link_of("ana", kind="operator").rate_budget(counts_by_app=counts_by_app) != link_of(
        "ana", kind="key"
    ).rate_budget(counts_by_app=counts_by_app)


async def test_the_list_of_links_describes_each_link_without_secrets(links: Links, path: Path) -> None:
    await links.save(link_of("ana"))
    [listed] = await links.list("ana")
    assert listed.to_json() == {
        "person": "ana",
        "email": None,
        "connection": "north",
        "kind": "oauth",
        "state": "linked",
        "member_id": "17",
        "member_name": "ana in the CRM",
        "linked_at": "2026-03-04T15:30:00+00:00",
        "last_used_at": None,
        "expires_at": "2026-03-04T16:00:00+00:00",
        "scopes": ["tasks", "tasks.read"],
        "flaw": None,
    }
    assert await links.list("ben") == []
    assert not any(secret in repr(listed) for secret in SECRETS)
    await links.end(await links.save(link_of("ben")))
    assert await states(links) == {("ana", "north"): "linked", ("ben", "north"): "ended"}
    assert await states(links_at(path, OLD_KEY)) == {("ana", "north"): "broken", ("ben", "north"): "ended"}


async def test_a_link_that_the_crm_accepts_no_longer_is_asked_for_again(links: Links, path: Path) -> None:
    first = await links.save(link_of("ana"))
    await links.save(link_of("ben"))
    await links.end(first)
    with pytest.raises(LinkRequired) as refused:
        await links.find("ana", "north")
    assert refused.value.code == "link_required"
    assert refused.value.next_step == "Tell the person to link north again."
    assert await links.find("ben", "north")
    with rows(path) as other:
        [(secret,)] = other.execute("SELECT sealed FROM link WHERE person = 'ana'").fetchall()
        assert secret is None
    again = await links.save(link_of("ana"))
    await links.end(first)  # the news of the first comes late
    assert await links.find("ana", "north") == again


async def test_no_secret_is_in_any_file_log_error_or_repr(
    links: Links, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = [repr(await links.save(link_of(person))) for person in ("ana", "ben")]
    shown += [repr(await links.find("ana", "north")), repr(await links.list())]
    await links.remove("ben", "north")
    with pytest.raises(LinkBroken) as refused:
        await links_at(path, OLD_KEY).find("ana", "north")
    shown += [repr(refused.value), refused.value.message, str(refused.value.next_step), caplog.text]
    files = [*path.parent.iterdir()]
    assert {file.name for file in files} >= {"links.sqlite", "links.sqlite-wal"}
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    secrets = [*SECRETS, bytes.fromhex(KEY[4:]).hex()]
    assert not [secret for secret in secrets for text in shown if secret in text]
    contents = [file.read_bytes() for file in files]
    assert not [secret for secret in secrets for content in contents if secret.encode() in content]
    assert not any(bytes.fromhex(KEY[4:]) in content for content in contents)


async def test_removed_and_replaced_secrets_are_overwritten_in_the_file(links: Links, path: Path) -> None:
    await links.save(link_of("ana"))
    await links.save(link_of("ben"))
    with rows(path) as other:
        sealed = [text for (text,) in other.execute("SELECT sealed FROM link")]
    await links.remove("ana", "north")
    await links.end(await links.save(link_of("ben")))
    await links.aclose()
    assert len(sealed) == 2
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert not [text for text in sealed if text in content]


async def test_a_stolen_file_opens_nothing(links: Links, path: Path) -> None:
    await links.save(link_of("ana"))
    thief = links_at(path, OLD_KEY)
    with pytest.raises(LinkBroken) as refused:
        await thief.find("ana", "north")
    assert refused.value.code == "link_broken"
    assert "which TASKHAND_VAULT_KEY does not have" in refused.value.message
    keyless = Links(SqliteLinkStore(path), Cipher(()), FixedClock())
    with pytest.raises(LinkBroken):
        await keyless.find("ana", "north")
    assert await states(keyless) == {("ana", "north"): "locked"}


CHANGES: dict[str, str] = {
    "a bit of the secret": "UPDATE link SET sealed = CAST(X'00' || substr(sealed, 2) AS BLOB) WHERE person = 'ana'",
    "a shorter secret": "UPDATE link SET sealed = substr(sealed, 1, 20) WHERE person = 'ana'",
    "an empty secret": "UPDATE link SET sealed = X'' WHERE person = 'ana'",
    "no secret": "UPDATE link SET sealed = NULL WHERE person = 'ana'",
    "the nonce": "UPDATE link SET nonce = X'000000000000000000000000' WHERE person = 'ana'",
    "a shorter nonce": "UPDATE link SET nonce = X'00' WHERE person = 'ana'",
    "the key": "UPDATE link SET key_id = 'ffffffffffffffff' WHERE person = 'ana'",
    "the version": "UPDATE link SET version = 2 WHERE person = 'ana'",
    "the kind": "UPDATE link SET kind = 'key' WHERE person = 'ana'",
    "the generation": "UPDATE link SET generation = 2 WHERE person = 'ana'",
    "both generations": "UPDATE link SET generation = 2 WHERE person = 'ana'; "
    "UPDATE link_generation SET generation = 2 WHERE person = 'ana'",
    "who it is": "UPDATE link SET member_id = '18' WHERE person = 'ana'",
    "the name": "UPDATE link SET member_name = 'Ben' WHERE person = 'ana'",
    "a name that is no text": "UPDATE link SET member_name = CAST(X'ff' AS TEXT) WHERE person = 'ana'",
    "more scopes": "UPDATE link SET scopes = 'tasks tasks.delete' WHERE person = 'ana'",
    "a later end": "UPDATE link SET expires_at = '2099-01-01T00:00:00.000000+00:00' WHERE person = 'ana'",
    "no moment": "UPDATE link SET linked_at = 'soon', expires_at = 'later' WHERE person = 'ana'",
    "no use": "UPDATE link SET last_used_at = 'never' WHERE person = 'ana'",
    "the person": "UPDATE link SET person = 'eve' WHERE person = 'ana'",
    "the connection": "UPDATE link SET connection = 'west' WHERE person = 'ana'",
    "another person's secret": "UPDATE link SET (key_id, nonce, sealed, linked_at) = "
    "(SELECT key_id, nonce, sealed, linked_at FROM link WHERE person = 'ben') WHERE person = 'ana'",
    "a generation that was never": "UPDATE link SET generation = -1 WHERE person = 'ana'",
    "an end that the CRM did not make": "UPDATE link SET expires_at = NULL WHERE person = 'ana'",
    "the person's name in another case": "UPDATE link SET person = 'Ana' WHERE person = 'ana'",
    "a link that is gone": "DELETE FROM link WHERE person = 'ana'",
}


@pytest.mark.parametrize("change", [*CHANGES])
async def test_a_changed_row_is_broken_for_its_person_alone(links: Links, path: Path, change: str) -> None:
    for person in ("ana", "ben"):
        await links.save(link_of(person))
    with rows(path) as other:
        other.executescript(CHANGES[change])
    for reader in (links, links_at(path)):
        found_states = await states(reader)
        assert await reader.find("ben", "north")
        assert found_states["ben", "north"] == "linked"
        for name in (("eve", "north"), ("ana", "west")):
            if name in found_states:
                assert found_states[name] == "broken"
                with pytest.raises(LinkBroken):
                    await reader.find(*name)
        if change == "no use":
            assert await reader.find("ana", "north")
            continue
        assert found_states["ana", "north"] == "broken"
        with pytest.raises(LinkBroken) as refused:
            await reader.find("ana", "north")
        assert (refused.value.code, refused.value.details["connection"]) == ("link_broken", "north")
    await links.save(link_of("ana"))
    assert await links_at(path).find("ana", "north")


Rows = list[tuple[Any, ...]]


def take_row(path: Path) -> Rows:
    """The row of ana, as somebody keeps it for later."""
    with rows(path) as other:
        return other.execute("SELECT * FROM link WHERE person = 'ana'").fetchall()


def put_back(path: Path, kept: Rows) -> None:
    with rows(path) as other:
        statement = f"INSERT OR REPLACE INTO link VALUES ({', '.join('?' * 19)})"  # noqa: S608  marks
        other.executemany(statement, kept)


async def replace_link(links: Links) -> None:
    await links.save(replace(link_of("ana"), credential=OwnCredential("another")))


async def remove_link(links: Links) -> None:
    assert await links.remove("ana", "north")


@pytest.mark.parametrize("change", [replace_link, remove_link])
async def test_an_old_row_that_is_put_back_is_broken(links: Links, path: Path, change: Callable[[Links], Any]) -> None:
    await links.save(link_of("ana"))
    old = take_row(path)
    await change(links)
    put_back(path, old)
    for reader in (links, links_at(path)):
        with pytest.raises(LinkBroken, match="an earlier one that was put back"):
            await reader.find("ana", "north")
        assert await states(reader) == {("ana", "north"): "broken"}
    assert await links.remove("ana", "north")
    assert await links.find("ana", "north") is None


@pytest.mark.parametrize(
    ("column", "names", "refused"),
    [
        ("person", [("ana", "north"), ("ben", "north")], {("ana", "north"), ("ben", "north")}),
        ("connection", [("ana", "north"), ("ana", "south")], {("ana", "north"), ("ana", "south")}),
    ],
)
async def test_rows_that_changed_places_are_both_broken(
    links: Links, path: Path, column: str, names: list[tuple[str, str]], refused: set[tuple[str, str]]
) -> None:
    every = [("ana", "north"), ("ana", "south"), ("ben", "north"), ("ben", "south")]
    for name in every:
        await links.save(link_of(*name))
    (person, connection), (other_person, other_connection) = names
    with rows(path) as other:
        for table in ("link", "link_generation"):
            at = "WHERE person = ? AND connection = ?"
            move = f"UPDATE {table} SET {column} = ? {at}"  # noqa: S608  names of ours
            first, last = (person, other_person) if column == "person" else (connection, other_connection)
            other.execute(move, ("elsewhere", person, connection))
            other.execute(move, (first, other_person, other_connection))
            moved = ("elsewhere", connection) if column == "person" else (person, "elsewhere")
            other.execute(move, (last, *moved))
    for name in every:
        if name in refused:
            with pytest.raises(LinkBroken):
                await links.find(*name)
        else:
            assert await links.find(*name)


async def test_a_file_that_was_cut_off_gives_the_link_an_error_or_nothing(links: Links, path: Path) -> None:
    whole = await links.save(link_of("ana"))
    await links.aclose()
    content = path.read_bytes()  # noqa: ASYNC240  the test's own
    for length in range(1, len(content), len(content) // 40):
        cut = path.with_name(f"{length}.sqlite")
        cut.write_bytes(content[:length])
        reader = links_at(cut)
        try:
            found = await reader.find("ana", "north")
        except OperatorError:
            found = None
        assert found in {None, whole}, length
        await reader.aclose()


async def test_a_restored_old_file_is_detected_by_a_process_that_saw_the_newer_one(links: Links, path: Path) -> None:
    await links.save(link_of("ana"))
    old = take_row(path)
    for _ in range(2):
        await replace_link(links)
    put_back(path, old)
    with rows(path) as other:
        other.execute("UPDATE link_generation SET generation = 1")
    with pytest.raises(LinkBroken, match="an earlier one that was put back"):
        await links.find("ana", "north")
    assert await states(links) == {("ana", "north"): "broken"}
    assert await links_at(path).find("ana", "north")  # no other process can tell
    await links.save(link_of("ana"))
    assert await links.find("ana", "north")


async def test_a_slow_read_does_not_make_an_older_link_the_newest_seen(
    path: Path,
) -> None:
    class SlowFirstStore(SqliteLinkStore):
        reads = 0

        async def find(self, person: str, connection: str) -> KeptLink:
            kept = await super().find(person, connection)
            self.reads += 1
            if self.reads == 1:
                await goes_on.wait()
            return kept

    goes_on = anyio.Event()
    await links_at(path).save(link_of("ana"))
    old = take_row(path)
    links = Links(SlowFirstStore(path), Cipher(read_vault_keys((KEY,))), FixedClock())
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(links.find, "ana", "north")
        await anyio.wait_all_tasks_blocked()
        await replace_link(links)
        goes_on.set()
    put_back(path, old)
    with rows(path) as other:
        other.execute("UPDATE link_generation SET generation = 1")
    with pytest.raises(LinkBroken, match="an earlier one that was put back"):
        await links.find("ana", "north")
    await links.aclose()


async def never_renewed(_: object) -> OwnCredential:
    raise AssertionError("a pasted key is renewed")


async def test_the_last_use_is_written_beside_the_calls(links: Links, path: Path) -> None:
    clock = FixedClock()
    used = links_at(path, clock=clock)
    await links.save(link_of("ana", kind="key", minutes=None))
    for minutes in (0, 0.5, 1):
        clock.now = NOW + timedelta(minutes=minutes)
        assert await used.fresh("ana", "north", never_renewed)
    await used.aclose()
    assert [one.last_used_at for one in await links.list()] == [NOW + timedelta(minutes=1)]
    assert await links.find("ana", "north")


async def test_the_use_of_a_link_is_written_however_lately_the_one_before_was_used(links: Links, path: Path) -> None:
    clock, key = FixedClock(), link_of("ana", kind="key", minutes=None)
    used = links_at(path, clock=clock)
    for seconds in (0, 20, 40):
        clock.now = NOW + timedelta(seconds=seconds)
        await links.save(replace(key, linked_at=clock.now))
        clock.move(seconds=1)
        assert await used.fresh("ana", "north", never_renewed)
    await used.aclose()
    assert [one.last_used_at for one in await links.list()] == [NOW + timedelta(seconds=41)]


async def test_a_file_that_cannot_be_read_is_an_error_of_the_operator(links: Links, path: Path) -> None:
    await links.save(link_of("ana"))
    await links.aclose()
    path.write_bytes(b"")  # noqa: ASYNC240  the test's own
    with pytest.raises(OperatorError, match="file of links") as refused:
        await links_at(path).find("ana", "north")
    assert not isinstance(refused.value, LinkBroken)
    assert str(refused.value.next_step).startswith("Put a copy of it back, or remove it"), "no backup has it"


async def test_two_processes_that_save_at_once_both_succeed(links: Links, path: Path) -> None:
    other = links_at(path)
    await links.save(link_of("ana"))
    saved = [await (links, other)[number % 2].save(link_of("ana")) for number in range(6)]
    assert [one.generation for one in saved] == [2, 3, 4, 5, 6, 7]


async def test_a_damaged_byte_of_the_file_never_yields_another_credential(links: Links, path: Path) -> None:
    whole = await links.save(link_of("ana"))
    await links.aclose()
    content = path.read_bytes()  # noqa: ASYNC240  the test's own
    places = [at for at, byte in enumerate(content) if byte][::11]
    for number, at in enumerate(places):
        damaged = path.with_name(f"{number}.sqlite")
        damaged.write_bytes(content[:at] + bytes([content[at] ^ 1 << number % 8]) + content[at + 1 :])
        reader = links_at(damaged)
        try:
            found = await reader.find("ana", "north")
            await reader.list()
        except OperatorError:
            found = None
        assert found in {None, whole} or replace(found, last_used_at=None) == whole, at
        await reader.aclose()
        damaged.unlink(missing_ok=True)


@pytest.mark.parametrize(("kind", "may_be"), [("oauth", False), ("key", False), ("operator", True)])
async def test_only_a_link_made_by_the_operator_may_serve_any_holder_of_its_address(
    links: Links, kind: LinkKind, *, may_be: bool
) -> None:
    await links.save(link_of("ana@x.test", kind=kind))
    assert await links.may_be_by_email("ana@x.test", "north") is may_be
    assert not await links.may_be_by_email("ben@x.test", "north")


async def test_a_missing_row_may_serve_any_holder_of_its_address_until_it_is_removed(links: Links, path: Path) -> None:
    await links.save(link_of("ana@x.test", kind="key"))
    with rows(path) as other:
        other.execute("DELETE FROM link")
    assert await links.may_be_by_email("ana@x.test", "north")
    assert await links.remove("ana@x.test", "north")
    assert not await links.may_be_by_email("ana@x.test", "north")

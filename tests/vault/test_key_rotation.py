"""The rotation of the key: every link is encrypted anew while others use it, and whoever is stopped runs it again."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from child_process import assert_killed, die
from taskhand.domain.errors import LinkBroken, OperatorError
from taskhand.vault.key_rotation import Rotation, rotate_key
from taskhand.vault.sqlite import SqliteLinkStore
from vault.vaults import KEY, OLD_KEY, cipher_of, link_of, links_at, rows

PERSONS = [f"person-{number}" for number in range(6)]
NEW_FIRST = (KEY, OLD_KEY)


async def link_all(path: Path) -> None:
    links = links_at(path, OLD_KEY)
    for person in PERSONS:
        await links.save(link_of(person))
    await links.aclose()


async def rotate(path: Path, *keys: str) -> Rotation:
    store = SqliteLinkStore(path)
    try:
        return await rotate_key(store, cipher_of(*keys))
    finally:
        await store.aclose()


async def opened_tokens(path: Path, *keys: str) -> list[str]:
    """The access tokens that a process with these keys reads."""
    links = links_at(path, *keys)
    found = [await links.find(person, "north") for person in PERSONS]
    await links.aclose()
    return [one.credential.access_token for one in found if one]


def key_ids(path: Path) -> set[str]:
    with rows(path) as other:
        return {key_id for (key_id,) in other.execute("SELECT key_id FROM link")}


EVERY = [f"access-of-{person}" for person in PERSONS]


async def test_every_link_is_encrypted_with_the_first_key_and_the_old_one_can_be_removed(path: Path) -> None:
    await link_all(path)
    server = links_at(path, *NEW_FIRST)
    assert await server.find(PERSONS[0], "north")
    await server.end(await server.save(link_of("ana", "south")))
    done = await rotate(path, *NEW_FIRST)
    assert (done.resealed, done.before, done.broken) == (6, 0, [])
    assert await opened_tokens(path, KEY) == EVERY
    assert await server.find(PERSONS[0], "north"), "a server that runs reads on"
    done = await rotate(path, *NEW_FIRST)
    assert (done.resealed, done.before, done.broken) == (0, 6, [])
    with pytest.raises(LinkBroken):
        await opened_tokens(path, OLD_KEY)
    await server.aclose()


def test_a_rotation_that_is_killed_loses_nothing_and_is_run_again(path: Path) -> None:
    class DyingStore(SqliteLinkStore):
        """A store in whose process the third link is the last."""

        done = 0

        async def reseal(self, row, former) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
            self.done += 1
            return await super().reseal(row, former) if self.done < 4 else die()

    anyio.run(link_all, path)
    assert_killed(lambda: anyio.run(rotate_key, DyingStore(path), cipher_of(*NEW_FIRST)))
    assert len(key_ids(path)) == 2
    assert anyio.run(opened_tokens, path, *NEW_FIRST) == EVERY
    done = anyio.run(rotate, path, *NEW_FIRST)
    assert (done.resealed, done.before) == (3, 3)
    assert anyio.run(opened_tokens, path, KEY) == EVERY


async def test_links_saved_or_removed_during_a_rotation_are_not_overwritten(path: Path) -> None:
    class SlowStore(SqliteLinkStore):
        """A store beside which servers work: one link is replaced with the old key, one is removed."""

        async def list_links(self) -> Sequence:  # type: ignore[type-arg]
            found = await super().list_links()
            server = links_at(path, OLD_KEY)
            await server.save(link_of(PERSONS[1]))
            await server.remove(PERSONS[2], "north")
            await server.aclose()
            return found

    await link_all(path)
    store = SlowStore(path)
    done = await rotate_key(store, cipher_of(*NEW_FIRST))
    await store.aclose()
    assert (done.resealed, done.broken) == (5, [])
    assert await opened_tokens(path, KEY) == [token for token in EVERY if token != f"access-of-{PERSONS[2]}"]


async def test_a_link_that_cannot_be_opened_is_named_and_left_as_it_is(path: Path) -> None:
    await link_all(path)
    with rows(path) as other:
        other.execute("UPDATE link SET kind = 'key' WHERE person = 'person-3'")
    done = await rotate(path, *NEW_FIRST)
    assert done.resealed == 5
    [broken] = done.broken
    assert (broken.person, broken.connection, broken.flaw) == ("person-3", "north", "was altered in the store")
    done = await rotate(path, KEY)
    assert [one.flaw for one in done.broken] == [
        f"is encrypted with the key {cipher_of(OLD_KEY).key_id}, which TASKHAND_VAULT_KEY does not have"
    ]
    with rows(path) as other:
        other.execute("UPDATE link SET kind = 'key' WHERE person = 'person-1'")
    done = await rotate(path, *NEW_FIRST)
    assert (done.resealed, done.before, [one.person for one in done.broken]) == (0, 4, ["person-1", "person-3"])


async def test_a_rotation_without_a_key_is_refused_and_one_without_links_makes_no_file(path: Path) -> None:
    with pytest.raises(OperatorError, match="There is no key"):
        await rotate(path)
    assert (await rotate(path, KEY)).resealed == 0
    assert not path.exists()  # noqa: ASYNC240  the test's own

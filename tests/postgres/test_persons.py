"""Keys, links and tickets in PostgreSQL: the writes of one replica are read by all others."""

from dataclasses import replace
from datetime import timedelta

import anyio

from fixed_clock import NOW, FixedClock
from postgres_server import TestDatabase
from taskhand.domain.principal import Person
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.key_check import KeyCheck
from taskhand.keys.postgres import PostgresKeyStore
from taskhand.postgres.database import Database
from taskhand.vault.cipher import Cipher
from taskhand.vault.links_of_persons import Links
from taskhand.vault.postgres import PostgresLinkStore, PostgresTicketStore
from taskhand.vault.ticket import Errand
from taskhand.vault.tickets import Tickets
from taskhand.vault.vault_key import read_vault_keys
from vault.vaults import KEY, link_of


async def test_keys_written_by_one_replica_are_read_by_another(postgres: TestDatabase) -> None:
    server, cli = (PostgresKeyStore(Database(postgres.url)) for _ in range(2))
    assert not await server.exists()
    check, clock = KeyCheck(server, FixedClock()), FixedClock()
    texts = [make_key_text() for _ in range(3)]
    for one in texts:
        await cli.add(Key(one.id, "ana@x.test", frozenset({"read", "write"}), NOW, NOW + timedelta(hours=1)), one.hash)
    held = await check.find_holder(texts[0].text)
    assert held is not None
    assert (held.person, held.expires_at, sorted(held.scopes)) == (
        "ana@x.test",
        NOW + timedelta(hours=1),
        ["read", "write"],
    )
    assert await check.find_holder(f"{texts[0].text}\0") is None
    assert await check.find_holder(make_key_text().text) is None
    await check.write_uses()
    assert [(one.id, one.last_used_at) for one in await cli.list_keys()] == [
        (texts[0].id, clock()),
        (texts[1].id, None),
        (texts[2].id, None),
    ]
    await cli.revoke([texts[0].id], clock())
    assert await check.find_holder(texts[0].text) is None
    assert await check.count_active() == 2
    await server.aclose()
    await cli.aclose()


async def test_links_written_by_one_replica_are_read_by_another(postgres: TestDatabase) -> None:
    first, second = (links_in(postgres) for _ in range(2))
    assert await first.list() == []
    saved = await first.save(replace(link_of("ana"), email="ana@x.test"))
    assert await second.find("ana", "north") == saved
    assert saved.email == "ana@x.test"
    other = await second.save(replace(link_of("ana"), linked_at=NOW + timedelta(days=1)))
    assert (await first.find("ana", "north"), other.generation) == (other, 2)
    await first.end(saved)  # the news of the first comes late
    assert await first.find("ana", "north") == other
    assert await second.remove("ana", "north")
    assert not await first.remove("ana", "north")
    assert await first.find("ana", "north") is None
    assert (await first.save(link_of("ana"))).generation > other.generation
    await first.aclose()
    await second.aclose()


async def test_only_one_of_several_simultaneous_replicas_may_renew_a_credential(postgres: TestDatabase) -> None:
    stores = [PostgresLinkStore(Database(postgres.url)) for _ in range(4)]
    links = links_in(postgres)
    link = await links.save(link_of("ana"))
    got: list[bool] = []

    async def claim(store: PostgresLinkStore, by: str) -> None:
        got.append(await store.claim("ana", "north", generation=link.generation, by=by, now=NOW, s=30))
        await store.aclose()

    async with anyio.create_task_group() as group:
        for number, one in enumerate(stores):
            group.start_soon(claim, one, f"replica {number}")
    assert sorted(got) == [False, False, False, True]
    await links.aclose()


async def test_tickets_written_by_one_replica_are_read_by_another(postgres: TestDatabase) -> None:
    first, second = (tickets_in(postgres) for _ in range(2))
    person = Person.parse("ana@x.test")
    made = [await first.make(person, "north") for _ in range(6)]
    text, ticket = made[-1]
    assert await second.find(text) == ticket
    assert [await second.find(one) for one, _ in made].count(None) > 0  # a few at most are open
    assert await second.begin(ticket, "a browser")
    assert not await first.begin(ticket, "another browser")
    state = await second.send(ticket, "a browser", Errand("consent", text, "a verifier", language="es"))
    assert state is not None
    found = await first.take(state, "a browser")
    assert found is not None
    assert found[1].verifier == "a verifier"
    assert await second.take(state, "a browser") is None
    assert [await one.use(ticket, "a browser") for one in (first, second)] == [True, False]
    await first.note_linked(ticket)
    assert (await second.find_state(ticket.id, person)).is_linked
    await first.aclose()
    await second.aclose()


def links_in(postgres: TestDatabase) -> Links:
    """The links, as one replica has them."""
    return Links(PostgresLinkStore(Database(postgres.url)), Cipher(read_vault_keys([KEY])), FixedClock())


def tickets_in(postgres: TestDatabase) -> Tickets:
    """The tickets, as one replica has them."""
    return Tickets(PostgresTicketStore(Database(postgres.url)), Cipher(read_vault_keys([KEY])), FixedClock())

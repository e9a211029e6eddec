"""Tickets: each opens one page for one person, in one browser, once, for ten minutes; its text is kept nowhere."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixed_clock import FixedClock
from taskhand.domain.link_offer import OfferState
from taskhand.domain.principal import Person
from taskhand.vault.cipher import Cipher
from taskhand.vault.sqlite_tickets import SqliteTicketStore
from taskhand.vault.ticket import Errand, hash_secret
from taskhand.vault.tickets import Tickets
from taskhand.vault.vault_key import read_vault_keys
from vault.vaults import KEY, OLD_KEY, link_of, links_at, rows

ANA = Person.parse("ana@x.test")
OWN, OTHER = "a browser", "another browser"


def tickets_at(path: Path, clock: FixedClock, *keys: str) -> Tickets:
    """The tickets in that file, as one process has them."""
    return Tickets(SqliteTicketStore(path), Cipher(read_vault_keys(keys or (KEY,))), clock)


@pytest.fixture
async def tickets(path: Path, clock: FixedClock) -> AsyncIterator[Tickets]:
    tickets = tickets_at(path, clock)
    yield tickets
    await tickets.aclose()


async def test_a_ticket_is_found_by_its_text_in_every_process_and_kept_as_a_hash(
    tickets: Tickets, path: Path, clock: FixedClock
) -> None:
    text, made = await tickets.make(ANA, "north")
    assert len(text) == 43
    assert await tickets_at(path, clock).find(text) == made
    assert (made.person, made.connection, made.id) == (ANA, "north", hash_secret(text))
    for wrong in (made.id, text[:-1], text.swapcase(), "", "\ud800"):
        assert await tickets.find(wrong) is None
    assert text.encode() not in b"".join(one.read_bytes() for one in path.parent.iterdir())


async def test_only_the_first_browser_that_begins_can_continue(tickets: Tickets) -> None:
    text, ticket = await tickets.make(ANA, "north")
    errand = Errand("consent", text, "a verifier", language="es")
    assert await tickets.send(ticket, OWN, errand) is None  # it has not begun
    assert not await tickets.use(ticket, OWN)
    assert await tickets.begin(ticket, OWN)
    assert not await tickets.begin(ticket, OTHER)
    for act in (tickets.prove, tickets.use):
        assert not await act(ticket, OTHER)
    assert await tickets.send(ticket, OTHER, errand) is None
    state = await tickets.send(ticket, OWN, errand)
    assert state is not None
    assert await tickets.take(state, OTHER) is None
    found = await tickets.take(state, OWN)
    assert found is not None
    assert found[1] == errand
    assert await tickets.take(state, OWN) is None  # once
    assert await tickets.prove(ticket, OWN)
    await tickets.note_linked(ticket)  # only a ticket that is used has led to a link
    assert [await tickets.use(ticket, OWN) for _ in range(2)] == [True, False]
    assert not await tickets.begin(ticket, OWN)
    assert await tickets.send(ticket, OWN, errand) is None
    assert not (await tickets.find_state(ticket.id, ANA)).is_linked
    await tickets.note_linked(ticket)
    assert (await tickets.find_state(ticket.id, ANA)).is_linked
    assert not (await tickets.find_state(ticket.id, Person.parse("ben@x.test"))).is_linked
    assert not (await tickets.find_state(text, ANA)).is_linked


async def test_a_later_errand_takes_the_place_of_an_earlier_one(tickets: Tickets) -> None:
    text, ticket = await tickets.make(ANA, "north")
    assert await tickets.begin(ticket, OWN)
    first, second = [await tickets.send(ticket, OWN, Errand("consent", text, f"verifier {n}")) for n in (1, 2)]
    assert await tickets.take(str(first), OWN) is None
    found = await tickets.take(str(second), OWN)
    assert found is not None
    assert found[1].verifier == "verifier 2"


async def test_a_ticket_ends_after_ten_minutes_and_is_forgotten_after_a_day(
    tickets: Tickets, clock: FixedClock
) -> None:
    text, ticket = await tickets.make(ANA, "north")
    clock.move(minutes=9, seconds=59)
    assert tickets.is_open(ticket)
    assert await tickets.begin(ticket, OWN)
    clock.move(seconds=1)
    assert not tickets.is_open(ticket)
    assert not await tickets.begin(ticket, OWN)
    assert not await tickets.prove(ticket, OWN)
    assert not await tickets.use(ticket, OWN)
    clock.move(days=1)
    await tickets.make(Person.parse("ben@x.test"), "north")
    assert await tickets.find(text) is not None
    clock.move(seconds=1)
    await tickets.make(Person.parse("ben@x.test"), "north")
    assert await tickets.find(text) is None


async def test_a_sixth_open_ticket_for_a_connection_replaces_the_oldest_one_that_was_not_begun(
    tickets: Tickets, clock: FixedClock
) -> None:
    first, ticket = await tickets.make(ANA, "north")
    await tickets.begin(ticket, OWN)
    south, _ = await tickets.make(ANA, "south")
    ben, _ = await tickets.make(Person.parse("ben"), "north")
    more = []
    for _ in range(6):
        clock.move(seconds=1)
        more.append((await tickets.make(ANA, "north"))[0])
    assert [text for text in (first, *more) if await tickets.find(text)] == [first, *more[2:]]
    assert await tickets.find(south)
    assert await tickets.find(ben)


async def test_nothing_encrypted_is_kept_of_a_page_that_was_used_or_that_the_browser_came_back_to(
    tickets: Tickets, path: Path
) -> None:
    _, ticket = await tickets.make(ANA, "north")
    await tickets.begin(ticket, OWN)
    kept = "SELECT state, key_id, nonce, sealed FROM ticket"
    for act in (lambda state: tickets.take(state, OWN), lambda _: tickets.use(ticket, OWN)):
        state = await tickets.send(ticket, OWN, Errand("consent", "text", "verifier"))
        with rows(path) as other:
            assert None not in other.execute(kept).fetchone()
        assert await act(str(state))
        with rows(path) as other:
            assert other.execute(kept).fetchone() == (None, None, None, None)


async def test_the_outcome_of_a_page_is_shown_to_its_person_alone(tickets: Tickets, clock: FixedClock) -> None:
    text, ticket = await tickets.make(ANA, "north")
    state, over = tickets.find_state, OfferState(is_over=True)
    assert await state(ticket.id, ANA) == OfferState()
    assert await state(ticket.id, Person.parse("ben")) == await state("unknown", ANA) == over
    await tickets.begin(ticket, OWN)
    await tickets.note_refusal(ticket, "denied")
    assert await state(ticket.id, ANA) == OfferState(refusal="denied", tries=1)
    await tickets.begin(ticket, OWN)
    assert await state(ticket.id, ANA) == OfferState(tries=2), "another try has no refusal yet"
    await tickets.turn_away(text, OWN)
    assert not (await state(ticket.id, ANA)).is_over
    await tickets.turn_away(text, OTHER)
    assert (await state(ticket.id, ANA)).is_over
    assert await tickets.use(ticket, OWN)
    await tickets.note_linked(ticket)
    assert (await state(ticket.id, ANA)).is_linked

    _, tried = await tickets.make(ANA, "south")
    for _ in range(9):
        await tickets.begin(tried, OWN)
    assert not (await state(tried.id, ANA)).is_over
    await tickets.begin(tried, OWN)
    assert await state(tried.id, ANA) == OfferState(is_over=True, tries=10)

    _, late = await tickets.make(ANA, "north")
    clock.move(minutes=9, seconds=59)
    assert await state(late.id, ANA) == OfferState()
    clock.move(seconds=1)
    assert await state(late.id, ANA) == over


async def test_a_browser_has_ten_tries(tickets: Tickets) -> None:
    _, ticket = await tickets.make(ANA, "north")
    assert [await tickets.begin(ticket, OWN) for _ in range(11)] == [True] * 10 + [False]


@pytest.mark.parametrize("swapped", ["sealed", "nonce, sealed"])
async def test_an_errand_that_was_altered_or_is_of_another_ticket_or_key_is_not_decoded(
    tickets: Tickets, path: Path, clock: FixedClock, swapped: str
) -> None:
    async def sent() -> str:
        text, ticket = await tickets.make(ANA, "north")
        await tickets.begin(ticket, OWN)
        return str(await tickets.send(ticket, OWN, Errand("consent", text, "verifier")))

    first, second = await sent(), await sent()
    with rows(path) as other:
        assert b"verifier" not in b"".join(row[0] for row in other.execute("SELECT sealed FROM ticket"))
        swap = f"UPDATE ticket SET ({swapped}) = (SELECT {swapped} FROM ticket WHERE state = ?) WHERE state = ?"  # noqa: S608
        other.execute(swap, (hash_secret(first), hash_secret(second)))
    assert await tickets.take(second, OWN) is None
    assert await tickets_at(path, clock, OLD_KEY).take(first, OWN) is None


FORGED = {
    "for another person": "UPDATE ticket SET person = 'eve@x.test'",
    "for another address": "UPDATE ticket SET email = 'eve@x.test'",
    "for another connection": "UPDATE ticket SET connection = 'south'",
    "for longer": "UPDATE ticket SET expires_at = '2099-01-01T00:00:00.000000+00:00'",
    "for another browser": "UPDATE ticket SET browser = 'another browser'",
    "as if it were proved": "UPDATE ticket SET proved_at = made_at",
    "with the mark of an earlier step": "UPDATE ticket SET mark = (SELECT mark FROM ticket WHERE browser IS NULL)",
    "without a mark": "UPDATE ticket SET mark = NULL",
    "with a mark that is none": "UPDATE ticket SET mark = 'é'",
    "made anew": "INSERT INTO ticket (id, person, connection, made_at, expires_at, browser, proved_at) SELECT "
    "'other', person, connection, made_at, expires_at, 'another browser', made_at FROM ticket LIMIT 1",
}


@pytest.mark.parametrize("how", FORGED)
async def test_a_page_that_somebody_without_the_key_has_written_opens_nothing(
    tickets: Tickets, path: Path, clock: FixedClock, how: str
) -> None:
    text, ticket = await tickets.make(ANA, "north")
    assert await tickets_at(path, clock, OLD_KEY).find(text) is None
    await tickets.begin(ticket, OWN)
    state = str(await tickets.send(ticket, OWN, Errand("consent", text, "verifier")))
    await tickets.make(ANA, "north")
    assert await tickets.find(text) is not None
    with rows(path) as other:
        other.execute(FORGED[how].replace("'other'", f"'{hash_secret('forged')}'"))
    assert (await tickets.find(text) is None) == (how != "made anew")
    assert await tickets.find("forged") is None
    assert (await tickets.take(state, OWN) is None) == (how != "made anew")


async def test_a_page_from_before_a_rotation_of_the_key_can_be_used_to_its_end(
    tickets: Tickets, path: Path, clock: FixedClock
) -> None:
    text, ticket = await tickets.make(ANA, "north")
    await tickets.begin(ticket, OWN)
    errand = Errand("consent", text, "verifier")
    state = str(await tickets.send(ticket, OWN, errand))
    rotated = tickets_at(path, clock, OLD_KEY, KEY)  # the first key seals, and this page was sealed with the second
    found = await rotated.find(text)
    assert found is not None
    taken = await rotated.take(state, OWN)
    assert taken is not None
    assert (taken[0].id, taken[1]) == (ticket.id, errand)
    assert await rotated.prove(found, OWN)
    assert await rotated.find(text) is not None
    assert await rotated.use(found, OWN)
    await rotated.aclose()


async def test_the_first_proved_e_mail_of_a_ticket_is_kept(tickets: Tickets) -> None:
    text, ticket = await tickets.make(Person("https://login.x.test#ana"), "north")
    await tickets.begin(ticket, OWN)
    assert await tickets.prove(ticket, OWN, "ana@x.test")
    assert await tickets.prove(ticket, OWN, "eve@x.test")
    assert await tickets.begin(ticket, OWN)
    found = await tickets.find(text)
    assert found is not None
    assert found.person.email == "ana@x.test"
    assert found.proved_at is not None
    text, ticket = await tickets.make(Person("https://login.x.test#bea", "bea@x.test"), "north")
    await tickets.begin(ticket, OWN)
    assert await tickets.prove(ticket, OWN, "eve@x.test")
    known = await tickets.find(text)
    assert known is not None
    assert known.person.email == "bea@x.test"


async def test_tickets_and_links_share_a_file_without_seeing_each_other(tickets: Tickets, path: Path) -> None:
    links = links_at(path)
    text, _ = await tickets.make(ANA, "north")
    assert await links.list() == []
    saved = await links.save(link_of("ana@x.test"))
    assert await tickets.find(text) is not None
    assert await links.find("ana@x.test", "north") == replace(
        link_of("ana@x.test"), generation=1, saved_at=saved.saved_at
    )
    await links.aclose()

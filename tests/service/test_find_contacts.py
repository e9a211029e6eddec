"""Which words of a query contacts are found by."""

from pathlib import Path

import pytest

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.task import Contact, TaskPatch
from taskhand.service.app_context import AppContext
from taskhand.service.find_contacts import find_contacts
from taskhand.service.forwarding_backend import ForwardingAccount, ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.resolve_contact import check_contact, resolve_link
from taskhand.service.update_task import update_task
from taskhand.service.write_call import Call


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("Acme <ana@acme.cl>", ["Ana Soto"]),
        ("mailto:ana@acme.cl", ["Ana Soto"]),
        ("Acme (Chile)", ["Acme (Chile)"]),
        ("(Chile)", ["Acme (Chile)"]),
        ("chile", ["Acme (Chile)", "Chile Sur"]),
        ("Acme <chile>", []),
    ],
)
async def test_an_address_is_looked_for_by_its_mail_and_other_brackets_are_words(
    tmp_path: Path, query: str, names: list[str]
) -> None:
    store = store_in(tmp_path)
    for name, mail in (("Ana Soto", "ana@acme.cl"), ("Acme (Chile)", "x@acme.cl"), ("Chile Sur", "sur@acme.cl")):
        await store.edit(lambda one, name=name, mail=mail: one.add_contact(name, None, mail))  # type: ignore[misc]
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert sorted(str(one.name) for one in (await find_contacts(app, query, 9)).contacts) == names
    await app.aclose()


@pytest.mark.parametrize("customer", ["ACME Chile 12", "acme-chile", "ü 7", "4711"])
async def test_a_customer_of_the_built_in_store_is_found_by_its_id_and_taken_for_it_whatever_its_form(
    tmp_path: Path, customer: str
) -> None:
    store = store_in(tmp_path)
    await store.edit(lambda one: one.add_contact("Ana Soto", None, "ana@acme.cl", customer))
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert [one.name for one in (await find_contacts(app, customer, 9)).contacts] == ["Ana Soto"]
    for given, link in ((customer, customer), (f"\u200b{customer}\u2060", customer), ("\u200bglobex-9", "globex-9")):
        assert await resolve_link(app, "ai_customer_id", given) == link
    await check_contact(app, customer)
    with pytest.raises(CallerError, match="neither an id nor the name of a contact"):
        await resolve_link(app, "ai_customer_id", f"{customer} and others")
    await app.aclose()


async def test_a_customer_that_a_task_has_already_is_taken_whatever_its_form(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    task = (await store.create_task(Edit(title="Call", priority=1, ai_customer_id="Acme and others"))).task
    patch = TaskPatch(title="Visit", ai_customer_id="Acme and others")
    await update_task(Call(app, "update_task"), task.id, patch)
    assert (await store.get_task(task.id)).title == "Visit"
    await app.aclose()


async def test_candidates_of_one_name_are_told_apart_by_their_addresses(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    for phone, mail in ((None, "rosa@acme.cl"), ("+56 9 1111", None)):
        await store.edit(lambda one, phone=phone, mail=mail: one.add_contact("Rosa", phone, mail))  # type: ignore[misc]
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    with pytest.raises(CallerError) as refused:
        await resolve_link(app, "ai_contact_id", "rosa")
    assert sorted(candidate.name or "" for candidate in refused.value.candidates) == [
        "Rosa, +56 9 1111",
        "Rosa, rosa@acme.cl",
    ]
    assert "There are more" not in str(refused.value.next_step)
    for number in range(4):
        await store.edit(lambda one, number=number: one.add_contact("Rosa", None, f"r{number}@acme.cl"))  # type: ignore[misc]
    with pytest.raises(CallerError) as refused:
        await resolve_link(app, "ai_contact_id", "rosa")
    assert len(refused.value.candidates) == 5
    assert str(refused.value.next_step).endswith("There are more: find_contacts returns all of them.")
    await app.aclose()


async def test_candidates_of_one_name_without_addresses_are_told_apart_by_their_customers(tmp_path: Path) -> None:
    class Account(ForwardingAccount):
        """An account with a Rosa at each of two customers."""

        async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:  # noqa: ARG002  all match
            return tuple(
                Contact(id=f"c-{at}", name="Rosa", phone=None, email=None, customer_id=f"k-{at}", customer_name=at)
                for at in ("Acme", "Globex")
            )

    backend = ForwardingBackend(store_in(tmp_path))
    backend.account = Account(backend.account)
    app = AppContext(backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    with pytest.raises(CallerError) as refused:
        await resolve_link(app, "ai_contact_id", "rosa")
    named = [(candidate.value, candidate.name) for candidate in refused.value.candidates]
    assert named == [("c-Acme", "Rosa, Acme"), ("c-Globex", "Rosa, Globex")]
    await app.aclose()

"""The rules of editing statuses, members and contacts."""

from pathlib import Path

import pytest

from backends.local.conftest import Opener
from backends.local.open_store import USER, create, update
from fixed_clock import FixedClock
from taskhand.backends.factory import OpenContext
from taskhand.backends.local import factory
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import Directory
from taskhand.backends.local.task_import import Line
from taskhand.domain.edit import Edit
from taskhand.domain.errors import Ambiguous, CallerError, NotFound
from taskhand.domain.people_lookup import match_members
from taskhand.domain.task import StatusChoice


async def status_names(backend: LocalBackend) -> list[str]:
    return [status.name for status in (await backend.statuses()).statuses]


async def add_task(backend: LocalBackend, *people: str, status: str | None = None) -> str:
    known = {known.name: StatusChoice.of(known) for known in (await backend.statuses()).statuses}
    edit = Edit(title="Call", priority=1, responsible_ids=people)
    task = await create(backend, edit)
    if status:
        task = await update(backend, task, Edit(status=known[status]))
    return task.id


async def test_a_new_store_has_three_statuses_by_position(backend: LocalBackend) -> None:
    known = await backend.statuses()
    assert known.complete
    assert [(status.order, status.name, status.type) for status in known.statuses] == [
        (1, "Pendiente", "initial"),
        (2, "En Progreso", "in_progress"),
        (3, "Completado", "done"),
    ]


async def test_stores_share_no_ids_unless_their_ids_are_sequential(tmp_path: Path) -> None:
    async def read_ids(name: str, *, sequential_ids: bool) -> set[str]:
        store = factory.open_store(OpenContext(FixedClock(), None, tmp_path / name, sequential_ids=sequential_ids))
        ids = {str(await store.account.me()), *(str(one.id) for one in (await store.statuses()).statuses)}
        ids.add(await add_task(store))
        await store.aclose()
        return ids

    assert await read_ids("a", sequential_ids=True) == await read_ids("b", sequential_ids=True)
    assert len(await read_ids("c", sequential_ids=False) | await read_ids("d", sequential_ids=False)) == 10


async def test_a_new_status_comes_last(backend: LocalBackend) -> None:
    await backend.edit(lambda directory: directory.add_status("  Archivado ", "master_done", "#123456"))
    last = (await backend.statuses()).statuses[-1]
    assert (last.order, last.name, last.type, last.color) == (4, "Archivado", "master_done", "#123456")


@pytest.mark.parametrize("name", ["Pendiente", "PENDIENTE", " pendiente ", "Pendiénte", "en  progreso", "COMPLETADO"])
async def test_a_status_name_is_taken_whatever_its_case_and_accents(backend: LocalBackend, name: str) -> None:
    with pytest.raises(CallerError) as refused:
        await backend.edit(lambda directory: directory.add_status(name, "done"))
    assert refused.value.code == "exists"
    assert await status_names(backend) == ["Pendiente", "En Progreso", "Completado"]


async def test_a_status_may_be_renamed_to_another_spelling_of_itself(backend: LocalBackend) -> None:
    await backend.edit(lambda directory: directory.rename_status("completado", "COMPLETADÓ"))
    assert await status_names(backend) == ["Pendiente", "En Progreso", "COMPLETADÓ"]


async def test_a_status_may_not_take_the_name_of_another(backend: LocalBackend) -> None:
    with pytest.raises(CallerError) as refused:
        await backend.edit(lambda directory: directory.rename_status("Completado", "en progreso"))
    assert refused.value.code == "exists"


async def test_tasks_stay_with_a_renamed_status(backend: LocalBackend) -> None:
    task_id = await add_task(backend)
    await backend.edit(lambda directory: directory.rename_status("Pendiente", "Nueva"))
    status = (await backend.get_task(task_id)).status_config
    assert status
    assert status.name == "Nueva"


async def test_an_unknown_status_is_refused_with_the_existing_ones(backend: LocalBackend) -> None:
    for edit in ("rename", "remove"):
        with pytest.raises(NotFound) as refused:
            await backend.edit(
                lambda directory, edit=edit: (  # type: ignore[misc]
                    directory.remove_status("Nada") if edit == "remove" else directory.rename_status("Nada", "Algo")
                )
            )
        assert refused.value.code == "unknown_status"
        assert refused.value.next_step == "The statuses: Pendiente, En Progreso, Completado."


async def test_a_status_that_a_task_has_cannot_be_removed(backend: LocalBackend) -> None:
    await add_task(backend, status="En Progreso")
    with pytest.raises(CallerError, match="Tasks with the status En Progreso: 1") as refused:
        await backend.edit(lambda directory: directory.remove_status("En Progreso"))
    assert refused.value.code == "in_use"


async def test_an_unused_status_can_be_removed_and_its_name_taken_again(backend: LocalBackend) -> None:
    await backend.edit(lambda directory: directory.remove_status("en PROGRESO"))
    assert await status_names(backend) == ["Pendiente", "Completado"]
    await backend.edit(lambda directory: directory.add_status("En Progreso", "in_progress"))
    assert await status_names(backend) == ["Pendiente", "Completado", "En Progreso"]


async def test_the_only_initial_status_cannot_be_removed(backend: LocalBackend) -> None:
    with pytest.raises(CallerError, match="only initial") as refused:
        await backend.edit(lambda directory: directory.remove_status("Pendiente"))
    assert refused.value.code == "in_use"
    await backend.edit(lambda directory: directory.add_status("Nueva", "initial"))
    await backend.edit(lambda directory: directory.remove_status("Pendiente"))
    task = await backend.get_task(await add_task(backend))
    assert task.status_config
    assert task.status_config.name == "Nueva"


@pytest.mark.parametrize("name", ["", "  ", "\u0301"])
async def test_statuses_members_and_contacts_need_a_name(backend: LocalBackend, name: str) -> None:
    for work in (
        lambda directory: directory.add_status(name, "done"),
        lambda directory: directory.rename_status("Completado", name),
        lambda directory: directory.add_member(name),
        lambda directory: directory.add_member(" Me"),
        lambda directory: directory.rename_member("me", name),
        lambda directory: directory.add_contact(name, "+56 9"),
    ):
        with pytest.raises(CallerError) as refused:
            await backend.edit(work)
        assert refused.value.code == "invalid_name"
    assert [member.name for member in await backend.account.members()] == [USER]


async def test_the_first_member_is_me_under_any_name(backend: LocalBackend) -> None:
    me = await backend.account.me()
    await backend.edit(lambda directory: directory.rename_member("me", "Elisa M."))
    assert [(member.id, member.name) for member in await backend.account.members()] == [(me, "Elisa M.")]
    assert await backend.account.me() == me


@pytest.mark.parametrize("who", ["me", "ME", USER, "elisa mora"])
async def test_me_cannot_be_removed(backend: LocalBackend, who: str) -> None:
    with pytest.raises(CallerError, match="is you") as refused:
        await backend.edit(lambda directory: directory.remove_member(who))
    assert refused.value.code == "in_use"
    assert len(await backend.account.members()) == 1


async def test_two_members_with_one_name_are_distinguished_by_id_or_e_mail(backend: LocalBackend) -> None:
    first = await backend.edit(lambda directory: directory.add_member("María Rodríguez", "m.r@example.com"))
    second = await backend.edit(lambda directory: directory.add_member("Maria Rodriguez"))
    with pytest.raises(Ambiguous) as refused:
        await backend.edit(lambda directory: directory.remove_member("maria rodriguez"))
    assert {candidate.value for candidate in refused.value.candidates} == {first, second}
    await backend.edit(lambda directory: directory.remove_member("M.R@example.com"))
    assert {member.id for member in await backend.account.members()} == {await backend.account.me(), second}


async def test_a_removed_member_keeps_tasks_but_cannot_be_given_new_ones(backend: LocalBackend) -> None:
    luis = await backend.edit(lambda directory: directory.add_member("Luis Pereira", "luis@example.com"))
    task_id = await add_task(backend, luis)
    await backend.edit(lambda directory: directory.remove_member("Luis Pereira"))
    assert (await backend.get_task(task_id)).responsible_ids == (luis,)
    for name in (luis, "Luis Pereira", "luis@example.com"):
        with pytest.raises(NotFound) as refused:
            match_members([name], await backend.account.members(), await backend.account.me())
        assert refused.value.code == "unknown_member"
    with pytest.raises(NotFound):
        await backend.edit(lambda directory: directory.remove_member(luis))


async def test_a_failing_edit_leaves_nothing_behind(backend: LocalBackend) -> None:
    def work(directory: object) -> None:
        directory.add_member("Luis Pereira")  # type: ignore[attr-defined]
        raise LookupError

    with pytest.raises(LookupError):
        await backend.edit(work)
    assert [member.name for member in await backend.account.members()] == [USER]


@pytest.mark.parametrize("query", ["vega", "VEGA", "5555 0101", "carolina@", "lucia mendez", "ACME.EXAMPLE"])
async def test_contacts_are_found_by_a_part_of_name_phone_or_e_mail(backend: LocalBackend, query: str) -> None:
    await backend.edit(lambda d: d.add_contact("Carolina Vega", "+56 9 5555 0101", "Carolina@acme.example", "acme"))
    await backend.edit(lambda d: d.add_contact("Lucía Méndez", None, None, None))
    found = await backend.account.find_contacts(query, 5)
    assert [contact.name for contact in found] == ["Lucía Méndez" if "mendez" in query else "Carolina Vega"]
    assert await backend.account.find_contacts("lucia 0101", 5) == ()


async def test_a_query_is_text_and_no_pattern_and_a_number_if_most_of_it_are_digits(backend: LocalBackend) -> None:
    await backend.edit(lambda directory: directory.add_contact("Carolina Vega", "+56 9 5555 0107"))
    for query in ("%", "_", "*", "C%a", "' OR 1 --", "B7"):
        assert await backend.account.find_contacts(query, 5) == ()


async def test_a_search_by_name_returns_at_most_the_contacts_asked_for(backend: LocalBackend) -> None:
    for name in ("Rosa C", "Rosa A", "Rosa B"):
        await backend.edit(lambda directory, name=name: directory.add_contact(name))  # type: ignore[misc]
    assert [contact.name for contact in await backend.account.find_contacts("rosa", 2)] == ["Rosa A", "Rosa B"]


async def test_members_edited_by_another_process_are_read_at_once(backend: LocalBackend, opens: Opener) -> None:
    async def names() -> list[str]:
        return [member.name for member in await backend.account.members()]

    async with opens() as other:
        await backend.edit(lambda directory: directory.add_member("Ana"))
        assert await names() == await names() == ["Ana", USER]
        await other.edit(lambda directory: directory.rename_member("Ana", "Rosa"))
        assert await names() == await names() == [USER, "Rosa"]
        await backend.edit(lambda directory: directory.remove_member("Rosa"))
        assert await names() == await names() == [USER]


async def test_an_imported_person_who_may_be_either_of_two_members_is_added_as_a_third(opens: Opener) -> None:
    async with opens() as backend:
        for _ in range(2):
            await backend.edit(lambda directory: directory.add_member("Ana"))
        await create(backend, Edit(title="Call", priority=1))
        before = await backend.account.members()
        person = {"id": "m-9", "name": "Ana", "email": None, "active": True}
        await backend.import_lines([Line(1, "member", person)])
        assert {one.id for one in await backend.account.members()} == {"m-9", *(one.id for one in before)}


async def test_a_former_member_is_not_me(opens: Opener) -> None:
    async with opens() as backend:
        former = {"id": "m-9", "name": "Ana", "email": None, "active": False, "me": True}
        await backend.import_lines([Line(1, "member", former)])
        assert await backend.account.me() is None


async def test_linked_contacts_are_found_by_their_own_ids_or_their_customers(backend: LocalBackend) -> None:
    def add(directory: Directory) -> str:
        directory.add_contact("Zoe Ra", customer_id="acme")
        return directory.add_contact("Ana Vega", customer_id="acme")

    ana = await backend.edit(add)
    for field, asked, known in (
        ("ai_contact_id", ana, ana),
        ("ai_customer_id", "acme", "acme"),
        ("deal_id", ana, None),
    ):
        found = await backend.account.find_linked(field, [asked, "other"])
        assert {one: contact.name for one, contact in found.items()} == ({known: "Ana Vega"} if known else {})

"""A backend that has one person's tasks only: no method was forgotten, and none writes what was not read as own."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from inspect import getmembers, isfunction, signature
from pathlib import Path
from typing import NoReturn, cast

import pytest

from backends.local.open_store import create, open_store
from file_stores import journal_in
from fixed_clock import NOW
from service.caching_backend import CachingBackend
from taskhand.backends.base import Backend, OwnProperties
from taskhand.backends.local.backend import LocalBackend
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAllowed, UpstreamFailed
from taskhand.domain.receipt import Receipt
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.domain.task_page import TaskPage
from taskhand.domain.task_query import TaskQuery
from taskhand.service import own_tasks
from taskhand.service.app_context import AppContext
from taskhand.service.forwarding_backend import ForwardingAccount, ForwardingBackend
from taskhand.service.lazy import Lazy
from taskhand.service.own_tasks import OwnTasksBackend
from taskhand.service.own_tasks_note import with_own_tasks_note

HIGH = Edit(title="Changed")


async def test_every_method_of_a_backend_is_narrowed_or_passed_on_by_name(store: LocalBackend) -> None:
    pairs = ((Backend, OwnTasksBackend), (OwnProperties, vars(own_tasks)["_OwnTaskProperties"]))
    for protocol, narrowed in pairs:
        methods = {name: one for name, one in getmembers(protocol, isfunction) if name in vars(protocol)}
        methods = {name: one for name, one in methods.items() if not name.startswith("_")}
        assert "snapshots" in methods
        assert {*methods} <= {*vars(narrowed)}
        for name, one in methods.items():
            assert signature(vars(narrowed)[name]) == signature(one), name
    assert not hasattr(OwnTasksBackend, "__getattr__")
    attributes = {*Backend.__annotations__, *(name for name, one in vars(Backend).items() if isinstance(one, property))}
    assert {"account", "capabilities"} < attributes <= {*vars(OwnTasksBackend), *vars(OwnTasksBackend(store))}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LocalBackend]:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        yield store


async def titles(store: LocalBackend) -> list[str | None]:
    """The titles of all tasks, oldest first."""
    return [task.title for task in (await store.list_tasks(TaskQuery(order="oldest"))).tasks]


async def test_a_task_is_written_only_once_it_was_read_as_the_person_s_own(store: LocalBackend) -> None:
    me = await store.account.me()
    assert me is not None
    own = [await create(store, Edit(title=title, responsible_ids=(me,), priority=1)) for title in ("A", "B")]
    other = await create(store, Edit(title="C", responsible_ids=(), priority=1))
    backend = OwnTasksBackend(store)
    for unread in ([own[0]], [other], own, [own[0], other]):
        for write in (backend.update_task(unread[-1], HIGH), backend.delete_task(unread[-1])):
            with pytest.raises(NotAllowed):
                await write
        results = [*await backend.update_tasks([(one, HIGH) for one in unread]), *await backend.delete_tasks(unread)]
        assert [(one.task_id, type(one.error)) for one in results] == [(one.id, NotAllowed) for one in unread] * 2
    assert await titles(store) == ["A", "B", "C"]
    with pytest.raises(NotAllowed):
        await backend.snapshots([own[0].id, other.id])
    refused = await backend.update_tasks([(own[0], HIGH), (other, HIGH)]), await backend.delete_tasks([other])
    assert {type(one.error) for some in refused for one in some} == {NotAllowed}
    await backend.update_task(own[0], HIGH)
    assert await titles(store) == ["Changed", "B", "C"]
    await backend.snapshots_to_delete([own[1].id])
    await backend.delete_task(own[1])
    assert await titles(store) == ["Changed", "C"]


async def test_five_tasks_that_are_not_the_person_s_own_are_named_and_a_sixth_is_counted(store: LocalBackend) -> None:
    ids = [(await create(store, Edit(title="A", responsible_ids=(), priority=1))).id for _ in range(6)]
    for count, more in ((5, ""), (6, " and 1 more")):
        with pytest.raises(NotAllowed) as refused:
            await OwnTasksBackend(store).snapshots(ids[:count])
        named = f"Tasks {', '.join(ids[:5])}{more} are not your own; nothing was written."
        assert refused.value.message.endswith(named)


async def test_a_list_names_no_unreadable_task_that_is_not_the_person_s_own(store: LocalBackend) -> None:
    class UnreadableTasksBackend(ForwardingBackend):
        """A backend that leaves out tasks of anybody, with an id and without."""

        async def list_tasks(self, query: TaskQuery) -> TaskPage:
            return replace(await store.list_tasks(query), unreadable=(mine.id, other.id, "", "no id", mine.id))

    me = await store.account.me()
    assert me is not None
    mine, other = [await create(store, Edit(title="-", responsible_ids=one, priority=1)) for one in ((me,), ())]
    assert (await OwnTasksBackend(UnreadableTasksBackend(store)).list_tasks(TaskQuery())).unreadable == (mine.id,)


async def test_a_task_that_was_taken_away_since_it_was_read_is_not_written(store: LocalBackend) -> None:
    me = await store.account.me()
    assert me is not None
    task = await create(store, Edit(title="A", responsible_ids=(me,), priority=1))
    backend = OwnTasksBackend(store)
    await backend.snapshots([task.id])
    await store.update_task(task, Edit(responsible_ids=()))
    with pytest.raises(NotAllowed):
        await backend.snapshots([task.id])
    with pytest.raises(NotAllowed):
        await backend.update_task(task, HIGH)


async def test_new_tasks_are_made_only_if_all_are_the_person_s_own(store: LocalBackend) -> None:
    me = await store.account.me()
    assert me is not None
    own, others = Edit(title="A", responsible_ids=(me,), priority=1), Edit(title="B", responsible_ids=(), priority=1)
    backend = OwnTasksBackend(store)
    with pytest.raises(NotAllowed):
        await backend.create_task(others)
    assert [type(one.error) for one in await backend.create_tasks([own, others])] == [NotAllowed, NotAllowed]
    assert await titles(store) == []
    made = [
        (await backend.create_task(own)).task,
        *(one.written.task for one in await backend.create_tasks([own]) if one.written),
    ]
    for one in made:
        await backend.update_task(one, HIGH)
    assert await titles(store) == ["Changed", "Changed"]


async def test_notes_of_own_tasks_are_looked_for_as_the_backend_looks_for_them(store: LocalBackend) -> None:
    class NotesBackend(ForwardingBackend):
        """A backend that has one note beside a task, and misses every other."""

        async def find_notes(self, tasks: Sequence[Task], text: str, *_: object) -> dict[str, str]:
            return {task.id: text for task in tasks}

        async def missing_notes(self, note_ids: Collection[str]) -> frozenset[str]:
            return frozenset(note_ids) - {"note-1"}

    task, backend = await create(store, Edit(title="A", priority=1)), OwnTasksBackend(NotesBackend(store))
    assert await backend.find_notes([task], "note-1", NOW) == {task.id: "note-1"}
    assert await backend.missing_notes(["note-1", "note-2"]) == {"note-2"}


@pytest.mark.parametrize("is_bulk", [False, True])
async def test_a_task_that_a_call_gives_away_may_be_read_until_the_call_ends(
    store: LocalBackend, *, is_bulk: bool
) -> None:
    me = await store.account.me()
    assert me is not None
    task = await create(store, Edit(title="A", responsible_ids=(me,), priority=1))
    backend, edit = OwnTasksBackend(store), Edit(responsible_ids=())
    await backend.snapshots([task.id])
    await (backend.update_tasks([(task, edit)]) if is_bulk else backend.update_task(task, edit))
    assert (await backend.get_task(task.id)).responsible_ids == ()
    with pytest.raises(NotAllowed):
        await OwnTasksBackend(store).get_task(task.id)


async def test_properties_are_read_of_own_tasks_as_they_are_asked_for(store: LocalBackend) -> None:
    class Properties:
        """The properties of an account, which note what is asked for."""

        async def snapshots(
            self, ids: Sequence[str], names: Collection[str], *, to_delete: bool = False
        ) -> dict[str, Snapshot]:
            asked.append((list(ids), list(names), to_delete))
            return await store.snapshots(ids)

    me = await store.account.me()
    assert me is not None
    asked = list[tuple[list[str], list[str], bool]]()
    own = await create(store, Edit(title="A", responsible_ids=(me,), priority=1))
    other = await create(store, Edit(title="B", responsible_ids=(), priority=1))
    store.properties = Properties()  # type: ignore[assignment]  # the rest is not asked for
    backend = OwnTasksBackend(store)
    assert backend.properties is not None
    assert {*await backend.properties.snapshots([own.id], ["rank"], to_delete=True)} == {own.id}
    with pytest.raises(NotAllowed):
        await backend.properties.snapshots([own.id, other.id], ["rank"])
    assert asked == [([own.id], ["rank"], True), ([own.id, other.id], ["rank"], False)]


async def test_a_list_of_own_tasks_and_of_nobody_s_ends_with_the_last_own_task(store: LocalBackend) -> None:
    me = await store.account.me()
    assert me is not None
    own = await create(store, Edit(title="A", responsible_ids=(me,), priority=1))
    await create(store, Edit(title="B", responsible_ids=(), priority=1))
    query = TaskQuery(responsible_ids=(me,), of_nobody=True, order="oldest", limit=1)
    page = await OwnTasksBackend(store).list_tasks(query)
    assert ([task.id for task in page.tasks], page.more) == ([own.id], False)


async def test_a_list_of_own_tasks_that_are_anothers_too_goes_on_after_a_page_that_found_too_many(
    store: LocalBackend,
) -> None:
    me, other = await store.account.me(), await store.edit(lambda directory: directory.add_member("Luis"))
    assert me is not None
    for title, more in (("A", ()), ("B", (other,)), ("C", (other,)), ("D", (other,))):
        await create(store, Edit(title=title, responsible_ids=(me, *more), priority=1))
    query = TaskQuery(responsible_ids=(other,), order="oldest", limit=2)
    page = await OwnTasksBackend(store).list_tasks(query)
    assert ([task.title for task in page.tasks], page.more) == (["B", "C"], True)


async def test_a_task_is_read_past_the_caches_before_it_is_written(store: LocalBackend) -> None:
    me = await store.account.me()
    assert me is not None
    own = await create(store, Edit(title="A", responsible_ids=(me,), priority=1))
    backend = OwnTasksBackend(cast("Backend", CachingBackend(store)))
    assert (await backend.get_task(own.id)).responsible_ids == (me,)
    await store.update_task(own, Edit(responsible_ids=()))
    for fresh in (False, True):
        with pytest.raises(NotAllowed):
            await backend.snapshots([own.id], fresh=fresh)


async def test_a_task_that_the_caller_gave_away_is_noted_if_it_is_known_who_they_are(
    store: LocalBackend, tmp_path: Path
) -> None:
    class Nobody(ForwardingAccount):
        """An account that does not answer after the write."""

        async def me(self) -> NoReturn:
            """Fail."""
            raise UpstreamFailed("The CRM did not answer.")

    me = await store.account.me()
    assert me is not None
    before = await create(store, Edit(title="Call", priority=1, responsible_ids=(me,)))
    given = Edit(responsible_ids=())
    written = Receipt.of(before, (await store.update_task(before, given)).task, given, ())
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    told = await with_own_tasks_note(app, {}, written)
    assert told.note == "A task that is given away is not yours any more: you cannot undo that."
    silent = ForwardingBackend(store)
    silent.account = Nobody(silent.account)
    assert (await with_own_tasks_note(replace(app, backend=silent), {}, written)).note is None

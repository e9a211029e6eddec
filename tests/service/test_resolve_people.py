"""The people of a write: former members count only on the tasks that they have."""

from dataclasses import replace
from pathlib import Path

from backends.local.open_store import open_store
from behaviour.world import NOW
from builders import refused
from file_stores import journal_in
from taskhand.domain import task_rules
from taskhand.domain.edit import Edit
from taskhand.domain.policy import Rules
from taskhand.domain.principal import Principal
from taskhand.domain.task import TaskDraft
from taskhand.domain.task_query import TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.edit_resolver import Resolver
from taskhand.service.lazy import Lazy
from taskhand.service.list_tasks import list_tasks
from taskhand.service.list_team_members import list_team_members
from taskhand.service.resolve_people import resolve_filter_people, resolve_people


async def test_a_person_who_has_left_stays_on_a_task_by_name_and_is_given_no_other(tmp_path: Path) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        ids = {}
        for name in ("Marta Gil", "Leo Paz"):
            ids[name] = await store.edit(lambda one, name=name: one.add_member(name, None))  # type: ignore[misc]
            await store.edit(lambda one, name=name: one.remove_member(name))  # type: ignore[misc]
        app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
        team = await list_team_members(app)
        assert (await resolve_people(app, team, ["Leo Paz"], [ids["Leo Paz"]])).ids == (ids["Leo Paz"],)
        for current in ([ids["Leo Paz"]], []):
            with refused("unknown_member"):
                await resolve_people(app, team, ["Marta Gil"], current)
        assert (await resolve_filter_people(app, team, ["Marta"])).ids == (ids["Marta Gil"],)
        assert (await list_tasks(app, TaskFilter(responsible_ids=["Marta"]))).tasks == ()


async def test_a_former_member_is_removed_from_a_task_by_name(tmp_path: Path) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        gone = await store.edit(lambda one: one.add_member("Leo Paz", None))
        me = await store.account.me()
        assert me is not None
        before = (await store.create_task(Edit(title="Call", responsible_ids=(me, gone), priority=1))).task
        await store.edit(lambda one: one.remove_member("Leo Paz"))
        app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
        changed = await Resolver(app).change_people(before, (), ["Leo Paz"])
        assert changed.ids == (me,)
        with refused("unknown_member"):
            await Resolver(app).change_people(before, (), ["Ada Sol"])


async def test_a_new_task_without_people_has_none_unless_it_has_to_be_the_callers_own(tmp_path: Path) -> None:
    async with open_store(tmp_path / "tasks.sqlite") as store:
        me = await store.account.me()
        app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
        own = replace(app, principal=Principal(rules=Rules(own_tasks_only=True)))
        draft = TaskDraft(title="Call", responsible_ids=())
        due = task_rules.parse_due(draft, app.reference)
        for at, ids in ((app, ()), (own, (me,))):
            edit, _ = await Resolver(at).resolve(draft, due, None)
            assert edit.responsible_ids == ids

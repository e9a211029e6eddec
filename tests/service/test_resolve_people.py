"""The people of a write: former members count only on the tasks that they have."""

from pathlib import Path

from backends.local.open_store import open_store
from behaviour.world import NOW
from builders import refused
from file_stores import journal_in
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
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

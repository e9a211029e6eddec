"""The events that a caller may see: with a rule only those of own tasks, and no change of another person."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.feed_app import FeedApp, open_feed
from taskhand.domain.edit import Edit
from taskhand.domain.errors import UpstreamFailed
from taskhand.domain.policy import Rules
from taskhand.domain.principal import Person, Principal
from taskhand.domain.task import Member, TaskPatch
from taskhand.journal.journal import Caller
from taskhand.server.in_process_client import call_tool
from taskhand.service.app_context import AppContext, ConnectionInfo, OwnCredentials
from taskhand.service.connections import Connections
from taskhand.service.events.feed_poll import look
from taskhand.service.list_events import EventsRequest, list_events, list_latest_events, save_position
from taskhand.service.update_task import update_task
from taskhand.service.write_call import Call

ANA, ROOT = Person.parse("ana@example.cl"), Person.parse("root@example.cl")


def as_person(feed: FeedApp, person: Person, **rules: Any) -> AppContext:
    return feed.app.of_principal(
        Principal(person, rules=Rules(**rules), members={"member": "Elena"} if person is ANA else {})
    )


async def ask(app: AppContext, caller: str, limit: int = 50) -> list[tuple[str | None, str | None, str | None]]:
    """The title, who did it by name, and the change, of each event since the caller last looked."""
    asked = EventsRequest(caller, limit)
    page = await list_events(app, asked)
    await save_position(app, asked, page, len(page.events))
    return [(one.event.title, one.event.by_name, one.event.change_id) for one in page.events]


async def test_a_person_limited_to_own_tasks_sees_their_events_and_the_loss_of_a_task(
    tmp_path: Path,
) -> None:
    async with open_feed(tmp_path) as feed:
        feed.source.page = 50
        mine, other = await feed.others.create("Mine"), await feed.others.create("Other")
        await feed.call("reassign_task", id=mine.id, responsibleIds=["Elena"])
        feed.clock.move(minutes=1)
        ana = as_person(feed, ANA, own_tasks_only=True)
        assert await ask(ana, "ana") == []
        feed.clock.move(minutes=1)
        mine = await feed.others.rename(mine, "Mine still")
        await feed.others.rename(other, "Not mine")
        await feed.call("update_task", id=mine.id, clear=["responsibleIds"])
        feed.others.note("reassigned", mine, await feed.others.backend.get_task(mine.id))
        await feed.others.rename(mine, "Mine no more")
        assert [title for title, *_ in await ask(ana, "ana")] == ["Mine still", "Mine still"]
        nobody = as_person(feed, ROOT, own_tasks_only=True)
        assert await ask(nobody, "nobody") == []
        await feed.others.rename(other, "Nobody's")
        assert await ask(nobody, "nobody") == [], "who is no member has no tasks"


async def test_the_event_for_a_lost_task_hides_the_other_changes_of_that_write(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        mine = await feed.others.create("Mine")
        await feed.call("reassign_task", id=mine.id, responsibleIds=["Elena"])
        feed.clock.move(minutes=1)
        ana = as_person(feed, ANA, own_tasks_only=True)
        assert await ask(ana, "ana") == []
        before = await feed.others.backend.get_task(mine.id)
        edit = Edit(title="Secret", description="Secret", priority=2, responsible_ids=())
        feed.others.note("updated", before, (await feed.others.backend.update_task(before, edit)).task)
        [event] = [one.event for one in (await list_events(ana, EventsRequest("ana", 9))).events]
        assert (event.kind, event.title) == ("reassigned", "Mine")
        assert [(one.field, one.after) for one in event.changed] == [("responsibles", ())]
        [event] = [one.event for one in (await list_latest_events(ana, 9)).events]
        assert event.title == "Mine"


async def test_an_own_write_has_the_calling_person_as_its_author_in_events(
    tmp_path: Path,
) -> None:
    async with open_feed(tmp_path) as feed:
        marta = await feed.others.backend.edit(lambda one: one.add_member("Marta", "marta@example.cl"))
        owner = feed.others.person = await feed.others.backend.account.me()
        tasks = [await feed.others.create(title) for title in ("Ana's", "Marta's", "Nobody's")]
        feed.clock.move(minutes=1)
        await ask(feed.app, "all")
        people = ANA, Person.parse("marta@example.cl"), Person.parse("nobody@example.cl")
        for task, person in zip(tasks, people, strict=True):
            call = Call(as_person(feed, person), "update_task", Caller("host", subject=person.id))
            await update_task(call, task.id, TaskPatch(title=f"{task.title} now"))
            feed.others.note("updated", task, await feed.others.backend.get_task(task.id))
        page = await list_events(feed.app, EventsRequest("all", 9))
        told = [(one.event.by, one.event.by_name) for one in page.events]
        assert told == [(owner, None), (marta, None), (None, "nobody@example.cl")]
        hers = await list_events(feed.app, EventsRequest("hers", 9, since=feed.clock(), person_ids=(marta,)))
        assert [one.event.title for one in hers.events] == ["Marta's now"]


async def test_a_hidden_change_of_another_person_has_taskhand_as_its_author(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        owner = feed.others.person = await feed.others.backend.account.me()
        task = await feed.others.create("Call")
        feed.clock.move(minutes=1)
        ana, all_seeing = as_person(feed, ANA), as_person(feed, ROOT, sees_all_changes=True)
        for app in (ana, all_seeing):
            await ask(app, str(app.principal.subject))
        answer = await feed.call("update_task", id=task.id, title="Call Ana")
        feed.others.note("updated", task, await feed.others.backend.get_task(task.id))
        assert await ask(ana, "ana@example.cl") == [("Call Ana", "Taskhand", None)]
        assert await ask(all_seeing, "root@example.cl") == [("Call Ana", None, answer["changeId"])]
        latest = [(await list_latest_events(app, 1)).events[0].event for app in (ana, all_seeing)]
        told = [(one.by, one.by_name, one.change_id) for one in latest]
        assert told == [(None, "Taskhand", None), (owner, None, answer["changeId"])]


async def test_events_of_several_connections_are_one_list_and_each_continues_where_it_was_shown(tmp_path: Path) -> None:
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
    async with open_feed(tmp_path / "north") as north, open_feed(tmp_path / "south", user="Marta") as south:
        stages = {"north": north, "south": south}
        served = Connections({name: replace(one.app, connection=ConnectionInfo(name)) for name, one in stages.items()})

        async def call(**arguments: object) -> dict[str, Any]:
            text, is_error = await call_tool(served, "list_events", arguments)
            assert not is_error, text
            answer: dict[str, Any] = json.loads(text)
            return answer

        async def happen(*titles: str) -> None:
            for number, title in enumerate(titles):
                for feed in stages.values():
                    feed.clock.move(seconds=5)
                await list(stages.values())[number % 2].others.create(title)

        for feed in stages.values():
            feed.others.person = await feed.others.backend.account.me()
        first = await call()
        assert first["events"] == []
        assert first["note"].count("first list") == 1
        await happen("N1", "S1", "N2", "S2", "N3")
        page = await call(limit=2)
        assert [(one["title"], one["connection"]) for one in page["events"]] == [("N1", "north"), ("S1", "south")]
        assert page["more"] is True
        rest = await call(cursor=page["nextCursor"])
        assert [one["title"] for one in rest["events"]] == ["N2", "S2", "N3"]
        await happen("N4")
        assert [one["title"] for one in (await call())["events"]] == ["N4"]
        assert [one["title"] for one in (await call(connection="south", since="2020-01-01"))["events"]] == ["S1", "S2"]
        hers = await call(since="today", people=["Marta"])
        assert [one["title"] for one in hers["events"]] == ["S1", "S2"], "north does not know her"
        assert [(one["connection"], one["code"]) for one in hers["leftOut"]] == [("north", "unknown_member")]
        assert hers["matched"][0]["argument"] == "since"
        on = await call(cursor=hers["nextCursor"], since="today", people=["Marta"])
        assert (on["events"], "matched" in on) == ([], False), "it goes on from the cursor, not from since"
        both = await call(since="today", people=["Marta", "Elena"])
        assert [one["title"] for one in both["events"]] == ["N1", "S1", "N2", "S2", "N3", "N4"]
        assert [one["connection"] for one in both["leftOut"]] == ["north", "south"]
        assert both["leftOut"][0]["message"].endswith("Only the others were asked for.")
        text, is_error = await call_tool(served, "list_events", {"people": ["Nobody", "Elena"], "since": "today"})
        assert (is_error, "unknown_member" in text) == (True, True), text
        await happen("N5", "S5")
        part = await call(limit=1)
        assert ([one["title"] for one in part["events"]], part["more"]) == (["N5"], True)
        assert [one["title"] for one in (await call())["events"]] == ["S5"], "it was not on the page"
        south.others.backend.event_source = None
        await happen("N6")
        told = await call()
        assert [one["title"] for one in told["events"]] == ["N6"]
        assert told["leftOut"][0]["code"] == "unsupported"


async def test_a_write_with_an_own_credential_explains_an_event_by_that_person_alone(tmp_path: Path) -> None:
    async def is_own() -> bool:
        return True

    async with open_feed(tmp_path) as feed:
        marta = await feed.others.backend.edit(lambda one: one.add_member("Marta", "marta@example.cl"))
        owner = await feed.others.backend.account.me()
        tasks = [await feed.others.create(title) for title in ("Hers", "Owner's")]
        feed.clock.move(minutes=1)
        await ask(feed.app, "all")
        person = Person.parse("marta@example.cl")
        app = replace(as_person(feed, person), own_credentials=OwnCredentials(is_used=is_own))
        for task, by in zip(tasks, (marta, owner), strict=True):
            call = Call(app, "update_task", Caller("host", subject=person.id))
            await update_task(call, task.id, TaskPatch(title=f"{task.title} now"))
            feed.others.person = by
            feed.others.note("updated", task, await feed.others.backend.get_task(task.id))
        told = await ask(feed.app, "all")
        assert [(title, change is not None) for title, _, change in told] == [
            ("Hers now", True),
            ("Owner's now", False),
        ]


async def test_the_people_of_a_connection_that_does_not_answer_have_the_names_that_were_read_before(
    tmp_path: Path,
) -> None:
    def fail() -> None:
        raise UpstreamFailed("Close did not answer.")

    async def ask_for_names() -> tuple[Member, ...]:
        asked.append("members")
        return ()

    for name in ("north", "south"):
        (tmp_path / name).mkdir()
    asked = list[str]()
    async with open_feed(tmp_path / "north") as north, open_feed(tmp_path / "south", user="Marta") as south:
        apps = {
            name: replace(one.app, connection=ConnectionInfo(name))
            for name, one in (("north", north), ("south", south))
        }
        for feed, title in ((north, "N"), (south, "S")):
            feed.others.person = await feed.others.backend.account.me()
            await look(feed.app)
            feed.clock.move(seconds=1)
            await feed.others.create(title)
        for silent in (False, True):
            if silent:
                south.source.on_look = fail
                south.others.backend.account.members = ask_for_names  # type: ignore[method-assign]  # it is away
            text, is_error = await call_tool(Connections(apps), "list_events", {"since": "today"})
            assert not is_error, text
            assert [(one["title"], one["by"]) for one in json.loads(text)["events"]] == [("N", "Elena"), ("S", "Marta")]
        assert "Close did not answer." in text
        assert asked == []

"""The feed of an account: each change of anybody is there once, and Taskhand's own are known as such."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from builders import refused
from service.feed_app import FeedApp, open_feed
from taskhand.call.deadline import call_deadline
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.event import difference_event
from taskhand.domain.principal import Person, Principal
from taskhand.domain.snapshot import Snapshot
from taskhand.events.event_store import EventQuery, FeedName
from taskhand.journal.journal import Intent, Result
from taskhand.service.app_context import CallTime
from taskhand.service.change_announcements import feed_id
from taskhand.service.events.feed_poll import KnownView, feed_of, find_source, look
from taskhand.service.forwarding_backend import ForwardingBackend
from taskhand.service.write_call import Call


async def stored_events(feed: FeedApp) -> list[tuple[str, str | None, str | None]]:
    """What the feed has: the kind, the title and the change of each event."""
    kept = await feed.store.list_events(await feed_of(feed.app), EventQuery(500))
    return [(one.event.kind, one.event.title, one.event.change_id) for one in kept]


async def test_a_feed_begins_with_the_first_look(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        task = await feed.others.create("Before")
        feed.clock.move(seconds=1)
        assert await look(feed.app) == ()
        await feed.others.rename(task, "After")
        feed.clock.move(seconds=1)
        assert [one.event.kind for one in await look(feed.app)] == ["updated"]
        assert await stored_events(feed) == [("updated", "After", None)]


async def test_a_feed_begins_when_somebody_wants_it_although_the_first_look_comes_later(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        seconds = [0.0]
        app = replace(feed.app, call_time=CallTime(monotonic=lambda: seconds[0]))
        await feed.others.create("Before")
        feed.clock.move(seconds=1)
        app.feed_demand.use(app)
        feed.clock.move(seconds=1)
        await feed.others.create("After")
        feed.clock.move(seconds=1)
        seconds[0] = 2.5
        assert [one.event.title for one in await look(app)] == ["After"]


async def test_the_shared_feed_is_read_with_the_shared_credential_though_its_caller_has_linked_another(
    tmp_path: Path,
) -> None:
    async with open_feed(tmp_path) as feed:
        own = ForwardingBackend(feed.others.backend)
        app = replace(feed.app.of_principal(Principal(Person.parse("ana@x.test"))), backend=own)
        assert find_source(app, FeedName("test")) is feed.source
        assert find_source(app, FeedName("test", "ana@x.test")) not in (None, feed.source)


async def test_a_look_that_is_behind_is_followed_by_others(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await look(feed.app)
        for number in range(8):
            await feed.others.create(f"T{number}")
        feed.source.looks.clear()
        assert len(await look(feed.app)) == 8
        assert len(feed.source.looks) == 3
        assert await look(feed.app) == ()


async def test_looks_that_are_behind_end_before_the_time_of_the_call_does(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await look(feed.app)
        for number in range(9):
            await feed.others.create(f"T{number}")
        seconds = [0.0]
        feed.source.page, feed.source.on_look = 1, lambda: seconds.append(seconds.pop() + 3.0)
        with call_deadline(10.0, lambda: seconds[0]):
            assert len(await look(feed.app)) == 3


async def test_our_writes_carry_a_change_id_and_writes_of_others_carry_none(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        task = await feed.others.create("Call")
        feed.clock.move(seconds=1)
        await look(feed.app)
        told: list[str] = []
        feed.app.updates.subscribe(told.append)
        before = await feed.others.backend.get_task(task.id)
        answer = await feed.call("update_task", id=task.id, title="Call Ana")
        feed.others.note("updated", before, await feed.others.backend.get_task(task.id))
        told.clear()
        await look(feed.app)
        assert (await stored_events(feed), told) == ([("updated", "Call Ana", answer["changeId"])], [feed_id(None)])
        await feed.others.rename(await feed.others.rename(task, "Call Ben"), "Call Ana")
        await look(feed.app)
        assert [one for *_, one in await stored_events(feed)][1:] == [None, None], (
            "the value is the same, the change is not"
        )
        assert told == [feed_id(None), feed_id(None), task.id], "each task once"


async def test_own_changes_from_the_journal_are_passed_to_a_source_that_compares_polls(tmp_path: Path) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        task, gone = await feed.others.create("Call"), await feed.others.create("Gone")
        await feed.call("update_task", id=gone.id, title="Before the feed")
        await look(feed.app)
        feed.clock.move(minutes=1)
        await feed.others.rename(task, "Call Ben")
        feed.clock.move(minutes=1)
        first = await feed.call("update_task", id=task.id, title="Call Ana")
        new = await feed.call("create_task", title="New", responsibleIds=[])
        feed.clock.move(minutes=1)
        await feed.others.complete(task)
        await feed.others.delete(gone)
        expected = [
            ("updated", "Call Ben", None),
            ("updated", "Call Ana", first["changeId"]),
            ("created", "New", new["changeId"]),
        ]
        await look(feed.app)
        others = {("completed", "Call Ana", None), ("deleted", "Before the feed", None)}
        found = await stored_events(feed)
        assert (found[:3], {*found[3:]}) == (expected, others)
        await look(feed.app)
        assert len(await stored_events(feed)) == 5
        feed.clock.move(minutes=1)
        await feed.others.rename(task, "Call Ben")
        await look(feed.app)
        assert (await stored_events(feed))[5:] == [("updated", "Call Ben", None)], "what was told is not told again"
        await feed.others.complete(await feed.others.create("Quick"))
        await look(feed.app)
        assert (await stored_events(feed))[6:] == [("created", "Quick", None), ("completed", "Quick", None)]


async def test_a_task_created_during_a_look_is_reported_by_the_next_look_as_own(tmp_path: Path) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        await look(feed.app)
        feed.clock.move(minutes=1)
        call, edit = Call(feed.app, "create_task"), Edit(title="New", responsible_ids=(), priority=1)
        await call.begin(call.new_opening(), [Intent("create", edit=edit, asked=edit)])
        made = (await feed.app.backend.create_task(edit)).task
        await feed.others.create("Other")
        assert [one.event.title for one in await look(feed.app)] == ["Other"]
        await call.settle([Result(0, "applied", made.id, made)], "applied")
        assert call.change is not None
        await look(feed.app)
        assert await stored_events(feed) == [("created", "Other", None), ("created", "New", call.change.id)]


async def test_own_writes_since_a_look_replace_the_tasks_known_from_the_look(tmp_path: Path) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        tasks = [await feed.others.create(title) for title in ("Call", "Gone", "Same")]
        await look(feed.app)
        call, gone, same = (one.id for one in tasks)
        new = await feed.others.create("New")
        renamed = await feed.others.rename(tasks[0], "Call Ana")
        view = KnownView(feed.store, await feed_of(feed.app))
        view.overlay = {call: renamed, gone: None, new.id: new}
        assert await view.find_all() == {call: renamed, same: tasks[2], new.id: new}
        assert await view.find([call, gone]) == {call: renamed}


async def test_two_looks_at_once_keep_each_change_once(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as one, open_feed(tmp_path) as two:
        two.source.log = one.source.log
        await look(one.app)
        for number in range(5):
            await one.others.create(f"T{number}")
        async with anyio.create_task_group() as group:
            for feed in (one, two, one, two):
                group.start_soon(look, feed.app)
        assert [title for _, title, _ in await stored_events(one)] == [f"T{number}" for number in range(5)]
        assert await stored_events(two) == await stored_events(one)


async def test_a_call_that_waited_for_a_look_makes_none_of_its_own(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        asked_at = feed.clock()
        feed.clock.move(seconds=1)
        await look(feed.app)
        feed.source.looks.clear()
        await look(feed.app, unless_after=asked_at)
        assert feed.source.looks == []
        await look(feed.app, unless_after=feed.clock())
        assert len(feed.source.looks) == 1


async def test_hints_are_given_to_the_source_and_then_gone(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await look(feed.app)
        name = await feed_of(feed.app)
        await feed.store.add_hint(name, ["t-1", "t-2"], feed.clock())
        await feed.store.add_hint(name, [], feed.clock())
        await look(feed.app)
        assert {*feed.source.looks[-1][1]} == {"t-1", "t-2"}
        assert await feed.store.find_hints(name) == {}


@pytest.mark.parametrize("lacks", ["source", "store"])
async def test_a_look_is_refused_if_the_backend_has_no_source_or_no_store(tmp_path: Path, lacks: str) -> None:
    async with open_feed(tmp_path) as feed:
        if lacks == "source":
            feed.others.backend.event_source = None
        app = feed.app if lacks == "source" else replace(feed.app, open_events=None)
        with refused("unsupported", CallerError):
            await look(app)


@pytest.mark.parametrize("overlap", [0, 2])
async def test_one_write_explains_one_event_and_none_by_another_member(tmp_path: Path, overlap: int) -> None:
    async with open_feed(tmp_path) as feed:
        feed.source.overlap = overlap
        task = await feed.others.create("Call")
        feed.clock.move(seconds=1)
        await look(feed.app)
        me, other = await feed.app.backend.account.me(), "somebody"
        made = []
        for by in (None, me, other):
            before = await feed.others.backend.get_task(task.id)
            answer = await feed.call("update_task", id=task.id, title=f"By {by}")
            feed.others.person = by
            feed.others.note("updated", before, await feed.others.backend.get_task(task.id))
            made.append(None if by == other else answer["changeId"])
            for title in (str(before.title), f"By {by}"):
                feed.clock.move(seconds=2)
                await feed.others.rename(await feed.others.backend.get_task(task.id), title)
                await look(feed.app)
                made.append(None)
            feed.clock.move(seconds=2)
        assert [one for *_, one in await stored_events(feed)] == made


async def test_a_change_made_in_the_store_by_hand_is_not_reported_as_own(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        del vars(feed.others.backend)["event_source"]
        await look(feed.app)
        for title in ("By hand", "Mine"):
            await feed.call("create_task", title=title, responsibleIds=[])
        with closing(sqlite3.connect(tmp_path / "tasks.sqlite", isolation_level=None)) as store:
            by_hand = "moment = NULL, member_id = NULL, made_at = moment"  # as of another program at that moment
            store.execute(f"UPDATE change SET {by_hand} WHERE new_row LIKE '%By hand%'")  # noqa: S608
        await look(feed.app)
        assert [(title, own is not None) for _, title, own in await stored_events(feed)] == [
            ("By hand", False),
            ("Mine", True),
        ]


async def test_an_own_write_explains_an_event_that_may_have_been_at_its_time(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        before = await feed.others.create("Call")
        await look(feed.app)
        begin = feed.clock()
        feed.clock.move(minutes=10)
        answer = await feed.call("update_task", id=before.id, title="Call Ana")
        feed.clock.move(minutes=10)
        after = await feed.others.backend.get_task(before.id)
        for key, until in (("other", begin + timedelta(minutes=8)), ("own", feed.clock())):
            found = difference_event(before, after, key, between=(begin, until))
            assert found is not None
            feed.source.log.append(found)
        await look(feed.app)
        kept = await feed.store.list_events(await feed_of(feed.app), EventQuery(9))
        assert {one.event.key: one.event.change_id for one in kept[-2:]} == {"other": None, "own": answer["changeId"]}


async def test_a_write_in_progress_explains_its_event_before_its_result_is_known(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        task = await feed.others.create("Call")
        await look(feed.app)
        feed.clock.move(minutes=5)
        call, edit = Call(feed.app, "update_task"), Edit(title="Call Ana")
        await call.begin(call.new_opening(), [Intent("update", Snapshot(task), edit, edit)])
        await feed.others.rename(task, "Call Ana")
        feed.clock.move(seconds=1)
        await look(feed.app)
        assert call.change is not None
        assert (await stored_events(feed))[-1] == ("updated", "Call Ana", call.change.id)


async def test_the_creation_by_others_is_listed_before_our_write_to_the_same_task(tmp_path: Path) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        feed.clock.move(hours=1)
        await look(feed.app)
        feed.clock.move(minutes=1)
        new = await feed.others.create("New")
        feed.clock.move(minutes=-50)
        old = await feed.others.create("Hidden until now")
        feed.clock.move(minutes=50)
        told = [await feed.call("update_task", id=one.id, title=f"{one.title} now") for one in (new, old)]
        feed.clock.move(minutes=1)
        await look(feed.app)
        assert [one for one in await stored_events(feed) if one[0] == "created"] == [("created", "New", None)]
        assert {one[2] for one in await stored_events(feed) if one[0] == "updated"} == {one["changeId"] for one in told}


async def test_a_task_not_read_again_after_our_write_is_not_reported_as_deleted(tmp_path: Path) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        task, gone = await feed.others.create("Call"), await feed.others.create("Gone")
        await look(feed.app)
        feed.clock.move(minutes=1)
        call, edit = Call(feed.app, "update_task"), Edit(title="Call Ana")
        await call.begin(call.new_opening(), [Intent("update", Snapshot(task), edit, edit)])
        await feed.others.rename(task, "Call Ana")
        await call.settle([Result(0, "applied", task.id)], "applied")
        deleting = Call(feed.app, "delete_task")
        await deleting.begin(deleting.new_opening(), [Intent("delete", Snapshot(gone))])
        await feed.others.delete(gone)
        await deleting.settle([Result(0, "applied", gone.id)], "applied")
        feed.clock.move(seconds=1)
        await look(feed.app)
        assert call.change is not None
        assert deleting.change is not None
        expected = {("updated", "Call Ana", call.change.id), ("deleted", "Gone", deleting.change.id)}
        assert {*await stored_events(feed)} == expected

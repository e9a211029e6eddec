"""The answers of list_events: changes since a moment, a cursor or the last list, by any author."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn

import anyio
import pytest

from builders import refused
from service.feed_app import FeedApp, LoggingSource, open_feed
from taskhand.call.deadline import time_left
from taskhand.domain.errors import UpstreamFailed
from taskhand.domain.event_source import EventSource, KnownTasks, Look
from taskhand.domain.task import Task
from taskhand.events.event_store import FeedName
from taskhand.events.sqlite import SqliteEventStore
from taskhand.server.in_process_client import call_tool
from taskhand.service.app_context import CallTime
from taskhand.service.list_events import list_latest_events


def kinds(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["kind"], one.get("title", "")) for one in answer["events"]]


async def start(feed: FeedApp) -> dict[str, Any]:
    """The first look, a moment after all that was before."""
    feed.clock.move(minutes=1)
    answer = await feed.call("list_events")
    feed.clock.move(minutes=1)
    return answer


async def create_hourly(feed: FeedApp, count: int) -> None:
    """Others make so many tasks, T0 the first, one an hour."""
    for number in range(count):
        await feed.others.create(f"T{number}")
        feed.clock.move(hours=1)


async def test_the_first_poll_of_a_feed_has_more_of_the_call_than_the_later_ones(tmp_path: Path) -> None:
    lefts = list[float]()
    async with open_feed(tmp_path) as feed:
        feed.source.on_look = lambda: lefts.append(time_left())
        for _ in range(2):
            await start(feed)
    call_s = CallTime().limit_s
    assert len(lefts) == 2
    assert lefts[0] > call_s / 2 > lefts[1] > call_s / 4


async def test_the_first_poll_of_a_feed_begins_five_minutes_before_it(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await feed.others.create("Earlier")
        feed.clock.move(minutes=2)
        await feed.others.create("Recent")
        feed.clock.move(minutes=4)
        assert kinds(await feed.call("list_events")) == []
        assert feed.source.looks[0][0] == "1"


@asynccontextmanager
async def another_look(feed: FeedApp) -> AsyncIterator[None]:
    """Another call looks inside, and does not end."""
    begun = anyio.Event()

    async def look_for_ever() -> None:
        async with feed.app.lock("feed "):
            begun.set()
            await anyio.sleep_forever()

    async with anyio.create_task_group() as group:
        group.start_soon(look_for_ever)
        await begun.wait()
        yield
        group.cancel_scope.cancel()


async def test_a_list_records_that_the_feed_is_wanted_for_a_quarter_of_an_hour(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await feed.call("list_events")
        found = await feed.store.find_feed(FeedName("test"))
        assert found is not None
        assert found.wanted_until == feed.clock() + timedelta(minutes=15)


async def test_the_first_call_lists_no_events_and_the_next_lists_those_since(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        task = await feed.others.create("Call")
        first = await start(feed)
        assert first["events"] == []
        assert "first list" in first["note"]
        assert "send since" in first["note"]
        await feed.others.rename(task, "Call Ana")
        await feed.others.complete(task)
        second = await feed.call("list_events")
        assert kinds(second) == [("updated", "Call Ana"), ("completed", "Call Ana")]
        renamed, done = second["events"]
        assert renamed["changed"] == {"title": {"from": "Call", "to": "Call Ana"}}
        assert done["changed"] == {"status": {"from": "Pendiente", "to": "Completado"}}
        assert second["since"].startswith("2026-03-02T15:01+00:00")
        assert second["untrusted"]["fields"] == ["events.title", "events.changed"]
        assert "note" not in second
        assert (await feed.call("list_events"))["events"] == []


async def test_pages_continue_from_their_cursor_and_from_the_bookmark(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await start(feed)
        for number in range(5):
            await feed.others.create(f"T{number}")
        first = await feed.call("list_events", limit=2)
        assert (len(first["events"]), first["more"]) == (2, True)
        by_cursor = await feed.call("list_events", limit=9, cursor=first["nextCursor"])
        assert [title for _, title in kinds(by_cursor)] == ["T2", "T3", "T4"]
        assert "more" not in by_cursor
        await feed.others.create("T5")
        assert [title for _, title in kinds(await feed.call("list_events"))] == ["T5"]
        again = await feed.call("list_events", cursor=by_cursor["nextCursor"])
        assert [title for _, title in kinds(again)] == ["T5"], "a cursor may be used again"


async def test_since_lists_past_events_in_order_of_time_across_pages(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await create_hourly(feed, 6)
        await start(feed)
        await feed.others.create("T6")
        page = await feed.call("list_events", since="2026-03-02T17:00:00Z", limit=3)
        assert [title for _, title in kinds(page)] == ["T2", "T3", "T4"]
        await feed.others.create("T7")
        rest = await feed.call("list_events", cursor=page["nextCursor"])
        assert [title for _, title in kinds(rest)] == ["T5", "T6"]
        last = await feed.call("list_events", cursor=rest["nextCursor"])
        assert [title for _, title in kinds(last)] == ["T7"]
        assert (await feed.call("list_events"))["events"] == [], "the past is no news"
        words = await feed.call("list_events", since="today")
        assert [title for _, title in kinds(words)] == [f"T{number}" for number in range(8)]
        assert words["matched"][0]["argument"] == "since"
        assert "matched" not in await feed.call("list_events", since="today", cursor=words["nextCursor"])


async def test_a_page_of_another_cursor_leaves_the_last_look_unchanged(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await start(feed)
        first = await feed.call("list_events")
        for number in range(6):
            await feed.others.create(f"T{number}")
        looked = await feed.call("list_events", limit=2)
        beside = await feed.call("list_events", cursor=first["nextCursor"], limit=1)
        beside = await feed.call("list_events", cursor=beside["nextCursor"], limit=3)
        assert [title for _, title in kinds(beside)] == ["T1", "T2", "T3"]
        looked = await feed.call("list_events", limit=1)
        assert [title for _, title in kinds(looked)] == ["T2"], "neither back nor on"
        looked = await feed.call("list_events", cursor=looked["nextCursor"], limit=1)
        assert [title for _, title in kinds(await feed.call("list_events"))] == ["T4", "T5"]


async def test_a_cursor_is_refused_with_other_filters_than_those_of_its_list(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await start(feed)
        for number in range(3):
            await feed.others.create(f"T{number}")
        page = await feed.call("list_events", kinds=["created", "deleted"], since="today", limit=1)
        for others in ({}, {"kinds": ["completed"]}, {"taskId": page["events"][0]["id"]}):
            text, is_error = await call_tool(feed.app, "list_events", {"cursor": page["nextCursor"], **others})
            assert (is_error, json.loads(text)["error"]["code"]) == (True, "invalid_cursor")
        rest = await feed.call("list_events", kinds=["deleted", "created"], cursor=page["nextCursor"])
        assert [title for _, title in kinds(rest)] == ["T1", "T2"]


@pytest.mark.parametrize("since", ["0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_since_at_the_edge_of_time_is_a_moment_like_any_other(tmp_path: Path, since: str) -> None:
    async with open_feed(tmp_path) as feed:
        await feed.others.create("T")
        text, is_error = await call_tool(feed.app, "list_events", {"since": since})
    if since.startswith("9"):
        assert (is_error, json.loads(text)["error"]["code"]) == (True, "invalid_window")
    else:
        assert (is_error, kinds(json.loads(text))) == (False, [("created", "T")])


async def test_events_older_than_the_retention_are_left_out_with_a_note(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        for number in range(5):
            await feed.others.create(f"T{number}")
            feed.clock.move(days=1)
        store = SqliteEventStore(tmp_path / "brief.sqlite", keep_days=3)
        app, asked = replace(feed.app, open_events=lambda: store), {"since": "2026-02-20"}
        for _ in range(2):
            text, _ = await call_tool(app, "list_events", asked)
            answer = json.loads(text)
            assert [title for _, title in kinds(answer)] == ["T2", "T3", "T4"]
            assert "Changes are kept here from 2026-03-04T15:00+00:00 Wed on." in answer["note"]
        oldest = {"since": (feed.clock() - timedelta(days=3)).isoformat()}
        assert "Changes are kept here" not in (await call_tool(app, "list_events", oldest))[0]
        await store.aclose()


async def test_events_are_listed_by_kind_person_and_task(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        task, other = await feed.others.create("Call"), await feed.others.create("Pay")
        await start(feed)
        task = await feed.others.rename(task, "Call Ana")
        await feed.others.complete(other)
        await feed.call("reassign_task", id=task.id, responsibleIds=["Elena"])
        feed.others.note("reassigned", task, await feed.others.backend.get_task(task.id))
        asked = {"since": "2026-03-02T15:00:30Z"}
        assert kinds(await feed.call("list_events", kinds=["completed"], **asked)) == [("completed", "Pay")]
        assert len((await feed.call("list_events", taskId=task.id, **asked))["events"]) == 2
        [row] = (await feed.call("list_events", people=["elena"], **asked))["events"]
        assert row["changed"]["responsibles"] == {"from": [], "to": ["Elena"]}
        assert row["changeId"].startswith("chg_")


async def test_a_list_of_one_task_has_all_its_known_events_also_those_already_shown(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        task = await feed.others.create("Call")
        await feed.others.create("Other")
        feed.clock.move(minutes=5)
        asked = {"taskId": task.id}
        first = await feed.call("list_events", **asked)
        assert (kinds(first), first["since"][:10]) == ([("created", "Call")], "2026-03-01"), "before anybody looked"
        await feed.others.rename(task, "Call Ana")
        assert kinds(await feed.call("list_events")) == [], "that was no look at all tasks"
        assert kinds(await feed.call("list_events", **asked)) == [("created", "Call"), ("updated", "Call Ana")]
    (tmp_path / "compared").mkdir()
    async with open_feed(tmp_path / "compared", compares=True) as feed:
        task = await feed.others.create("Call")
        assert (await feed.call("list_events", taskId=task.id))["note"] == "It compares."


async def test_a_list_since_today_has_earlier_events_that_a_list_of_new_ones_left_out(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await start(feed)
        await create_hourly(feed, 4)
        recent = await feed.call("list_events", since="90 minutes ago")
        assert [title for _, title in kinds(recent)] == ["T3"]
        assert len((await feed.call("list_events"))["events"]) == 4, "what was between is not taken for shown"
        await feed.others.create("T4")
        assert len((await feed.call("list_events", since="today"))["events"]) == 5
        assert (await feed.call("list_events"))["events"] == []


async def test_the_limits_of_a_crms_history_are_in_the_first_answer_and_in_answers_about_the_past(
    tmp_path: Path,
) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        feed.clock.move(minutes=1)
        assert (await feed.call("list_events"))[
            "note"
        ] == "This is your first list without filters: it begins now. It compares."
        feed.clock.move(minutes=1)
        new = await feed.call("list_events")
        assert "note" not in new
        assert "note" not in await feed.call("list_events", cursor=new["nextCursor"])
        assert (await feed.call("list_events", since="1 minute ago"))["note"] == "It compares."


async def test_a_caller_that_waits_for_a_stalled_look_gets_the_stored_events(
    tmp_path: Path,
) -> None:
    async def fail() -> NoReturn:
        raise UpstreamFailed("Close did not answer.")

    async with open_feed(tmp_path) as feed:
        feed.others.person = await feed.others.backend.account.me()
        asked = {"since": "10 minutes ago"}
        async with another_look(feed):
            text, is_error = await call_tool(replace(feed.app, call_time=CallTime(limit_s=0.05)), "list_events", asked)
        error = json.loads(text)["error"]
        assert (is_error, error["code"], error["retryable"]) == (True, "in_progress", True), "nothing is kept"
        await start(feed)
        await feed.others.create("Call")
        [row] = (await feed.call("list_events", **asked))["events"]
        assert row["by"] == "Elena"
        feed.app.backend.account.members = fail  # type: ignore[method-assign]  # the CRM hangs
        async with another_look(feed):
            text, is_error = await call_tool(replace(feed.app, call_time=CallTime(limit_s=0.2)), "list_events", asked)
        assert not is_error, text
        answer = json.loads(text)
        assert answer["note"].startswith("Another call is still looking for changes. This is as of 2026-03-02T15:02")
        assert [one["by"] for one in answer["events"]] == ["Elena"]


async def test_a_filter_has_a_bookmark_of_its_own(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        task = await feed.others.create("Call")
        await start(feed)
        await feed.others.complete(task)
        assert kinds(await feed.call("list_events", kinds=["completed"])) == [("completed", "Call")]
        assert kinds(await feed.call("list_events", kinds=["completed"])) == []
        assert kinds(await feed.call("list_events")) == [("completed", "Call")], "it was not shown without the filter"


async def test_without_a_zone_notes_have_their_moments_on_the_clock_of_the_server(tmp_path: Path) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        await start(feed)
        here = replace(feed.app, clock=lambda: feed.clock().astimezone(timezone(timedelta(hours=-3))))
        text, is_error = await call_tool(here, "list_events", {"since": "yesterday"})
        assert not is_error, text
        assert "Changes are known from 2026-03-02T12:01-03:00 Mon on." in json.loads(text)["note"]


async def test_the_first_list_without_filters_is_not_called_the_first_of_all(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        filtered = await feed.call("list_events", kinds=["completed"])
        assert filtered["note"].startswith("This is your first list with these filters: it begins now.")
        assert (await feed.call("list_events"))["note"].startswith("This is your first list without filters:")


@pytest.mark.parametrize(("seconds", "listed"), [(59, [("created", "Call")]), (61, [])])
async def test_a_first_list_leaves_the_new_changes_of_the_minute_before_it_to_the_next_one(
    tmp_path: Path, seconds: int, listed: list[tuple[str, str]]
) -> None:
    async with open_feed(tmp_path) as feed:
        await feed.call("list_events", kinds=["deleted"])
        await feed.others.create("Call")
        feed.clock.move(seconds=seconds)
        assert kinds(await feed.call("list_events")) == []
        assert kinds(await feed.call("list_events")) == listed


async def test_stored_events_are_listed_with_their_date_if_the_crm_cannot_be_asked(tmp_path: Path) -> None:
    class SilentSource(EventSource):
        async def begin(self, at: datetime) -> str:
            raise UpstreamFailed(f"Close did not answer at {at:%H:%M}.")

        async def look(self, position: str, known: KnownTasks, hints: object = ()) -> Look:  # noqa: ARG002
            raise UpstreamFailed("Close did not answer.")

    async with open_feed(tmp_path) as feed:
        backend, source = feed.others.backend, feed.others.backend.event_source
        backend.event_source = SilentSource()
        text, is_error = await call_tool(feed.app, "list_events", {})
        assert is_error
        assert "did not answer" in text
        with pytest.raises(UpstreamFailed):
            await list_latest_events(feed.app, 9)
        backend.event_source = None
        with refused("unsupported"):
            await list_latest_events(feed.app, 9)
        backend.event_source = source
        await start(feed)
        await feed.others.create("Call")
        await feed.call("list_events", kinds=["deleted"])
        backend.event_source = SilentSource()
        feed.app = replace(feed.app, timezone="America/Santiago")
        answer = await feed.call("list_events")
        assert kinds(answer) == [("created", "Call")]
        assert answer["note"] == "Close did not answer. This is as of 2026-03-02T12:02-03:00 Mon."
        feed.app = replace(feed.app, timezone=None)
        past = await feed.call("list_events", since="yesterday")
        assert past["note"].startswith(
            "Close did not answer. This is as of 2026-03-02T15:02+00:00 Mon. "
            "Changes are known from 2026-03-02T15:01+00:00 Mon on. No time"
        )


async def test_a_gap_is_reported_once_to_a_caller_who_continues(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await start(feed)
        feed.source.gap = "Close keeps 30 days: what was changed before is missing."
        assert feed.source.gap in (await feed.call("list_events"))["note"]
        feed.clock.move(minutes=1)
        assert "note" not in await feed.call("list_events")


async def test_every_call_for_an_earlier_past_gets_the_note_on_its_limit(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        old = ["Old", "Newer", "Newest"]
        for title in old:
            await feed.others.create(title)
            feed.clock.move(hours=1)
        feed.clock.move(hours=2)
        await start(feed)
        feed.source.page = 1
        feed.app = replace(feed.app, timezone="America/Santiago")
        feed.source.past_gap = "Close keeps 30 days: what was changed before 2026-02-01T12:00Z is missing."
        gap = "Close keeps 30 days: what was changed before 2026-02-01T09:00-03:00 Sun is missing."
        for since in ("2026-01-01", "2026-01-01", "2026-02-01"):
            answer = await feed.call("list_events", since=since)
            assert (kinds(answer), answer["note"]) == ([("created", title) for title in old], gap)
        assert "note" not in await feed.call("list_events", since="2 hours ago")
        latest = await list_latest_events(feed.app, 9)
        assert [one.event.title for one in latest.events] == old, "it says since when, and has all since then"
        assert (latest.since, latest.notes) == (datetime.fromisoformat("2026-01-01T03:00Z"), (gap,))


async def test_a_past_that_cannot_be_read_is_left_out_with_a_note(tmp_path: Path) -> None:
    class PastlessSource(LoggingSource):
        """A log that is not answered for a moment before the feed."""

        async def begin(self, at: datetime) -> NoReturn:
            raise UpstreamFailed(f"Close did not answer at {at:%H:%M}.")

    async with open_feed(tmp_path) as feed:
        await create_hourly(feed, 2)
        await start(feed)
        feed.others.backend.event_source = PastlessSource(log=feed.source.log)
        answer = await feed.call("list_events", since="2026-03-02T15:30:00Z")
        begun = "2026-03-02T17:01+00:00 Mon"
        assert kinds(answer) == [("created", "T1")], "the first look has shown it"
        assert answer["note"] == f"Changes before {begun} could not be read: Close did not answer at 15:30."


async def test_a_past_too_long_for_one_call_is_listed_partly_with_a_note(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        feed.source.page = 1
        for number in range(45):
            await feed.others.create(f"T{number}")
            feed.clock.move(seconds=1)
        feed.clock.move(hours=1)
        await start(feed)
        for _ in range(2):
            answer = await feed.call("list_events", since="today", limit=100)
            assert len(answer["events"]) == 42, "the first look has shown the last two once more"
            assert "may be missing: send a later since." in answer["note"]


async def test_a_past_for_which_the_call_has_no_time_is_listed_partly_with_a_note(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await create_hourly(feed, 3)
        await start(feed)
        feed.source.page, now = 1, [0.0]
        feed.source.on_look = lambda: now.append(now[-1] + 20)
        feed.app = replace(feed.app, call_time=CallTime(monotonic=lambda: now[-1]))
        assert "may be missing: send a later since." in (await feed.call("list_events", since="today"))["note"]


@dataclass
class KnowingSource(LoggingSource):
    """Has one of these tasks in each look, and keeps which were known before it."""

    tasks: list[Task] = field(default_factory=list)
    known: list[set[str | None]] = field(default_factory=list)

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:
        """The next row with its task."""
        self.known.append({task.title for task in (await known.find_all()).values()})
        tasks = {task.id: task for task in self.tasks[int(position) :][:1]}
        return replace(await super().look(position, known, hints), tasks=tasks)


async def test_the_past_is_read_up_to_the_start_of_the_feed_and_each_look_knows_the_tasks_of_those_before(
    tmp_path: Path,
) -> None:
    async with open_feed(tmp_path) as feed:
        await create_hourly(feed, 3)
        await start(feed)
        for number in range(3, 9):
            await feed.others.create(f"T{number}")
        await feed.call("list_events")
        tasks = [await feed.others.backend.get_task(event.task_id) for event in feed.source.log]
        source = KnowingSource(page=1, overlap=0, log=feed.source.log, tasks=tasks)
        feed.others.backend.event_source = source
        answer = await feed.call("list_events", since="2026-03-02T15:00:00Z")
        assert [title for _, title in kinds(answer)] == [f"T{number}" for number in range(9)]
        assert source.known[-4:] == [set(), {"T0"}, {"T0", "T1"}, {"T0", "T1", "T2"}]


@dataclass
class LagSource(LoggingSource):
    """Shows nothing of its beginning at first, although there is more, and lets others work meanwhile."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:
        """Nothing, once."""
        if self.meanwhile is None or position != "0":
            return await super().look(position, known, hints)
        work, self.meanwhile = self.meanwhile, None
        await work()
        return Look((), position, is_behind=True)


async def test_the_whole_past_is_listed_after_a_look_without_events_while_others_poll(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await create_hourly(feed, 3)
        await start(feed)
        feed.others.backend.event_source = source = LagSource(log=feed.source.log)
        await feed.call("list_events")
        source.meanwhile = lambda: feed.call("list_events")
        answer = await feed.call("list_events", since="2026-03-02T15:00:00Z")
        assert ([title for _, title in kinds(answer)], answer.get("note")) == (["T0", "T1", "T2"], None)


async def test_the_window_of_the_latest_events_begins_at_the_first_listed_one_if_older_ones_exist(
    tmp_path: Path,
) -> None:
    async with open_feed(tmp_path) as feed:
        await start(feed)
        for number in range(3):
            await feed.others.create(f"T{number}")
            feed.clock.move(minutes=1)
        some = await list_latest_events(feed.app, 2)
        assert [one.event.title for one in some.events] == ["T1", "T2"]
        assert some.since == some.events[0].moment
        every = await list_latest_events(feed.app, 4)
        assert (len(every.events), every.since) == (3, datetime.fromisoformat("2026-03-02T15:01Z"))


async def test_a_source_without_past_events_notes_the_time_of_its_first_one(tmp_path: Path) -> None:
    async with open_feed(tmp_path, compares=True) as feed:
        await feed.others.create("Call")
        await start(feed)
        answer = await feed.call("list_events", since="yesterday")
        assert answer["events"] == []
        assert "known from 2026-03-02T15:01+00:00 Mon on" in answer["note"]
        assert "It compares." in answer["note"]


async def test_the_cursor_of_a_lost_feed_continues_by_its_moment(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        await start(feed)
        await feed.others.create("Seen")
        feed.clock.move(minutes=1)
        cursor = (await feed.call("list_events"))["nextCursor"]
        feed.clock.move(minutes=1)
        await feed.others.create("Missed")
        feed.clock.move(minutes=1)
        store = SqliteEventStore(tmp_path / "new.sqlite")
        try:
            lost = replace(feed.app, open_events=lambda: store)
            text, is_error = await call_tool(lost, "list_events", {"cursor": cursor})
        finally:
            await store.aclose()
        assert not is_error
        assert '"Missed"' in text
        assert '"Seen"' not in text


@pytest.mark.parametrize("cursor", ["nonsense", "1-2-3", "99999999999999999999-1", "5-999999999999999999.abc"])
async def test_a_cursor_of_another_list_is_refused(tmp_path: Path, cursor: str) -> None:
    async with open_feed(tmp_path) as feed:
        text, is_error = await call_tool(feed.app, "list_events", {"cursor": cursor})
        assert is_error
        assert "invalid_cursor" in text


async def test_each_of_the_latest_own_writes_that_a_list_lacks_is_named(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed:
        tasks = [await feed.others.create(title) for title in ("Told late", "Told")]
        await start(feed)
        late, told = [await feed.call("update_task", id=one.id, title=f"{one.title} now") for one in tasks]
        feed.others.note("updated", tasks[1], await feed.others.backend.get_task(tasks[1].id))
        answer = await feed.call("list_events")
        assert [one["changeId"] for one in answer["events"]] == [told["changeId"]]
        assert answer["note"].startswith(f"{late['changeId']}, made through Taskhand a moment ago, is not in this list")


@pytest.mark.parametrize("arguments", [{"limit": 1}, {"kinds": ["created"]}, {"people": ["Elena"]}])
async def test_no_own_write_is_named_where_a_filter_or_a_later_page_may_have_it(
    tmp_path: Path, arguments: dict[str, Any]
) -> None:
    async with open_feed(tmp_path) as feed:
        task = await feed.others.create("Call")
        await start(feed)
        for title in ("Pay", "Visit"):
            await feed.others.create(title)
        await feed.call("update_task", id=task.id, title="Call now")
        assert "made through Taskhand" not in (await feed.call("list_events", **arguments)).get("note", "")

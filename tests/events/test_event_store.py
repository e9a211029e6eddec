"""The contract of every store of events, in a file and in a database."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import pytest

from builders import ANA, BEN, DONE, on_people, task
from fixed_clock import NOW
from taskhand.domain.check_result import CheckResult
from taskhand.domain.due import Due
from taskhand.domain.errors import OperatorError
from taskhand.domain.event import EventKind, TaskEvent
from taskhand.domain.event_source import Look
from taskhand.domain.receipt import FieldChange
from taskhand.events.event_store import Bookmark, EventFilter, EventQuery, Feed, FeedName, Gap
from taskhand.events.postgres import PostgresEventStore
from taskhand.events.sql_event_store import SqlEventStore
from taskhand.events.sqlite import EVENTS, SqliteEventStore
from taskhand.postgres.database import Database
from taskhand.sqlite.store import SqliteStore

pytestmark = pytest.mark.anyio

_T = TypeVar("_T")

FEED, HERS = FeedName("close 1"), FeedName("close 1", ANA.id)


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlEventStore]:
    """A new store of each kind."""
    if request.param == "sqlite":
        opened: SqlEventStore = SqliteEventStore(tmp_path / "events.sqlite", keep_days=30)
    else:
        opened = PostgresEventStore(Database(request.getfixturevalue("postgres").url), keep_days=30)
    try:
        yield opened
    finally:
        await opened.aclose()


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def event(key: str, minutes: float = 0, kind: EventKind = "updated", **fields: object) -> TaskEvent:
    given = {"task_id": "t-1", "at": at(minutes), "responsible_ids": ()} | fields
    return TaskEvent(key, kind=kind, **given)  # type: ignore[arg-type]


async def begin_feed(store: SqlEventStore, *events: TaskEvent, feed: FeedName = FEED) -> Feed:
    """A feed that has begun, with these events in it."""
    begun = await store.begin_feed(feed, "p0", NOW)
    await store.save_look(feed, begun.version, Look(events, "p1"), NOW)
    found = await store.find_feed(feed)
    assert found is not None
    return found


async def keys(store: SqlEventStore, query: EventQuery, feed: FeedName = FEED) -> list[str]:
    return [one.event.key for one in await store.list_events(feed, query)]


async def test_a_poll_is_stored_completely_and_once(store: SqlEventStore) -> None:
    assert await store.find_feed(FEED) is None
    first = await store.begin_feed(FEED, "p0", NOW)
    assert await store.begin_feed(FEED, "another", at(5)) == first, "it has begun already"
    look = Look((event("a"), event("b", 1)), "p1", {"t-1": task(id="t-1"), "t-2": task(id="t-2")})
    kept = await store.save_look(FEED, first.version, look, at(2))
    assert [(one.event, one.seen_at, one.is_old) for one in kept or ()] == [(one, at(2), False) for one in look.events]
    assert await store.save_look(FEED, first.version, Look((event("c"),), "p2"), at(3)) is None, "others have looked"
    second = await store.find_feed(FEED)
    assert second is not None
    assert (second.position, second.looked_at, second.last_seq) == ("p1", at(2), first.last_seq + 2)
    again = await store.save_look(FEED, second.version, Look((event("b", 1), event("c", 2)), "p2"), at(4))
    assert [one.event.key for one in again or ()] == ["c"], "what is there already is no change"
    assert await keys(store, EventQuery(10)) == ["a", "b", "c"]


class RecordedStore(SqliteStore):
    """A file that records which writes wait for the disk."""

    waits: list[bool]

    async def write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = True, tasks: int = 1) -> _T:
        """As the file itself writes."""
        self.waits.append(durable)
        return await super().write(work, durable=durable, tasks=tasks)


class RecordedEventStore(SqlEventStore):
    """The feeds in such a file."""

    async def check_health(self) -> CheckResult:
        """No test asks for it."""
        raise NotImplementedError


async def test_a_write_waits_for_the_disk_unless_it_may_be_repeated_after_a_power_cut(tmp_path: Path) -> None:
    file = RecordedStore(tmp_path / "events.sqlite", EVENTS)
    file.waits = []
    store = RecordedEventStore(file)
    feed = await begin_feed(store, event("a"))
    assert file.waits == [True, True, True], "a cursor may name the feed and its events; the last one prunes"
    for write, waits in (
        (store.save_look(FEED, feed.version, Look((), "p2"), NOW), False),
        (store.request_looks(FEED, at(5)), False),
        (store.set_bookmark(FEED, "claude", Bookmark(feed.last_seq, NOW)), False),
        (store.add_hint(FEED, ["t-1"], NOW), True),
        (store.add_hint_once(FEED, ["t-1"], NOW, "proof", at(5)), True),
        (store.save_past_events(FEED, feed.version + 1, [event("b", -5)], NOW), True),
    ):
        file.waits = []
        await write
        assert file.waits == [waits]
    await store.aclose()


async def test_an_event_is_read_as_it_was_stored(store: SqlEventStore) -> None:
    due = Due.read("2026-03-05T12:00:00.000Z", "America/Santiago", all_day=False)
    whole = event(
        *("whole", 1.5, "reassigned"),
        title="Llamar \u0000 a 'Ana' 🙂",
        changed=(
            FieldChange("responsibles", (ANA.id,), (BEN.id, ANA.id)),
            FieldChange("due", None, due),
            FieldChange("due", due, None),
            FieldChange("priority", 0, 2),
        ),
        by=BEN.id,
        by_name="Ben",
        change_id="chg_1",
        responsible_ids=(ANA.id, BEN.id),
    )
    bare = TaskEvent("bare", "t-2", "deleted", between=(at(0), at(1)))
    await begin_feed(store, whole, bare)
    assert [one.event for one in await store.list_events(FEED, EventQuery(5))] == [whole, bare]


async def test_lists_continue_from_a_number_or_a_moment(store: SqlEventStore) -> None:
    feed = await begin_feed(store, event("late", 9), event("early", 1), event("mid", 5))
    first = feed.last_seq - 2
    assert await keys(store, EventQuery(2, after_seq=first)) == ["early", "mid"]
    assert await keys(store, EventQuery(5, through=first)) == ["late"]
    assert await keys(store, EventQuery(5, since=at(2))) == ["mid", "late"]
    assert await keys(store, EventQuery(1, since=at(2), after=(at(5), feed.last_seq))) == ["late"]
    assert await keys(store, EventQuery(2, latest=True)) == ["early", "mid"]
    assert await keys(store, EventQuery(2, since=at(0), latest=True)) == ["mid", "late"]


async def test_lists_are_filtered_by_kind_task_and_person(store: SqlEventStore) -> None:
    await begin_feed(
        store,
        event("hers", kind="completed", responsible_ids=(ANA.id,)),
        event("by her", by=ANA.id, task_id="t-2"),
        event("near", responsible_ids=(ANA.id.upper(),)),
        event("longer", responsible_ids=(f"{ANA.id}7",)),
        event("unknown", responsible_ids=None),
    )
    assert await keys(store, EventQuery(9, only=EventFilter(kinds=("completed", "created")))) == ["hers"]
    assert await keys(store, EventQuery(9, only=EventFilter(task_id="t-2"))) == ["by her"]
    assert await keys(store, EventQuery(9, only=EventFilter(person_ids=(BEN.id, ANA.id)))) == ["hers", "by her"]
    assert await keys(store, EventQuery(9, only=EventFilter(visible_to=ANA.id))) == ["hers"]


async def test_events_from_before_the_feed_began_are_listed_only_on_request(store: SqlEventStore) -> None:
    feed = await begin_feed(store, event("before", -3), event("after", 1))
    assert await keys(store, EventQuery(9)) == ["after"]
    assert await store.save_past_events(
        FEED, feed.version, [event("past", -60), event("before", -3)], at(2), begun_at=at(-90)
    )
    assert not await store.save_past_events(FEED, feed.version, [event("lost", -60)], at(2)), "others have looked"
    assert await keys(store, EventQuery(9)) == ["after"]
    assert await keys(store, EventQuery(9, since=at(-90))) == ["past", "before", "after"]
    found = await store.find_feed(FEED)
    assert found is not None
    assert found.begun_at == at(-90)


async def test_a_late_event_from_before_the_feed_began_is_listed_as_new(
    store: SqlEventStore,
) -> None:
    feed = await begin_feed(store, event("before", -3))
    kept = await store.save_look(FEED, feed.version, Look((event("late", -2),), "p2"), at(1))
    assert [(one.event.key, one.is_old) for one in kept or ()] == [("late", False)]
    assert await keys(store, EventQuery(9)) == ["late"]


async def test_the_tasks_are_those_that_were_seen_last_in_the_feed(store: SqlEventStore) -> None:
    feed, hers = await begin_feed(store), await begin_feed(store, feed=HERS)
    one, two = task(id="t-1", task_responsibles=on_people(ANA.id)), task(id="t-2", status_config=DONE)
    await store.save_look(FEED, feed.version, Look((), "p", {"t-1": one, "t-2": two, "t-3": None}), at(1))
    await store.save_look(HERS, hers.version, Look((), "p", {"t-1": one}), at(1))
    assert await store.find_tasks(FEED) == {"t-1": one, "t-2": two}
    assert await store.find_tasks(FEED, [*map(str, range(1_200)), "t-2"]) == {"t-2": two}
    await store.save_look(FEED, feed.version + 1, Look((), "p", {"t-1": None}), at(2))
    assert await store.find_tasks(FEED) == {"t-2": two}
    assert await store.find_tasks(HERS) == {"t-1": one}


async def test_a_hint_is_kept_until_a_poll_has_used_it(store: SqlEventStore) -> None:
    feed, hers = await begin_feed(store), await begin_feed(store, feed=HERS)
    await store.add_hint(FEED, ["t-1", "t-2"], at(1))
    await store.add_hint(FEED, [], at(1))
    given = await store.find_hints(FEED)
    assert given == {"t-1": at(1), "t-2": at(1), "": at(1)} == await store.find_hints(HERS)
    await store.add_hint(FEED, ["t-1"], at(2))
    await store.save_look(FEED, feed.version, Look((), "p"), at(2), given)
    assert await store.find_hints(FEED) == {"t-1": at(2)}, "it came again"
    await store.save_look(HERS, hers.version, Look((), "p"), at(2))
    assert len(await store.find_hints(HERS)) == 3


async def test_a_gap_is_reported_to_a_caller_who_was_shown_the_events_before_it(store: SqlEventStore) -> None:
    feed = await begin_feed(store, event("a"))
    await store.save_look(FEED, feed.version, Look((event("b"),), "p", gap="An hour is missing."), at(1))
    assert await store.find_gaps(FEED, NOW) == (Gap(at(1), "An hour is missing."),)
    assert await store.find_gaps(FEED, at(1)) == ()


async def test_bookmarks_and_demands_belong_to_their_feed(store: SqlEventStore) -> None:
    await begin_feed(store)
    assert await store.find_bookmark(FEED, "ana/") is None
    for number in (3, 7):
        await store.set_bookmark(FEED, "ana/", Bookmark(number, at(number)))
    assert await store.find_bookmark(FEED, "ana/") == Bookmark(7, at(7))
    assert await store.find_bookmark(FEED, "ben/") is None
    await store.request_looks(FEED, at(15))
    await store.request_looks(FEED, at(10))
    await store.request_looks(HERS, at(10))
    found = await store.find_feed(FEED)
    assert found is not None
    assert found.wanted_until == at(15)


async def test_expired_events_and_unwanted_feeds_are_removed(store: SqlEventStore) -> None:
    feed = await begin_feed(store, event("old"), event("new", 60 * 24 * 20))
    await store.request_looks(FEED, at(60 * 24 * 40))
    await begin_feed(store, feed=HERS)
    await store.set_bookmark(FEED, "ana/", Bookmark(1, NOW))
    for version, minutes in ((feed.version, 0), (feed.version + 1, 60 * 24 * 20)):
        await store.save_look(FEED, version, Look((), "p", gap="An hour is missing."), at(minutes))
        await store.add_hint(FEED, [f"t-{minutes}"], at(minutes))
    later = at(60 * 24 * 31)
    assert await store.prune(later) == 1
    assert [one.at for one in await store.find_gaps(FEED, at(-1))] == [at(60 * 24 * 20)]
    assert list(await store.find_hints(FEED)) == [f"t-{60 * 24 * 20}"]
    assert await keys(store, EventQuery(9, since=at(-1))) == ["new"]
    found = await store.find_feed(FEED)
    assert found is not None
    assert (found.begun_at, found.last_seq) == (later - timedelta(days=30), feed.last_seq)
    assert await store.find_bookmark(FEED, "ana/") is None
    assert await store.find_feed(HERS) is None


async def test_a_feed_stays_for_thirty_days_after_it_was_wanted_or_looked_at(store: SqlEventStore) -> None:
    wanted, looked_at = FeedName("close 3"), FeedName("close 4")
    await begin_feed(store, feed=wanted)
    await store.request_looks(wanted, at(60 * 24 * 20))
    feed = await begin_feed(store, feed=looked_at)
    await store.save_look(looked_at, feed.version, Look((), "p"), at(60 * 24 * 20))
    for days, stay in ((31, True), (51, False)):
        await store.prune(at(60 * 24 * days))
        assert [await store.find_feed(one) is not None for one in (wanted, looked_at)] == [stay, stay]


async def test_a_feed_keeps_at_most_its_maximum_of_events(tmp_path: Path) -> None:
    store = SqliteEventStore(tmp_path / "events.sqlite", most_events=3)
    try:
        await begin_feed(store, *(event(str(number), number) for number in range(8)))
        assert await store.prune(at(9)) == 0, "the first look has pruned it"
        assert await keys(store, EventQuery(9, since=NOW)) == ["5", "6", "7"]
    finally:
        await store.aclose()


async def test_a_look_removes_expired_events_on_each_day_of_a_process(store: SqlEventStore) -> None:
    feed = await begin_feed(store, event("old", -60 * 24 * 29))
    later = 60 * 24 + 1
    assert await keys(store, EventQuery(9, since=at(-later * 40))) == ["old"]
    await store.save_look(FEED, feed.version, Look((event("new", later),), "p"), at(later))
    assert await keys(store, EventQuery(9, since=at(-later * 40))) == ["new"]


async def test_a_restarted_feed_continues_its_numbers(store: SqlEventStore) -> None:
    first = await begin_feed(store, *(event(str(number)) for number in range(5)))
    await store.prune(at(60 * 24 * 60))
    second = await store.begin_feed(FEED, "p", at(60 * 24 * 60))
    assert second.last_seq > first.last_seq
    assert await keys(store, EventQuery(9)) == []


async def test_a_hint_with_the_same_proof_is_kept_once_while_the_proof_is_valid(store: SqlEventStore) -> None:
    hint, end = partial(store.add_hint_once, FEED, ["t-1"], proof="signature", valid_until=at(5)), at(6)
    assert await hint(at=NOW)
    assert not await hint(at=at(1))
    assert await store.add_hint_once(FeedName("close 2"), ["t-1"], NOW, "signature", at(5))
    assert await store.find_hints(FEED) == {"t-1": NOW}
    assert await hint(at=end)
    assert await store.find_hints(FEED) == {"t-1": end}


async def test_of_too_many_hints_only_that_some_task_was_changed_is_kept(store: SqlEventStore) -> None:
    ids = [f"t-{number}" for number in range(500)]
    await store.begin_feed(HERS, "0", NOW)
    await store.add_hint(HERS, ["hers"], NOW)
    await store.add_hint(FEED, ids, NOW)
    await store.add_hint(FeedName("close 2"), ["t-1"], NOW)
    assert len(await store.find_hints(FEED)) == 500
    assert await store.find_hints(HERS) == {"": NOW}
    await store.add_hint(FEED, ["one-more"], at(1))
    assert await store.find_hints(FEED) == {"": at(1)}
    assert await store.find_hints(HERS) == {"": NOW, "one-more": at(1)}
    assert len(await store.find_hints(FeedName("close 2"))) == 1


async def test_only_one_of_many_simultaneous_hints_with_the_same_proof_is_stored(store: SqlEventStore) -> None:
    taken: list[bool] = []

    async def bring() -> None:
        taken.append(await store.add_hint_once(FEED, [], NOW, "signature", at(5)))

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(bring)
    assert taken.count(True) == 1


async def test_the_health_check_of_the_store_makes_no_file_and_counts_feeds_and_events(
    store: SqlEventStore, tmp_path: Path
) -> None:
    found = await store.check_health()
    assert (found.subject, found.outcome) == ("events", "ok")
    assert found.found.startswith("There is no ")
    assert not (tmp_path / "events.sqlite").exists()
    await begin_feed(store, event("a"), event("b", 1))
    found = await store.check_health()
    assert (found.outcome, found.found.partition("; ")[2]) == ("ok", "accounts followed: 1, changes: 2.")


async def test_the_check_of_the_feed_reports_unreadable_events(tmp_path: Path) -> None:
    (tmp_path / "events.sqlite").write_bytes(b"garbage" * 1_000)
    for broken in (
        SqliteEventStore(tmp_path / "events.sqlite"),
        SqliteEventStore(tmp_path / "events.sqlite" / "events.sqlite"),
        PostgresEventStore(Database("postgresql://taskhand@127.0.0.1:1/taskhand", sleep=lambda _: None)),
    ):
        found = await broken.check_health()
        assert (found.subject, found.outcome, bool(found.remedy)) == ("events", "failed", True), found
        await broken.aclose()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("body", "{half"),
        ("body", "[]"),
        ("body", '{"at": 7}'),
        ("body", '{"changed": [{}]}'),
        ("body", '{"changed": 7}'),
        ("people", "7"),
        ("seen_at", "soon"),
    ],
)
async def test_a_damaged_event_is_an_error_of_the_operator(tmp_path: Path, column: str, value: str) -> None:
    store = SqliteEventStore(tmp_path / "events.sqlite")
    try:
        await begin_feed(store, event("one"))
        with closing(sqlite3.connect(tmp_path / "events.sqlite")) as connection, connection:
            connection.execute(f"UPDATE event SET {column} = ?", (value,))  # noqa: S608  a column above
        with pytest.raises(OperatorError, match=r"the row of the event \d+ is damaged") as failed:
            await keys(store, EventQuery(9, since=at(-1)))
        assert failed.value.next_step
    finally:
        await store.aclose()


@pytest.mark.parametrize("body", ["{half", "[]", "{}"])
async def test_a_damaged_task_is_an_error_of_the_operator(tmp_path: Path, body: str) -> None:
    store = SqliteEventStore(tmp_path / "events.sqlite")
    try:
        feed = await begin_feed(store)
        await store.save_look(FEED, feed.version, Look((), "p", {"t-1": task(id="t-1")}), at(1))
        with closing(sqlite3.connect(tmp_path / "events.sqlite")) as connection, connection:
            connection.execute("UPDATE task SET body = ?", (body,))
        with pytest.raises(OperatorError, match="the row of the task t-1 is damaged"):
            await store.find_tasks(FEED)
    finally:
        await store.aclose()


async def test_a_feed_has_been_looked_at_once_the_first_look_has_come_to_the_end(store: SqlEventStore) -> None:
    feed = await store.begin_feed(FEED, "p0", NOW)
    for number, is_behind, looked_at in ((0, True, None), (1, False, at(1)), (2, True, at(2))):
        await store.save_look(FEED, feed.version + number, Look((), "p1", is_behind=is_behind), at(number))
        found = await store.find_feed(FEED)
        assert found is not None
        assert found.looked_at == looked_at


async def test_the_later_of_two_hints_for_a_task_is_kept(store: SqlEventStore) -> None:
    for minutes in (2, 1):
        await store.add_hint(FEED, ["t-1"], at(minutes))
    assert await store.find_hints(FEED) == {"t-1": at(2)}

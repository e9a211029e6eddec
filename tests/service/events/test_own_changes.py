"""The changes of the journal that a feed takes in between two polls, and those that a list of events lacks."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import TASK_ID, task
from file_stores import store_in
from fixed_clock import FixedClock
from journals import journal_at
from taskhand.domain.edit import Edit
from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import Look
from taskhand.domain.outcome import Outcome
from taskhand.domain.principal import Person, Principal
from taskhand.domain.receipt import FieldChange
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.domain.wording import Wording
from taskhand.events.event_store import Feed, FeedName, KeptEvent
from taskhand.events.sqlite import SqliteEventStore
from taskhand.journal.journal import Caller, Ending, Intent, Opening, Result
from taskhand.server.render.events import event_row
from taskhand.service.app_context import AppContext
from taskhand.service.events.own_changes_between_polls import find_own_changes
from taskhand.service.events.own_write_matching import with_change_ids
from taskhand.service.events.unlisted_writes import describe_unlisted_writes
from taskhand.service.lazy import Lazy

ANA, BEN = "ana@x.test", "ben@x.test"


class KnownTasks:
    """The tasks that a feed knows."""

    def __init__(self, *tasks: Task) -> None:
        self._tasks = {one.id: one for one in tasks}

    async def find(self, ids: Collection[str]) -> Mapping[str, Task]:
        return {one: task for one, task in self._tasks.items() if one in ids}

    async def find_all(self) -> Mapping[str, Task]:
        raise AssertionError("the tasks of the changes are enough")


@pytest.fixture
def clock() -> FixedClock:
    clock = FixedClock()
    clock.now = NOW
    return clock


@pytest.fixture
async def app(tmp_path: Path, clock: FixedClock) -> AsyncIterator[AppContext]:
    async with journal_at(clock) as journal:
        yield AppContext(store_in(tmp_path), Lazy(lambda: journal), lambda: NOW)


async def write(
    app: AppContext,
    clock: FixedClock,
    person: str,
    title: str,
    during: tuple[int, int],
    *,
    outcome: Outcome = "applied",
) -> str:
    """Journal a new title of the task; `during` are its begin and end in seconds before now."""
    began_s, ended_s = during
    edit, after = Edit(title=title), task(title=title)
    opening = Opening("update_task", Caller(subject=person), NOW - timedelta(seconds=began_s))
    clock.now = NOW - timedelta(seconds=ended_s)
    intents, results = [Intent("update", Snapshot(task()), edit, edit)], [Result(0, outcome, TASK_ID, after)]
    return (await app.journal.record(opening, Ending(outcome), intents, results)).id


def feed(person: str | None = None) -> Feed:
    """A feed that was polled five minutes ago."""
    return Feed(FeedName("test", person), 1, "", NOW - timedelta(hours=1), looked_at=NOW - timedelta(minutes=5))


@pytest.mark.parametrize(
    ("person", "known", "events"), [(None, (), 1), (BEN, (), 1), (ANA, (), 0), (ANA, (task(),), 1)]
)
async def test_a_feed_of_a_person_has_the_writes_of_others_to_the_tasks_that_it_shows_alone(
    app: AppContext, clock: FixedClock, person: str | None, known: tuple[Task, ...], events: int
) -> None:
    await write(app, clock, BEN, "New", (100, 99))
    found = await find_own_changes(app, feed(person), KnownTasks(*known), NOW)
    assert len(found.events) == events
    assert {*found.tasks} == ({TASK_ID} if events else {one.id for one in known})


async def test_a_write_is_an_event_at_the_moment_of_its_end(app: AppContext, clock: FixedClock) -> None:
    await write(app, clock, BEN, "New", (100, 40))
    [event] = (await find_own_changes(app, feed(), KnownTasks(task()), NOW)).events
    assert event.at == NOW - timedelta(seconds=40)


@pytest.mark.parametrize(("began_s", "events"), [(60, 1), (61, 0)])
async def test_a_change_that_a_clock_has_begun_a_minute_before_the_longest_call_is_taken_in(
    app: AppContext, clock: FixedClock, began_s: int, events: int
) -> None:
    polled_s = 300 + int(app.call_time.limit_s)
    await write(app, clock, BEN, "New", (polled_s + began_s, 200))
    own = await find_own_changes(app, feed(), KnownTasks(task()), NOW)
    assert len(own.events) == events


async def test_a_task_is_known_as_the_change_that_ended_last_has_left_it(app: AppContext, clock: FixedClock) -> None:
    await write(app, clock, ANA, "Second", (200, 50))
    await write(app, clock, BEN, "First", (150, 100))
    found = (await find_own_changes(app, feed(), KnownTasks(task()), NOW)).tasks[TASK_ID]
    assert found is not None
    assert found.title == "Second"


async def test_a_task_that_is_being_written_during_a_poll_is_left_to_the_next_one(
    app: AppContext, clock: FixedClock
) -> None:
    clock.now = NOW - timedelta(seconds=10)
    opening, renamed_as = Opening("update_task", Caller(subject=BEN), clock.now), Edit(title="Renamed")
    for intent in (
        Intent("create", edit=Edit(title="Made")),
        Intent("update", Snapshot(task()), renamed_as, renamed_as),
        Intent("delete", Snapshot(task(id="T-2"))),
    ):
        await app.journal.begin(opening, [intent])
    found = [TaskEvent(title, f"new {title}", "created", NOW, title=title) for title in ("Made", "Renamed", "Other")]
    found += [TaskEvent(one, one, "updated", NOW) for one in (TASK_ID, "T-2", "T-3")]
    own = await find_own_changes(app, feed(), KnownTasks(task()), NOW)
    complete = await own.complete(app, Look(tuple(found), "", {"T-2": None, "T-3": task(id="T-3")}))
    assert [one.key for one in complete.events] == ["Renamed", "Other", "T-3"]
    assert {*complete.tasks} == {"T-3"}


async def test_a_recent_change_that_is_not_among_the_events_is_named_to_whoever_may_see_it(
    app: AppContext, clock: FixedClock
) -> None:
    change_id = await write(app, clock, BEN, "New", (60, 59))
    ana, ben = (app.of_principal(Principal(Person.parse(name))) for name in (ANA, BEN))
    note = await describe_unlisted_writes(ben, None, ())
    assert note is not None
    assert note.startswith(f"{change_id}, made through Taskhand a moment ago")
    assert await describe_unlisted_writes(ben, None, (change_id,)) is None
    assert await describe_unlisted_writes(ben, None, (), "another task") is None
    assert await describe_unlisted_writes(ana, None, ()) is None


@pytest.mark.parametrize(("ended_s", "is_named"), [(119, True), (121, False)])
async def test_a_change_that_is_not_among_the_events_is_named_for_two_minutes(
    app: AppContext, clock: FixedClock, ended_s: int, *, is_named: bool
) -> None:
    await write(app, clock, ANA, "New", (ended_s, ended_s))
    assert (await describe_unlisted_writes(app, None, ()) is not None) == is_named


OF_BOTH = [("me", "New", 96, True), ("another", "New", 96, False), (None, "New", 96, False)]
OF_BOTH += [("me", "Newer", 96, False), ("me", "New", 20, False)]
"""The author of an event, the title that a write gave, the seconds since the event, and whether it names Taskhand."""


def renamed(key: str, seconds_ago: float) -> TaskEvent:
    """The new title of the task as a CRM reports it."""
    title = FieldChange("title", task().title, "New")
    return TaskEvent(key, TASK_ID, "updated", NOW - timedelta(seconds=seconds_ago), changed=(title,))


async def test_a_write_explains_the_nearest_of_several_equal_events_alone(app: AppContext, clock: FixedClock) -> None:
    change_id = await write(app, clock, BEN, "New", (100, 99))
    events = (renamed("a", 60), renamed("b", 98), renamed("c", 97))
    found = await with_change_ids(app, FeedName("test"), events, NOW)
    assert [one.change_id for one in found] == [None, change_id, None]


async def test_a_write_explains_no_event_with_another_value_or_of_another_kind(
    app: AppContext, clock: FixedClock
) -> None:
    await write(app, clock, BEN, "Newer", (100, 99))
    completed = replace(renamed("b", 99), kind="completed", changed=())
    found = await with_change_ids(app, FeedName("test"), [renamed("a", 99), completed], NOW)
    assert [one.change_id for one in found] == [None, None]


async def test_two_equal_writes_explain_an_event_each(app: AppContext, clock: FixedClock) -> None:
    ids = [await write(app, clock, BEN, "New", during) for during in ((100, 99), (97, 96))]
    found = await with_change_ids(app, FeedName("test"), (renamed("a", 98.5), renamed("b", 92)), NOW)
    assert [one.change_id for one in found] == ids, "although the first event is nearer to both"


@pytest.mark.parametrize(
    ("outcome", "is_own"),
    [("applied", True), ("unknown", True), ("refused", False), ("not_applied", False), ("unchanged", False)],
)
async def test_a_write_explains_an_event_only_if_it_may_have_changed_the_task(
    app: AppContext, clock: FixedClock, outcome: Outcome, *, is_own: bool
) -> None:
    change_id = await write(app, clock, BEN, "New", (100, 99), outcome=outcome)
    [found] = await with_change_ids(app, FeedName("test"), [renamed("a", 98)], NOW)
    assert found.change_id == (change_id if is_own else None)


@pytest.mark.parametrize(
    ("second_by", "meanwhile", "is_own"), [(BEN, {}, True), (ANA, {}, False), (BEN, {"description": "Theirs"}, False)]
)
async def test_writes_that_the_crm_merges_into_one_change_are_own_if_nothing_else_changed_between_them(
    app: AppContext, clock: FixedClock, second_by: str, meanwhile: dict[str, str], *, is_own: bool
) -> None:
    await write(app, clock, BEN, "New", (100, 99))
    before, edit = task(title="New", **meanwhile), Edit(priority=2)
    opening = Opening("update_task", Caller(subject=second_by), NOW - timedelta(seconds=97))
    after = before.model_copy(update={"priority": 2})
    intents, results = [Intent("update", Snapshot(before), edit, edit)], [Result(0, "applied", TASK_ID, after)]
    clock.now = NOW - timedelta(seconds=96)
    second = (await app.journal.record(opening, Ending("applied"), intents, results)).id
    merged = replace(renamed("a", 96), changed=(*renamed("a", 96).changed, FieldChange("priority", 1, 2)))
    [found] = await with_change_ids(app, FeedName("test"), [merged], NOW)
    assert found.change_id == (second if is_own else None)
    assert await describe_unlisted_writes(app, None, (second,)) is None


@pytest.mark.parametrize(("by", "title", "seconds_ago", "is_named"), OF_BOTH)
async def test_an_event_that_merges_a_write_and_what_its_author_did_elsewhere_names_taskhand_too(
    app: AppContext, clock: FixedClock, by: str | None, title: str, seconds_ago: int, *, is_named: bool
) -> None:
    me = await app.backend.account.me()
    await write(app, clock, BEN, title, (100, 99))
    merged = replace(renamed("a", seconds_ago), by=me if by == "me" else by)
    merged = replace(merged, changed=(*merged.changed, FieldChange("priority", 1, 2)))
    [found] = await with_change_ids(app, FeedName("test"), [merged], NOW)
    assert (found.change_id, found.by, found.by_name) == (None, merged.by, "Taskhand" if is_named else None)
    shown = event_row(KeptEvent(1, found, NOW), Wording(names={str(me): "Elena"})).by
    assert (shown == "Elena and Taskhand") == is_named


async def test_a_write_explains_no_event_that_the_feed_has_as_a_change_of_others(
    app: AppContext, clock: FixedClock, tmp_path: Path
) -> None:
    store, name = SqliteEventStore(tmp_path / "events.sqlite"), FeedName("test")
    await store.begin_feed(name, "", NOW - timedelta(hours=1))
    await store.save_look(name, 0, Look((renamed("a", 98),), ""), NOW)
    change_id = await write(app, clock, BEN, "New", (100, 99))
    app = replace(app, open_events=lambda: store)
    found = await with_change_ids(app, name, (renamed("a", 98), renamed("b", 97)), NOW)
    assert [one.change_id for one in found] == [None, change_id]
    await store.aclose()


@pytest.mark.parametrize(("seconds_ago", "is_own"), [(161, False), (160, True), (39, True), (38, False)])
async def test_a_write_explains_an_event_up_to_a_minute_before_or_after_it(
    app: AppContext, clock: FixedClock, seconds_ago: float, *, is_own: bool
) -> None:
    change_id = await write(app, clock, BEN, "New", (100, 99))
    [found] = await with_change_ids(app, FeedName("test"), [renamed("a", seconds_ago)], NOW)
    assert found.change_id == (change_id if is_own else None)

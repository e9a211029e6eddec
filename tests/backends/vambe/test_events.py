"""Events from Vambe's lists: a task that left a list is searched for, and an odd list causes no event."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from pydantic import MISSING

from backends.events.feed import Feed, kinds_and_fields
from backends.events.sources import ObservedAccount, VambeUser, open_vambe
from backends.vambe.sandboxed_app import task_id
from backends.vambe.test_task_mapper import row
from taskhand.backends.remote.parsing import JsonObject
from taskhand.backends.remote.recent_writes import RecentWrites
from taskhand.backends.remote.timing import Timing
from taskhand.backends.vambe.client import Window
from taskhand.backends.vambe.events.event_source import VambeEvents
from taskhand.backends.vambe.fields.learned_due_times import TaskMapper
from taskhand.backends.vambe.fields.statuses import StatusCatalogue
from taskhand.backends.vambe.query import WIDEST, window_around
from taskhand.backends.vambe.task_lists import TaskLists
from taskhand.domain.errors import CallerError
from taskhand.http.response_body import Json
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.vambe import SpecVariant
from virtual_time import Time

LIST = "GET /api/public/tasks"


async def begin(account: ObservedAccount[VambeUser]) -> Feed:
    feed = Feed(account.source, await account.source.begin(account.now()))
    await feed.look()
    account.move(60)
    return feed


async def test_a_task_whose_date_left_the_list_is_found_in_another_list() -> None:
    async with open_vambe() as account:
        task_id = await account.other_user.create("Call Acme")
        await account.other_user.create("Other")
        account.move(600)
        feed = await begin(account)
        await account.other_user.send("PUT", f"/{task_id}", json={"dueDate": "2031-01-01"})
        [event] = await feed.look()
        assert kinds_and_fields([event]) == [("updated", ["due"])]
        account.move(60)
        await account.other_user.rename(task_id, "Call Acme later")
        assert await feed.look() == []
        account.move(60)
        await account.other_user.send("PUT", f"/{task_id}", json={"dueDate": "2026-03-10"})
        [event] = await feed.look()
        assert kinds_and_fields([event]) == [("updated", ["due"])]
        assert event.changed[0].before is MISSING
        account.move(60)
        await account.other_user.delete(task_id)
        [event] = await feed.look()
        assert kinds_and_fields([event]) == [("deleted", [])]
        assert event.between is not None
        assert event.between[1] - event.between[0] == timedelta(seconds=60)


async def test_a_look_takes_one_request_while_nothing_has_changed() -> None:
    async with open_vambe() as account:
        task_id, _ = await account.other_user.create("Call Acme"), await account.other_user.create("Other")
        feed = await begin(account)
        counts = []
        for step in (None, account.other_user.rename(task_id, "Call"), None, account.other_user.delete(task_id), None):
            if step is not None:
                await step
            account.move(60)
            account.sandbox.clear_requests()
            await feed.look()
            counts.append(len(account.sandbox.requests))
        assert counts == [1, 2, 1, 3, 1]


@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_lagging_list_causes_no_false_event(nth: int) -> None:
    async with open_vambe() as account:
        one, two = await account.other_user.create("One"), await account.other_user.create("Two")
        feed = await begin(account)
        await account.other_user.rename(one, "One again")
        await feed.look()
        await account.other_user.rename(two, "Two again")
        account.move(60)
        account.sandbox.faults = (Fault("stale_list", LIST, nth=nth),)
        for _ in range(4):
            await feed.look()
            account.move(60)
        assert [(event.task_id, event.kind) for event in feed.events.values()] == [(one, "updated"), (two, "updated")]


@pytest.mark.parametrize(
    "fault", [Fault("status", LIST, status=500, nth="every"), Fault("empty_body", LIST), Fault("without_field", LIST)]
)
async def test_a_failed_list_reports_no_events_and_loses_none(fault: Fault) -> None:
    async with open_vambe() as account:
        task_id = await account.other_user.create("Call Acme")
        feed = await begin(account)
        await account.other_user.rename(task_id, "Call Acme today")
        account.sandbox.faults = (fault,)
        with pytest.raises(Exception, match=r".+"):
            await feed.look()
        account.sandbox.faults = ()
        assert kinds_and_fields(await feed.look()) == [("updated", ["title"])]


async def test_deletions_are_not_reported_if_the_lists_may_be_cut() -> None:
    async with open_vambe() as account:
        ids = [await account.other_user.create(f"Task {number}") for number in range(101)]
        feed = await begin(account)
        await account.other_user.delete(ids[0])  # a hundred are left
        assert await feed.look() == []
        account.move(60)
        await account.other_user.delete(ids[1])
        account.move(700)
        assert [event.task_id for event in await feed.look()] == ids[:2]


@pytest.mark.parametrize("others", [0, 1])
async def test_a_deletion_is_not_reported_if_vambe_refuses_a_window_that_wide(others: int) -> None:
    async with open_vambe(spec_variant=SpecVariant(max_window_days=300)) as account:
        task_id = await account.other_user.create("Call Acme")
        for _ in range(others):
            await account.other_user.create("Other")
        feed = await begin(account)
        await account.other_user.rename(task_id, "Call")
        assert kinds_and_fields(await feed.look()) == [("updated", ["title"])]
        await account.other_user.delete(task_id)
        account.move(60)
        assert await feed.look() == []
        account.sandbox.clear_requests()
        await feed.look()
        assert len(account.sandbox.requests) == 2 - others, "an empty list is confirmed"


GONE, NEAR = task_id(1), task_id(2)


async def begin_with(time: Time, lists_have: Sequence[Sequence[JsonObject]]) -> Feed:
    """A feed that has looked once, of a Vambe whose near list, widest list and lists of days have these rows."""

    async def fetch(window: Window) -> list[Json]:
        is_near, is_wide = window == window_around(time.moment(), 60, 180), window == WIDEST
        if is_near or is_wide:
            return [*lists_have[0 if is_near else 1]]
        days = (window.first, window.last)
        return [one for one in lists_have[2] if one["due_at"] is None or days[0] <= one["due_at"][:10] <= days[1]]

    lists = TaskLists(fetch, 0, RecentWrites(0, time.clock), Timing(time.moment, time.clock, time.sleep))
    source = VambeEvents(lists, TaskMapper(StatusCatalogue()), time.moment)
    feed = Feed(source, await source.begin(time.moment()))
    await feed.look()
    return feed


def rows(ids: Sequence[str | None]) -> list[JsonObject]:
    return [row(None, None, id=one) for one in ids]


@pytest.mark.parametrize(
    ("near", "wide", "day", "kinds"),
    [
        ([NEAR], [NEAR], [], ["deleted"]),
        ([NEAR], [NEAR], [GONE], []),
        ([NEAR], [NEAR], [None], []),
        ([NEAR], [NEAR, None], [], []),
        ([NEAR], [task_id(3)], [], []),
        ([NEAR], [task_id(number) for number in range(2, 102)], [], []),
        ([NEAR], [task_id(number) for number in range(2, 103)], [], ["deleted"]),
        ([], [], [], ["deleted", "deleted"]),
    ],
)
async def test_a_deletion_is_reported_if_all_lists_are_complete_and_none_has_the_task(
    near: list[str], wide: list[str | None], day: list[str | None], kinds: list[str]
) -> None:
    time, lists_have = Time(), [rows([GONE, NEAR])]
    feed = await begin_with(time, lists_have)
    lists_have[:] = [rows(near), rows(wide), rows(day)]
    time.now += 60.0
    assert [event.kind for event in await feed.look()] == kinds


async def test_a_hint_at_a_listed_task_needs_no_other_list_in_any_spelling_of_its_id() -> None:
    time, task_id = Time(), "aaaaaaaa-0000-4000-8000-000000000001"
    feed = await begin_with(time, [rows([task_id])])  # any other list would be an error
    time.now += 60.0
    assert await feed.look([task_id, task_id.upper()]) == []


@pytest.mark.parametrize(("status_id", "kinds"), [("s-1", []), ("s-2", ["updated"])])
async def test_a_status_of_another_name_is_a_change_unless_only_its_name_was_changed(
    status_id: str, kinds: list[str]
) -> None:
    def of_status(status_id: str, name: str) -> JsonObject:
        config = {"id": status_id, "name": name, "color": None, "type": "initial", "order": 1}
        return row(None, None, id=NEAR, status_config=config, task_status_config_id=status_id)

    time, lists_have = Time(), [[of_status("s-1", "Pendiente")]]
    feed = await begin_with(time, lists_have)
    lists_have[:] = [[of_status(status_id, "Abierto")]] * 2
    time.now += 60.0
    assert [event.kind for event in await feed.look()] == kinds


@pytest.mark.parametrize(("days", "kinds"), [(-58, []), (-57, ["deleted"]), (177, ["deleted"]), (178, [])])
async def test_a_task_that_leaves_the_list_is_missed_only_if_its_day_is_three_days_within_the_window(
    days: int, kinds: list[str]
) -> None:
    time = Time()
    due_at = (time.moment() + timedelta(days=days)).isoformat()
    lists_have = [[*rows([NEAR]), row(due_at, None, id=GONE)]]
    feed = await begin_with(time, lists_have)
    lists_have[:] = [rows([NEAR]), rows([NEAR]), []]
    time.now += 60.0
    assert [event.kind for event in await feed.look()] == kinds


@pytest.mark.parametrize(("known", "deleted"), [(10, 10), (11, 0)])
async def test_empty_lists_delete_ten_tasks_and_no_more(known: int, deleted: int) -> None:
    time, lists_have = Time(), [rows([task_id(number) for number in range(1, known + 1)])]
    feed = await begin_with(time, lists_have)
    lists_have[:] = [[], [], []]
    time.now += 60.0
    assert [event.kind for event in await feed.look()] == ["deleted"] * deleted


async def test_no_deletion_is_reported_while_the_list_of_its_day_still_has_the_task() -> None:
    time = Time()
    due = {GONE: "2026-03-10T12:00:00.000Z", NEAR: "2026-03-20T12:00:00.000Z"}
    lists_have: list[list[JsonObject]] = [[row(at, "UTC", id=one) for one, at in due.items()]]
    feed = await begin_with(time, lists_have)
    lists_have[:] = [rows([task_id(3)]), rows([task_id(3)]), lists_have[0][1:]]
    time.now += 60.0
    assert [event.kind for event in await feed.look()] == ["created"]


@pytest.mark.parametrize(("age_s", "kind"), [(-60, "created"), (240, "created"), (360, "updated")])
async def test_a_task_created_up_to_minutes_before_the_last_look_is_reported_as_new(age_s: int, kind: str) -> None:
    time, lists_have = Time(), [rows([NEAR])] * 2
    feed = await begin_with(time, lists_have)
    made = (time.moment() - timedelta(seconds=age_s)).isoformat()
    lists_have[:] = [[*rows([NEAR]), row(None, None, id=GONE, created_at=made)]] * 2
    time.now += 60.0
    assert [event.kind for event in await feed.look()] == [kind]


async def test_a_shorter_window_is_listed_where_vambe_refuses_a_long_one() -> None:
    async with open_vambe(spec_variant=SpecVariant(max_window_days=40)) as account:
        task_id = await account.other_user.create("Call Acme")
        feed = await begin(account)
        await account.other_user.rename(task_id, "Call")
        assert kinds_and_fields(await feed.look()) == [("updated", ["title"])]


async def test_a_look_is_refused_where_vambe_refuses_every_window() -> None:
    async with open_vambe(spec_variant=SpecVariant(max_window_days=10)) as account:
        with pytest.raises(CallerError):
            await begin(account)


async def test_learning_how_due_times_are_written_causes_no_event_of_a_task_that_had_one() -> None:
    async with open_vambe(spec_variant=SpecVariant(due_at="wall")) as account:
        due: Any = {"dueDate": "2026-03-09", "dueTime": "15:00", "timezone": "America/Santiago"}
        task_id = await account.other_user.create("Call Acme")
        await account.other_user.send("PUT", f"/{task_id}", json=due)
        body = {"title": "Send it", "responsibleIds": [account.other_user.people[0]], "priority": "1"}
        undated = str((await account.other_user.send("POST", "", json=body))["id"])
        feed = await begin(account)
        assert isinstance(account.source, VambeEvents)
        account.source._mapper.due_at = "wall"  # noqa: SLF001  as a write of ours would teach it
        await account.other_user.send("PUT", f"/{undated}", json=due)
        [event] = await feed.look()
        assert (event.task_id, kinds_and_fields([event])) == (undated, [("updated", ["due"])])
        await account.other_user.send("PUT", f"/{task_id}", json=due | {"dueTime": "16:00"})
        account.move(60)
        assert kinds_and_fields(await feed.look()) == [("updated", ["due"])]


async def test_changes_before_the_first_look_are_reported_as_a_gap() -> None:
    async with open_vambe() as account:
        await account.other_user.create("Call Acme")
        before = account.now()
        account.move(3_600)
        feed = Feed(account.source, await account.source.begin(before))
        assert await feed.look() == []
        assert feed.gaps == ["Vambe shows no past changes: changes are reported from 2026-03-02T16:00Z on."]

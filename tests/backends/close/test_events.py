"""Events from Close's log: late and growing rows, hidden values, and long periods."""

from typing import Any

import pytest

from backends.close.sandboxed_app import CAROLINA, LEAD, WORLD, close, on_close, task_id
from backends.events.feed import Feed, kinds_and_fields
from backends.events.random_changes import begin_feed, change_at_random, check_replay
from backends.events.sources import open_close
from taskhand.call.background_requests import idle_share
from taskhand.domain.due import Due
from taskhand.domain.errors import CallerError
from taskhand.sandbox.close import SpecVariant
from taskhand.sandbox.faults import Fault
from virtual_time import Time


@pytest.mark.parametrize("events", ["both", "updated", "completed"])
@pytest.mark.parametrize("lag", [0, 20])
async def test_a_completion_is_reported_once_whichever_rows_show_it(events: Any, lag: int) -> None:
    variant = SpecVariant(completion_events=events, event_lag=lag)
    async with open_close(spec_variant=variant) as account:
        feed = await begin_feed(account)
        tasks = [await account.other_user.create(name) for name in ("One", "Two")]
        account.move(60)
        await feed.look()
        for task_id in tasks:
            account.move(1)
            await account.other_user.set_finished(task_id, finished=True)
        found = []
        for _ in range(4):
            found += await feed.look()
            account.move(15)
        assert [(event.task_id, event.kind) for event in sorted(found, key=lambda one: one.task_id)] == [
            (task_id, "completed") for task_id in tasks
        ]
        assert {(one.field, one.after) for event in found for one in event.changed} == {("status", "Completed")}


async def test_a_growing_update_reports_only_the_newly_added_changes_at_each_look() -> None:
    async with open_close(spec_variant=SpecVariant(consolidation=120)) as account:
        task_id = await account.other_user.create("Call")
        await account.other_user.rename(task_id, "Call Acme")
        account.move(1)
        feed = await begin_feed(account, before_s=300)  # in the middle of what becomes one row
        await account.other_user.reassign(task_id, account.other_user.people[1])
        assert kinds_and_fields(await feed.look()) == [("reassigned", ["responsibles"])]
        account.move(20)
        await account.other_user.rename(task_id, "Call Acme today")
        [event] = await feed.look()
        assert [(one.field, one.before, one.after) for one in event.changed] == [
            ("title", "Call Acme", "Call Acme today")
        ]
        account.move(20)
        await account.other_user.rename(task_id, "Call Acme")
        assert kinds_and_fields(await feed.look()) == [("updated", ["title"])]


async def test_a_change_from_just_before_the_feed_is_not_reported_by_its_second_look() -> None:
    async with open_close() as account:
        task_id = await account.other_user.create("Call")
        account.move(60)
        feed = await begin_feed(account)
        await account.other_user.rename(task_id, "Call Acme")
        assert kinds_and_fields(await feed.look()) == [("updated", ["title"])]


async def test_rows_that_become_visible_late_are_reported_once() -> None:
    async with open_close(spec_variant=SpecVariant(event_lag=100)) as account:
        feed = await begin_feed(account)
        made = []
        for number in range(6):
            made.append(await account.other_user.create(f"Task {number}"))
            account.move(20)
            await feed.look()
        account.move(120)
        await feed.look()
        assert sorted(event.task_id for event in feed.events.values()) == sorted(made)


@pytest.mark.parametrize("consolidation", [0, 120])
async def test_random_changes_by_others_are_reported_once_if_rows_are_late(consolidation: int) -> None:
    async with open_close(spec_variant=SpecVariant(event_lag=100, consolidation=consolidation)) as account:
        feed, before = await change_at_random(account, seed=4)
        await check_replay(account, before, sorted(feed.events.values(), key=lambda one: str(one.at)))


async def test_values_that_close_hides_after_an_hour_are_left_out_and_reported_as_a_gap() -> None:
    async with open_close(spec_variant=SpecVariant(event_data="hour")) as account:
        feed = await begin_feed(account)
        task_id = await account.other_user.create("Call Acme")
        for step in (
            account.other_user.rename(task_id, "Call"),
            account.other_user.set_finished(task_id, finished=True),
            account.other_user.set_finished(task_id, finished=False),
            account.other_user.reassign(task_id, account.other_user.people[1]),
            account.other_user.delete(task_id),
        ):
            account.move(10)
            await step
        account.move(4_000)
        events = await feed.look()
        assert kinds_and_fields(events) == [
            (kind, []) for kind in ("created", "updated", "completed", "reopened", "reassigned", "deleted")
        ]
        assert {event.responsible_ids for event in events} == {None}
        assert {event.by for event in events} == {account.other_user.who}
        assert [gap.partition(":")[0] for gap in feed.gaps] == [
            "After an hour, Close shows changed values only to admins"
        ]


async def test_a_long_stretch_is_read_in_parts_and_in_order() -> None:
    tasks = [{"id": task_id(number), "text": "Call", "lead_id": LEAD} for number in range(40)]
    days = [f"2026-04-{day:02}" for day in range(1, 8)]
    async with open_close(seed=WORLD | {"tasks": tasks}) as account:
        feed = await begin_feed(account)
        for day in days:
            account.move(1_000)
            await account.other_user.send("PUT", "task/", json={"date": day, "_params": {"lead_id": LEAD}})
        look = await feed.glance()
        assert look.is_behind
        await feed.look()
        told = [(event.at, one.after) for event in feed.events.values() for one in event.changed]
        assert [due.day.isoformat() for _, due in told if isinstance(due, Due)] == [day for day in days for _ in tasks]
        assert told == sorted(told, key=lambda one: str(one[0]))


async def test_rows_from_before_the_polled_period_are_not_reported() -> None:
    async with open_close() as account:
        made = await account.other_user.create("Call Acme")
        await account.other_user.rename(made, "Old")
        account.move(400)
        feed = await begin_feed(account)
        for number in range(51):  # one more than a page has: the next page has no bounds
            await account.other_user.rename(made, f"New {number}")
        account.sandbox.clear_requests()
        assert len(await feed.look()) == 51
        queries = [one.query for one in account.sandbox.requests if one.path.endswith("/event/")]
        assert any("_cursor" in query for query in queries)
        assert all(("_cursor" in query) != ("date_updated__gte" in query) for query in queries)


async def test_reports_a_gap_for_changes_older_than_the_log() -> None:
    async with open_close() as account:
        feed = await begin_feed(account)
        await account.other_user.create("Call Acme")
        account.move(31 * 86_400)
        assert await feed.look() == []
        assert feed.gaps == ["Close keeps its log for 30 days: changes before 2026-03-03T15:00Z are missing."]


@pytest.mark.parametrize("seed", [1, 9, 22, 23])
async def test_changes_of_a_task_are_reported_in_order_although_their_rows_become_visible_in_another(seed: int) -> None:
    async with open_close(spec_variant=SpecVariant(event_lag=20)) as account:
        feed, before = await change_at_random(account, seed)
        await check_replay(account, before, list(feed.events.values()))


@pytest.mark.parametrize("long_ago", [0, 7])
async def test_a_row_that_becomes_visible_too_late_keeps_others_waiting_for_some_minutes_only(long_ago: int) -> None:
    many = [{"id": task_id(number), "text": "Call", "lead_id": LEAD} for number in range(40)]
    async with open_close(seed=WORLD | {"tasks": many}) as account:
        feed = await begin_feed(account)
        for day in range(long_ago):
            account.move(1_000)
            await account.other_user.send(
                "PUT", "task/", json={"date": f"2026-04-0{day + 1}", "_params": {"lead_id": LEAD}}
            )
        account.move(1_000)
        account.sandbox.spec_variant = SpecVariant(event_lag=1_000)
        beginning = await account.source.begin(account.now())
        account.move(1)
        tasks = [await account.other_user.create(f"Task {number}") for number in range(4)]
        for made in tasks:
            await account.other_user.rename(made, "Call")
            await account.other_user.delete(made)
        account.move(60)
        for number in range(4):  # at least one of these rows is visible at once, and newer than those that wait
            await account.other_user.create(f"Newer task {number}")
        first, anew = await feed.look(), Feed(account.source, beginning)
        await anew.look()
        waiting = account.source.describe_waiting
        assert waiting(anew.position) is None, "changes from before the feed are not known"
        for pause in (290, 20):
            assert "five minutes after it was found" in (waiting(feed.position) or "")
            account.move(pause)
            later = await feed.look()
        assert waiting(feed.position) is None
        assert {event.task_id for event in later} - {event.task_id for event in first}
        assert await feed.look() == []


async def test_a_change_that_the_contract_has_no_word_for_is_no_event() -> None:
    async with open_close(spec_variant=SpecVariant(forbidden_fields="applied")) as account:
        task_id = await account.other_user.create("Call Acme")
        feed = await begin_feed(account)
        await account.other_user.send("PUT", f"task/{task_id}/", json={"created_by": account.other_user.people[1]})
        assert await feed.look() == []


async def test_a_poll_takes_four_requests_and_reads_calls_once_a_minute_unless_a_caller_waits() -> None:
    async with open_close() as account:
        feed = await begin_feed(account)

        async def count_requests() -> int:
            account.sandbox.clear_requests()
            await feed.look()
            return len(account.sandbox.requests)

        counts = []
        with idle_share() as share:
            for pause in (1, 10, 60, 5, -20):  # the last one sets the clock back
                account.move(pause)
                counts.append(await count_requests())
            share.end()
            counts.append(await count_requests())
        assert counts == [4, 4, 8, 4, 8, 8]
        assert await count_requests() == 8


async def test_the_log_of_calls_is_not_read_again_after_close_refused_it() -> None:
    async with open_close() as account:
        feed = await begin_feed(account)
        account.move(61)
        account.sandbox.faults = (Fault("status", "GET /api/v1/event", status=400, nth=5, times=99),)
        await feed.look()
        account.sandbox.faults = ()
        account.sandbox.clear_requests()
        await feed.look()
        assert len(account.sandbox.requests) == 4


async def test_a_refusal_of_the_log_of_to_dos_is_an_error_and_the_next_look_has_its_changes() -> None:
    async with open_close() as account:
        feed = await begin_feed(account)
        made = await account.other_user.create("Call Acme")
        account.move(61)
        account.sandbox.faults = (Fault("status", "GET /api/v1/event", status=400),)
        with pytest.raises(CallerError):
            await feed.look()
        assert [event.task_id for event in await feed.look()] == [made]


async def test_changes_of_outgoing_calls_are_reported() -> None:
    async with open_close() as account:
        feed = await begin_feed(account)
        call = {"_type": "outgoing_call", "lead_id": LEAD, "contact_id": CAROLINA, "date": "2026-03-09"}
        made = str((await account.other_user.send("POST", "task/", json=call))["id"])
        account.move(1)
        [created] = await feed.look()
        await account.other_user.set_finished(made, finished=True)
        account.move(1)
        [completed] = await feed.look()
        assert [(one.task_id, one.kind, one.title) for one in (created, completed)] == [
            (made, "created", "Outgoing call"),
            (made, "completed", "Outgoing call"),
        ]


@pytest.mark.parametrize(
    ("types", "logs"), [("lead", {"task.lead"}), ("outgoing_call,missed_call", {"task.outgoing_call"})]
)
async def test_only_the_logs_of_listed_types_are_read(types: str, logs: set[str]) -> None:
    time = Time()
    sandbox = close(0, clock=time.moment)
    async with on_close(sandbox, time, clock=time.moment, close_task_types=types) as backend:
        await Feed(backend.event_source, await backend.event_source.begin(time.moment())).look()
    assert {one for request in sandbox.requests for one in request.query["object_type"]} == logs

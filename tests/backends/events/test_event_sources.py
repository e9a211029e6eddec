"""Every source of changes reports each change by others once, in order, and nothing else."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backends.events.feed import Feed
from backends.events.random_changes import begin_feed, change_at_random, check_replay
from backends.events.sources import SOURCES, ObservedAccount, SourceCase
from builders import refused
from taskhand.domain.errors import OperatorError
from taskhand.domain.event import TaskEvent


@pytest.fixture(params=SOURCES, ids=lambda source: source.name)
async def account(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObservedAccount[Any]]:
    source: SourceCase = request.param
    if reason := source.gaps.get(request.function.__name__):
        pytest.skip(reason)
    database = request.getfixturevalue("postgres_database") if source.needs_database else None
    async with source.open(tmp_path, database) as account:
        yield account


async def begin(account: ObservedAccount[Any]) -> Feed:
    """A feed that begins now and has looked once."""
    feed = await begin_feed(account)
    assert feed.events == {}
    return feed


def kinds_and_values(events: Sequence[TaskEvent]) -> list[tuple[str, dict[str, object]]]:
    """The kind of each event, and the new values of its fields."""
    return [(event.kind, {one.field: one.after for one in event.changed}) for event in events]


async def test_the_first_look_reports_no_earlier_changes(account: ObservedAccount[Any]) -> None:
    task_id = await account.other_user.create("Call Acme")
    account.move(1)
    await account.other_user.rename(task_id, "Call Acme today")
    account.move(1)
    await begin(account)


async def test_reports_the_changes_of_others_from_creation_to_deletion_of_a_task(account: ObservedAccount[Any]) -> None:
    feed, other_user = await begin(account), account.other_user
    first, second = other_user.people
    task_id = await other_user.create("Call Acme")
    kinds = [kinds_and_values(await feed.look())]
    for step in (
        other_user.rename(task_id, "Call Acme today"),
        other_user.set_finished(task_id, finished=True),
        other_user.set_finished(task_id, finished=False),
        other_user.reassign(task_id, second),
        other_user.delete(task_id),
    ):
        account.move(400)
        await step
        kinds.append(kinds_and_values(await feed.look()))
    opened, finished = account.statuses
    [[(kind, new)], *later] = kinds
    assert (kind, new["responsibles"], new["status"], "title" in new) == ("created", (first,), opened, False)
    assert later == [
        [("updated", {"title": "Call Acme today"})],
        [("completed", {"status": finished})],
        [("reopened", {"status": opened})],
        [("reassigned", {"responsibles": (second,)})],
        [("deleted", {})],
    ]
    befores = [one.before for event in feed.events.values() for one in event.changed if event.kind != "created"]
    assert befores == ["Call Acme", opened, finished, (first,)]
    assert {event.task_id for event in feed.events.values()} == {task_id}
    assert [event.title for event in feed.events.values()] == ["Call Acme", *["Call Acme today"] * 5]
    assert [set(event.responsible_ids or ()) for event in feed.events.values()] == [
        *[{first}] * 4,
        {first, second},
        {second},
    ]
    assert feed.gaps == []


async def test_an_event_has_the_time_and_the_author_that_the_crm_reports(account: ObservedAccount[Any]) -> None:
    feed = await begin(account)
    before = account.now()
    task_id = await account.other_user.create("Call Acme")
    account.move(10)
    [event] = await feed.look()
    assert (event.task_id, event.by) == (task_id, account.other_user.who)
    if account.source.compares:
        assert event.at is None
        assert event.between is not None
        assert event.between[0] <= before <= event.between[1]
    else:
        assert event.between is None
        assert event.at is not None
        assert abs(event.at - before) < timedelta(seconds=2)


async def test_reports_a_change_once_over_repeated_looks(account: ObservedAccount[Any]) -> None:
    feed = await begin(account)
    task_id = await account.other_user.create("Call Acme")
    first = await feed.glance()
    again = await feed.glance()
    assert [event.key for event in first.events] == [event.key for event in again.events] != []
    feed.keep(again)
    for _ in range(3):
        account.move(40)
        assert await feed.look() == []
    await account.other_user.delete(task_id)
    assert [event.kind for event in await feed.look()] == ["deleted"]


async def test_reports_several_changes_between_two_polls_in_order(account: ObservedAccount[Any]) -> None:
    feed, other_user = await begin(account), account.other_user
    one, two = await other_user.create("One"), await other_user.create("Two")
    await feed.look()
    for step in (
        other_user.rename(one, "One again"),
        other_user.set_finished(two, finished=True),
        other_user.reassign(one, other_user.people[1]),
        other_user.delete(two),
    ):
        account.move(400)
        await step
    events = await feed.look()
    if account.source.compares:
        assert {(event.task_id, event.kind) for event in events} == {(one, "reassigned"), (two, "deleted")}
    else:
        assert [(event.task_id, event.kind) for event in events] == [
            (one, "updated"),
            (two, "completed"),
            (one, "reassigned"),
            (two, "deleted"),
        ]


async def test_can_begin_in_the_past_if_the_crm_reports_past_changes(account: ObservedAccount[Any]) -> None:
    other_user = account.other_user
    task_id = await other_user.create("Call Acme")
    account.move(3600)
    since = account.now()
    await other_user.rename(task_id, "Call Acme today")
    account.move(3600)
    await other_user.set_finished(task_id, finished=True)
    account.move(60)
    feed = Feed(account.source, await account.source.begin(since))
    assert [event.kind for event in await feed.look()] == ["updated", "completed"]
    again = Feed(account.source, await account.source.begin(since))
    assert [event.key for event in await again.look()] == [*feed.events]


async def test_a_creation_and_a_deletion_at_the_first_moment_of_a_feed_are_reported(
    account: ObservedAccount[Any],
) -> None:
    since = account.now()
    task_id = await account.other_user.create("Call Acme")
    account.move(60)
    created = Feed(account.source, await account.source.begin(since))
    assert [event.kind for event in await created.look()] == ["created"]
    since = account.now()
    await account.other_user.delete(task_id)
    account.move(60)
    deleted = Feed(account.source, await account.source.begin(since))
    assert [event.kind for event in await deleted.look()] == ["deleted"]


@pytest.mark.parametrize("damaged", ["", "[1]", '{"a": 1}', "12"])
async def test_a_damaged_position_is_an_error_of_the_operator(account: ObservedAccount[Any], damaged: str) -> None:
    feed = await begin(account)
    feed.position = damaged
    with refused("configuration", OperatorError):
        await feed.look()


async def test_random_changes_by_others_are_reported_once_and_in_order(account: ObservedAccount[Any]) -> None:
    feed, before = await change_at_random(account, seed=7)
    assert await feed.look() == []
    await check_replay(account, before, list(feed.events.values()))
    assert feed.gaps == []

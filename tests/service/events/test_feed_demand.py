"""The demand for changes, and how long it lasts."""

from functools import partial
from pathlib import Path

import anyio
import pytest

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.call.background_requests import idle_share, is_idle
from taskhand.domain.principal import Person, Principal
from taskhand.service.app_context import AppContext, CallTime
from taskhand.service.lazy import Lazy
from time_limits import BOUND_S
from virtual_time import SharedTime

WANTED_FOR_S = 900.0
ANA, BEN = (Principal(Person.parse(name)) for name in ("ana@example.com", "ben@example.com"))


@pytest.fixture
def time() -> SharedTime:
    return SharedTime()


@pytest.fixture
def app(tmp_path: Path, time: SharedTime) -> AppContext:
    return AppContext(
        store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW, call_time=CallTime(monotonic=time.clock)
    )


def wanting(app: AppContext) -> list[str]:
    callers = (one.principal.person for one in app.feed_demand.wanting(app.call_time.monotonic()))
    return [person.id if person else "anyone" for person in callers]


def test_a_cursor_that_was_used_is_wanted_for_a_quarter_of_an_hour(app: AppContext, time: SharedTime) -> None:
    ana = app.of_principal(ANA)
    ana.feed_demand.use(ana)
    time.now += WANTED_FOR_S - 1
    assert wanting(app) == ["ana@example.com"]
    time.now += 1
    assert wanting(app) == []


def test_each_caller_counts_once_and_a_subscription_lasts_until_it_ends(app: AppContext, time: SharedTime) -> None:
    ana, ben = app.of_principal(ANA), app.of_principal(BEN)
    ends = [app.feed_demand.subscribe(one) for one in (app, ana, ana, ben)]
    ana.feed_demand.use(ana)
    assert sorted(wanting(app)) == ["ana@example.com", "anyone", "ben@example.com"]
    time.now += 10 * WANTED_FOR_S
    ends[1]()
    ends[1]()
    assert sorted(wanting(app)) == ["ana@example.com", "anyone", "ben@example.com"]
    for end in ends:
        end()
    assert wanting(app) == []


async def test_a_waiting_poller_wakes_for_demand_hints_and_the_end(app: AppContext) -> None:
    for step in (partial(app.feed_demand.use, app), app.feed_demand.wake, app.feed_demand.end):
        with anyio.fail_after(BOUND_S):
            step()
            await app.feed_demand.wait_for_change()
    assert app.feed_demand.take_hint()
    assert not app.feed_demand.take_hint()
    assert app.feed_demand.has_ended
    with anyio.move_on_after(0.01):
        await app.feed_demand.wait_for_change()
        pytest.fail("nobody has said anything since")


def test_a_feed_begins_when_somebody_began_to_want_it_but_not_more_than_a_minute_ago(
    app: AppContext, time: SharedTime
) -> None:
    assert app.feed_demand.waited_s(time.now) == 0.0
    app.feed_demand.use(app)
    assert [app.feed_demand.waited_s(time.now + passed) for passed in (5.0, 60.0, 500.0)] == [5.0, 60.0, 60.0]


async def test_the_end_interrupts_a_look_in_progress_and_a_call_makes_it_hurry(app: AppContext) -> None:
    with anyio.fail_after(BOUND_S), idle_share() as share:
        app.feed_demand.hurry()
        with app.feed_demand.looking(share):
            assert is_idle()
            app.feed_demand.hurry()
            assert not is_idle()
            app.feed_demand.end()
            await anyio.sleep_forever()
    assert app.feed_demand.has_ended

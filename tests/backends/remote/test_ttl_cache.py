"""A cached value is fetched once for concurrent readers, kept for its lifetime, and never spoilt by a failure."""

import weakref
from dataclasses import dataclass, field

import anyio
import pytest
from anyio.lowlevel import checkpoint

from monotonic_clocks import TickingClock
from taskhand.backends.remote.ttl_cache import TtlCache


class FetchError(Exception):
    """The source has failed."""


@dataclass
class Source:
    """Where values come from: the number of the fetch, once it is let go; those of `failing` fail."""

    failing: frozenset[int] = frozenset()
    begun: int = 0
    gate: anyio.Event = field(default_factory=anyio.Event)

    async def fetch(self) -> int:
        self.begun += 1
        number = self.begun
        await self.gate.wait()
        if number in self.failing:
            raise FetchError
        return number


def stopped_clock() -> float:
    """A clock too coarse to tell two readings apart, as some systems have one."""
    return 100.0


async def quiet() -> None:
    """Let everybody else come to where they wait."""
    for _ in range(10):
        await checkpoint()


def open_source(failing: frozenset[int] = frozenset()) -> Source:
    source = Source(failing)
    source.gate.set()
    return source


async def test_concurrent_readers_share_one_fetch() -> None:
    cache, source, got = TtlCache[str, int](5, TickingClock()), Source(), list[int]()

    async def ask() -> None:
        got.append(await cache.get("a", source.fetch))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
        await quiet()
        source.gate.set()
    assert got == [1] * 20
    assert source.begun == 1


async def test_the_lifetime_of_a_value_begins_at_the_end_of_its_fetch() -> None:
    now, begun = 100.0, 0

    async def fetch() -> int:
        nonlocal now, begun
        now, begun = now + 4.0, begun + 1
        return begun

    cache = TtlCache[str, int](5, lambda: now)
    got = []
    for passed_s in (0.0, 4.9, 0.1):
        now += passed_s
        got.append(await cache.get("a", fetch))
    assert got == [1, 1, 2]


async def test_a_value_is_cached_for_its_lifetime() -> None:
    time, source = TickingClock(), open_source()
    cache = TtlCache[str, int](5, time)
    assert await cache.get("a", source.fetch) == 1
    time.now += 4.9
    assert await cache.get("a", source.fetch) == 1
    time.now += 0.1
    assert await cache.get("a", source.fetch) == 2


async def test_keys_are_separate_and_do_not_wait_for_each_other() -> None:
    cache, slow, fast = TtlCache[str, int](5, TickingClock()), Source(), open_source()
    async with anyio.create_task_group() as group:
        group.start_soon(cache.get, "slow", slow.fetch)
        await quiet()
        assert await cache.get("fast", fast.fetch) == 1
        slow.gate.set()
    assert (slow.begun, fast.begun) == (1, 1)


async def test_a_value_with_no_lifetime_is_fetched_again() -> None:
    cache, source = TtlCache[str, int](0, stopped_clock), open_source()
    assert [await cache.get("a", source.fetch) for _ in range(3)] == [1, 2, 3]


async def test_a_fresh_value_is_one_whose_fetching_began_after_it_was_asked_for() -> None:
    cache, source = TtlCache[str, int](5, stopped_clock), open_source()
    assert await cache.get("a", source.fetch) == 1
    assert await cache.get("a", source.fetch, fresh=True) == 2
    assert await cache.get("a", source.fetch) == 2


async def test_waiting_callers_of_a_fresh_value_share_one_fetch_that_begins_after_them() -> None:
    cache, source, got = TtlCache[str, int](5, TickingClock()), Source(), list[int]()

    async def ask() -> None:
        got.append(await cache.get("a", source.fetch, fresh=True))

    async with anyio.create_task_group() as group:
        group.start_soon(cache.get, "a", source.fetch)
        await quiet()
        for _ in range(5):
            group.start_soon(ask)
        await quiet()
        source.gate.set()
    assert got == [2] * 5
    assert source.begun == 2


async def test_a_failed_fetch_fails_for_its_reader_and_the_next_reader_tries_again() -> None:
    cache, source = TtlCache[str, int](5, TickingClock()), open_source(failing=frozenset({1}))
    with pytest.raises(FetchError):
        await cache.get("a", source.fetch)
    assert await cache.get("a", source.fetch) == 2


async def test_a_failed_fresh_fetch_leaves_the_cached_value() -> None:
    cache, source = TtlCache[str, int](5, TickingClock()), open_source(failing=frozenset({2}))
    assert await cache.get("a", source.fetch) == 1
    with pytest.raises(FetchError):
        await cache.get("a", source.fetch, fresh=True)
    assert await cache.get("a", source.fetch) == 1


async def test_when_the_first_reader_is_cancelled_the_next_one_fetches() -> None:
    cache, source, got = TtlCache[str, int](5, TickingClock()), Source(), list[int]()
    scope = anyio.CancelScope()

    async def first() -> None:
        with scope:
            await cache.get("a", source.fetch)

    async def second() -> None:
        got.append(await cache.get("a", source.fetch))

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await quiet()
        group.start_soon(second)
        await quiet()
        scope.cancel()
        await quiet()
        source.gate.set()
    assert scope.cancelled_caught
    assert got == [2]


async def test_expired_keys_are_forgotten_and_can_be_fetched_again() -> None:
    time, source = TickingClock(), open_source()
    cache = TtlCache[int, int](5, time)
    for key in range(50):
        time.now += 1
        assert await cache.get(key, source.fetch) == key + 1
    assert await cache.get(49, source.fetch) == 50
    assert await cache.get(0, source.fetch) == 51


class Value:
    """A value that others can watch."""


async def test_a_value_is_let_go_with_the_first_fetch_of_any_key_after_its_lifetime() -> None:
    time = TickingClock()
    cache = TtlCache[str, Value](5, time)

    async def fetch() -> Value:
        return Value()

    old = weakref.ref(await cache.get("old", fetch))
    time.now += 4
    young = await cache.get("young", fetch)
    assert old() is not None
    time.now += 2
    await cache.get("new", fetch)
    assert old() is None
    assert await cache.get("young", fetch) is young


async def test_an_expired_key_that_is_being_fetched_is_fetched_once_though_another_key_comes_meanwhile() -> None:
    time, slow = TickingClock(), Source()
    cache = TtlCache[str, int](5, time)
    await cache.get("a", open_source().fetch)
    time.now += 6
    async with anyio.create_task_group() as group:
        group.start_soon(cache.get, "a", slow.fetch)
        await quiet()
        await cache.get("b", open_source().fetch)
        group.start_soon(cache.get, "a", slow.fetch)
        await quiet()
        slow.gate.set()
    assert slow.begun == 1


async def test_a_caller_can_require_a_younger_value_or_one_fetched_since_a_moment() -> None:
    time, source = TickingClock(), open_source()
    cache = TtlCache[str, int](50, time)
    assert await cache.get("a", source.fetch) == 1
    begun = time.now
    time.now += 10
    assert await cache.get("a", source.fetch, most_s=20) == 1
    assert await cache.get("a", source.fetch, most_s=5) == 2
    assert await cache.get("a", source.fetch, since=begun) == 2
    assert await cache.get("a", source.fetch, since=time.now) == 3

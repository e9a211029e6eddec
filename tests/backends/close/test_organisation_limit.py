"""Close limits an organisation at three times the limit of a key: persons with keys of their own keep to it."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import pytest
from pydantic import SecretStr

from backends.close.sandboxed_app import KEY, close
from behaviour.world import NOW
from taskhand.backends.close.factory import FACTORY, CloseSettings
from taskhand.backends.factory import OpenContext
from taskhand.call.observers import Budget
from taskhand.domain.task_query import TaskQuery
from taskhand.http.upstream import Runtime
from taskhand.sandbox.server import serve_sandbox
from virtual_time import Time

PERSONS, CALLS, RATE = 5, 4, 4


@dataclass
class RequestTimes:
    """When requests leave."""

    time: Time
    left_at: list[float] = field(default_factory=list)

    def turn_came(self, waited_s: float) -> None:
        del waited_s
        self.left_at.append(self.time.now)

    def request_ended(self, method: str, status: int | None, took_s: float) -> None:
        """Nothing of interest."""

    def watch_budget(self, read: Callable[[], Budget]) -> None:
        """Nothing of interest."""

    @property
    def most_in_a_second(self) -> int:
        return max(sum(1 for at in self.left_at if first <= at < first + 1) for first in self.left_at)


@pytest.mark.parametrize(("people_may_link", "most"), [(True, 3 * RATE), (False, PERSONS * RATE)])
async def test_persons_with_keys_of_their_own_keep_to_the_limit_of_the_organisation(
    *, people_may_link: bool, most: int
) -> None:
    time = Time()
    departures = RequestTimes(time)
    runtime = Runtime(time.clock, time.wall, time.sleep, jitter=lambda: 0.5, observer=departures)
    async with serve_sandbox(close(clock=time.moment)) as url, AsyncExitStack() as stack:
        settings = CloseSettings(
            close_api_key=SecretStr(KEY), close_base_url=f"{url}/api/v1", close_rate=RATE, close_in_flight=64
        )
        shared = OpenContext(lambda: NOW, None, Path(), runtime=runtime, stack=stack, people_may_link=people_may_link)
        async with anyio.create_task_group() as tasks:
            for _ in range(PERSONS):
                backend = await FACTORY.open(settings, replace(shared, uses_own_credential=True))
                for _ in range(CALLS):
                    tasks.start_soon(backend.list_tasks, TaskQuery())
    assert (len(departures.left_at), departures.most_in_a_second) == (PERSONS * CALLS, most)

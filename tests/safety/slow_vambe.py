"""A Vambe on which a change of many tasks takes longer than one call may, in virtual time."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mcp import Client

from backends.slow_transport import NetworkTime, SlowTransport
from backends.vambe import sandboxed_app as on_vambe
from file_stores import journal_in
from safety.account import Agent
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext, WritePolicy
from taskhand.service.lazy import Lazy

__all__ = ["AGAIN", "SlowCrm", "slow_crm"]

AGAIN: dict[str, Any] = {"title": "Again"}
_RATE = 1


@dataclass(frozen=True)
class SlowCrm:
    """The sandbox at `url`, whose tasks have the `ids`; servers on it share the journal in `folder`."""

    sandbox: VambeSandbox
    url: str
    folder: Path
    ids: list[str]

    @property
    def renamed(self) -> set[str]:
        """The ids of the tasks that are renamed."""
        return {str(task["id"]) for task in self.sandbox.tasks if task["title"] == AGAIN["title"]}

    @property
    def puts(self) -> Counter[str]:
        """How often each task was sent."""
        return Counter(request.path.rpartition("/")[2] for request in self.sandbox.requests if request.method == "PUT")

    @asynccontextmanager
    async def server(
        self, time: NetworkTime, policy: WritePolicy | None = None
    ) -> AsyncIterator[tuple[Agent, AppContext]]:
        """A server in a process of its own, as far as the journal can tell, and an agent."""
        journal = journal_in(self.folder)
        way = SlowTransport(time, latency_s=0.25)
        try:
            async with on_vambe.sandboxed_app(self.url, time, transport=way, vambe_rate=_RATE) as app:
                app = replace(app, lazy_journal=Lazy(lambda: journal), policy=policy or app.policy)  # noqa: PLW2901  the same, shared
                async with Client(create_server(app)) as client:
                    yield Agent(client), app
        finally:
            await journal.aclose()


@asynccontextmanager
async def slow_crm(folder: Path, tasks: int) -> AsyncIterator[SlowCrm]:
    """A Vambe that takes one request a second."""
    sandbox = on_vambe.vambe(tasks)
    async with serve_sandbox(sandbox) as url:
        yield SlowCrm(sandbox, url, folder, [on_vambe.task_id(number) for number in range(1, tasks + 1)])

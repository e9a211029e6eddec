"""Persons with scopes and rules on one server in this process, each with a client of its own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from behaviour.agent import Agent
from behaviour.backend_cases import BACKEND_CASES
from behaviour.person import Person as PersonAtClient
from behaviour.world import BackendCase
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.domain.principal import SCOPES, Person, Scope
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.server.access import Access
from taskhand.server.app import create_server
from taskhand.service.app_context import AppContext

__all__ = ["ANA", "BEN", "TeamServer", "open_team_server"]

ANA, BEN = "ana@example.com", "luis@example.com"


class TeamServer:
    """One account, on which persons work by the `policy`, which a test may change."""

    def __init__(self, app: AppContext, backend: BackendCase, stack: AsyncExitStack) -> None:
        self.app = app
        self.policy = NO_POLICY
        self._backend = backend
        self._stack = stack

    async def agent(
        self,
        person: str | None,
        scopes: frozenset[Scope] = SCOPES,
        at_client: PersonAtClient | None = None,
        mode: str = "auto",
    ) -> Agent:
        """An agent that calls for this person."""
        access = Access(lambda: self.policy, Person.parse(person) if person else None, scopes)
        asked = at_client.asked if at_client else None
        client = Client(create_server(self.app, access=access), elicitation_callback=asked, mode=mode)
        return Agent(await self._stack.enter_async_context(client), self._backend.needs)

    def rule(self, person: str | None = None, /, **rules: Any) -> None:
        """Put rules in force, for one person or for everyone."""
        by_person: dict[str, Mapping[str, Any]] = {person: rules} if person else {}
        self.policy = Policy(everyone={} if person else rules, people=by_person)

    async def changes(self) -> tuple[Change, ...]:
        """The changes in the journal, newest first."""
        return (await self.app.journal.page(ChangeQuery(limit=100))).changes


@asynccontextmanager
async def open_team_server(folder: Path, backend: BackendCase = BACKEND_CASES[0]) -> AsyncIterator[TeamServer]:
    """A team's server on the built-in store, or on another backend of the suite."""
    async with backend.open(folder) as app, AsyncExitStack() as stack:
        yield TeamServer(app, backend, stack)

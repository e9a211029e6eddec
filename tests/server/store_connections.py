"""A server of two built-in stores, `north` and `south`, and a client of it for each of several persons."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client

from taskhand.backends.factory import Clock
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.link_offer import LinkOffers
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.domain.principal import SCOPES, Person, Scope
from taskhand.server.access import Access, Memberships
from taskhand.server.app import create_server
from taskhand.service.connections import Connections
from taskhand.wiring import open_connections

__all__ = ["NAMES", "answer_of", "client_of", "open_store_connections", "settings_in"]

NAMES = ("north", "south")
NO_LINES: Memberships = {}
_STATE_KEYS = ("one key for the servers of all persons",)


@asynccontextmanager
async def open_store_connections(folder: Path, clock: Clock | None = None) -> AsyncIterator[Connections]:
    """Two built-in stores as connections."""
    async with open_connections(settings_in(folder), clock) as connections:
        yield connections


def settings_in(folder: Path) -> list[ConnectionSettings]:
    """What the stores of this folder are opened with."""
    return [
        ConnectionSettings(name, Settings(db=folder / f"{name}.sqlite", chosen_backend="local"), f"The {name} office")
        for name in NAMES
    ]


def client_of(
    connections: Connections,
    person: str | Person | None = None,
    *,
    policy: Policy = NO_POLICY,
    scopes: frozenset[Scope] = SCOPES,
    memberships: Memberships = NO_LINES,
    offers: LinkOffers | None = None,
    **client: Any,
) -> Client:
    """A client with which this person calls, in this process; `client` are arguments of the SDK's."""
    caller = Person.parse(person) if isinstance(person, str) else person
    access = Access(lambda: policy, caller, scopes, lambda: memberships)
    return Client(create_server(connections, access=access, state_keys=_STATE_KEYS, offers=offers), **client)


async def answer_of(client: Client, tool: str, **arguments: Any) -> Mapping[str, Any]:
    """The answer of a call, or its error."""
    result = await client.call_tool(tool, arguments)
    if result.structured_content is not None:
        answer: dict[str, Any] = result.structured_content
        return answer
    error: dict[str, Any] = json.loads(result.content[0].text)["error"]  # type: ignore[union-attr]  # text
    return error

"""The pages on which persons link credentials of their own, as the command line opens them."""

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskhand.backends.registry import find_factory
from taskhand.config.placeholders import clean_value, find_flaw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from taskhand.cli.access import AuthOptions
    from taskhand.config.configuration import Configuration
    from taskhand.server.access import Memberships
    from taskhand.server.linking.linking import Linking
    from taskhand.server.linking.way import Way
    from taskhand.service.connections import Connections
    from taskhand.vault.links import Links

__all__ = ["open_linking"]

_OURS = ("thk_", "thv_")
"""How keys of Taskhand begin, which no CRM may get to see."""


async def open_linking(
    found: "Configuration",
    opened: "tuple[Connections, Links, Callable[[], Memberships]]",
    auth: "AuthOptions",
    stack: AsyncExitStack,
) -> "Linking":
    """What the pages do, until the stack is closed.

    `opened` are the connections, the links, and what returns who the persons are now.
    """
    from taskhand.server.linking.linking import Linking
    from taskhand.wiring import clock_of, open_key_check, open_tickets

    connections, links, memberships = opened
    tickets = open_tickets(found.settings)
    stack.push_async_callback(tickets.aclose)
    return Linking(
        tickets,
        links,
        await _open_ways(found, connections, stack),
        clock_of(found.settings),
        base=_origin_of(auth.resource) if auth.resource else None,
        memberships=memberships,
        keys=open_key_check(found.settings) if "keys" in auth.kinds else None,
    )


async def _open_ways(found: "Configuration", connections: "Connections", stack: AsyncExitStack) -> "Mapping[str, Way]":
    """How a credential is linked, for each connection where that can be done on a page."""
    from taskhand.server.linking.way import Way
    from taskhand.wiring import open_as_person, open_oauth_client

    ways = {}
    for one in found.connections:
        factory = find_factory(one.settings.backend)
        consent = await stack.enter_async_context(open_oauth_client(one))
        if consent or factory.has_personal_keys:
            ways[one.name] = Way(
                connections.by_name[one.name],
                factory.title,
                partial(open_as_person, one),
                _read_credential,
                tells_who=consent is not None or factory.me_variable is None,
                consent=consent,
            )
    return ways


def _read_credential(text: str) -> str | None:
    """A pasted credential as it is sent; None for a text that is none."""
    cleaned = clean_value(text)
    if not cleaned or cleaned.startswith(_OURS):
        return None
    return cleaned if find_flaw(cleaned, "the credential", is_secret=True) is None else None


def _origin_of(address: str) -> str:
    """The part of an address before its path."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"

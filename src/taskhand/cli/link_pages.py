"""Opens the pages on which persons link their own credentials."""

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskhand.backends.registry import find_factory
from taskhand.config.placeholders import clean_value, find_flaw
from taskhand.domain.errors import CallerError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from taskhand.cli.authentication import AuthOptions
    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.effective_settings import Configuration
    from taskhand.config.settings import Settings
    from taskhand.domain.principal import Person
    from taskhand.server.access import Memberships
    from taskhand.server.linking.link_flow import Linking
    from taskhand.server.linking.link_method import BrowserSignIn, LinkMethod
    from taskhand.service.connections import Connections
    from taskhand.vault.links_of_persons import Links

__all__ = ["make_invitation", "open_linking"]


async def open_linking(
    configuration: "Configuration",
    stack: AsyncExitStack,
    *,
    connections: "Connections",
    links: "Links",
    memberships: "Callable[[], Memberships]",
    auth: "AuthOptions",
    sign_in: "BrowserSignIn | None" = None,
    clock: "Callable[[], datetime] | None" = None,
) -> "Linking":
    """The service behind the pages, open until the stack is closed.

    `memberships` returns the current ones of people.toml. `sign_in` signs persons in at the token issuer; None if that
    is not configured. `clock` is that of the settings by default.
    """
    from taskhand.server.linking.link_flow import Linking
    from taskhand.state import clock_of, open_key_check, open_tickets

    clock = clock or clock_of(configuration.settings)
    tickets = open_tickets(configuration.settings, clock)
    stack.push_async_callback(tickets.aclose)
    return Linking(
        tickets,
        links,
        await _open_link_methods(configuration, connections, stack),
        clock,
        resource=auth.resource,
        memberships=memberships,
        keys=open_key_check(configuration.settings) if "keys" in auth.kinds else None,
        sign_in=sign_in,
    )


async def make_invitation(
    settings: "Settings", connection: "ConnectionSettings", person: "Person", resource: str | None
) -> "tuple[str, datetime]":
    """The address of a page for a person, and when it expires. CallerError if no page can link the connection.

    `resource` is the address by which callers know the server, None for that of the settings.
    """
    from taskhand.state import open_tickets
    from taskhand.tokens.issuer_metadata import check_resource
    from taskhand.vault.cipher import no_key
    from taskhand.wiring import open_oauth_client

    factory, address = find_factory(connection.settings.backend), resource or settings.resource
    settings.check_own_secrets()
    if not settings.vault_keys:
        raise no_key()
    if address:
        check_resource(address)
    async with open_oauth_client(connection) as consent:
        if consent is None and not factory.has_personal_keys:
            needs = "it needs an OAuth app" if factory.oauth_client else f"{factory.title} is no CRM"
            raise CallerError(
                f"{connection.name} cannot be linked on a page: {needs}.",
                code="no_page",
                next_step=f"Set {' and '.join(connection.setting_names(factory.app))}." if factory.app else None,
            )
    tickets = open_tickets(settings)
    try:
        text, ticket = await tickets.make(person, connection.name)
    finally:
        await tickets.aclose()
    base = _origin_of(address) if address else f"http://127.0.0.1:{settings.port}"
    return f"{base}/link/{text}", ticket.expires_at


async def _open_link_methods(
    configuration: "Configuration", connections: "Connections", stack: AsyncExitStack
) -> "Mapping[str, LinkMethod]":
    """The link methods of the connections that have a page, by name."""
    from taskhand.server.linking.link_method import LinkMethod
    from taskhand.wiring import open_as_person, open_oauth_client

    methods = {}
    for connection in configuration.connections:
        factory = find_factory(connection.settings.backend)
        consent = await stack.enter_async_context(open_oauth_client(connection))
        if consent or factory.has_personal_keys:
            methods[connection.name] = LinkMethod(
                connections.by_name[connection.name],
                factory.title,
                partial(open_as_person, connection),
                _read_credential,
                connection.is_shared,
                names_holder=consent is not None or factory.me_variable is None,
                consent=consent,
            )
    return methods


def _read_credential(text: str) -> str | None:
    """The cleaned credential from a pasted text; None for a text that is not a credential."""
    cleaned = clean_value(text)
    return cleaned if cleaned and find_flaw(cleaned, "the credential", is_secret=True) is None else None


def _origin_of(address: str) -> str:
    """The origin of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"

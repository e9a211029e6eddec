"""The webhook receivers of a server's connections, from the options and settings."""

import time
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from taskhand.backends.registry import find_factory
from taskhand.cli.serve import WebhookOptions
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.effective_settings import Configuration
from taskhand.domain.errors import OperatorError
from taskhand.server.webhooks.receiver import WebhookReceiver, WebhookReceivers
from taskhand.server.webhooks.routes import PATH
from taskhand.service.events.webhook_hint import keep_hint

if TYPE_CHECKING:
    from taskhand.config.settings import Settings
    from taskhand.domain.webhook import WebhookCheck
    from taskhand.service.connections import Connections

__all__ = ["check_of", "open_webhook_receivers", "public_address", "webhook_address"]

_MCP: Final = "/mcp"
_ON_THIS_MACHINE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def open_webhook_receivers(
    configuration: Configuration, connections: "Connections", options: WebhookOptions
) -> WebhookReceivers | None:
    """The receivers of all connections with a key; None if webhooks are off. OperatorError for an invalid address."""
    settings = configuration.settings
    if not (options.are_taken or settings.webhooks):
        return None
    base = public_address(settings, options)
    receivers, untaken = {}, []
    for connection in configuration.connections:
        try:
            check = check_of(connection)
        except OperatorError as error:
            untaken.append(f"{connection.name}: {error.message.rstrip('.')}")
            continue
        if check is None:
            untaken += _describe_missing(connection)
            continue
        app = connections.by_name[connection.name] if connections.are_several else connections.first
        receivers[connection.name] = WebhookReceiver(
            connection.name, check, partial(keep_hint, app), app.feed_demand.wake
        )
    return WebhookReceivers(receivers, base, connections.first.clock, time.monotonic, untaken=untaken)


def check_of(connection: ConnectionSettings) -> "WebhookCheck | None":
    """The verifier of a connection's deliveries; None without webhooks or a key. OperatorError for an invalid key."""
    factory = find_factory(connection.settings.backend)
    if factory.webhooks is None:
        return None
    [called] = connection.setting_names([factory.webhook_key])
    check: WebhookCheck | None = factory.webhooks.check(connection.settings.of_backend(factory), called)
    return check


def _describe_missing(connection: ConnectionSettings) -> list[str]:
    """The reason why a connection without a key receives no webhooks; empty if its CRM has none."""
    factory = find_factory(connection.settings.backend)
    if factory.webhooks is None:
        return []
    [called] = connection.setting_names([factory.webhook_key])
    return [f"{connection.name}: {called} is not set"]


def public_address(settings: "Settings", options: WebhookOptions | None = None) -> str | None:
    """The server's public address without a final slash; None if it is not configured.

    OperatorError if it is not https, or http on this machine.
    """
    options = options or WebhookOptions()
    resource = options.resource or settings.resource
    given = options.public_url or settings.public_url or (resource and resource.rstrip("/").removesuffix(_MCP))
    if not given:
        return None
    parts = urlsplit(given)
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _ON_THIS_MACHINE)
    if not is_safe or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise OperatorError(
            f"The public address {given[:100]!r} is not an https address (http is accepted on this machine only).",
            next_step="Write it like https://tasks.example.com, without a query.",
        )
    return given.rstrip("/").removesuffix(PATH)


def webhook_address(base: str, connection: ConnectionSettings) -> str:
    """The address for the deliveries of a connection."""
    return f"{base}{PATH}/{connection.name}"

"""The command `taskhand webhooks`: the subscriptions by which CRMs tell a server of changes."""

import re
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import anyio
import click

from taskhand.backends.registry import find_factory
from taskhand.cli import CONFIGURATION
from taskhand.cli.serve import WebhookOptions
from taskhand.cli.terminal import print_json, print_line, print_lines, print_row
from taskhand.cli.webhook_admin import KeyKeeper, current_key, find_webhook_support, with_admin
from taskhand.cli.webhook_receivers import check_of, public_address, webhook_address
from taskhand.config.connection_settings import DEFAULT
from taskhand.domain.errors import CallerError, Candidate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from taskhand.cli.new_connection import SecretStorage
    from taskhand.config.connection_settings import ConnectionSettings
    from taskhand.config.effective_settings import Configuration
    from taskhand.domain.webhook import WebhookSubscription

__all__ = ["webhooks"]


@click.group()
def webhooks() -> None:
    """Make, list and remove a CRM's webhook subscriptions.

    A CRM uses webhooks to notify a server over HTTP of changes.

    The server accepts deliveries if it is started with --webhooks, at the address in --public-url, TASKHAND_PUBLIC_URL
    or TASKHAND_RESOURCE.
    """


_connection_option = click.option("--connection", metavar="NAME", help="The CRM account, if there are several.")


def _options(command: "Callable[..., None]") -> "Callable[..., None]":
    command = click.option("--public-url", metavar="URL", help="The server's address for CRMs.")(command)
    return _connection_option(command)


@webhooks.command("create")
@_options
@click.option(
    "--keys",
    "storage",
    type=click.Choice(["keyring", "file"]),
    help="Where to store a key: the system's keyring (default, if there is one) or taskhand.toml.",
)
@click.option("--replace", "replaces", is_flag=True, help="Replace the address that a HubSpot app delivers to now.")
@click.pass_context
def create_webhooks(
    context: click.Context,
    *,
    connection: str | None,
    public_url: str | None,
    storage: "SecretStorage | None",
    replaces: bool,
) -> None:
    """Subscribe to changes of tasks at the CRM. Existing subscriptions stay.

    The key that verifies deliveries is stored like other secrets, and is not printed.
    """
    chosen = _choose(context, connection)
    find_webhook_support(chosen)
    url, key = _address(chosen, public_url), current_key(chosen)
    keeper = KeyKeeper.choose(chosen, storage)
    done = anyio.run(with_admin, chosen, lambda admin: admin.subscribe(url, key, replaces=replaces))
    if done is None:
        _print_steps(chosen, url)
        sys.exit(1)
    made = {subscription.id for subscription in done.made}
    _print_grouped(
        "There already", (subscription for subscription in done.subscriptions if subscription.id not in made), chosen
    )
    _print_grouped("Made", done.made, chosen)
    if done.key is not None and done.key != key:
        print_lines(keeper.keep(done.key))
    _print_remaining_steps(chosen, has_key=done.key is not None or check_of(chosen) is not None)


@webhooks.command("list")
@_connection_option
@click.option("--public-url", hidden=True, expose_value=False)  # the same parameter as in the other commands; unused
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_webhooks(context: click.Context, *, connection: str | None, as_json: bool) -> None:
    """List the CRM's subscriptions to tasks, wherever they are delivered."""
    chosen = _choose(context, connection)
    find_webhook_support(chosen)
    subscriptions = anyio.run(with_admin, chosen, lambda admin: admin.list_subscriptions())
    if subscriptions is None:
        raise _unmanaged_error(chosen, "list")
    shown = [replace(subscription, url=_mask_address(subscription.url, chosen)) for subscription in subscriptions]
    if as_json:
        print_json([asdict(subscription) for subscription in shown])
        return
    if not shown:
        print_line(f"{_crm_name(chosen)} has no subscriptions to tasks.")
    for subscription in shown:
        print_row(
            subscription.id,
            subscription.url,
            ", ".join(subscription.events),
            "active" if subscription.is_active else "paused",
        )


@webhooks.command("remove")
@_options
@click.pass_context
def remove_webhooks(context: click.Context, *, connection: str | None, public_url: str | None) -> None:
    """Remove the CRM's subscriptions to this server. Taskhand then polls for changes."""
    chosen = _choose(context, connection)
    find_webhook_support(chosen)
    removed = anyio.run(with_admin, chosen, lambda admin: admin.remove(_address(chosen, public_url)))
    if removed is None:
        raise _unmanaged_error(chosen, "remove")
    url = _address(chosen, public_url)
    _print_grouped("Removed", removed, chosen)
    if not removed:
        print_line(f"{_crm_name(chosen)} delivers nothing to {url}.")
    if current_key(chosen) is not None:
        [called] = chosen.setting_names([find_factory(chosen.settings.backend).webhook_key])
        print_line(f"{called} is still set: unset it if no other deliveries use that key.")


def _choose(context: click.Context, name: str | None) -> "ConnectionSettings":
    """The connection of this name, or the only one that has webhooks. CallerError with the candidates."""
    configuration: Configuration = context.meta[CONFIGURATION]
    if name:
        return configuration.only(name).connections[0]
    if len(configuration.connections) == 1:
        return configuration.connections[0]
    able = [
        connection
        for connection in configuration.connections
        if find_factory(connection.settings.backend).webhooks is not None
    ]
    if len(able) == 1:
        return able[0]
    raise CallerError(
        "There are several connections.",
        code="connection_required",
        candidates=[Candidate(connection.name, find_factory(connection.settings.backend).title) for connection in able],
        next_step=f"Name one of them with --connection: {', '.join(connection.name for connection in able)}.",
    )


def _address(connection: "ConnectionSettings", public_url: str | None) -> str:
    base = public_address(connection.settings, WebhookOptions(public_url=public_url))
    if base is None:
        raise CallerError(
            "The server's address for CRMs is not set.",
            next_step="Add --public-url https://tasks.example.com, or set TASKHAND_PUBLIC_URL.",
        )
    return webhook_address(base, connection)


def _unmanaged_error(connection: "ConnectionSettings", verb: str) -> CallerError:
    step = find_webhook_support(connection).unmanaged or "Look where they were made."
    return CallerError(
        f"Taskhand cannot {verb} the subscriptions of this kind of app. In {_crm_name(connection)} only its owner can.",
        next_step=connection.in_own_words(step),
    )


def _print_steps(connection: "ConnectionSettings", url: str) -> None:
    """Print the manual steps, with this connection's keys."""
    print_lines([connection.in_own_words(line) for line in find_webhook_support(connection).steps(url)])


def _print_grouped(
    heading: str, subscriptions: "Iterable[WebhookSubscription]", connection: "ConnectionSettings"
) -> None:
    """Print a line for the subscriptions to each address."""
    events: dict[str, list[str]] = {}
    for subscription in subscriptions:
        events.setdefault(_mask_address(subscription.url, connection), []).extend(subscription.events)
    for url, names in events.items():
        print_line(f"{heading}: {', '.join(dict.fromkeys(names))}, delivered to {url}")


def _mask_address(url: str, connection: "ConnectionSettings") -> str:
    """The address with any secret masked, also of other servers."""
    if not find_webhook_support(connection).has_secret_address:
        return url
    return re.sub(r"(/webhooks/[^/]+/)[^/?#]+", r"\1***", url)


def _print_remaining_steps(connection: "ConnectionSettings", *, has_key: bool) -> None:
    """Print the operator's remaining steps before deliveries are accepted."""
    factory = find_factory(connection.settings.backend)
    origin = connection.origins.get(factory.webhook_key, DEFAULT)
    [called] = connection.setting_names([factory.webhook_key])
    if not has_key:
        step = find_webhook_support(connection).key_step or f"Set {called} to the key that verifies deliveries"
        print_line(f"{connection.in_own_words(step)}.")
    if origin.kind == "environment":
        print_line(f"! {origin.name} of the environment overrides the file: it must be this key.", err=True)
    option = "" if connection.settings.webhooks else " with --webhooks"
    print_line(f"Restart the server{option}: then it accepts deliveries of {factory.title}.")


def _crm_name(connection: "ConnectionSettings") -> str:
    return find_factory(connection.settings.backend).title

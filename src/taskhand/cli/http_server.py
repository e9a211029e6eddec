"""Configures the HTTP transport from the options and settings."""

from dataclasses import replace
from typing import TYPE_CHECKING

from taskhand.cli.authentication import open_auth
from taskhand.cli.doctor_replicas import MAKE_KEY, NO_KEY, describe_unshared
from taskhand.cli.log import announce
from taskhand.config.effective_settings import Configuration
from taskhand.domain.errors import OperatorError
from taskhand.server.transports.draining import Draining, DrainTimes
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.http import Endpoint
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.process_exit import leave
from taskhand.server.transports.proxies import Proxies
from taskhand.server.transports.unauthenticated_access import check_listen_address
from taskhand.state import open_database

if TYPE_CHECKING:
    from taskhand.cli.authentication import AuthOptions
    from taskhand.cli.serve import ListenOptions

__all__ = ["configure_endpoint"]


def configure_endpoint(
    configuration: Configuration | OperatorError,
    listen: "ListenOptions",
    *,
    auth: "AuthOptions | None",
    keeps_sessions: bool,
) -> Endpoint:
    """The endpoint of HTTP; OperatorError for a refused address or proxy, and for replicas without a shared key."""
    names, proxies = listen.names, listen.proxies
    names = (*names, auth.host) if auth and auth.host else names
    address = ListenAddress(listen.host, listen.port, names, listen.is_insecure)
    named = Proxies.parse(proxies)
    check_listen_address(address, asks_callers=auth is not None, has_proxy=bool(proxies))
    limits = HttpLimits.of_this_machine() if auth is None and address.is_local and not proxies else HttpLimits()
    times = DrainTimes()
    if not isinstance(configuration, OperatorError):
        settings = configuration.settings
        _check_shared(configuration, keeps_sessions=keeps_sessions)
        rate = limits.requests_s if settings.requests_s is None else settings.requests_s
        limits = replace(limits, requests_s=rate, body_bytes=1024 * settings.body_kb)
        times = DrainTimes(settings.drain_delay_s, settings.calls_end_s)
    return Endpoint(
        address,
        limits,
        named,
        auth=open_auth(auth, configuration, is_loopback=address.is_loopback and not proxies) if auth else None,
        keeps_sessions=keeps_sessions,
        draining=Draining(times, leave),
        announce=announce,
    )


def _check_shared(configuration: Configuration, *, keeps_sessions: bool) -> None:
    """OperatorError if replicas with shared state have no shared key; warns of other things that they do not share."""
    settings = configuration.settings
    open_database(settings)  # without the driver, nothing else matters
    if settings.state is not None and not settings.state_keys:
        raise OperatorError(NO_KEY, next_step=MAKE_KEY)
    for what, remedy in describe_unshared(configuration):
        announce(f"{what} {remedy}")
    if settings.state is not None and keeps_sessions:
        announce(
            "With several servers, only the one that opened a session of protocol 2025-11-25 can answer in it. With "
            "--stateless any of them can."
        )

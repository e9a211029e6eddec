"""Checks of combinations of options of `taskhand serve`."""

import click
from click.core import ParameterSource

from taskhand.config.effective_settings import Configuration
from taskhand.domain.errors import OperatorError

__all__ = ["check_options"]

_OVER_HTTP = {
    "host": "--host",
    "port": "--port",
    "names": "--allow-host",
    "kinds": "--auth",
    "issuers": "--issuer",
    "resource": "--resource",
    "is_insecure": "--insecure-no-auth",
    "proxies": "--proxy",
    "stateless": "--stateless",
    "webhooks": "--webhooks",
    "public_url": "--public-url",
}
"""The options that need --http, by parameter."""


def check_options(
    context: click.Context, configuration: Configuration | OperatorError, kinds: tuple[str, ...], *, is_http: bool
) -> None:
    """UsageError for options that need others, or exclude each other."""
    given = [name for name in _OVER_HTTP if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if given and not is_http:
        raise click.UsageError(f"{_OVER_HTTP[given[0]]} needs --http.")
    if kinds and "is_insecure" in given:
        raise click.UsageError("--auth and --insecure-no-auth exclude each other.")
    if "issuers" in given and "oauth" not in kinds:
        raise click.UsageError("--issuer needs --auth oauth.")
    if "resource" in given and not kinds:
        raise click.UsageError("--resource needs --auth.")
    _check_webhooks(context, configuration, is_public="public_url" in given, is_http=is_http)
    _check_metrics_host(context, configuration)


def _check_webhooks(
    context: click.Context, configuration: Configuration | OperatorError, *, is_public: bool, is_http: bool
) -> None:
    """UsageError for --public-url if webhooks are off; OperatorError for an invalid address."""
    if isinstance(configuration, OperatorError):
        return
    if not is_http:
        return
    if not (context.params["webhooks"] or configuration.settings.webhooks):
        if is_public:
            raise click.UsageError("--public-url needs --webhooks, or TASKHAND_WEBHOOKS.")
        return
    from taskhand.cli.serve import WebhookOptions
    from taskhand.cli.webhook_receivers import public_address

    params = context.params
    public_address(configuration.settings, WebhookOptions(public_url=params["public_url"], resource=params["resource"]))


def _check_metrics_host(context: click.Context, configuration: Configuration | OperatorError) -> None:
    """UsageError for --metrics-host if metrics are off."""
    given = context.get_parameter_source("metrics_host") is ParameterSource.COMMANDLINE
    if (
        given
        and context.params["metrics_port"] is None
        and not isinstance(configuration, OperatorError)
        and configuration.settings.metrics_port is None
    ):
        raise click.UsageError("--metrics-host needs --metrics-port, or TASKHAND_METRICS_PORT.")

"""HubSpot as a backend: its settings and its factory."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, SecretStr

from taskhand.backends.factory import (
    BackendFactory,
    BackendSettings,
    OpenContext,
    SettingKind,
    WebhookSupport,
    account_id,
    rate_setting,
)

if TYPE_CHECKING:
    from taskhand.backends.hubspot.adapter import HubSpotAdapter
    from taskhand.backends.remote.oauth_client import AppClient
    from taskhand.domain.webhook import WebhookAdmin, WebhookCheck
    from taskhand.http.upstream import Upstream

# Every start imports this module, and only a start on HubSpot imports the rest.
# ruff: noqa: PLC0415

__all__ = ["FACTORY", "HubSpotSettings"]


class HubSpotSettings(BackendSettings):
    """The settings of HubSpot."""

    hubspot_access_token: SecretStr | None = Field(
        None, description="Token of a private app, a service key or an OAuth app."
    )
    hubspot_client_id: Annotated[str | None, SettingKind.APP] = Field(
        None, description="Client ID of your OAuth app at HubSpot, by which people link their own credential."
    )
    hubspot_client_secret: Annotated[SecretStr | None, SettingKind.APP] = Field(
        None, description="Client secret of that app."
    )
    hubspot_webhook_key: Annotated[SecretStr | None, SettingKind.WEBHOOK] = Field(
        None,
        description="Client secret of the app that has the webhooks, which signs them; default: "
        "`HUBSPOT_CLIENT_SECRET`.",
    )
    hubspot_app_id: Annotated[str | None, SettingKind.WEBHOOK] = Field(
        None, description="Id of that app, with which `taskhand webhooks` manages its subscriptions."
    )
    hubspot_developer_key: Annotated[SecretStr | None, SettingKind.WEBHOOK] = Field(
        None, description="Developer API key of the account that app was made in."
    )
    hubspot_base_url: Annotated[str, SettingKind.GUARD] = Field(
        "https://api.hubapi.com", description="Base URL of HubSpot's API; default `https://api.hubapi.com`."
    )
    hubspot_api_version: str = Field("v3", description="`v3`, or dated such as `2026-03`; default `v3`.")
    hubspot_user_id: str | None = Field(
        None,
        description="Owner that `me` stands for: owner id, user id or e-mail; default: the maker of the private app.",
    )
    hubspot_id_property: str | None = Field(
        None, description="A unique task property whose values are the ids of tasks; default: HubSpot's own ids."
    )
    hubspot_rate: int = rate_setting("HubSpot", 100, "in ten seconds")


async def open_backend(settings: HubSpotSettings, context: OpenContext) -> "HubSpotAdapter":
    """Open the tasks of one HubSpot account; OperatorError if no access token is set."""
    from taskhand.backends.hubspot.adapter import HubSpotAdapter
    from taskhand.backends.hubspot.auth import credential
    from taskhand.backends.hubspot.client import SEARCH_RATE, HubSpotClient
    from taskhand.backends.remote.http_client import open_client, timing_of
    from taskhand.http.rate_limiter import Rate

    upstream = _upstream(settings, *credential(settings.hubspot_access_token))
    client = await open_client(context, upstream, Rate(settings.hubspot_rate, 10.0))
    searching = await open_client(context, upstream, SEARCH_RATE, 3, of_account=True)
    version, id_property = settings.hubspot_api_version, settings.hubspot_id_property
    app = await open_oauth_client(settings, context)
    introspect = app.introspect if app else None
    hubspot = HubSpotClient(client, searching, version=version, id_property=id_property, introspect=introspect)
    return HubSpotAdapter(hubspot, settings, context.timezone, timing_of(context))


def _upstream(settings: HubSpotSettings, variable: str, auth: Mapping[str, str]) -> "Upstream":
    """HubSpot with the credential in `variable`, which these headers carry."""
    from taskhand.backends.hubspot.errors import ERROR_FORMS, explain, read_limits, read_wait
    from taskhand.http.upstream import Upstream

    return Upstream(
        name="HubSpot",
        base_url=settings.hubspot_base_url,
        auth=auth,
        credential_name=variable,
        base_url_name="HUBSPOT_BASE_URL",
        read_headers=read_limits,
        read_wait=read_wait,
        explain=explain,
        error_forms=ERROR_FORMS,
    )


def _private_app_token(settings: HubSpotSettings) -> SecretStr | None:
    """The token of a private app, which does not expire; None for other tokens: an OAuth app's changes by the hour."""
    token = settings.hubspot_access_token
    return token if token is not None and token.get_secret_value().startswith("pat-") else None


async def open_oauth_client(settings: HubSpotSettings, context: OpenContext) -> "AppClient | None":
    """Open the client of the operator's OAuth app; None without one."""
    from taskhand.backends.hubspot.auth import find_oauth_endpoints
    from taskhand.backends.remote.oauth_client import open_app_client

    server = find_oauth_endpoints(settings.hubspot_base_url, context.runtime)
    return await open_app_client(server, settings.hubspot_client_id, settings.hubspot_client_secret, context)


def check_webhooks(settings: HubSpotSettings, _: str) -> "WebhookCheck | None":
    """The signature check of webhook deliveries; None without the client secret of an app."""
    from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookCheck

    secret = settings.hubspot_webhook_key or settings.hubspot_client_secret
    if secret is None:
        return None
    return HubSpotWebhookCheck(secret.get_secret_value(), has_own_ids=settings.hubspot_id_property is not None)


async def open_webhooks(settings: HubSpotSettings, context: OpenContext) -> "WebhookAdmin | None":
    """The admin of the app's subscriptions; None without its id and a developer key, which HubSpot requires."""
    from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookAdmin
    from taskhand.backends.remote.http_client import open_client
    from taskhand.http.rate_limiter import Rate

    key, app_id = settings.hubspot_developer_key, settings.hubspot_app_id
    if key is None or app_id is None:
        return None
    upstream = _upstream(settings, "HUBSPOT_DEVELOPER_KEY", {})
    client = await open_client(replace(context, budgets=None), upstream, Rate(settings.hubspot_rate, 10.0))
    return HubSpotWebhookAdmin(client, app_id, key.get_secret_value())


def webhook_steps(url: str) -> Sequence[str]:
    """The manual steps at HubSpot without a developer key; newer apps have no other way."""
    from taskhand.backends.hubspot.events.webhooks import describe_steps

    return describe_steps(url)


FACTORY = BackendFactory(
    title="HubSpot",
    settings=HubSpotSettings,
    open=open_backend,
    account=lambda settings: account_id(settings.hubspot_base_url, _private_app_token(settings)),
    questions=("HUBSPOT_ACCESS_TOKEN", "HUBSPOT_USER_ID", "TASKHAND_TIMEZONE"),
    me_variable="HUBSPOT_USER_ID",
    privacy_policy="https://legal.hubspot.com/privacy-policy",
    misnomers=("PRIVATE_APP_ACCESS_TOKEN", "PRIVATE_APP_TOKEN", "HAPIKEY"),
    oauth_client=open_oauth_client,
    counts_by_app=True,
    webhooks=WebhookSupport(
        check_webhooks,
        open_webhooks,
        webhook_steps,
        unmanaged="Look at the app's page Webhooks at HubSpot. For a public app of the older kind set HUBSPOT_APP_ID "
        "and HUBSPOT_DEVELOPER_KEY.",
        signs_address=True,
        key_step="Set HUBSPOT_WEBHOOK_KEY to the client secret of the app, which signs what it delivers",
    ),
)

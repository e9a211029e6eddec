"""The settings of Close, and the functions that open it as a backend."""

from typing import TYPE_CHECKING, Annotated, Literal

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
    from taskhand.backends.close.adapter import CloseAdapter
    from taskhand.domain.own_credential import OAuthClient
    from taskhand.domain.webhook import WebhookAdmin, WebhookCheck
    from taskhand.http.client import Client

# Every start imports this module; only a start with Close imports the other modules.
# ruff: noqa: PLC0415

__all__ = ["FACTORY", "CloseSettings"]


class CloseSettings(BackendSettings):
    """The settings of Close."""

    close_api_key: SecretStr | None = Field(None, description="API key from Close's developer settings.")
    close_access_token: SecretStr | None = Field(None, description="OAuth access token, instead of the API key.")
    close_client_id: Annotated[str | None, SettingKind.APP] = Field(
        None, description="Client ID of your OAuth app at Close, by which people link their own credential."
    )
    close_client_secret: Annotated[SecretStr | None, SettingKind.APP] = Field(
        None, description="Client secret of that app."
    )
    close_webhook_key: Annotated[SecretStr | None, SettingKind.WEBHOOK] = Field(
        None, description="Signature key of the webhook; `taskhand webhooks create` gets it and keeps it."
    )
    close_base_url: Annotated[str, SettingKind.GUARD] = Field(
        "https://api.close.com/api/v1", description="Base URL of Close's API; default `https://api.close.com/api/v1`."
    )
    close_task_types: Annotated[str, SettingKind.COMMA_LIST] = Field(
        "inbox",
        description="Types that are listed: `inbox` (the nine documented ones), `all`, or names with commas between; "
        "default `inbox`.",
    )
    close_new_task_type: Literal["lead", "outgoing_call"] = Field(
        "lead", description="What create_task makes: `lead` (a to-do) or `outgoing_call`; default `lead`."
    )
    close_rate: int = rate_setting("Close", 10, "a second")
    close_in_flight: int = Field(8, ge=1, le=64, description="Maximum concurrent requests to Close; default 8.")


async def open_backend(settings: CloseSettings, context: OpenContext) -> "CloseAdapter":
    """Open the adapter of one Close account; OperatorError unless exactly one credential is set."""
    from taskhand.backends.close.adapter import CloseAdapter
    from taskhand.backends.close.client import CloseClient
    from taskhand.backends.remote.http_client import timing_of

    client = await _open_client(settings, context)
    adapter = CloseAdapter(CloseClient(client, context.timezone), settings, context.timezone, timing_of(context))
    context.forget_with(adapter.recent.forget_overtaken)
    return adapter


async def _open_client(settings: CloseSettings, context: OpenContext) -> "Client":
    from taskhand.backends.close.auth import credential
    from taskhand.backends.close.client import KEYS_OF_ORGANIZATION
    from taskhand.backends.close.errors import ERROR_FORMS, explain
    from taskhand.backends.remote.http_client import open_client
    from taskhand.http.rate_limiter import Rate
    from taskhand.http.upstream import Upstream

    variable, auth = credential(settings.close_api_key, settings.close_access_token)
    upstream = Upstream(
        "Close",
        settings.close_base_url,
        auth=auth,
        credential_name=variable,
        base_url_name="CLOSE_BASE_URL",
        explain=explain,
        error_forms=ERROR_FORMS,
    )
    own, all_together = Rate(settings.close_rate), Rate(KEYS_OF_ORGANIZATION * settings.close_rate)
    return await open_client(context, upstream, own, settings.close_in_flight, account_rate=all_together)


async def open_oauth_client(settings: CloseSettings, context: OpenContext) -> "OAuthClient | None":
    """The client of the operator's OAuth app; None if no app is configured."""
    from taskhand.backends.close.auth import find_oauth_endpoints
    from taskhand.backends.remote.oauth_client import open_app_client

    server = find_oauth_endpoints(settings.close_base_url)
    return await open_app_client(server, settings.close_client_id, settings.close_client_secret, context)


def check_webhooks(settings: CloseSettings, called: str) -> "WebhookCheck | None":
    """The check of webhook deliveries; None if no key is set."""
    from taskhand.backends.close.events.webhooks import CloseWebhookCheck

    key = settings.close_webhook_key
    return CloseWebhookCheck(key.get_secret_value(), called) if key else None


async def open_webhooks(settings: CloseSettings, context: OpenContext) -> "WebhookAdmin":
    """The administration of the account's webhook subscriptions."""
    from taskhand.backends.close.events.webhooks import CloseWebhookAdmin

    return CloseWebhookAdmin(await _open_client(settings, context))


FACTORY = BackendFactory(
    title="Close",
    settings=CloseSettings,
    open=open_backend,
    account=lambda settings: account_id(settings.close_base_url, settings.close_api_key),
    questions=("CLOSE_API_KEY", "TASKHAND_TIMEZONE"),
    privacy_policy="https://www.close.com/privacy",
    is_token=lambda text: not text.startswith("api_"),
    oauth_client=open_oauth_client,
    has_personal_keys=True,
    webhooks=WebhookSupport(check_webhooks, open_webhooks),
)

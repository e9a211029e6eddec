"""Vambe as a backend: its settings and its factory."""

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
    from taskhand.backends.vambe.adapter import VambeAdapter
    from taskhand.domain.webhook import WebhookAdmin, WebhookCheck
    from taskhand.http.client import Client

# Every start imports this module, and only a start on Vambe imports the rest.
# ruff: noqa: PLC0415

__all__ = ["FACTORY", "VambeSettings"]


class VambeSettings(BackendSettings):
    """The settings of Vambe."""

    vambe_api_key: SecretStr | None = Field(None, description="Key from the developer section of Vambe.")
    vambe_webhook_key: Annotated[SecretStr | None, SettingKind.WEBHOOK] = Field(
        None, description="Secret in the address of the webhooks; `taskhand webhooks create` makes and stores it."
    )
    vambe_base_url: Annotated[str, SettingKind.GUARD] = Field(
        "https://api.vambe.me", description="Base URL of Vambe's API; default `https://api.vambe.me`."
    )
    vambe_user_id: str | None = Field(None, description="Id of the Vambe user that `me` stands for.")
    vambe_statuses: Annotated[str | None, SettingKind.COMMA_LIST] = Field(
        None, description="All statuses in their order, with types: `Pendiente:initial,Completado:done`."
    )
    vambe_timezone: Annotated[str | None, SettingKind.TIME_ZONE] = Field(
        None,
        description="IANA zone of the organisation, for due dates that Vambe gives without a zone; replaces "
        "TASKHAND_TIMEZONE, which is the default.",
    )
    vambe_due_at: Literal["utc", "wall"] | None = Field(
        None, description="How Vambe writes due times: `utc` or `wall` (local time with a Z); default: learned."
    )
    vambe_array_query: Literal["repeat", "brackets", "comma", "json"] = Field(
        "repeat",
        description="How a query's array is written: `repeat`, `brackets`, `comma` or `json`; default `repeat`.",
    )
    vambe_cache_s: float = Field(5.0, ge=0, le=300, description="Cache lifetime of lists in seconds; default 5.")
    vambe_rate: int = rate_setting("Vambe", 10, "a second")
    vambe_in_flight: int = Field(8, ge=1, le=64, description="Maximum concurrent requests to Vambe; default 8.")


async def open_backend(settings: VambeSettings, context: OpenContext) -> "VambeAdapter":
    """Open the tasks of one Vambe account; OperatorError if no API key is set."""
    from taskhand.backends.remote.http_client import timing_of
    from taskhand.backends.vambe.adapter import VambeAdapter
    from taskhand.backends.vambe.client import VambeClient

    vambe = VambeClient(await _open_client(settings, context), settings.vambe_array_query)
    adapter = VambeAdapter(vambe, settings, context.timezone, timing_of(context))
    context.forget_with(adapter.forget)
    return adapter


async def _open_client(settings: VambeSettings, context: OpenContext) -> "Client":
    from taskhand.backends.remote.http_client import open_client
    from taskhand.backends.vambe.auth import credential
    from taskhand.backends.vambe.errors import ERROR_FORMS, explain
    from taskhand.http.rate_limiter import Rate
    from taskhand.http.upstream import Upstream

    variable, auth = credential(settings.vambe_api_key)
    upstream = Upstream(
        "Vambe",
        settings.vambe_base_url,
        auth=auth,
        credential_name=variable,
        base_url_name="VAMBE_BASE_URL",
        explain=explain,
        error_forms=ERROR_FORMS,
    )
    return await open_client(context, upstream, Rate(settings.vambe_rate), settings.vambe_in_flight)


def check_webhooks(settings: VambeSettings, called: str) -> "WebhookCheck | None":
    """The check of webhook deliveries; None without a secret."""
    from taskhand.backends.vambe.events.webhooks import VambeWebhookCheck

    key = settings.vambe_webhook_key
    return VambeWebhookCheck(key.get_secret_value(), called) if key else None


async def open_webhooks(settings: VambeSettings, context: OpenContext) -> "WebhookAdmin":
    """The admin of the organisation's subscriptions."""
    from taskhand.backends.vambe.events.webhooks import VambeWebhookAdmin

    return VambeWebhookAdmin(await _open_client(settings, context))


FACTORY = BackendFactory(
    title="Vambe",
    settings=VambeSettings,
    open=open_backend,
    account=lambda settings: account_id(settings.vambe_base_url, settings.vambe_api_key),
    questions=("VAMBE_API_KEY", "VAMBE_USER_ID", "TASKHAND_TIMEZONE"),
    me_variable="VAMBE_USER_ID",
    privacy_policy="https://vambe.ai/en/privacy-policy",
    has_personal_keys=True,
    webhooks=WebhookSupport(
        check_webhooks,
        open_webhooks,
        has_secret_address=True,
        limit="If that reports that Vambe offers none for tasks, nothing needs to be done: Taskhand polls the tasks.",
    ),
)

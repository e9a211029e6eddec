"""Vambe as a backend: its settings, and how it is opened."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, SecretStr

from taskhand.backends.factory import (
    BackendFactory,
    BackendSettings,
    InstallQuestion,
    OpenContext,
    SettingKind,
    account_id,
)

if TYPE_CHECKING:
    from taskhand.backends.vambe.adapter import VambeAdapter

# Every start imports this module, and only a start on Vambe imports the rest.
# ruff: noqa: PLC0415

__all__ = ["FACTORY", "VambeSettings"]


class VambeSettings(BackendSettings):
    """The settings of Vambe."""

    vambe_api_key: Annotated[
        SecretStr | None, Field(alias="VAMBE_API_KEY", description="Key from the developer section of Vambe.")
    ] = None
    vambe_base_url: Annotated[
        str,
        Field(alias="VAMBE_BASE_URL", description="Where Vambe's API is; default `https://api.vambe.me`."),
    ] = "https://api.vambe.me"
    vambe_user_id: Annotated[
        str | None, Field(alias="VAMBE_USER_ID", description="Id of the Vambe user that `me` stands for.")
    ] = None
    vambe_statuses: Annotated[
        str | None,
        Field(
            alias="VAMBE_STATUSES",
            description="All statuses in their order, with types: `Pendiente:initial,Completado:done`.",
        ),
        SettingKind.COMMA_LIST,
    ] = None
    vambe_timezone: Annotated[
        str | None,
        Field(alias="VAMBE_TIMEZONE", description="IANA zone of the organisation; default: none."),
        SettingKind.TIME_ZONE,
    ] = None
    vambe_due_at: Annotated[
        Literal["utc", "wall"] | None,
        Field(
            alias="VAMBE_DUE_AT",
            description="How Vambe writes due times: `utc` or `wall` (local time with a Z); default: learned.",
        ),
    ] = None
    vambe_array_query: Annotated[
        Literal["repeat", "brackets", "comma", "json"],
        Field(alias="VAMBE_ARRAY_QUERY", description="How a query's array is written; default `repeat`."),
    ] = "repeat"
    vambe_cache_s: Annotated[
        float,
        Field(alias="VAMBE_CACHE_S", ge=0, le=300, description="Seconds that a fetched list is good for; default 5."),
    ] = 5.0
    vambe_rate: Annotated[
        int, Field(alias="VAMBE_RATE", ge=1, le=1_000, description="Most requests a second to Vambe; default 10.")
    ] = 10
    vambe_in_flight: Annotated[
        int, Field(alias="VAMBE_IN_FLIGHT", ge=1, le=64, description="Most requests under way to Vambe; default 8.")
    ] = 8


async def open_backend(settings: VambeSettings, context: OpenContext) -> "VambeAdapter":
    """The tasks of one Vambe account. OperatorError where no API key is set."""
    from taskhand.backends.remote.adapter import Timing
    from taskhand.backends.vambe.account import AccountSettings, StatusCatalogue, parse_statuses
    from taskhand.backends.vambe.adapter import VambeAdapter
    from taskhand.backends.vambe.auth import credential
    from taskhand.backends.vambe.client import VambeClient
    from taskhand.backends.vambe.errors import explain
    from taskhand.http.client import Client
    from taskhand.http.rate_limiter import Rate, RateLimiter
    from taskhand.http.upstream import Runtime, Upstream

    key = settings.vambe_api_key
    variable, auth = credential(key.get_secret_value() if key else None)
    upstream = Upstream(
        name="Vambe",
        base_url=settings.vambe_base_url,
        auth=auth,
        credential=variable,
        variable="VAMBE_BASE_URL",
        explain=explain,
    )
    runtime = context.runtime or Runtime()
    limiter = RateLimiter(Rate(settings.vambe_rate), settings.vambe_in_flight, clock=runtime.clock, sleep=runtime.sleep)
    client = await context.stack.enter_async_context(Client(upstream, runtime=runtime, rate_limiter=limiter))
    account = AccountSettings(
        StatusCatalogue(parse_statuses(settings.vambe_statuses) if settings.vambe_statuses else ()),
        user_id=settings.vambe_user_id,
        timezone=context.timezone,
        due_at=settings.vambe_due_at,
        keep_s=settings.vambe_cache_s,
        in_hand=2 * settings.vambe_in_flight,
    )
    vambe = VambeClient(client, settings.vambe_array_query)
    return VambeAdapter(vambe, account, Timing(context.clock, runtime.clock, runtime.sleep))


FACTORY = BackendFactory(
    name="vambe",
    title="Vambe",
    settings=VambeSettings,
    open=open_backend,
    account=lambda settings: account_id(settings.vambe_base_url, settings.vambe_api_key),
    questions=(InstallQuestion("VAMBE_API_KEY", required=True), InstallQuestion("VAMBE_USER_ID")),
    privacy_policy="https://vambe.ai/en/privacy-policy",
)

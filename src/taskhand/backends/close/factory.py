"""Close as a backend: its settings, and how it is opened."""

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
    from taskhand.backends.close.adapter import CloseAdapter

# Every start imports this module, and only a start on Close imports the rest.
# ruff: noqa: PLC0415

__all__ = ["FACTORY", "CloseSettings"]


class CloseSettings(BackendSettings):
    """The settings of Close."""

    close_api_key: Annotated[
        SecretStr | None, Field(alias="CLOSE_API_KEY", description="API key from Close's developer settings.")
    ] = None
    close_access_token: Annotated[
        SecretStr | None, Field(alias="CLOSE_ACCESS_TOKEN", description="OAuth access token, instead of the API key.")
    ] = None
    close_base_url: Annotated[
        str,
        Field(alias="CLOSE_BASE_URL", description="Where Close's API is; default `https://api.close.com/api/v1`."),
    ] = "https://api.close.com/api/v1"
    close_task_types: Annotated[
        str,
        Field(
            alias="CLOSE_TASK_TYPES",
            description="Types that are listed: `inbox` (the nine documented ones), `all`, or names with commas "
            "between; default `inbox`.",
        ),
        SettingKind.COMMA_LIST,
    ] = "inbox"
    close_new_task_type: Annotated[
        Literal["lead", "outgoing_call"],
        Field(
            alias="CLOSE_NEW_TASK_TYPE",
            description="What create_task makes: `lead` (a to-do) or `outgoing_call`; default `lead`.",
        ),
    ] = "lead"
    close_rate: Annotated[
        int, Field(alias="CLOSE_RATE", ge=1, le=1_000, description="Most requests a second to Close; default 10.")
    ] = 10
    close_in_flight: Annotated[
        int, Field(alias="CLOSE_IN_FLIGHT", ge=1, le=64, description="Most requests under way to Close; default 8.")
    ] = 8


async def open_backend(settings: CloseSettings, context: OpenContext) -> "CloseAdapter":
    """The tasks of one Close account. OperatorError unless exactly one credential is set."""
    from taskhand.backends.close.account import AccountSettings
    from taskhand.backends.close.adapter import CloseAdapter
    from taskhand.backends.close.auth import credential
    from taskhand.backends.close.client import CloseClient
    from taskhand.backends.close.errors import explain
    from taskhand.backends.remote.adapter import Timing
    from taskhand.http.client import Client
    from taskhand.http.rate_limiter import Rate, RateLimiter
    from taskhand.http.upstream import Runtime, Upstream

    key, token = settings.close_api_key, settings.close_access_token
    variable, auth = credential(*(secret.get_secret_value() if secret else None for secret in (key, token)))
    upstream = Upstream(
        name="Close",
        base_url=settings.close_base_url,
        auth=auth,
        credential=variable,
        variable="CLOSE_BASE_URL",
        explain=explain,
    )
    runtime = context.runtime or Runtime()
    limiter = RateLimiter(Rate(settings.close_rate), settings.close_in_flight, clock=runtime.clock, sleep=runtime.sleep)
    client = await context.stack.enter_async_context(Client(upstream, runtime=runtime, rate_limiter=limiter))
    account = AccountSettings(context.timezone, settings.close_task_types, settings.close_new_task_type)
    close = CloseClient(client, account.timezone)
    return CloseAdapter(close, account, Timing(context.clock, runtime.clock, runtime.sleep))


FACTORY = BackendFactory(
    name="close",
    title="Close",
    settings=CloseSettings,
    open=open_backend,
    account=lambda settings: account_id(settings.close_base_url, settings.close_api_key),
    questions=(InstallQuestion("CLOSE_API_KEY", required=True), InstallQuestion("TASKHAND_TIMEZONE")),
    privacy_policy="https://www.close.com/privacy",
)

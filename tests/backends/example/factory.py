"""The example CRM as a backend: its settings, and how it is opened."""

from typing import TYPE_CHECKING

from pydantic import Field, SecretStr

from taskhand.backends.factory import BackendFactory, BackendSettings, OpenContext, account_id

if TYPE_CHECKING:
    from backends.example.adapter import ExampleAdapter

# Every start imports this module, and only a start on this CRM imports the rest.
# ruff: noqa: PLC0415

__all__ = ["FACTORY", "ExampleSettings"]


class ExampleSettings(BackendSettings):
    """The settings of the example CRM."""

    example_api_key: SecretStr | None = Field(None, description="Key of Example.")
    example_base_url: str = Field(
        "https://api.example",
        description="Address of Example's API; default `https://api.example`.",
    )


async def open_backend(settings: ExampleSettings, context: OpenContext) -> "ExampleAdapter":  # noqa: ARG001
    """An empty account of the example CRM, in memory."""
    from backends.example.adapter import ExampleAdapter
    from backends.example.client import ExampleClient
    from taskhand.backends.remote.http_client import timing_of

    return ExampleAdapter(ExampleClient(context.clock), context.timezone, timing_of(context))


FACTORY = BackendFactory(
    title="Example",
    settings=ExampleSettings,
    open=open_backend,
    account=lambda settings: account_id(settings.example_base_url, settings.example_api_key),
    questions=("EXAMPLE_API_KEY",),
)

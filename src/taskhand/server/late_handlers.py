"""MCP handlers for prompts, resources and completion. Their modules are imported at the first use, not at start."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mcp.server import ServerRequestContext

from taskhand.server.access import ServerContext
from taskhand.server.resource import FOLLOWED

# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from mcp.types import (
        CompleteRequestParams,
        CompleteResult,
        GetPromptRequestParams,
        GetPromptResult,
        InputRequiredResult,
        ListPromptsResult,
        ListResourcesResult,
        ListResourceTemplatesResult,
        PaginatedRequestParams,
        ReadResourceRequestParams,
        ReadResourceResult,
    )

    from taskhand.server.prompt_handlers import PromptHandlers
    from taskhand.server.resource_handlers import ResourceHandlers
    from taskhand.server.subscription_uris import SubscriptionUri

__all__ = ["LateHandlers"]

_Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class LateHandlers:
    """The prompts, resources and completion of a server."""

    served: ServerContext

    @property
    def offers_what_changes(self) -> bool:
        """Whether the server has addresses to which a client can subscribe."""
        return any(like in self.served.offered.by_name for like in FOLLOWED.values())

    def followed_at(self, ctx: _Context, uri: str) -> "SubscriptionUri | None":
        """The content at an address to which a client can subscribe; None if the caller has none there."""
        return self._resources().followed_at(ctx, uri)

    async def list_prompts(self, ctx: _Context, params: "PaginatedRequestParams | None") -> "ListPromptsResult":
        """Every offered prompt."""
        return await self._prompts().list_prompts(ctx, params)

    async def get_prompt(self, ctx: _Context, params: "GetPromptRequestParams") -> "GetPromptResult":
        """The text of one prompt."""
        return await self._prompts().get_prompt(ctx, params)

    async def complete(self, ctx: _Context, params: "CompleteRequestParams") -> "CompleteResult":
        """The completions of a prompt's argument."""
        from taskhand.server.completion_handler import complete

        return await complete(self.served, ctx, params)

    async def list_resources(self, ctx: _Context, params: "PaginatedRequestParams | None") -> "ListResourcesResult":
        """Every resource with one address."""
        return await self._resources().list_resources(ctx, params)

    async def list_templates(
        self, ctx: _Context, params: "PaginatedRequestParams | None"
    ) -> "ListResourceTemplatesResult":
        """Every resource template."""
        return await self._resources().list_templates(ctx, params)

    async def read_resource(
        self, ctx: _Context, params: "ReadResourceRequestParams"
    ) -> "ReadResourceResult | InputRequiredResult":
        """One resource."""
        return await self._resources().read_resource(ctx, params)

    def _prompts(self) -> "PromptHandlers":
        from taskhand.server.prompt_handlers import PromptHandlers

        return PromptHandlers(self.served)

    def _resources(self) -> "ResourceHandlers":
        from taskhand.server.resource_handlers import ResourceHandlers

        return ResourceHandlers(self.served)

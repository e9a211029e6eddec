"""MCP handlers of a server that is not configured: lists show its offer, every other request gets the error.

A host shows a process that ends before `initialize` as "Connection closed". With these handlers the person reads what
is wrong.
"""

from dataclasses import dataclass
from typing import Any, NoReturn

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
)

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.errors import OperatorError
from taskhand.server.prompt_handlers import to_listed_prompt
from taskhand.server.prompts import PROMPTS
from taskhand.server.render.errors import error_sentence
from taskhand.server.resource_handlers import to_listed_resources, to_listed_templates
from taskhand.server.resources import RESOURCES
from taskhand.server.schemas.narrowed import input_schema, shorten_schema
from taskhand.server.tool_calls import error_result
from taskhand.server.tool_handlers import to_listed_tool
from taskhand.server.tools import TOOLS

__all__ = ["NotConfiguredHandlers"]

_Context = ServerRequestContext[Any, Any]
_Page = PaginatedRequestParams | None


@dataclass(frozen=True, slots=True)
class NotConfiguredHandlers:
    """Handlers that answer with `error`; its code is `not_configured`."""

    error: OperatorError

    @classmethod
    def of(cls, cause: OperatorError) -> "NotConfiguredHandlers":
        """The handlers for a server with this error in its configuration."""
        remedy = cause.next_step or "That setting has to be corrected."
        error = OperatorError(
            f"Taskhand is not configured, so nothing was read or written: {cause.message}",
            code="not_configured",
            next_step=f"Tell the person: {remedy} Then restart Taskhand; `taskhand doctor` checks the configuration.",
        )
        return cls(error)

    @property
    def instructions(self) -> str:
        """The error as the server's instructions."""
        return error_sentence(self.error)

    async def list_tools(self, _: _Context, __: _Page) -> ListToolsResult:
        """Every tool, with the widest schemas: the backend is unknown."""
        schemas = ((tool, shorten_schema(tool, input_schema(tool.arguments, Capabilities()))) for tool in TOOLS)
        return ListToolsResult(tools=[to_listed_tool(tool, schema) for tool, schema in schemas])

    async def call_tool(self, _: _Context, params: CallToolRequestParams) -> CallToolResult:
        """The error as the result of any call."""
        return error_result(params.name, self.error)

    async def list_prompts(self, _: _Context, __: _Page) -> ListPromptsResult:
        """Every prompt."""
        return ListPromptsResult(prompts=[to_listed_prompt(prompt) for prompt in PROMPTS])

    async def get_prompt(self, _: _Context, __: GetPromptRequestParams) -> NoReturn:
        """MCPError with the error as a sentence."""
        self._refuse()

    async def list_resources(self, _: _Context, __: _Page) -> ListResourcesResult:
        """Every resource."""
        return ListResourcesResult(resources=to_listed_resources(RESOURCES))

    async def list_templates(self, _: _Context, __: _Page) -> ListResourceTemplatesResult:
        """Every resource template."""
        return ListResourceTemplatesResult(resource_templates=to_listed_templates(RESOURCES))

    async def read_resource(self, _: _Context, __: ReadResourceRequestParams) -> NoReturn:
        """MCPError with the error as a sentence."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise MCPError(INTERNAL_ERROR, error_sentence(self.error))

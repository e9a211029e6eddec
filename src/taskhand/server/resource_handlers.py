"""The border to MCP for resources: which are offered, and reading them."""

from collections.abc import Collection
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError

from taskhand.domain.deadline import call_deadline
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.server.answer import compact
from taskhand.server.refusal import sentence
from taskhand.server.resource import Resource
from taskhand.server.resources import RESOURCES
from taskhand.service.app_context import AppContext

__all__ = ["offered", "register"]


def offered(tools: Collection[str]) -> tuple[Resource, ...]:
    """The resources that tell no more than these tools do."""
    return tuple(resource for resource in RESOURCES if resource.like is None or resource.like in tools)


def register(server: MCPServer[Any], resource: Resource, app: AppContext) -> None:
    """Let the server list the resource, and read it."""

    async def read() -> str:
        return await _text(resource, app)

    async def read_one(id: str) -> str:  # noqa: A002  the SDK takes the name from the address
        return await _text(resource, app, id)

    listed = server.resource(
        resource.uri,
        name=resource.name,
        title=resource.title,
        description=resource.description,
        mime_type="application/json",
    )
    listed(read_one if resource.is_template else read)


async def _text(resource: Resource, app: AppContext, task_id: str = "") -> str:
    """What the resource holds, as the tool like it answers; the protocol's own error where it cannot be read.

    An id that no task can have is one that no task has.
    """
    try:
        with call_deadline():
            return compact(await resource.read(app, task_id))
    except CallerError as error:
        raise ResourceNotFoundError(sentence(error)) from None
    except TaskhandError as error:
        raise ResourceError(sentence(error)) from None

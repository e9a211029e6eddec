"""MCP handlers for resources: list those that are offered, and read one."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.uri_template import UriTemplate
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    ResourceTemplate,
    TextResourceContents,
)
from mcp.types import Resource as ListedResource

from taskhand.domain.errors import CallerError, NotFound, TaskhandError
from taskhand.domain.rules import check_id
from taskhand.server.internal_error import internal_errors
from taskhand.server.render.answer import render_text
from taskhand.server.render.errors import error_sentence
from taskhand.server.resource import Resource
from taskhand.server.resources import RESOURCES
from taskhand.service.app_context import AppContext

__all__ = ["ResourceHandlers", "to_listed_resources", "to_listed_templates"]

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class ResourceHandlers:
    """The resources that are offered on an app context."""

    app: AppContext
    resources: tuple[Resource, ...]

    @classmethod
    def of(cls, app: AppContext, tools: Collection[str]) -> "ResourceHandlers":
        """The resources that show no more than the tools of these names do."""
        return cls(app, tuple(one for one in RESOURCES if one.like is None or one.like in tools))

    @property
    def offers_tasks(self) -> bool:
        """Whether a task has an address."""
        return any(one.is_template for one in self.resources)

    async def list_resources(
        self, _: ServerRequestContext[Any, Any], __: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        """Every offered resource with one address."""
        return ListResourcesResult(resources=to_listed_resources(self.resources))

    async def list_templates(
        self, _: ServerRequestContext[Any, Any], __: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        """Every offered resource with an address for each task."""
        return ListResourceTemplatesResult(resource_templates=to_listed_templates(self.resources))

    async def read_resource(
        self, _: ServerRequestContext[Any, Any], params: ReadResourceRequestParams
    ) -> ReadResourceResult:
        """The JSON of one resource, as the tool like it answers.

        MCPError with INVALID_PARAMS where there is no such resource or task, also for an id that no task can have.
        """
        uri = params.uri
        try:
            with internal_errors(f"resource {uri}"), self.app.call_deadline():
                resource, task_id = self._find(uri)
                text = render_text(await resource.read(self.app, task_id))
        except TaskhandError as error:
            code = INVALID_PARAMS if isinstance(error, CallerError) else INTERNAL_ERROR
            raise MCPError(code, error_sentence(error), {"uri": uri}) from None
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, text=text, mime_type=_JSON)])

    def task_at(self, uri: str) -> str | None:
        """The id of the task at an address; None where the address is not offered, not a task's or malformed."""
        try:
            resource, task_id = self._find(uri)
            check_id(task_id, self.app.backend.capabilities)
        except CallerError:
            return None
        return task_id if resource.is_template else None

    def _find(self, uri: str) -> tuple[Resource, str]:
        """The resource at an address, and the task id in it ("" where it has none); NotFound."""
        for resource in self.resources:
            if not resource.is_template and resource.uri == uri:
                return resource, ""
            if resource.is_template and (found := UriTemplate.parse(resource.uri).match(uri)) is not None:
                return resource, str(found["id"])
        raise NotFound(f"There is no resource {uri[:200]!r}.", next_step="List the resources for their addresses.")


def to_listed_resources(resources: Sequence[Resource]) -> list[ListedResource]:
    """The resources with one address, as a client lists them."""
    return [
        ListedResource(uri=one.uri, name=one.name, title=one.title, description=one.description, mime_type=_JSON)
        for one in resources
        if not one.is_template
    ]


def to_listed_templates(resources: Sequence[Resource]) -> list[ResourceTemplate]:
    """The resources with an address for each task, as a client lists them."""
    return [
        ResourceTemplate(
            uri_template=one.uri, name=one.name, title=one.title, description=one.description, mime_type=_JSON
        )
        for one in resources
        if one.is_template
    ]

"""MCP handlers for resources: list those that are offered, and read one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.uri_template import UriTemplate
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    InputRequiredResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
    ResourceTemplate,
    TextResourceContents,
)
from mcp.types import Resource as ListedResource

from taskhand.domain.errors import CallerError, NotAllowed, NotFound, OperatorError, TaskhandError
from taskhand.domain.task_rules import check_id
from taskhand.server.access import CallerView, ServerContext
from taskhand.server.client_identity import to_caller
from taskhand.server.internal_error import internal_errors
from taskhand.server.render.errors import error_sentence
from taskhand.server.render.rendered_answer import render_text
from taskhand.server.resource import Resource
from taskhand.server.resources import RESOURCES
from taskhand.service.account_errors import naming_account
from taskhand.service.app_context import AppContext
from taskhand.service.write_call import Call

if TYPE_CHECKING:
    from taskhand.server.subscription_uris import SubscriptionUri

__all__ = ["ResourceHandlers", "to_listed_resources", "to_listed_templates"]

_JSON: Final = "application/json"


_CONNECTION: Final = "{connection}"
_PAGES: Final = "ui://"
_SEE_DATA: Final = "The data of this error says what to do, and so does the answer of a tool that needs the same."


@dataclass(frozen=True, slots=True)
class ResourceHandlers:
    """The resources of the served connections: a caller sees no more than the tools with the same answers show."""

    served: ServerContext

    async def list_resources(
        self, ctx: ServerRequestContext[Any, Any], _: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        """Every resource with one address that the caller may read, of each connection."""
        view = self.served.view(ctx)
        names: Sequence[str | None] = view.connections.names if view.has_several else (None,)
        listed = [resource for name in names for resource in to_listed_resources(_readable(view), name)]
        if self.served.shows_board(ctx) and any(tool.is_on_board for tool in view.offered.tools):
            from taskhand.server.board.metadata import list_board  # noqa: PLC0415  few clients show pages

            listed.append(list_board())
        return self.served.access.mark_freshness(ListResourcesResult(resources=listed))

    async def list_templates(
        self, ctx: ServerRequestContext[Any, Any], _: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        """Every resource with an address for each task that the caller may read."""
        view = self.served.view(ctx)
        connection = _CONNECTION if view.has_several else None
        listed = to_listed_templates(_readable(view), connection)
        return self.served.access.mark_freshness(ListResourceTemplatesResult(resource_templates=listed))

    async def read_resource(
        self, ctx: ServerRequestContext[Any, Any], params: ReadResourceRequestParams
    ) -> ReadResourceResult | InputRequiredResult:
        """The JSON of one resource, as its tool answers, or the question to a person who has to link first.

        Or the page of the board, also for a client that does not declare that it shows pages. MCPError with
        INVALID_PARAMS if the resource or task does not exist, for an id that no task can have, and if the caller may
        not read it.
        """
        uri, view = params.uri, self.served.view(ctx)
        if self.served.has_board and uri.startswith(_PAGES):
            from taskhand.server.board.metadata import is_board, read_board  # noqa: PLC0415  few clients show pages

            if is_board(uri):
                return read_board(uri)
        call = Call(self.served.find_named(view, None), "", to_caller(ctx, view.principal), {"uri": uri})
        try:
            with internal_errors(f"resource {uri}"), call.app.call_deadline():
                resource, connection, task_id = _find(uri, has_several=view.has_several)
                call = replace(
                    call,
                    app=self.served.find_named(view, connection),
                    tool=resource.like or f"resource {resource.name}",
                    arguments=call.arguments | ({"id": task_id} if task_id else {}),
                )
                _check_readable(resource, view)
                content = await _read(resource, task_id, view.find(connection), ctx, params)
        except TaskhandError as error:
            if isinstance(error, NotAllowed):
                await call.record_failure(error)
            raise _to_mcp_error(error, uri) from None
        if isinstance(content, InputRequiredResult):
            return content
        return ReadResourceResult(contents=[TextResourceContents(uri=uri, text=content, mime_type=_JSON)])

    def followed_at(self, ctx: ServerRequestContext[Any, Any], uri: str) -> "SubscriptionUri | None":
        """The changing content at an address.

        None if the address is malformed, its content never changes, or the caller may not read it.
        """
        from taskhand.server.subscription_uris import FeedAddress, TaskAddress  # noqa: PLC0415  few clients subscribe

        try:
            view = self.served.view(ctx)
            resource, connection, task_id = _find(uri, has_several=view.has_several)
            _check_readable(resource, view)
            app = view.find(connection)
            if resource.follows == "feed":
                return FeedAddress(app)
            check_id(task_id, app.backend.capabilities)
        except (CallerError, OperatorError):
            return None
        return TaskAddress(app, task_id) if resource.follows == "task" else None


async def _read(
    resource: Resource,
    task_id: str,
    app: AppContext,
    ctx: ServerRequestContext[Any, Any],
    params: ReadResourceRequestParams,
) -> str | InputRequiredResult:
    """The content of a resource as JSON; the person is asked to link a credential if it needs one."""

    async def run() -> str:
        with naming_account(app):
            return render_text(await resource.read(app, task_id))

    if app.own_credentials.offers is None:
        return await run()
    from taskhand.server.link_elicitation import run_and_link  # noqa: PLC0415  few servers have such pages

    return await run_and_link(run, app, app.own_credentials.offers, ctx, params, may_repeat=lambda: True)


def _to_mcp_error(error: TaskhandError, uri: str) -> MCPError:
    """The error in the protocol's form; its data has the parts that traces must not contain."""
    code = INVALID_PARAMS if isinstance(error, CallerError | NotAllowed) else INTERNAL_ERROR
    if error.private_step is None:
        return MCPError(code, error_sentence(error), {"uri": uri})
    data = {"uri": uri, "code": error.code, "next": error.private_step}
    return MCPError(code, f"{error_sentence(error)} {_SEE_DATA}", data)


def _readable(view: CallerView) -> list[Resource]:
    return [
        resource for resource in RESOURCES if view.may_read and (resource.like is None or view.may_use(resource.like))
    ]


def _check_readable(resource: Resource, view: CallerView) -> None:
    """The error of the tool with the same answer if the caller may not use it; NotFound if it is not offered at all."""
    if resource.like is not None and not view.may_use(resource.like):
        if resource.like in view.offered.forbidden:
            raise view.offered.refusal(resource.like)
        if resource.like not in view.offered.by_name:
            raise _no_resource(resource.uri)
    if not view.may_read:
        rule = "connections" if "read" in view.principal.scopes else "scope"
        raise NotAllowed.by(rule, "This resource is not allowed to you; nothing was read.")


class _Target(NamedTuple):
    """What an address names: a resource, its connection if there are several, and its task id ("" if it has none)."""

    resource: Resource
    connection: str | None
    task_id: str


def _find(uri: str, *, has_several: bool) -> _Target:
    """The resource at an address; NotFound."""
    for resource in RESOURCES:
        address = resource.address(_CONNECTION if has_several else None)
        if (parameters := UriTemplate.parse(address).match(uri)) is not None:
            connection = parameters.get("connection")
            return _Target(resource, None if connection is None else str(connection), str(parameters.get("id", "")))
    raise _no_resource(uri)


def _no_resource(uri: str) -> NotFound:
    return NotFound(f"There is no resource {uri[:200]!r}.", next_step="List the resources for their addresses.")


def to_listed_resources(resources: Sequence[Resource], connection: str | None = None) -> list[ListedResource]:
    """The resources with one address, as a client lists them."""
    return [
        ListedResource(
            uri=resource.address(connection),
            name=resource.name if connection is None else f"{connection}_{resource.name}",
            title=resource.title if connection is None else f"{resource.title} ({connection})",
            description=resource.description,
            mime_type=_JSON,
        )
        for resource in resources
        if not resource.is_template
    ]


def to_listed_templates(resources: Sequence[Resource], connection: str | None = None) -> list[ResourceTemplate]:
    """The resources with an address for each task, as a client lists them."""
    return [
        ResourceTemplate(
            uri_template=resource.address(connection),
            name=resource.name,
            title=resource.title,
            description=resource.description,
            mime_type=_JSON,
        )
        for resource in resources
        if resource.is_template
    ]

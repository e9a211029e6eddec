"""MCP handlers for tools: list those that are offered, check the arguments of a call, run it, render its answer."""

from dataclasses import dataclass, field
from typing import Any

from mcp.server import ServerRequestContext
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp.types import Tool as ListedTool
from pydantic import BaseModel

from taskhand.domain.errors import TaskhandError
from taskhand.domain.plan import Plan
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.text import plain
from taskhand.domain.wording import Wording
from taskhand.journal.journal import Caller
from taskhand.server.arguments import parse_arguments
from taskhand.server.elicitation import answer_in, asker, can_elicit, to_input_required
from taskhand.server.host_arguments import without_host_keys
from taskhand.server.internal_error import internal_errors
from taskhand.server.offered_tools import OfferedTools
from taskhand.server.progress import ProgressReport
from taskhand.server.refusal_log import log_refusal
from taskhand.server.render.answer import render_answer
from taskhand.server.render.errors import people_in_error, render_error
from taskhand.server.render.whole import render_whole_write
from taskhand.server.render.writes import render_write
from taskhand.server.schema import Schema, fields_of, input_schema, output_schema
from taskhand.server.tool import Tool, Written
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call, Options
from taskhand.service.confirmation import Question, act_on_answer, confirm
from taskhand.service.wording_for import wording_for
from taskhand.service.zone_note import with_zone_note

__all__ = ["ToolHandlers", "error_result", "to_listed_tool"]


@dataclass(frozen=True, slots=True)
class ToolHandlers:
    """The tools that are offered on an app context, their input schemas narrowed to what its backend can express."""

    app: AppContext
    offered: OfferedTools
    _schemas: dict[str, Schema] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build every input schema once."""
        capabilities = self.app.backend.capabilities
        self._schemas.update({tool.name: input_schema(tool.arguments, capabilities) for tool in self.offered.tools})

    async def list_tools(self, _: ServerRequestContext[Any, Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        """Every offered tool."""
        notes = self.app.backend.capabilities.notes
        tools = [to_listed_tool(tool, self._schemas[tool.name], notes) for tool in self.offered.tools]
        return ListToolsResult(tools=tools)

    async def call_tool(
        self, ctx: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """The result of one call; every error is a result that a model can act on.

        An error has no structured content: clients check that against the schema of an answer, and some do so for
        errors too.
        """
        tool = self.offered.by_name.get(params.name)
        if tool is None:
            return error_result(params.name, self.offered.refusal(params.name))
        progress = ProgressReport(ctx.session.report_progress, self.app.policy.read_tick_s)
        call = Call(
            self.app,
            tool.name,
            arguments=without_host_keys(params.arguments or {}, fields_of(self._schemas[tool.name])),
            progress=progress.report_tasks,
            refused=self.offered.reason_not_offered,
        )
        if tool.writes:
            call.caller, call.asks = _caller(ctx), self.app.policy.asks and can_elicit(ctx)
        with self.app.call_deadline():
            try:
                with recorded_requests() as call.requests:
                    async with progress.of_requests(call.requests, is_wanted=_wants_progress(ctx)):
                        with internal_errors(tool.name):
                            result = await self._run(tool, call, ctx, params)
                if isinstance(result, Question):
                    return to_input_required(result)
                with internal_errors(tool.name):
                    answer = render_answer(
                        result if isinstance(result, BaseModel) else await self._answer(call, result)
                    )
            except TaskhandError as error:
                if tool.writes:
                    await call.failed(error)
                return error_result(tool.name, error, await wording_for(self.app, people_in_error(error)))
        return CallToolResult(content=[TextContent(text=answer.text)], structured_content=answer.value)

    async def _answer(self, call: Call, written: Written) -> BaseModel:
        """The answer for what a write returned."""
        written = with_zone_note(self.app, call.arguments, written)
        if self.app.policy.answers == "whole":
            return render_whole_write(written)
        return render_write(written, await wording_for(self.app, written.people, written.links))

    async def _run(
        self, tool: Tool[Any], call: Call, ctx: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> BaseModel | Written | Question:
        """Check the arguments and run the tool; ask the person where its plan needs that."""
        schema, sent = self._schemas[tool.name], call.arguments
        arguments = parse_arguments(tool.arguments, schema, sent, reads=not tool.writes, tool=tool.name)
        if isinstance(arguments, Options):
            call.options = arguments
        if tool.writes and (answered := answer_in(params)) is not None:
            return await act_on_answer(call, *answered)
        result = await tool.run(call, arguments)
        if isinstance(result, Plan) and result.guard is not None and call.asks:
            return await confirm(call, result, asker(ctx))
        return result


def _wants_progress(ctx: ServerRequestContext[Any, Any]) -> bool:
    return ctx.meta is not None and ctx.meta.get("progress_token") is not None


def to_listed_tool(tool: Tool[Any], schema: Schema, notes: str | None = None) -> ListedTool:
    """The tool as a client lists it, with all four hints: a host assumes the worst of a hint that is not there.

    `notes` are those on the tasks of the backend.
    """
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=f"{tool.description} {notes}" if notes and tool.shows_tasks else tool.description,
        input_schema=schema,
        output_schema=output_schema(tool.answer),
        annotations=ToolAnnotations(
            read_only_hint=not tool.writes,
            destructive_hint=tool.kind == "destroy",
            idempotent_hint=tool.kind not in {"create", "repeat"},
            open_world_hint=False,
        ),
    )


def _caller(ctx: ServerRequestContext[Any, Any]) -> Caller:
    """The client by the name that it gives itself, without hidden characters."""
    params = ctx.session.client_params
    info = params.client_info if params else None
    return Caller(plain(info.name)[:100], plain(info.version)[:40]) if info else Caller()


def error_result(tool: str, error: TaskhandError, wording: Wording | None = None) -> CallToolResult:
    """The error as a result that a model can act on."""
    log_refusal(tool, error.code)
    return CallToolResult(content=[TextContent(text=render_error(error, wording))], is_error=True)

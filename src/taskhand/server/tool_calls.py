"""One call of a tool: check the arguments, run it, render its answer. Imported at the first call: no start waits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp.server import ServerRequestContext
from mcp.types import CallToolRequestParams, CallToolResult, InputRequiredResult, TextContent
from pydantic import BaseModel

from taskhand.domain.errors import NotAllowed, TaskhandError
from taskhand.domain.plan import Plan
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.wording import Wording
from taskhand.server.access import CallerView, Served, to_caller
from taskhand.server.arguments import parse_arguments
from taskhand.server.elicitation import answer_in, asker, can_elicit, to_input_required
from taskhand.server.host_arguments import without_host_keys
from taskhand.server.internal_error import internal_errors
from taskhand.server.progress import ProgressReport
from taskhand.server.refusal_log import ALL, log_refusal, note_connection
from taskhand.server.render.answer import named_by, render_answer
from taskhand.server.render.errors import people_in_error, render_error
from taskhand.server.render.whole_writes import render_whole_write
from taskhand.server.render.writes import render_write
from taskhand.server.schema import Schema, fields_of
from taskhand.server.tool import Tool
from taskhand.server.tool_schemas import ToolSchemas
from taskhand.service.app_context import AppContext
from taskhand.service.call import Call
from taskhand.service.call_options import Options
from taskhand.service.confirmation import Question, act_on_answer, confirm
from taskhand.service.connections import Connections, UnclearConnection, naming_account
from taskhand.service.load_wording import load_wording

if TYPE_CHECKING:
    from taskhand.server.tool import Written

__all__ = ["ToolCalls", "error_result"]


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """The calls of the tools that are offered on the connections."""

    served: Served
    schemas: ToolSchemas

    async def call(
        self, view: CallerView, ctx: ServerRequestContext[Any, Any], params: CallToolRequestParams
    ) -> CallToolResult | InputRequiredResult:
        """The result of one call; every error is returned as a result that a model can act on."""
        app = self.served.find_named(view, None)
        call = Call(app, params.name, to_caller(ctx, view.principal), refused=view.offered.reason_not_offered)
        tool = view.offered.by_name.get(params.name)
        with app.call_deadline():
            try:
                if tool is None:
                    raise view.offered.refusal(params.name)
                with internal_errors(tool.name):
                    result = await self._run_observed(tool, call, view.connections, ctx, params)
                    if isinstance(result, Question | InputRequiredResult):
                        return to_input_required(result) if isinstance(result, Question) else result
                    shown = result if isinstance(result, BaseModel) else await self._answer(call, result)
                    answer = render_answer(named_by(shown, call.app.connection))
            except TaskhandError as error:
                is_write = tool is not None and tool.writes and not isinstance(error, UnclearConnection)
                if isinstance(error, NotAllowed) and call.change is None:
                    await self._place_refusal(call, view, params)
                if is_write or isinstance(error, NotAllowed):
                    await call.failed(error)
                return error_result(params.name, error, await load_wording(call.app, people_in_error(error)))
        return CallToolResult(content=[TextContent(text=answer.text)], structured_content=answer.value)

    async def _run_observed(
        self,
        tool: Tool[Any],
        call: Call,
        mine: Connections,
        ctx: ServerRequestContext[Any, Any],
        params: CallToolRequestParams,
    ) -> "BaseModel | Written | Question":
        """Run the tool, record its requests, and report their number to a client that asked for progress."""
        with recorded_requests() as call.requests:
            progress = ProgressReport(ctx.session.report_progress, call.app.policy.read_tick_s)
            call.progress = progress.report_tasks  # an in-process client calls without a progress token
            if not _wants_progress(ctx):
                return await self._run(tool, call, mine, ctx, params)
            async with progress.of_requests(call.requests):
                return await self._run(tool, call, mine, ctx, params)

    async def _answer(self, call: Call, written: "Written") -> BaseModel:
        """The answer for the result of a write."""
        from taskhand.service.date_notes import with_date_notes  # noqa: PLC0415  no start waits for it
        from taskhand.service.zone_note import with_zone_note  # noqa: PLC0415  as above

        written = await with_date_notes(call, with_zone_note(call.app, call.arguments, written))
        if call.app.principal.rules.own_tasks_only:
            from taskhand.service.own_tasks_note import with_own_tasks_note  # noqa: PLC0415  few callers have this rule

            written = await with_own_tasks_note(call.app, call.arguments, written)
        if call.app.offers is not None:
            from taskhand.service.link_offers import with_link_note  # noqa: PLC0415  few servers have such pages

            written = await with_link_note(call.app, written)
        if call.app.policy.answers == "whole":
            return render_whole_write(written)
        return render_write(written, await load_wording(call.app, written.people, written.links))

    async def _run(
        self,
        tool: Tool[Any],
        call: Call,
        mine: Connections,
        ctx: ServerRequestContext[Any, Any],
        params: CallToolRequestParams,
    ) -> "BaseModel | Written | Question | InputRequiredResult":
        """Run the tool on the connection of the call; ask the person to link a credential if it needs one."""
        sent, app = await self._find_connection(tool, mine, params.arguments or {})
        if app is None:
            return await self._run_everywhere(tool, call, mine, sent)
        note_connection(app.connection)
        call.app = app
        run = partial(self._run_on, tool, call, mine, sent, ctx=ctx, params=params)
        if app.offers is None:
            return await run()
        from taskhand.server.link_elicitation import run_and_link  # noqa: PLC0415  few servers have such pages

        return await run_and_link(run, app, app.offers, ctx, params, may_repeat=lambda: call.change is None)

    async def _run_on(
        self,
        tool: Tool[Any],
        call: Call,
        mine: Connections,
        sent: dict[str, Any],
        *,
        ctx: ServerRequestContext[Any, Any],
        params: CallToolRequestParams,
    ) -> "BaseModel | Written | Question":
        """Check the arguments and run the tool on a connection; ask the person if its plan needs that."""
        app, schema = call.app, self.schemas.of(tool, call.app)
        others = {one.connection or "": self.schemas.of(tool, one) for one in mine if one.connection != app.connection}
        with naming_account(app):
            arguments = self._parse(tool, call, schema, sent, others)
            if tool.writes:
                call.asks = app.policy.asks and can_elicit(ctx)
                if (answered := answer_in(params)) is not None:
                    return await act_on_answer(call, *answered)
            result = await tool.run(call, arguments)
            if isinstance(result, Plan) and result.guard is not None and call.asks:
                return await confirm(call, result, asker(ctx))
            return result

    async def _find_connection(
        self, tool: Tool[Any], mine: Connections, arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], AppContext | None]:
        """The arguments without the name of the connection, and the connection; None if the call names none."""
        if not mine.by_name:
            raise NotAllowed.by("connections", "No connection is yours to use; nothing was sent.")
        if not self.served.connections.are_several:
            return arguments, mine.first
        from taskhand.server.connection_argument import ids_in, take_connection  # noqa: PLC0415  few servers have several
        from taskhand.service.find_connection import find_connection, unclear_connection  # noqa: PLC0415  as above

        may_be_all = tool.run_everywhere is not None and not tool.only_with_several
        named, sent = take_connection(arguments, mine, names=self.served.connections.names, may_be_all=may_be_all)
        if tool.only_with_several:
            return sent, None
        ids, forbidden = ids_in(sent), [name for name in self.served.connections.names if name not in mine.by_name]
        found = await find_connection(mine, named, ids, forbidden=forbidden)
        if found is None and tool.run_everywhere is None:
            raise unclear_connection(mine, ids)
        return sent, found

    async def _place_refusal(self, call: Call, view: CallerView, params: CallToolRequestParams) -> None:
        """Journal a refused call in the connection that it means, with the arguments as they were sent."""
        sent = params.arguments or {}
        if self.served.connections.are_several:
            from taskhand.server.connection_argument import select_connections  # noqa: PLC0415  few servers have several

            meant, sent = await select_connections(self.served.connections, view.connections, sent)
            call.app = meant.of_principal(view.principal) if meant else call.app
            note_connection(call.app.connection)
        tool = self.served.offered.by_name.get(params.name)
        call.arguments = without_host_keys(sent, fields_of(self.schemas.of(tool, call.app)) if tool else {})

    async def _run_everywhere(
        self, tool: Tool[Any], call: Call, mine: Connections, sent: dict[str, Any]
    ) -> "BaseModel | Written":
        """Run a tool on all connections."""
        assert tool.run_everywhere is not None  # noqa: S101  every other tool has found its connection
        note_connection(ALL)
        arguments = self._parse(tool, call, self.schemas.of_all(tool, mine), sent)
        calls = {name: replace(call, app=app) for name, app in mine.by_name.items()}
        return await tool.run_everywhere(calls, arguments)

    def _parse(
        self,
        tool: Tool[Any],
        call: Call,
        schema: Schema,
        sent: dict[str, Any],
        others: Mapping[str, Schema] | None = None,
    ) -> BaseModel:
        """The checked arguments of a call, which the journal stores as they were sent.

        `others` are the schemas of the caller's other connections.
        """
        call.arguments = without_host_keys(sent, fields_of(schema))
        arguments: BaseModel = parse_arguments(
            tool.arguments, schema, call.arguments, reads=not tool.writes, tool=tool.name, others=others
        )
        if isinstance(arguments, Options):
            call.options = arguments
        return arguments


def _wants_progress(ctx: ServerRequestContext[Any, Any]) -> bool:
    return ctx.meta is not None and ctx.meta.get("progress_token") is not None


def error_result(tool: str, error: TaskhandError, wording: Wording | None = None) -> CallToolResult:
    """The error as a result that a model can act on."""
    log_refusal(tool, error.code, error)
    return CallToolResult(content=[TextContent(text=render_error(error, wording))], is_error=True)

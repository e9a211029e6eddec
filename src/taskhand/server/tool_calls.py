"""One call of a tool: check the arguments, run it, render its answer. Imported at the first call: no start waits."""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from mcp.server import ServerRequestContext
from mcp.types import CallToolRequestParams, CallToolResult, InputRequiredResult, TextContent
from pydantic import BaseModel

from taskhand.call.request_log import RequestLog
from taskhand.domain.errors import NotAllowed, TaskhandError
from taskhand.domain.plan import Plan
from taskhand.domain.wording import Wording
from taskhand.server.access import CallerView, ServerContext
from taskhand.server.arguments.host_keys import without_host_keys
from taskhand.server.arguments.parsing import parse_arguments
from taskhand.server.client_identity import to_caller
from taskhand.server.elicitation import answer_in, asker, can_elicit, to_input_required
from taskhand.server.internal_error import internal_errors
from taskhand.server.progress import ProgressReport
from taskhand.server.refusal_log import ALL, log_refusal, note_connection
from taskhand.server.render.documented_writes import render_whole_write
from taskhand.server.render.errors import people_in_error, render_error
from taskhand.server.render.rendered_answer import named_by, render_answer
from taskhand.server.render.write_answer import render_write
from taskhand.server.schemas.portable import Schema, fields_of
from taskhand.server.schemas.tool_schemas import ToolSchemas
from taskhand.server.task_addresses import with_plain_ids
from taskhand.server.tool import Tool
from taskhand.service.account_errors import naming_account
from taskhand.service.answer_names import load_wording
from taskhand.service.app_context import AppContext
from taskhand.service.ask_person import Question, act_on_answer, confirm
from taskhand.service.call_options import Options
from taskhand.service.connections import UnclearConnection
from taskhand.service.date_notes import with_date_notes
from taskhand.service.write_call import Call

if TYPE_CHECKING:
    from taskhand.server.tool import WriteResult

__all__ = ["ToolCall", "error_result"]

_FOUND_NOWHERE: Final = frozenset({"change_not_found", "plan_not_found"})
"""Errors of calls that found their change or plan in no connection, if none was named."""


class ToolCall:
    """One call of a tool. An error is journaled with the connection and the arguments that are known until then."""

    def __init__(
        self,
        served: ServerContext,
        schemas: ToolSchemas,
        view: CallerView,
        ctx: ServerRequestContext[Any, Any],
        params: CallToolRequestParams,
    ) -> None:
        self._served = served
        self._schemas = schemas
        self._view = view
        self._ctx = ctx
        self._params = params
        self._requests = RequestLog()
        self._app = served.find_named(view, None)
        self._arguments: dict[str, Any] = {}
        self._call: Call | None = None
        is_asked = ctx.meta is not None and ctx.meta.get("progress_token") is not None
        tick_s = self._app.call_time.read_tick_s
        self._progress = ProgressReport(ctx.session.report_progress, tick_s, is_asked=is_asked)
        self._new_call = partial(
            Call,
            tool=params.name,
            caller=to_caller(ctx, view.principal),
            progress=self._progress.report_tasks,
            refused=view.offered.reason_not_offered,
            requests=self._requests,
            began=time.monotonic(),
        )

    async def run(self) -> CallToolResult | InputRequiredResult:
        """The result; every error is returned as a result that a model can act on."""
        name, tool = self._params.name, self._view.offered.by_name.get(self._params.name)
        with self._app.call_deadline():
            try:
                if tool is None:
                    raise self._view.offered.refusal(name)
                with internal_errors(name):
                    async with self._progress.of_requests(self._requests):
                        result = await self._run_on_connections(tool)
                    if isinstance(result, Question | InputRequiredResult):
                        return to_input_required(result) if isinstance(result, Question) else result
                    shown = result if isinstance(result, BaseModel) else await self._answer(result)
                    answer = render_answer(named_by(shown, self._app.connection.name))
            except TaskhandError as raised:
                error = await self._with_candidates(raised)
                is_write = tool is not None and tool.writes and not self._is_of_no_connection(error)
                if isinstance(error, NotAllowed) and not self._has_change:
                    await self._place_refusal()
                if is_write or isinstance(error, NotAllowed):
                    await self._call_so_far().record_failure(error)
                return error_result(name, error, await load_wording(self._app, people_in_error(error)))
        return CallToolResult(content=[TextContent(text=answer.text)], structured_content=answer.value)

    def _is_of_no_connection(self, error: TaskhandError) -> bool:
        """Whether the connection of the failed call is not known, so that no journal has the call."""
        is_named = not self._served.connections.are_several or "connection" in (self._params.arguments or {})
        return isinstance(error, UnclearConnection) or (not is_named and error.code in _FOUND_NOWHERE)

    @property
    def _has_change(self) -> bool:
        """Whether a change or a plan of this call is in the journal."""
        return self._call is not None and self._call.change is not None

    def _call_so_far(self) -> Call:
        """The call; before its arguments are checked, one with those that are known."""
        return self._call or self._new_call(self._app, arguments=self._arguments)

    async def _run_on_connections(self, tool: Tool[Any]) -> "BaseModel | WriteResult | Question | InputRequiredResult":
        """Run the tool on the connection of the call; ask the person to link a credential if it needs one."""
        sent, app = await self._find_connection(tool)
        if app is None:
            return await self._run_everywhere(tool, sent)
        note_connection(app.connection.name)
        run = partial(self._run_on, app, tool, sent)
        if app.own_credentials.offers is None:
            return await run()
        from taskhand.server.link_elicitation import run_and_link  # noqa: PLC0415  few servers have such pages

        return await run_and_link(
            run, app, app.own_credentials.offers, self._ctx, self._params, may_repeat=lambda: not self._has_change
        )

    async def _find_connection(self, tool: Tool[Any]) -> tuple[dict[str, Any], AppContext | None]:
        """The arguments without the name of the connection, and the connection; None if the tool runs on all."""
        mine, has_several = self._view.connections, self._served.connections.are_several
        arguments = with_plain_ids(self._params.arguments or {}, has_several=has_several)
        if not mine.by_name:
            raise NotAllowed.by("connections", "No connection is yours to use; nothing was sent.")
        if not has_several:
            return arguments, mine.first
        from taskhand.server.arguments.connection import ids_in_arguments, take_connection  # noqa: PLC0415  few servers have several
        from taskhand.service.find_connection import find_connection, unclear_connection  # noqa: PLC0415  as above

        names = self._served.connections.names
        may_be_all = tool.run_everywhere is not None and not tool.only_with_several
        named, sent = take_connection(arguments, mine, names=names, may_be_all=may_be_all)
        if tool.only_with_several:
            return sent, None
        ids, forbidden = ids_in_arguments(sent), [name for name in names if name not in mine.by_name]
        app = await find_connection(mine, named, ids, forbidden=forbidden)
        if app is None and tool.run_everywhere is None:
            raise unclear_connection(mine, ids)
        return sent, app

    async def _run_everywhere(self, tool: Tool[Any], sent: dict[str, Any]) -> "BaseModel | WriteResult":
        """Run a tool on all connections."""
        assert tool.run_everywhere is not None  # noqa: S101  every other tool has found its connection
        note_connection(ALL)
        mine = self._view.connections
        call, arguments = self._parse(tool, self._app, self._schemas.of_all(tool, mine), sent)
        return await tool.run_everywhere(
            {name: replace(call, app=app) for name, app in mine.by_name.items()}, arguments
        )

    async def _run_on(
        self, app: AppContext, tool: Tool[Any], sent: dict[str, Any]
    ) -> "BaseModel | WriteResult | Question":
        """Check the arguments and run the tool on a connection; ask the person if its plan needs that."""
        others = {
            other_app.connection.name or "": self._schemas.of(tool, other_app)
            for other_app in self._view.connections
            if other_app.connection.name != app.connection.name
        }
        with naming_account(app):
            call, arguments = self._parse(tool, app, self._schemas.of(tool, app), sent, others)
            if tool.writes and (answered := answer_in(self._params)) is not None:
                return await act_on_answer(call, *answered)
            result = await tool.run(call, arguments)
            if isinstance(result, Plan) and result.guard is not None and call.asks:
                return await confirm(call, result, asker(self._ctx))
            return result

    def _parse(
        self,
        tool: Tool[Any],
        app: AppContext,
        schema: Schema,
        sent: dict[str, Any],
        others: Mapping[str, Schema] | None = None,
    ) -> tuple[Call, BaseModel]:
        """The call to `app` with its arguments as they were sent, which the journal stores, and as they were checked.

        `others` are the schemas of the caller's other connections.
        """
        given = without_host_keys(sent, fields_of(schema))
        self._app, self._arguments, self._call = app, given, None
        arguments: BaseModel = parse_arguments(
            tool.arguments, schema, given, reads=not tool.writes, tool=tool.name, others=others
        )
        if isinstance(arguments, Options):
            asks = app.policy.asks and can_elicit(self._ctx)
            call = self._new_call(app, arguments=given, options=arguments, asks=asks)
        else:
            call = self._new_call(app, arguments=given)
        self._call = call
        return call, arguments

    async def _answer(self, written: "WriteResult") -> BaseModel:
        """The answer for the result of a write."""
        app, arguments = self._app, self._arguments
        written = await with_date_notes(self._call_so_far(), written)
        if app.principal.rules.own_tasks_only:
            from taskhand.service.own_tasks_note import with_own_tasks_note  # noqa: PLC0415  few callers have this rule

            written = await with_own_tasks_note(app, arguments, written)
        if app.own_credentials.offers is not None:
            from taskhand.service.link_offers import with_link_note  # noqa: PLC0415  few servers have such pages

            written = await with_link_note(app, written)
        if app.surface.answers == "whole":
            return render_whole_write(written)
        return render_write(written, await load_wording(app, written.people, written.links))

    async def _with_candidates(self, error: TaskhandError) -> TaskhandError:
        """The error; for an unknown change with the latest ones, for a task that was made again with its new id."""
        if error.code == "change_not_found":
            from taskhand.service.latest_changes import with_latest_changes  # noqa: PLC0415  few calls name a missing change

            apps = self._view.connections if self._is_of_no_connection(error) else (self._app,)
            return await with_latest_changes(apps, error)
        if error.code != "task_not_found":
            return error
        from taskhand.server.arguments.connection import ids_in_arguments  # noqa: PLC0415  few calls name a missing task
        from taskhand.service.earlier_undo import with_remade_id  # noqa: PLC0415  as above

        ids = ids_in_arguments(self._arguments)
        if len(ids.tasks) == 1 and not ids.are_values:
            return await with_remade_id(self._app, error, ids.tasks[0])
        return error

    async def _place_refusal(self) -> None:
        """Journal a refused call in the connection that it means, with the arguments as they were sent."""
        sent, app = self._params.arguments or {}, self._app
        if self._served.connections.are_several:
            from taskhand.server.arguments.connection import connections_of_refused_call  # noqa: PLC0415  few servers have several

            meant, sent = await connections_of_refused_call(self._served.connections, self._view.connections, sent)
            app = meant.of_principal(self._view.principal) if meant else app
            note_connection(app.connection.name)
        tool = self._served.offered.by_name.get(self._params.name)
        given = without_host_keys(sent, fields_of(self._schemas.of(tool, app)) if tool else {})
        self._call = replace(self._call_so_far(), app=app, arguments=given)


def error_result(tool: str, error: TaskhandError, wording: Wording | None = None) -> CallToolResult:
    """The error as a result that a model can act on."""
    log_refusal(tool, error.code, error)
    return CallToolResult(content=[TextContent(text=render_error(error, wording))], is_error=True)

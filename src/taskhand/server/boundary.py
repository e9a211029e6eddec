"""The border to MCP: arguments come in checked, answers and errors go out as results that a model can act on."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult, InputRequiredResult, TextContent
from pydantic import BaseModel

from taskhand.domain.deadline import call_deadline
from taskhand.domain.errors import CallerError, TaskhandError
from taskhand.domain.plan import Plan
from taskhand.domain.request_log import recorded_requests
from taskhand.domain.text import plain
from taskhand.journal.journal import Caller
from taskhand.server.answer import told
from taskhand.server.arguments import understood
from taskhand.server.confirmation import Said, answered, ask, can_ask
from taskhand.server.refusal import refusal
from taskhand.server.schema import Schema
from taskhand.server.tool import Tool, Written
from taskhand.server.write_view import shown
from taskhand.service.app_context import AppContext
from taskhand.service.apply_plan import apply_plan, decline_plan, review_plan
from taskhand.service.call import Call, Options

__all__ = ["call", "refused"]

logger = logging.getLogger(__name__)

Result = CallToolResult | InputRequiredResult


async def call(
    tool: Tool[Any],
    schema: Schema,
    app: AppContext,
    sent: dict[str, Any],
    context: Context[Any, Any],
    *,
    offers: Callable[[str], TaskhandError | None],
) -> Result:
    """The result of one tool call; `offers` says why a tool of a name is not offered, None where it is.

    An error carries no structured content: clients check that against the output schema of an answer, and some do so
    for errors too.
    """
    page = Call(app, tool.name, arguments=sent, progress=context.report_progress, refused=offers)
    if tool.kind != "read":
        page.caller, page.asks = _caller(context), app.policy.asks and can_ask(context)
    try:
        with recorded_requests() as page.requests:
            found = await _found(tool, schema, page, context)
        if isinstance(found, InputRequiredResult):
            return found
        answer = told(found if isinstance(found, BaseModel) else shown(found))
    except TaskhandError as error:
        logger.info("%s refused: %s", tool.name, error.code)
        await _written_down(tool, page, error)
        return _failed(refusal(error))
    except Exception:  # the one place where a bug of ours becomes an answer
        reference = uuid4().hex[:12]
        logger.exception("%s crashed, reference %s", tool.name, reference)
        crash = _crash(reference)
        await _written_down(tool, page, crash)
        return _failed(refusal(crash))
    return CallToolResult(content=[TextContent(text=answer.text)], structured_content=answer.value)


async def _found(
    tool: Tool[Any], schema: Schema, page: Call, context: Context[Any, Any]
) -> BaseModel | Written | InputRequiredResult:
    """What the tool answers, after a person was asked where that has to be."""
    arguments = understood(tool.arguments, schema, page.arguments, reads=tool.kind == "read")
    page.options = arguments if isinstance(arguments, Options) else page.options
    if tool.kind != "read" and (answer := answered(context)) is not None:
        return await _after_asking(page, *answer)
    with call_deadline():
        found = await tool.call(page, arguments)
    if not isinstance(found, Plan) or found.guard is None or not page.asks:
        return found
    said = await ask(context, found)
    if isinstance(said, InputRequiredResult):
        return said
    return await _after_asking(page, found.id, said)


async def _after_asking(page: Call, plan_id: str, said: Said) -> Written:
    """Carry out the plan if the person said yes; the time that they took is not counted."""
    page.change = None
    if said == "nothing":
        return replace(await review_plan(page, plan_id), note="The person was asked and did not answer.")
    if said == "yes":
        with call_deadline():
            return await apply_plan(page, plan_id)
    await decline_plan(page, plan_id)
    raise CallerError(
        "The person said no; nothing was written.",
        code="declined",
        next_step="Ask the person what they want instead.",
    )


async def _written_down(tool: Tool[Any], page: Call, error: TaskhandError) -> None:
    """Put a failed write into the journal."""
    if tool.kind != "read":
        await page.failed(error)


def _caller(context: Context[Any, Any]) -> Caller:
    """The client by the name it gives itself, as far as that is text."""
    params = context.session.client_params
    info = params.client_info if params else None
    return Caller(plain(info.name)[:100], plain(info.version)[:40]) if info else Caller()


def refused(name: str, error: TaskhandError) -> CallToolResult:
    """The answer to a call of a tool that this server does not offer."""
    logger.info("%.60s refused: %s", name, error.code)
    return _failed(refusal(error))


def _crash(reference: str) -> TaskhandError:
    return TaskhandError(
        f"Something went wrong inside Taskhand (reference {reference}).",
        code="internal_error",
        next_step="Check with get_task whether anything was written, and tell the operator the reference.",
    )


def _failed(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)

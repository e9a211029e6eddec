"""The border to MCP: arguments come in checked, answers and errors go out as results that a model can act on."""

import json
import logging
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any
from uuid import uuid4

from mcp.types import CallToolResult, TextContent

from taskhand import patience
from taskhand.errors import CallerError, Candidate, TaskhandError
from taskhand.server.arguments import understood
from taskhand.server.schema import Schema
from taskhand.server.tool import Tool
from taskhand.server.view import compact, refusal
from taskhand.service.desk import Desk

__all__ = ["call", "no_such_tool"]

logger = logging.getLogger(__name__)


async def call(tool: Tool[Any], schema: Schema, desk: Desk, sent: dict[str, Any]) -> CallToolResult:
    """The result of one tool call.

    An error carries no structured content: clients check that against the output schema of an answer, and some do so
    for errors too.
    """
    try:
        arguments = understood(tool.arguments, schema, sent, reads=tool.kind == "read")
        with patience.one_call():
            answer = compact(await tool.call(desk, arguments))
    except TaskhandError as error:
        logger.info("%s refused: %s", tool.name, error.code)
        return _failed(refusal(error))
    except Exception:  # the one place where a bug of ours becomes an answer
        reference = uuid4().hex[:12]
        logger.exception("%s crashed, reference %s", tool.name, reference)
        return _failed(refusal(_crash(reference)))
    return CallToolResult(content=[TextContent(text=answer)], structured_content=json.loads(answer))


def no_such_tool(name: str, names: Sequence[str]) -> CallToolResult:
    """The refusal of a tool that does not exist."""
    near = get_close_matches(name, names, n=3)
    error = CallerError(
        f"There is no tool {name[:60]!r}.",
        code="unknown_tool",
        candidates=[Candidate(other) for other in near or names],
        next_step=f"Call {near[0]}." if near else "Call one of the candidates.",
    )
    return _failed(refusal(error))


def _crash(reference: str) -> TaskhandError:
    return TaskhandError(
        f"Something went wrong inside Taskhand (reference {reference}).",
        code="internal_error",
        next_step="Check with get_task whether anything was written, and tell the operator the reference.",
    )


def _failed(text: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], is_error=True)

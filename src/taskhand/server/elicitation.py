"""Ask the person at the client with an MCP form, in both protocol eras.

In the older era the server sends the question and waits. In the newer era the question is the result of the call, and
the client repeats the call with the answer; the SDK seals the plan's id in the request state.
"""

from typing import Any, Final

import anyio
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from pydantic import ValidationError

from taskhand.call.deadline import time_left
from taskhand.service.ask_person import CONFIRM_FIELD, SHARE_OF_CALL, Approval, AskPerson, Question, to_answer

__all__ = [
    "LINK_STATE",
    "MODERN",
    "answer_in",
    "asker",
    "can_elicit",
    "can_elicit_url",
    "to_input_required",
]

MODERN: Final = "2026-07-28"
"""The first version of the newer era; versions are dates and sort as text."""
LINK_STATE: Final = "link "
"""The prefix of the request state of a call whose person was asked to link a credential; other states are plan ids."""
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {CONFIRM_FIELD: {"type": "boolean", "title": "Carry it out", "default": True}},
}


def can_elicit(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client declared that it can show a form; `elicitation: {}` declares that too."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.elicitation if capabilities else None
    return declared is not None and (declared.form is not None or declared.url is None)


def can_elicit_url(ctx: ServerRequestContext[Any, Any]) -> bool:
    """Whether the client declared that it can ask the person to open a page."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.elicitation if capabilities else None
    return declared is not None and declared.url is not None


def asker(ctx: ServerRequestContext[Any, Any]) -> AskPerson:
    """A function that asks the person behind this request; in the newer era the answer comes with a later call.

    In the older era the call waits for the answer while time remains to act on it. A host may declare the form and
    never show it.
    """

    async def ask(question: Question) -> Approval | None:
        if ctx.protocol_version >= MODERN:
            return None
        with anyio.move_on_after(SHARE_OF_CALL * time_left()):
            try:
                result = await ctx.session.elicit_form(question.text, _FORM, ctx.request_id)
            except (MCPError, ValidationError):  # the client declared the form but cannot show it
                return "none"
            return to_answer(result.action, result.content)
        return "none"

    return ask


def to_input_required(question: Question) -> InputRequiredResult:
    """The question as the result of a call; its answer comes with the next call."""
    form = ElicitRequest(params=ElicitRequestFormParams(message=question.text, requested_schema=_FORM))
    return InputRequiredResult(input_requests={CONFIRM_FIELD: form}, request_state=question.plan_id)


def answer_in(params: CallToolRequestParams) -> tuple[str, Approval] | None:
    """The id of the plan that the person was asked about, and the answer; None in a call without an answer.

    A call whose person was asked to link a credential has none.
    """
    if params.request_state is None or params.input_responses is None or params.request_state.startswith(LINK_STATE):
        return None
    result = params.input_responses.get(CONFIRM_FIELD)
    answer = to_answer(result.action, result.content) if isinstance(result, ElicitResult) else "none"
    return params.request_state, answer

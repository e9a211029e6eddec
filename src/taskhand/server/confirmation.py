"""Asking the person: a plan in words, and the yes or no, in both protocol eras.

No argument that a model can type stands for the person's yes: it comes in the client's own answer to a question, and
in the newer era with a state that the SDK seals for this one call.
"""

from typing import Any, Final, Literal

from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from taskhand.domain.plan import Difference, Plan
from taskhand.domain.text import plain
from taskhand.server.answer import cut

__all__ = ["Said", "answered", "ask", "can_ask", "question"]

Said = Literal["yes", "no", "nothing"]
"""What the person said; nothing where the question was closed, or never shown."""

_MODERN: Final = "2026-07-28"
"""The first version whose questions come as an answer; versions are days, and sort as text."""
_KEY: Final = "confirm"
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {_KEY: {"type": "boolean", "title": "Carry it out", "default": True}},
}
_SAMPLE, _LINE = 5, 160


def can_ask(context: Context[Any, Any]) -> bool:
    """Whether the client has said that it can show a person a form (a bare `elicitation: {}` says so)."""
    declared = context.client_capabilities.elicitation if context.client_capabilities else None
    return declared is not None and (declared.form is not None or declared.url is None)


async def ask(context: Context[Any, Any], plan: Plan) -> Said | InputRequiredResult:
    """What the person says to the plan; in the newer era the question, whose answer comes with the next round."""
    if (context.protocol_version or "") >= _MODERN:
        asked = ElicitRequest(params=ElicitRequestFormParams(message=question(plan), requested_schema=_SCHEMA))
        return InputRequiredResult(input_requests={_KEY: asked}, request_state=plan.id)
    try:
        result = await context.session.elicit_form(question(plan), _SCHEMA, context.request_id)
    except MCPError:  # it cannot be asked after all
        return "nothing"
    return _said(result)


def answered(context: Context[Any, Any]) -> tuple[str, Said] | None:
    """The plan that was asked about and what the person said, in the round that brings the answer; else None."""
    if context.request_state is None or context.input_responses is None:
        return None
    result = context.input_responses.get(_KEY)
    return context.request_state, _said(result) if isinstance(result, ElicitResult) else "nothing"


def question(plan: Plan) -> str:
    """The plan in words: how many tasks, the first few with what changes, and how many more."""
    count = len(plan.differences)
    lines = [f"{plan.guard or 'This change'}: {count} {'task' if count == 1 else 'tasks'}."]
    lines += [f"- {_line(one)}" for one in plan.differences[:_SAMPLE]]
    lines += [f"- and {count - _SAMPLE} more"] if count > _SAMPLE else []
    return "\n".join([*lines, "Carry it out?"])


def _line(one: Difference) -> str:
    title = " ".join(plain(one.title).split())
    changed = "; ".join(f"{change.field}: {_word(change.before)} → {_word(change.after)}" for change in one.changed)
    return cut(f"{one.does} “{cut(title, 60)}”" + (f": {changed}" if changed else ""), _LINE)


def _word(value: object) -> str:
    said = ", ".join(map(str, value)) if isinstance(value, list) else "nothing" if value is None else str(value)
    return cut(" ".join(plain(said).split()), 40) or "nothing"


def _said(result: ElicitResult) -> Said:
    """What an answer means: only what is certainly a yes is one."""
    confirmed = (result.content or {}).get(_KEY, True)  # accepting a form without filling it in is a yes
    if result.action == "decline" or (result.action == "accept" and confirmed is False):
        return "no"
    return "yes" if result.action == "accept" and confirmed is True else "nothing"

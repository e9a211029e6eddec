"""The border to MCP for prompts: which are offered, what is wrong with a request for one, its text."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from mcp.server.mcpserver.prompts import Prompt as SdkPrompt
from mcp.server.mcpserver.prompts.base import PromptArgument

from taskhand.domain.errors import CallerError, Candidate
from taskhand.server.prompt import Occasion, Prompt, quoted
from taskhand.server.prompts import PROMPTS
from taskhand.service.app_context import AppContext

__all__ = ["offered", "refusal", "registered"]


def offered(tools: Collection[str]) -> tuple[Prompt, ...]:
    """The prompts that can be followed with these tools."""
    return tuple(prompt for prompt in PROMPTS if set(prompt.uses) <= set(tools))


def refusal(prompts: Sequence[Prompt], name: str, sent: Mapping[str, str]) -> CallerError | None:
    """What is wrong with a request for a prompt: there is none of that name, or not with these arguments."""
    prompt = next((prompt for prompt in prompts if prompt.name == name), None)
    if prompt is None:
        names = [other.name for other in prompts]
        said = f"The prompts are: {', '.join(names)}." if names else None
        return CallerError(
            f"No prompt {name[:60]!r} is offered here.",
            code="unknown_prompt",
            candidates=[Candidate(other) for other in names],
            next_step=said,
        )
    known = [argument.name for argument in prompt.arguments]
    if others := [argument for argument in sent if argument not in known]:
        return CallerError(
            f"{name} has no argument {others[0][:60]!r}.",
            code="unknown_argument",
            candidates=[Candidate(argument) for argument in known],
            next_step=f"The arguments are: {', '.join(known)}.",
        )
    given = _given(sent)
    for argument in prompt.arguments:
        if argument.required and argument.name not in given:
            return CallerError(f"{argument.name} is required: {argument.description}", code="missing_argument")
    return None


def registered(prompt: Prompt, app: AppContext) -> SdkPrompt:
    """The prompt as the SDK lists and renders it; its arguments were looked at before."""

    async def text(**sent: str) -> str:
        return prompt.text(Occasion(_today(app), app.backend.capabilities), _given(sent))

    return SdkPrompt(
        name=prompt.name,
        title=prompt.title,
        description=prompt.description,
        arguments=[
            PromptArgument(name=one.name, description=one.description, required=one.required)
            for one in prompt.arguments
        ],
        fn=text,
    )


def _given(sent: Mapping[str, str]) -> dict[str, str]:
    """The arguments that say anything, quoted: hosts send an empty text for what was not filled in."""
    return {name: text for name, value in sent.items() if (text := quoted(value))}


def _today(app: AppContext) -> date:
    """The day that it is where due times are meant: the one that lists tell late from early by."""
    now = app.clock()
    return (now.astimezone(ZoneInfo(app.timezone)) if app.timezone else now).date()

"""MCP handlers for prompts: list those that are offered, check the arguments of one, write its text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    PromptArgument,
    PromptMessage,
    TextContent,
)
from mcp.types import Prompt as ListedPrompt

from taskhand.domain.display_text import one_line
from taskhand.domain.errors import CallerError, Candidate, NotAllowed, TaskhandError
from taskhand.server.access import CallerView, ServerContext
from taskhand.server.internal_error import internal_errors
from taskhand.server.prompt import CONNECTION, Argument, Prompt, PromptContext, quote
from taskhand.server.prompts import PROMPTS
from taskhand.server.render.errors import error_sentence
from taskhand.service.app_context import AppContext

__all__ = ["PromptHandlers", "to_listed_prompt"]


@dataclass(frozen=True, slots=True)
class PromptHandlers:
    """The prompts of the served connections: each caller is offered those that it can follow with its tools."""

    served: ServerContext

    async def list_prompts(
        self, ctx: ServerRequestContext[Any, Any], _: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        """Every offered prompt."""
        view = self.served.view(ctx)
        listed = ListPromptsResult(prompts=[to_listed_prompt(prompt) for prompt in _offered_prompts(view)])
        return self.served.access.mark_freshness(listed)

    async def get_prompt(self, ctx: ServerRequestContext[Any, Any], params: GetPromptRequestParams) -> GetPromptResult:
        """The text of one prompt as a message of the person's; MCPError says which argument is wrong."""
        try:
            with internal_errors(f"prompt {params.name}"):
                view = self.served.view(ctx)
                prompt, given = _find(params.name, _offered_prompts(view)), params.arguments or {}
                _check_arguments(prompt, given)
                filled_in = _quote_arguments(given)
                named = (
                    one_line(given[CONNECTION]) if CONNECTION in filled_in and view.connections.are_several else None
                )
                app = view.connections.first if named is None else view.find(named)
                about, lists_events = _describe_connections(view, app, named), view.may_use("list_events")
                context = PromptContext(_local_today(app), app.backend.capabilities, about, lists_events)
                text = prompt.text(context, filled_in)
        except TaskhandError as error:
            code = INVALID_PARAMS if isinstance(error, CallerError | NotAllowed) else INTERNAL_ERROR
            raise MCPError(code, error_sentence(error)) from None
        message = PromptMessage(role="user", content=TextContent(text=text))
        return GetPromptResult(description=prompt.description, messages=[message])


def _offered_prompts(view: CallerView) -> list[Prompt]:
    """The prompts that a caller can follow, with an argument for the connection if the caller has several."""
    followed = [prompt for prompt in PROMPTS if all(map(view.may_use, prompt.uses))]
    if not view.connections.are_several:
        return followed
    names = ", ".join(view.connections.names)
    return [
        replace(
            prompt,
            arguments=(
                *prompt.arguments,
                Argument(CONNECTION, _describe_choice(names, prompt), prompt.needs_connection),
            ),
        )
        for prompt in followed
    ]


def _describe_choice(names: str, prompt: Prompt) -> str:
    return f"Which CRM account: {names}." + ("" if prompt.needs_connection else " All if left out.")


def _describe_connections(view: CallerView, app: AppContext, named: str | None) -> str:
    """The sentence that says which connections the calls are about, "" for a caller that has only one."""
    if not view.connections.are_several:
        return ""
    if named is not None:
        return f'Send connection "{app.connection.name}" with every call.'
    events = " and list_events" if view.may_use("list_events") else ""
    return (
        f"list_tasks{events} without connection answers for all CRM accounts, and each row names its connection: send "
        "that with every call about the task, and one call for each connection where a call is about many."
    )


def _find(name: str, prompts: Sequence[Prompt]) -> Prompt:
    """The prompt of this name; CallerError."""
    for prompt in prompts:
        if prompt.name == name:
            return prompt
    names = [prompt.name for prompt in prompts]
    raise CallerError(
        f"No prompt {name[:60]!r} is offered here.",
        code="unknown_prompt",
        candidates=[Candidate(other) for other in names],
        next_step=f"The prompts are: {', '.join(names)}." if names else None,
    )


def to_listed_prompt(prompt: Prompt) -> ListedPrompt:
    """The prompt as a client lists it."""
    return ListedPrompt(
        name=prompt.name,
        title=prompt.title,
        description=prompt.description,
        arguments=[
            PromptArgument(name=argument.name, description=argument.description, required=argument.required)
            for argument in prompt.arguments
        ],
    )


def _check_arguments(prompt: Prompt, arguments: Mapping[str, str]) -> None:
    """CallerError for an argument that the prompt does not have, and for a required one that is missing."""
    known = [argument.name for argument in prompt.arguments]
    if others := [argument for argument in arguments if argument not in known]:
        raise CallerError(
            f"{prompt.name} has no argument {others[0][:60]!r}.",
            code="unknown_argument",
            candidates=[Candidate(argument) for argument in known],
            next_step=f"The arguments are: {', '.join(known)}.",
        )
    filled_in = _quote_arguments(arguments)
    for argument in prompt.arguments:
        if argument.required and argument.name not in filled_in:
            raise CallerError(f"{argument.name} is required: {argument.description}", code="missing_argument")


def _quote_arguments(arguments: Mapping[str, str]) -> dict[str, str]:
    """The arguments that were filled in, each in quotation marks; hosts send "" for one that was not."""
    return {name: text for name, value in arguments.items() if (text := quote(value))}


def _local_today(app: AppContext) -> date:
    """Today in the zone of due times; lists decide by the same day what is overdue."""
    now = app.clock()
    return (now.astimezone(ZoneInfo(app.timezone)) if app.timezone else now).date()

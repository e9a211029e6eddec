"""MCP handlers for prompts: list those that are offered, check the arguments of one, write its text."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
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

from taskhand.domain.errors import CallerError, Candidate, TaskhandError
from taskhand.server.internal_error import internal_errors
from taskhand.server.prompt import Prompt, PromptContext, quote
from taskhand.server.prompts import PROMPTS
from taskhand.server.render.errors import error_sentence
from taskhand.service.app_context import AppContext

__all__ = ["PromptHandlers", "to_listed_prompt"]


@dataclass(frozen=True, slots=True)
class PromptHandlers:
    """The prompts that are offered on an app context."""

    app: AppContext
    prompts: tuple[Prompt, ...]

    @classmethod
    def of(cls, app: AppContext, tools: Collection[str]) -> "PromptHandlers":
        """The prompts that can be followed with the tools of these names."""
        return cls(app, tuple(prompt for prompt in PROMPTS if set(prompt.uses) <= set(tools)))

    async def list_prompts(
        self, _: ServerRequestContext[Any, Any], __: PaginatedRequestParams | None
    ) -> ListPromptsResult:
        """Every offered prompt."""
        return ListPromptsResult(prompts=[to_listed_prompt(prompt) for prompt in self.prompts])

    async def get_prompt(self, _: ServerRequestContext[Any, Any], params: GetPromptRequestParams) -> GetPromptResult:
        """The text of one prompt as a message of the person's; MCPError says which argument is wrong."""
        try:
            with internal_errors(f"prompt {params.name}"):
                prompt, given = self._find(params.name), params.arguments or {}
                _check_arguments(prompt, given)
                context = PromptContext(_today(self.app), self.app.backend.capabilities)
                text = prompt.text(context, _quoted(given))
        except TaskhandError as error:
            code = INVALID_PARAMS if isinstance(error, CallerError) else INTERNAL_ERROR
            raise MCPError(code, error_sentence(error)) from None
        message = PromptMessage(role="user", content=TextContent(text=text))
        return GetPromptResult(description=prompt.description, messages=[message])

    def _find(self, name: str) -> Prompt:
        """The offered prompt of this name; CallerError."""
        for prompt in self.prompts:
            if prompt.name == name:
                return prompt
        names = [prompt.name for prompt in self.prompts]
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
            PromptArgument(name=one.name, description=one.description, required=one.required)
            for one in prompt.arguments
        ],
    )


def _check_arguments(prompt: Prompt, given: Mapping[str, str]) -> None:
    """CallerError for an argument that the prompt does not have, and for a required one that is missing."""
    known = [argument.name for argument in prompt.arguments]
    if others := [argument for argument in given if argument not in known]:
        raise CallerError(
            f"{prompt.name} has no argument {others[0][:60]!r}.",
            code="unknown_argument",
            candidates=[Candidate(argument) for argument in known],
            next_step=f"The arguments are: {', '.join(known)}.",
        )
    filled_in = _quoted(given)
    for argument in prompt.arguments:
        if argument.required and argument.name not in filled_in:
            raise CallerError(f"{argument.name} is required: {argument.description}", code="missing_argument")


def _quoted(given: Mapping[str, str]) -> dict[str, str]:
    """The arguments that were filled in, each in quotation marks; hosts send "" for one that was not."""
    return {name: text for name, value in given.items() if (text := quote(value))}


def _today(app: AppContext) -> date:
    """Today in the zone of due times; lists decide by the same day what is overdue."""
    now = app.clock()
    return (now.astimezone(ZoneInfo(app.timezone)) if app.timezone else now).date()

"""Records the tool calls that a server receives, from any client."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from pydantic import BaseModel

__all__ = ["Called", "call_writer", "read_calls", "record_calls"]

_METHOD = "tools/call"
_CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Called:
    """One tool call."""

    tool: str
    """The name of the tool."""
    arguments: Mapping[str, Any]
    """The arguments that were sent."""
    answer: str
    """The text of the answer."""
    error: str | None = None
    """The code if the call was refused, else None."""

    @property
    def tokens(self) -> int:
        """The size of the answer, at four characters per token."""
        return len(self.answer) // _CHARACTERS_A_TOKEN

    def __str__(self) -> str:
        """The call on one line, with its error code if it was refused."""
        text = f"{self.tool} {json.dumps(self.arguments, ensure_ascii=False)}"
        return text if self.error is None else f"{text} → {self.error}"


def record_calls(server: Server[Any], write: Callable[[Called], None]) -> Server[Any]:
    """Make the server pass every answered tool call to `write`, including calls that the SDK refuses.

    A call that asks a person first is recorded with its final answer.
    """

    async def listen(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method == _METHOD and (seen := _to_called(ctx.params, _to_json(result))) is not None:
            write(seen)
        return result

    server.middleware.append(listen)
    return server


def call_writer(file: Path) -> Callable[[Called], None]:
    """A function that appends calls to a file, one line of JSON each."""

    def write(called: Called) -> None:
        with file.open("a", encoding="ascii") as lines:
            lines.write(json.dumps(asdict(called)) + "\n")

    return write


def read_calls(file: Path) -> Sequence[Called]:
    """Read the calls of a file; none if the file does not exist."""
    lines = file.read_text(encoding="ascii").splitlines() if file.exists() else []
    return tuple(Called(**json.loads(line)) for line in lines)


def _to_called(params: Mapping[str, Any] | None, result: Mapping[str, Any]) -> Called | None:
    """The call with its answer; None while a person is being asked."""
    if "content" not in result:
        return None
    sent = params or {}
    text = "".join(part.get("text", "") for part in result["content"])
    return Called(
        tool=str(sent.get("name")),
        arguments=dict(sent.get("arguments") or {}),
        answer=text,
        error=_code(text) if result.get("isError") else None,
    )


def _code(text: str) -> str:
    """The error code in a refusal."""
    try:
        return str(json.loads(text)["error"]["code"])
    except (ValueError, TypeError, KeyError):
        return "error"


def _to_json(result: HandlerResult) -> Mapping[str, Any]:
    if isinstance(result, BaseModel):
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)
    return result or {}

"""Every class of error reaches the agent as JSON with its code; a bug of ours is told by a reference alone."""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent
from pydantic import BaseModel

from server.example_calls import VALID
from taskhand.config.settings import Settings
from taskhand.domain import errors
from taskhand.domain.errors import Candidate, TaskhandError
from taskhand.server import app as server_app
from taskhand.server.tool import Tool
from taskhand.server.tools import TOOLS
from taskhand.service.write_call import Call as ToolCall
from taskhand.wiring import open_app


def family(kind: type[TaskhandError]) -> list[type[TaskhandError]]:
    """The class and those below it in `domain/errors`: others have the codes of the class that they are of."""
    below = [one for child in kind.__subclasses__() for one in family(child)]
    return [one for one in (kind, *below) if one.__module__ == errors.__name__]


ERROR_CLASSES = family(TaskhandError)
CODES = {
    "TaskhandError": "error",
    "CallerError": "invalid_arguments",
    "NotFound": "not_found",
    "Ambiguous": "ambiguous",
    "NotAttempted": "not_attempted",
    "OperatorError": "configuration",
    "Forbidden": "forbidden",
    "CommitUnknown": "store_unavailable",
    "NotAllowed": "not_allowed",
    "LinkRequired": "link_required",
    "LinkBroken": "link_broken",
    "UpstreamError": "upstream_error",
    "InvalidAnswer": "upstream_invalid",
    "UpstreamFailed": "upstream_error",
    "RateLimited": "rate_limited",
    "OutcomeUnknown": "outcome_unknown",
    "NoAnswer": "outcome_unknown",
}


def test_every_class_of_error_has_a_code() -> None:
    assert {kind.__name__ for kind in ERROR_CLASSES} == set(errors.__all__) - {"Candidate", "Explanation"} == set(CODES)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
async def test_no_class_of_error_escapes_a_tool(tool: Tool[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    async with failing(tool, monkeypatch) as error_of:
        for kind in ERROR_CLASSES:
            assert await error_of(kind("It went wrong.")) == {
                "code": CODES[kind.__name__],
                "message": "It went wrong.",
                "retryable": kind in (errors.NotAttempted, errors.RateLimited, errors.UpstreamFailed),
            }
            full = kind(
                "It went wrong.",
                code="own_code",
                next_step="Ask Ana.",
                candidates=[Candidate("1", "Ana"), Candidate("2")],
                retryable=True,
                retry_after_s=2.5,
            )
            told = await error_of(full)
            assert told.pop("untrusted")["fields"] == ["candidates.name"]
            assert told == {
                "code": "own_code",
                "message": "It went wrong.",
                "candidates": [{"value": "1", "name": "Ana"}, {"value": "2"}],
                "next": "Ask Ana.",
                "retryable": True,
                "retry_after_s": 3,
            }


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
async def test_a_bug_of_ours_is_reported_by_a_reference_alone(
    tool: Tool[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with failing(tool, monkeypatch) as error_of:
        error = await error_of(RuntimeError("Internal server error, after all"))
    reference = re.search(r"reference ([0-9a-f]{12})", error["message"])
    assert (error["code"], error["retryable"]) == ("internal_error", False)
    assert "after all" not in json.dumps(error)
    assert reference is not None
    assert reference[1] in caplog.text


@asynccontextmanager
async def failing(
    tool: Tool[Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[Exception], Awaitable[dict[str, Any]]]]:
    """What the agent reads when the tool ends with an error."""
    ends: list[Exception] = []

    async def run(_call: ToolCall, _arguments: Any) -> BaseModel:
        raise ends.pop()

    async def error_of(error: Exception) -> dict[str, Any]:
        ends.append(error)
        result = await client.call_tool(tool.name, VALID[tool.name])
        assert (result.is_error, result.structured_content) == (True, None)
        assert [type(part) for part in result.content] == [TextContent]
        read = json.loads("".join(part.text for part in result.content if isinstance(part, TextContent)))
        assert set(read) == {"error"}
        return dict(read["error"])

    monkeypatch.setattr(server_app, "tool_table", lambda *, several: [tool._replace(run=run)] if not several else [])
    with TemporaryDirectory() as folder:
        async with (
            open_app(Settings(db=Path(folder) / "tasks.sqlite")) as app,
            Client(server_app.create_server(app)) as client,
        ):
            yield error_of

"""An agent of the suite: it calls tools by name, and gets structured answers or readable errors."""

import json
from typing import Any

from mcp import Client
from mcp.types import TextContent

from taskhand.domain.capabilities import Capabilities

__all__ = ["Agent", "Refused"]

ORDINARY = Capabilities()


class Refused(Exception):
    """A tool's error, as the JSON that the agent reads."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error.get("message"))
        self.error = error
        self.code = error["code"]
        self.next = error.get("next", "")

    @property
    def values(self) -> list[str]:
        """The values of the candidates."""
        return [candidate["value"] for candidate in self.error.get("candidates", ())]


class Agent:
    """Calls tools over one connection."""

    def __init__(self, client: Client, needs: dict[str, Any] | None = None, can: Capabilities = ORDINARY) -> None:
        """`needs` are arguments that this backend requires for a new task; they are added to the test's own.

        `can` is what the backend can express.
        """
        self.client = client
        self.can = can
        self.needs = needs or {}

    async def __call__(self, tool: str, /, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool; Refused where it answers with an error."""
        arguments = self.needs | arguments if tool == "create_task" else arguments
        if tool == "create_tasks":
            arguments |= {"tasks": [self.needs | body for body in arguments["tasks"]]}
        result = await self.client.call_tool(tool, arguments)
        text = "".join(part.text for part in result.content if isinstance(part, TextContent))
        if result.is_error:
            raise Refused(json.loads(text)["error"])
        assert result.structured_content == json.loads(text)
        answer: dict[str, Any] = result.structured_content
        return answer

    async def refusal(self, tool: str, /, **arguments: Any) -> str | None:
        """The code of the error that a tool answers with; None where it does what it was called for."""
        try:
            await self(tool, **arguments)
        except Refused as refused:
            return str(refused.code)
        return None

    async def create(self, title: str = "Call Acme", **body: Any) -> dict[str, Any]:
        """A new task with the required fields filled in."""
        given = {"title": title, "responsibleIds": ["me"], "priority": "1"} | body
        task: dict[str, Any] = (await self("create_task", **given))["task"]
        return task

    async def read(self, task_id: str) -> dict[str, Any]:
        """The whole task with this id."""
        task: dict[str, Any] = (await self("get_task", id=task_id))["task"]
        return task

    async def listed(self, **filters: Any) -> list[str]:
        """The titles on all pages of a list."""
        titles: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await self("list_tasks", **filters, **cursor)
            titles += [row["title"] for row in answer["tasks"]]
            if "nextCursor" not in answer:
                return titles
            cursor = {"cursor": answer["nextCursor"]}

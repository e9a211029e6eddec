"""A tool-calling loop in the OpenAI style around any MCP client, with a stand-in for the model: no network, no key.

Usage: python run.py STORE_FILE

To use a real model, put a call such as this in the place of `StandIn`; it takes and gives the same messages:

    answer = await openai.chat.completions.create(model=..., messages=messages, tools=tools)
    return answer.choices[0].message.model_dump(exclude_none=True)
"""

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import TextContent, Tool

Message = dict[str, Any]
Model = Callable[[Sequence[Message], Sequence[Message]], Awaitable[Message]]

MAX_TURNS = 20


def offered(tools: Sequence[Tool]) -> list[Message]:
    """The tools as a chat completion takes them: Taskhand's input schemas are ones that every provider accepts."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
        }
        for tool in tools
    ]


async def converse(client: Client, model: Model, said: str) -> str:
    """Let the model call tools until it has nothing more to do; its last words."""
    tools = offered((await client.list_tools()).tools)
    messages: list[Message] = [
        {"role": "system", "content": client.instructions},
        {"role": "user", "content": said},
    ]
    for _ in range(MAX_TURNS):
        message = await model(messages, tools)
        messages.append(message)
        if not message.get("tool_calls"):
            return str(message["content"])
        messages += [await called(client, call) for call in message["tool_calls"]]
    raise RuntimeError("the model does not come to an end")


async def called(client: Client, call: Message) -> Message:
    """The answer to one tool call; a refusal is an answer too, which says what to do next."""
    result = await client.call_tool(call["function"]["name"], json.loads(call["function"]["arguments"]))
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    return {"role": "tool", "tool_call_id": call["id"], "content": text}


class StandIn:
    """Plays a model that was told to put a task down and tick it off: each turn depends on what was answered."""

    async def __call__(self, messages: Sequence[Message], tools: Sequence[Message]) -> Message:
        """The next message, as a chat completion gives it."""
        assert {"create_task", "complete_task"} <= {tool["function"]["name"] for tool in tools}
        answers = [json.loads(message["content"]) for message in messages if message["role"] == "tool"]
        match answers:
            case []:
                body = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}
                return self._calls("create_task", body)
            case [{"task": {"id": task_id}}]:
                return self._calls("complete_task", {"id": task_id})
            case _:
                status = answers[-1]["task"]["status"]
                return {"role": "assistant", "content": f"Call Acme is put down and {status}."}

    @staticmethod
    def _calls(tool: str, arguments: Message) -> Message:
        function = {"name": tool, "arguments": json.dumps(arguments)}
        return {"role": "assistant", "tool_calls": [{"id": f"call_{tool}", "type": "function", "function": function}]}


async def main(store: str) -> None:
    """Start Taskhand as a host would, and let the stand-in work with it."""
    server = StdioServerParameters(command=sys.executable, args=["-m", "taskhand", "--db", store])
    async with Client(server) as client:
        print(await converse(client, StandIn(), "Put down that I call Acme, then tick it off."))


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its argument
        sys.exit("Usage: python run.py STORE_FILE")
    anyio.run(main, sys.argv[1])

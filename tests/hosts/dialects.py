"""The wire formats of three model providers, as far as their hosts use them: what a request offers, and a reply."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["ANTHROPIC", "GEMINI", "OPENAI", "Dialect", "Json"]

Json = Mapping[str, Any]


class Dialect(Protocol):
    """One provider: reads requests of its hosts, and writes replies."""

    path: str
    """What the path of a request for a reply contains."""

    def tools(self, body: Json) -> Sequence[Json]:
        """The declarations of Taskhand's tools in a request."""

    def answers(self, body: Json) -> Sequence[str]:
        """The answers to the calls so far, as the model is given them."""

    def read(self, answer: str) -> Json:
        """The JSON of Taskhand in an answer; ValueError where the host has not passed it on."""

    def reply(self, call: tuple[str, Json] | None, number: int, body: Json) -> tuple[str, bytes]:
        """The content type and the body of a reply: a call, or a closing word."""


def _events(events: Iterable[tuple[str, Json]]) -> tuple[str, bytes]:
    lines = ((f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n" for name, data in events)
    return "text/event-stream", "".join(lines).encode()


def _texts(content: Any) -> str:
    """The text of an answer that is a string or a list of blocks."""
    if isinstance(content, str):
        return content
    return "\n".join(block.get("text") or json.dumps(block) for block in content)


def _object(text: str) -> Json:
    found: Json = json.loads(text)
    return found


class _Anthropic:
    path = "/v1/messages"

    def tools(self, body: Json) -> Sequence[Json]:
        return [tool for tool in body.get("tools", []) if str(tool.get("name")).startswith("mcp__taskhand__")]

    def answers(self, body: Json) -> Sequence[str]:
        blocks = [block for message in body["messages"] for block in _blocks(message["content"])]
        return [_texts(block["content"]) for block in blocks if block.get("type") == "tool_result"]

    def read(self, answer: str) -> Json:
        return _object(answer)

    def reply(self, call: tuple[str, Json] | None, number: int, body: Json) -> tuple[str, bytes]:
        block: Json = {"type": "text", "text": ""}
        delta: Json = {"type": "text_delta", "text": "done"}
        if call:
            name = call[0] if call[0] == "ToolSearch" else f"mcp__taskhand__{call[0]}"
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
        stop = {"stop_reason": "tool_use" if call else "end_turn", "stop_sequence": None}
        usage = {"input_tokens": 1, "output_tokens": 1}
        message: Json = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
        message = {**message, "model": body.get("model"), "stop_reason": None, "stop_sequence": None, "usage": usage}
        events: list[tuple[str, Json]] = [
            ("message_start", {"message": message}),
            ("content_block_start", {"index": 0, "content_block": block}),
            ("content_block_delta", {"index": 0, "delta": delta}),
            ("content_block_stop", {"index": 0}),
            ("message_delta", {"delta": stop, "usage": {"output_tokens": 1}}),
            ("message_stop", {}),
        ]
        return _events((name, {"type": name} | dict(data)) for name, data in events)


def _blocks(content: Any) -> Sequence[Json]:
    return content if isinstance(content, list) else []


class _Gemini:
    path = "enerateContent"

    def tools(self, body: Json) -> Sequence[Json]:
        offered = [one for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
        return [tool for tool in offered if tool["name"].startswith("mcp_taskhand_")]

    def answers(self, body: Json) -> Sequence[str]:
        parts = [part for content in body["contents"] for part in content.get("parts", [])]
        found = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
        return [answer.get("output") or answer["error"] for answer in found]

    def read(self, answer: str) -> Json:
        if answer.startswith("<untrusted_context>"):
            return _object(answer.removeprefix("<untrusted_context>").removesuffix("</untrusted_context>"))
        [part] = json.loads(answer.partition(" with response: ")[2])
        return _object(part["functionResponse"]["response"]["content"][0]["text"])

    def reply(self, call: tuple[str, Json] | None, number: int, body: Json) -> tuple[str, bytes]:
        del number, body
        part: Json = {"text": "done"}
        if call:
            # The host adds this argument to every tool, and passes it on to the server.
            arguments = {**call[1], "wait_for_previous": True}
            part = {"functionCall": {"name": f"mcp_taskhand_{call[0]}", "args": arguments}}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        return _events([("", {"candidates": [candidate], "usageMetadata": usage})])


class _OpenAi:
    path = "/responses"

    def tools(self, body: Json) -> Sequence[Json]:
        return [tool for tool in body.get("tools", []) if tool.get("name") == "mcp__taskhand"]

    def answers(self, body: Json) -> Sequence[str]:
        return [_texts(item["output"]) for item in body["input"] if item.get("type") == "function_call_output"]

    def read(self, answer: str) -> Json:
        return _object(answer.partition("Output:\n")[2])

    def reply(self, call: tuple[str, Json] | None, number: int, body: Json) -> tuple[str, bytes]:
        del body
        text = {"type": "output_text", "text": "done", "annotations": []}
        item: Json = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}
        if call:
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "status": "completed"}
            item |= {"namespace": "mcp__taskhand", "name": call[0], "arguments": json.dumps(call[1])}
        usage: dict[str, Any] = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
        response = {"id": "resp_1", "object": "response", "status": "completed", "output": [item], "usage": usage}
        events: list[tuple[str, Json]] = [
            ("response.created", {"response": {"id": "resp_1", "status": "in_progress"}}),
            ("response.output_item.added", {"output_index": 0, "item": item}),
            ("response.output_item.done", {"output_index": 0, "item": item}),
            ("response.completed", {"response": response}),
        ]
        return _events((name, {"type": name} | dict(data)) for name, data in events)


ANTHROPIC, GEMINI, OPENAI = _Anthropic(), _Gemini(), _OpenAi()

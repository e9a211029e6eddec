"""The prompts and resources as a host receives them, and as they are kept in snapshots."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import anyio
from mcp import Client
from mcp.types import PromptMessage, TextContent, TextResourceContents
from pydantic import BaseModel

from server.surface import BACKENDS, SNAPSHOTS, snapshot
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.wiring import open_app

__all__ = ["FILLED_IN", "prompt_text", "read_json", "snapshot_files", "to_wire"]

FILLED_IN: dict[str, dict[str, str]] = {
    "daily_briefing": {},
    "overdue_sweep": {"member": "Ana Soto"},
    "hand_over": {"from": "Ana Soto", "to": "Luis Pereira"},
}
"""What a person has filled in where a prompt's text is kept."""

_NOON = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
_Seen = TypeVar("_Seen")


def snapshot_files() -> dict[Path, str]:
    """The snapshot of each prompt and each resource, by its file."""
    prompts = {f"prompts/{prompt['name']}": prompt for prompt in _seen(_prompts)}
    resources = {f"resources/{resource['name']}": resource for resource in _seen(_resources)}
    resources["resources/capabilities"] |= {
        "reads": {name: _seen(_capabilities, **settings) for name, settings in BACKENDS.items()}
    }
    return {SNAPSHOTS / f"{name}.json": snapshot(listed) for name, listed in (prompts | resources).items()}


def to_wire(value: BaseModel) -> dict[str, Any]:
    """A value of the protocol as it is sent."""
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def prompt_text(client: Client, name: str, arguments: dict[str, str] | None = None) -> str:
    """The text of a prompt, which is one message of the person's."""
    [message] = (await client.get_prompt(name, arguments)).messages
    assert isinstance(message, PromptMessage)
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def read_json(client: Client, uri: str) -> dict[str, Any]:
    """What a resource holds."""
    [part] = (await client.read_resource(uri)).contents
    assert isinstance(part, TextResourceContents)
    assert (part.uri, part.mime_type) == (uri, "application/json")
    read: dict[str, Any] = json.loads(part.text)
    return read


async def _prompts(client: Client) -> list[dict[str, Any]]:
    listed = [to_wire(prompt) for prompt in (await client.list_prompts()).prompts]
    filled_in = [FILLED_IN[prompt["name"]] for prompt in listed]
    texts = [await prompt_text(client, prompt["name"], given) for prompt, given in zip(listed, filled_in, strict=True)]
    return [
        prompt | {"filled in": given, "text": text.split("\n")}
        for prompt, given, text in zip(listed, filled_in, texts, strict=True)
    ]


async def _resources(client: Client) -> list[dict[str, Any]]:
    return [
        to_wire(resource)
        for resource in [
            *(await client.list_resources()).resources,
            *(await client.list_resource_templates()).resource_templates,
        ]
    ]


async def _capabilities(client: Client) -> dict[str, Any]:
    return await read_json(client, "taskhand://capabilities")


def _seen(look: Callable[[Client], Awaitable[_Seen]], **settings: Any) -> _Seen:
    """What a host sees of a server with these settings, on a store of its own; nothing of it connects."""

    async def looking() -> _Seen:
        with TemporaryDirectory() as folder:
            chosen = Settings(db=Path(folder) / "tasks.sqlite", clock=_NOON, **settings)
            async with open_app(chosen) as at, Client(create_server(at)) as client:
                return await look(client)

    return anyio.run(looking)

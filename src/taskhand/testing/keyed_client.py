"""A client that calls a server over HTTP with a key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation

__all__ = ["connect_with_key", "is_key_refused"]


@asynccontextmanager
async def connect_with_key(url: str, key: str, *, name: str = "taskhand") -> AsyncIterator[Client]:
    """A client of the server at `url` that sends this key with every request; `name` is what it calls itself."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, follow_redirects=False) as http,
        Client(
            streamable_http_client(url, http_client=http), client_info=Implementation(name=name, version="1")
        ) as client,
    ):
        yield client


async def is_key_refused(url: str, key: str) -> bool:
    """Whether the server answers a request with this key with 401."""
    async with httpx2.AsyncClient() as http:
        answer = await http.post(url, headers={"Authorization": f"Bearer {key}"}, json={})
    return answer.status_code == httpx2.codes.UNAUTHORIZED

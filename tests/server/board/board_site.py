"""The board's site in this process, on a socket of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2

from backends.sandboxed_app import TRUST
from taskhand.config.settings import Settings
from taskhand.server.access import EVERYONE, Access
from taskhand.server.app import create_server
from taskhand.server.board.site_server import serve_board
from taskhand.service.app_context import AppContext
from taskhand.wiring import open_app

__all__ = ["START", "Site", "open_site"]

START: Sequence[Mapping[str, Any]] = ({"name": "list_tasks", "arguments": {}},)


@dataclass
class Site:
    """A running site: its application, its address, and a browser that is not admitted yet."""

    app: AppContext
    address: str
    http: httpx2.AsyncClient
    session: str | None = None

    @property
    def origin(self) -> str:
        """Its own origin."""
        return self.address.partition("/#")[0]

    @property
    def port(self) -> int:
        """Where it is served."""
        return urlsplit(self.address).port or 0

    @property
    def token(self) -> str:
        """The token of the address."""
        return self.address.partition("#")[2]

    async def send(self, path: str, body: Any, headers: Mapping[str, str | None] | None = None) -> httpx2.Response:
        """What a page of the site sends; `headers` are others, None where one is left out."""
        session = {"Authorization": f"Bearer {self.session}"} if self.session else {}
        own = {"Content-Type": "application/json", "Origin": self.origin} | session | dict(headers or {})
        sent = {name: value for name, value in own.items() if value is not None}
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        return await self.http.post(path, headers=sent, **content)

    async def admit(self, token: str | None = None) -> httpx2.Response:
        """Bring the token, or another one."""
        answer = await self.send("/session", {"token": self.token if token is None else token})
        if answer.status_code == 200:
            self.session = answer.json()["session"]
        return answer

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """What a call of the page is answered with."""
        answer = await self.send("/call", {"name": tool, "arguments": arguments})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def open_site(
    folder: Path, access: Access = EVERYONE, start: Sequence[Mapping[str, Any]] = START, **settings: Any
) -> AsyncIterator[Site]:
    """A board on a built-in store with these settings, for the caller of `access`; `start` are its first calls."""
    async with open_app(Settings(db=folder / "tasks.sqlite", **settings)) as app:
        server = create_server(app, access=access)
        async with (
            serve_board(server, start) as (address, serve),
            httpx2.AsyncClient(base_url=address.partition("/#")[0], verify=TRUST) as http,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(serve)
            yield Site(app, address, http)
            tasks.cancel_scope.cancel()

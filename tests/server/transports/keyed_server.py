"""A server over HTTP in this process that asks callers for keys, and callers with keys, in both protocol eras."""

import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx2

from backends.sandboxed_app import TRUST
from fixed_clock import FixedClock
from server.transports.server_process import HELLO, META, Message
from taskhand.config.settings import Settings
from taskhand.http.upstream import Runtime
from taskhand.keys.key import Key, KeyText, make_key_text
from taskhand.keys.key_check import KeyCheck
from taskhand.keys.key_options import read_scopes
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.server.access import EVERYONE, Access
from taskhand.server.app import create_server
from taskhand.server.linking.routes import LinkPages
from taskhand.server.transports.bearer_auth import Authentication
from taskhand.server.transports.host_names import ListenAddress
from taskhand.server.transports.http import Endpoint, SideRoutes, serve_http
from taskhand.server.transports.http_limits import HttpLimits
from taskhand.server.transports.key_auth import KeyAuth
from taskhand.service.app_context import AppContext
from taskhand.service.connections import Connections
from taskhand.service.readiness import ServerReadiness
from taskhand.vault.links_of_persons import Links
from taskhand.wiring import open_app
from time_limits import BOUND_S

if TYPE_CHECKING:
    from taskhand.backends.local.backend import LocalBackend

__all__ = ["ERAS", "OLDER", "KeyCaller", "KeyedServer", "asking_server", "keyed_server"]

NEWER, OLDER = "2026-07-28", "2025-11-25"
ERAS = (NEWER, OLDER)
_LIMITS = HttpLimits()
NO_CRM: Mapping[str, str] = {}
_ACCEPTS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
_PAGES: Message = {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}


@dataclass
class KeyCaller:
    """Calls with one key in one era; `text` is None for a caller without any.

    `asks` is whether it can ask a person, and `shows_pages` whether it can show a page.
    """

    http: httpx2.AsyncClient
    text: str | None
    era: str = NEWER
    session: str | None = None
    asks: bool = False
    shows_pages: bool = False
    ids: Iterator[int] = field(default_factory=lambda: count(1), repr=False)
    """Of requests: no two of a session may have the same."""

    @property
    def headers(self) -> dict[str, str]:
        """What every request of this caller carries."""
        key = {"Authorization": f"Bearer {self.text}"} if self.text is not None else {}
        session = {"Mcp-Session-Id": self.session} if self.session else {}
        return _ACCEPTS | {"MCP-Protocol-Version": self.era} | session | key

    @property
    def capabilities(self) -> Message:
        """What this caller says that it can do."""
        return ({"elicitation": {}} if self.asks else {}) | ({"extensions": _PAGES} if self.shows_pages else {})

    async def post(self, method: str, **params: Any) -> httpx2.Response:
        """One request as it is answered."""
        body, headers = self.request(method, **params)
        return await self.http.post("/mcp", json=body, headers=headers)

    def request(self, method: str, **params: Any) -> tuple[Message, dict[str, str]]:
        """The body and the headers of one request."""
        named = params.get("name", params.get("uri"))
        more = {"Mcp-Method": method} | ({} if named is None else {"Mcp-Name": str(named)})
        more = more if self.era == NEWER else {}
        meta = {"_meta": META | {_CAPABILITIES: self.capabilities}} if self.era == NEWER else {}
        return {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": params | meta}, self.headers | more

    async def open(self) -> "KeyCaller":
        """Begin a session where the era has sessions; this caller."""
        if self.era == OLDER:
            opened = await self.post("initialize", **HELLO | {"capabilities": self.capabilities})
            assert opened.status_code == 200, opened.text
            self.session = opened.headers.get("mcp-session-id")
        return self

    async def ask(self, method: str, **params: Any) -> Message:
        """The message that a request is answered with."""
        answered = await self.post(method, **params)
        assert answered.status_code == 200, answered.text
        message: Message = json.loads(answered.text.rpartition("\ndata: ")[2].removeprefix("data: "))
        return message

    async def call(self, tool: str, **arguments: Any) -> Message:
        """The structured answer of a tool, or its error."""
        result = (await self.ask("tools/call", name=tool, arguments=arguments))["result"]
        answer: Message = result.get("structuredContent") or json.loads(result["content"][0]["text"])["error"]
        return answer

    async def tools(self) -> list[str]:
        """The names of the tools that are listed."""
        return [tool["name"] for tool in (await self.ask("tools/list"))["result"]["tools"]]


@dataclass
class KeyedServer:
    """A running server: its application, its keys, and what it said at its start."""

    app: AppContext
    keys: SqliteKeyStore
    clock: FixedClock
    http: httpx2.AsyncClient
    said: list[str] = field(default_factory=list)

    async def make_key(
        self, person: str = "ana@x.test", scopes: str = "read,write,destructive", **lasts: float
    ) -> KeyText:
        """A new key, as another process makes it; its holder is a member of the team."""
        store = cast("LocalBackend", self.app.backend)
        if person not in {member.email for member in await store.account.members()}:
            await store.edit(lambda directory: directory.add_member(person.partition("@")[0], person))
        new = make_key_text()
        expires_at = self.clock() + timedelta(**lasts) if lasts else None
        await self.keys.add(Key(new.id, person, read_scopes(scopes), self.clock(), expires_at), new.hash)
        return new

    async def revoke(self, key: KeyText) -> None:
        """Revoke a key, as another process does."""
        await self.keys.revoke([key.id], self.clock())

    async def caller(self, key: KeyText | str | None, era: str = NEWER, *, shows_pages: bool = False) -> KeyCaller:
        """A caller with this key, or with this text in its place."""
        text = key.text if isinstance(key, KeyText) else key
        return await KeyCaller(self.http, text, era, shows_pages=shows_pages).open()


@asynccontextmanager
async def asking_server(
    folder: Path,
    auth: Authentication,
    *,
    keeps_sessions: bool = True,
    limits: HttpLimits = _LIMITS,
    access: Access = EVERYONE,
    port: int = 0,
    crm: Mapping[str, str] = NO_CRM,
    links: Links | None = None,
    runtime: Runtime | None = None,
    pages: LinkPages | None = None,
) -> AsyncIterator[tuple[AppContext, httpx2.AsyncClient, list[str]]]:
    """A server in this process that asks callers as `auth` does; its client, and what it said at its start.

    `crm` are the variables of a CRM in place of the built-in store, `links` the own credentials for it, and `runtime`
    is how it is waited for. `pages` are where persons link credentials.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    said: list[str] = []
    listening = anyio.Event()

    def announce(text: str) -> None:
        said.append(text)
        if len(said) > 1:
            listening.set()

    try:
        settings = Settings.from_env({"TASKHAND_DB": str(folder / "tasks.sqlite")} | dict(crm))
        async with open_app(settings, runtime=runtime, links=links) as app:
            server = create_server(app, keeps_sessions=keeps_sessions, access=access)
            serve: Callable[..., Any] = partial(
                serve_http, beside=SideRoutes(ServerReadiness.of(Connections.of(app)).check, pages=pages)
            )
            endpoint = Endpoint(
                ListenAddress("127.0.0.1", port), limits, auth=auth, keeps_sessions=keeps_sessions, announce=announce
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(serve, server, endpoint, anyio.lowlevel.checkpoint)
                with anyio.fail_after(BOUND_S):
                    await listening.wait()
                base = said[0].split()[-1].removesuffix("/mcp")
                async with httpx2.AsyncClient(base_url=base, timeout=BOUND_S, verify=TRUST) as http:
                    yield app, http, said
                tasks.cancel_scope.cancel()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


@asynccontextmanager
async def keyed_server(
    folder: Path,
    *,
    keeps_sessions: bool = True,
    look_every_s: float = 0.01,
    path: Path | None = None,
    limits: HttpLimits = _LIMITS,
) -> AsyncIterator[KeyedServer]:
    """The server in this process; keys are made and revoked through a store that is not its own."""
    file, clock = path or folder / "keys.sqlite", FixedClock(datetime.now().astimezone())
    theirs, ours = SqliteKeyStore(file), SqliteKeyStore(file)
    auth = KeyAuth(KeyCheck(ours, clock), look_every_s=look_every_s)
    try:
        async with asking_server(folder, auth, keeps_sessions=keeps_sessions, limits=limits) as (app, http, said):
            yield KeyedServer(app, theirs, clock, http, said)
    finally:
        await theirs.aclose()
        await ours.aclose()

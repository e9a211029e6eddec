"""The pages on three CRM accounts, `north` of Close, `chat` of Vambe and `hub` of HubSpot, and browsers at them."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path

import httpx2
from starlette.applications import Starlette

from backends.sandboxed_app import TRUST
from fixed_clock import FixedClock
from sandbox.close.served_sandbox import ANA, BEN, SEED, user
from sandbox.hubspot.served_sandbox import SEED as OF_HUBSPOT
from taskhand.cli.authentication import AuthOptions
from taskhand.cli.link_pages import open_linking
from taskhand.config.data_files import keys_path
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.domain.link_offer import OfferState
from taskhand.domain.principal import Person
from taskhand.keys.key import Key, make_key_text
from taskhand.keys.sqlite import SqliteKeyStore
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import VambeSandbox
from taskhand.server.linking.link_flow import Linking
from taskhand.server.linking.link_method import BrowserSignIn
from taskhand.server.linking.routes import LinkPages
from taskhand.server.transports.host_names import ListenAddress
from taskhand.state import open_links
from taskhand.vault.links_of_persons import Links
from taskhand.wiring import open_connections
from vault.vaults import KEY

__all__ = ["ANA", "BASE", "BEN", "CAT", "EVE", "HOSTILE", "Browser", "LinkSite", "open_link_site", "text_of"]

BASE = "https://tasks.example.com"
CAT, EVE = "user_cat", "user_eve"
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e\u200b\n{crm}&amp;" + "M" * 300
"""A name that would do something if it were read as anything but text."""
_USERS = {"users": [*SEED["users"], user(CAT, "Cat"), user(EVE, HOSTILE, email="eve@example.com")]}
NO_LINES: Mapping[str, Mapping[str, str]] = {}


@dataclass
class Browser:
    """A browser with its own cookies, which follows what the pages say as far as it is told to."""

    http: httpx2.AsyncClient
    shown: httpx2.Response | None = field(default=None, init=False)

    async def open(self, address: str, **headers: str) -> httpx2.Response:
        """Open an address, and where it is sent on, that one."""
        self.shown = await self.http.get(address, headers=headers, follow_redirects=True)
        return self.shown

    async def send(self, address: str, secret: str = "", **changed: str) -> httpx2.Response:
        """Send the form that is shown, with these fields changed, and go where that leads."""
        assert self.shown is not None
        fields = self.fields() | {"secret": secret} | changed
        self.shown = await self.http.post(address, data=fields, follow_redirects=True)
        return self.shown

    @property
    def goes_to(self) -> str:
        """Where the page that is shown sends the browser by itself."""
        assert self.shown is not None
        [found] = re.findall(r'<meta http-equiv="refresh" content="0;url=([^"]*)">', self.shown.text)
        return unescape(found)

    def fields(self) -> dict[str, str]:
        """The hidden fields of the form that is shown."""
        assert self.shown is not None
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.shown.text))


@dataclass
class LinkSite:
    """What the pages work on; `accounts` are the sandboxes."""

    linking: Linking
    links: Links
    close: CloseSandbox
    vambe: VambeSandbox
    hubspot: HubSpotSandbox
    clock: FixedClock
    keys: SqliteKeyStore
    app: Starlette
    found: Configuration
    stack: AsyncExitStack = field(repr=False)

    async def ticket(self, person: str | Person = "ben@example.com", connection: str = "north") -> str:
        """The address of a new page, without the host."""
        named = Person.parse(person) if isinstance(person, str) else person
        offer = await self.linking.offer(named, connection)
        assert offer is not None
        assert offer.url.startswith(f"{BASE}/link/")
        return offer.url.removeprefix(BASE)

    async def allow(self, address: str, user: str, decision: str = "allow") -> str:
        """Answer the CRM's page as one of its users; where the CRM sends the browser back to."""
        async with httpx2.AsyncClient(verify=TRUST) as http:
            answered = await http.post(address, data={"user": user, "decision": decision})
        assert answered.status_code == 302, answered.text
        return str(answered.headers["location"])

    async def browser(self, base: str = BASE) -> Browser:
        """Another browser."""
        transport = httpx2.ASGITransport(app=self.app)
        return Browser(await self.stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url=base)))

    async def make_key(self, person: str) -> str:
        """A key of a caller."""
        new = make_key_text()
        await self.keys.add(Key(new.id, person, frozenset({"read"}), self.clock()), new.hash)
        return new.text

    def token(self, member: str) -> str:
        """A credential of a user of Close."""
        return str(self.close.authorization.sign_in(member, self.close.now())["access_token"])

    async def state(self, page: str) -> OfferState:
        """What whoever offered the page knows of it."""
        ticket = await self.linking.tickets.find(page.rpartition("/")[2])
        assert ticket is not None
        return await self.linking.find_state(ticket.id, ticket.person)

    async def linked(self) -> dict[tuple[str, str], str | None]:
        """Who has linked what, and who each is there."""
        return {(link.person, link.connection): link.member.id for link in await self.links.list()}


@asynccontextmanager
async def open_link_site(
    folder: Path,
    *kinds: str,
    lines: Mapping[str, Mapping[str, str]] = NO_LINES,
    base: str = BASE,
    has_apps: bool = False,
    sign_in: BrowserSignIn | None = None,
) -> AsyncIterator[LinkSite]:
    """The pages as a server has them that asks callers for credentials of these kinds; `lines` are people.toml.

    `has_apps` is whether there are OAuth apps of Close and HubSpot, `sign_in` what signs persons in.
    """
    close, vambe, clock = CloseSandbox(seed=SEED | _USERS), VambeSandbox(), FixedClock()
    hubspot = HubSpotSandbox(seed=OF_HUBSPOT)
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serve_sandbox(one)) for one in (close, vambe, hubspot)]
        tables = [
            f'[connections.north]\nbackend = "close"\napi_key = "{close.key}"\nbase_url = "{urls[0]}/api/v1"\n',
            f'[connections.chat]\nbackend = "vambe"\napi_key = "{vambe.key}"\nbase_url = "{urls[1]}"\n',
            f'[connections.hub]\nbackend = "hubspot"\naccess_token = "{hubspot.token}"\nbase_url = "{urls[2]}"\n',
        ]
        for number, oauth in ((0, close.authorization.app), (2, hubspot.authorization.app)) if has_apps else ():
            tables[number] += f'client_id = "{oauth.client_id}"\nclient_secret = "{oauth.client_secret}"\n'
        (folder / "taskhand.toml").write_text("".join(tables), encoding="utf-8")
        given = {
            "TASKHAND_CONFIG": str(folder / "taskhand.toml"),
            "TASKHAND_VAULT_KEY": KEY,
            "TASKHAND_KEYS": str(folder / "keys.sqlite"),
            "TASKHAND_JOURNAL": str(folder / "journal.sqlite"),
        }
        found = load_configuration(given, {})
        links, keys = open_links(found.settings, clock), SqliteKeyStore(keys_path(found.settings))
        for one in (links, keys):
            stack.push_async_callback(one.aclose)
        connections = await stack.enter_async_context(open_connections(found.connections, links=links))
        auth = AuthOptions(kinds or ("keys",), resource=f"{base}/mcp")
        linking = await open_linking(
            found,
            stack,
            connections=connections,
            links=links,
            memberships=lambda: lines,
            auth=auth,
            sign_in=sign_in,
            clock=clock,
        )
        app = Starlette(routes=LinkPages(linking).routes(None, ListenAddress("127.0.0.1", 0).allows_host))
        yield LinkSite(linking, links, close, vambe, hubspot, clock, keys, app, found, stack)


def text_of(page: httpx2.Response) -> str:
    """What a page says, without its marks."""
    body = page.text.partition("<main>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

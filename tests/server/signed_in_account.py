"""An account of a CRM on which persons have linked by signing in, at one server or more, with one clock for all."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import anyio.lowlevel
from mcp import Client

from fixed_clock import FixedClock
from sandbox.close import served_sandbox as close
from sandbox.hubspot import served_sandbox as hubspot
from server.store_connections import client_of
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.http.upstream import Runtime
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.close import SpecVariant as CloseVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot import SpecVariant as HubSpotVariant
from taskhand.sandbox.request_log import Logged
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.connections import Connections
from taskhand.vault.credential_link import Link, LinkedMember, OwnCredential
from taskhand.vault.links_of_persons import Links
from taskhand.wiring import open_connections
from vault.vaults import links_at

__all__ = ["BEN", "CAT", "CRMS", "SignedInAccount", "open_signed_in_account"]

BEN, CAT = "ben@example.com", "cat@example.com"


class LinkedCrm(NamedTuple):
    """The facts of a CRM. `users` are the ids of `BEN` and `CAT` as users, `members` their ids as members."""

    sandbox: Any
    variant: Any
    seed: Mapping[str, Any]
    users: tuple[str, str]
    members: tuple[str, str]
    task: str
    token: str
    revoke: str
    new: Mapping[str, Any]


CRMS: Final[Mapping[str, LinkedCrm]] = {
    "close": LinkedCrm(
        CloseSandbox,
        CloseVariant,
        close.SEED,
        (close.BEN, close.ANA),
        (close.BEN, close.ANA),
        close.TASK,
        "POST /oauth2/token",
        "POST /oauth2/revoke",
        {"aiCustomerId": close.LEAD, "responsibleIds": [close.ANA]},
    ),
    "hubspot": LinkedCrm(
        HubSpotSandbox,
        HubSpotVariant,
        hubspot.SEED,
        ("12", "11"),
        (hubspot.BEN, hubspot.ANA),
        hubspot.TASK,
        "POST /oauth/v3/token",
        "POST /oauth/v3/token/revoke",
        {"dueDate": "2026-11-25", "responsibleIds": []},
    ),
}


@dataclass
class SignedInAccount:
    """An account of a CRM, and the servers on it. The shared credential belongs to none of these persons."""

    crm: LinkedCrm
    sandbox: Any
    settings: Settings
    servers: Sequence[Connections]
    links: Links
    file: Path
    clock: FixedClock

    async def link(self, person: str) -> Link:
        """Link the person, as after a consent."""
        index = (BEN, CAT).index(person)
        given = self.sandbox.authorization.sign_in(self.crm.users[index], self.clock())
        ends = self.clock() + timedelta(seconds=given["expires_in"])
        credential = OwnCredential(given["access_token"], given["refresh_token"], ends)
        member = LinkedMember(self.crm.members[index], person)
        return await self.links.save(Link(person, "default", "oauth", credential, self.clock(), member))

    def client(self, person: str, server: int = 0) -> Client:
        """A client with which this person calls a server."""
        return client_of(self.servers[server], person)

    def user(self, person: str) -> str:
        """The id of the person's user in the log."""
        return self.crm.users[(BEN, CAT).index(person)]

    def renewals(self) -> list[Logged]:
        """The requests to the token endpoint."""
        return [request for request in self.sandbox.requests if request.route == self.crm.token]

    def break_token(self, fault: Fault) -> None:
        """Let the token endpoint fail with this fault."""
        given = {name: getattr(fault, name) for name in Fault.__dataclass_fields__}
        self.sandbox.faults = [Fault(**{**given, "route": self.crm.token})]

    async def states(self) -> dict[str, str]:
        """The state of each link, by person."""
        return {link.person: link.state for link in await self.links.list()}


@asynccontextmanager
async def open_signed_in_account(
    name: str, folder: Path, *spec_variant: str, servers: int = 1
) -> AsyncIterator[SignedInAccount]:
    """Servers with links and caches of their own, on one file and one CRM. No sleep takes time."""
    crm, clock, file = CRMS[name], FixedClock(), folder / "links.sqlite"
    sandbox = crm.sandbox(seed=crm.seed, clock=clock, spec_variant=crm.variant.parse(spec_variant))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve_sandbox(sandbox))
        settings = _settings(name, url, sandbox, folder)
        opened = []
        for _ in range(servers):
            links = links_at(file, clock=clock)
            stack.push_async_callback(links.aclose)
            account = [ConnectionSettings("default", settings)]
            runtime = Runtime(sleep=_no_wait)
            opened.append(await stack.enter_async_context(open_connections(account, clock, runtime, links=links)))
        signed_in = SignedInAccount(crm, sandbox, settings, opened, links, file, clock)
        for person in (BEN, CAT):
            await signed_in.link(person)
        yield signed_in


def _settings(name: str, url: str, sandbox: Any, folder: Path) -> Settings:
    app = sandbox.authorization.app
    own = {f"{name}_client_id": app.client_id, f"{name}_client_secret": app.client_secret, f"{name}_rate": 1000}
    if name == "close":
        own |= {"close_api_key": sandbox.key, "close_base_url": f"{url}/api/v1"}
    else:
        own |= {"hubspot_access_token": sandbox.token, "hubspot_base_url": url}
    return Settings(**own, journal=folder / "journal.sqlite")


async def _no_wait(_: float) -> None:
    await anyio.lowlevel.checkpoint()

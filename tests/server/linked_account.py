"""An account of Close on which persons call with credentials of their own, and its sandbox, which says whose it saw."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp import Client
from pydantic import SecretStr

from fixed_clock import NOW
from sandbox.close.served_sandbox import ANA, SEED, user
from server.store_connections import answer_of, client_of
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.connections import Connections
from taskhand.vault.credential_link import Link, LinkedMember, LinkKind, OwnCredential
from taskhand.vault.links_of_persons import Links
from taskhand.wiring import open_connections
from vault.vaults import links_at

__all__ = ["CAT", "OWNER", "LinkedAccount", "open_linked_account"]

OWNER, CAT = ANA, "user_cat"
"""The user of the shared key, and one more."""


@dataclass
class LinkedAccount:
    """One account of Close, whose shared key is that of `OWNER`."""

    sandbox: CloseSandbox
    connections: Connections
    links: Links
    file: Path
    settings: Settings
    seen: int = 0

    async def link(self, person: str, member: str, connection: str = "default", *, kind: LinkKind = "key") -> None:
        """Link the person as this user of the CRM."""
        token = str(self.sandbox.authorization.sign_in(member, self.sandbox.now())["access_token"])
        link = Link(person, connection, kind, OwnCredential(token), NOW, LinkedMember(member, "in Close"))
        await self.links.save(link)

    def client(self, person: str | None, policy: Policy = NO_POLICY, **more: Any) -> Client:
        """A client with which this person calls; `more` is as in `client_of`."""
        return client_of(self.connections, person, policy=policy, **more)

    async def me(self, person: str, line: str) -> str:
        """Who `me` is for a person of whom people.toml has this line."""
        lines = {person: {"member": line}}
        async with client_of(self.connections, person, memberships=lines) as client:
            return str((await answer_of(client, "list_team_members"))["me"])

    def users(self) -> set[str | None]:
        """Whose credentials the requests since the last look bore."""
        new = self.sandbox.requests[self.seen :]
        self.seen += len(new)
        return {one.user for one in new}


@asynccontextmanager
async def open_linked_account(folder: Path, *names: str, state: str | None = None) -> AsyncIterator[LinkedAccount]:
    """The account, as a connection of each of these names, on files or on the database of replicas at `state`."""
    file = folder / "links.sqlite"
    users = [*SEED["users"], user(CAT, "Cat")]
    sandbox = CloseSandbox(seed=SEED | {"users": users})
    links = links_at(file)
    async with serve_sandbox(sandbox) as url:
        settings = Settings(
            close_api_key=sandbox.key,
            close_base_url=f"{url}/api/v1",
            close_rate=1000,
            journal=None if state else folder / "journal.sqlite",
            state=SecretStr(state) if state else None,
            state_key=SecretStr("0123456789abcdef" * 4) if state else None,
        )
        account = [ConnectionSettings(name, settings) for name in names or ("default",)]
        async with open_connections(account, links=links) as connections:
            yield LinkedAccount(sandbox, connections, links, file, settings)
    await links.aclose()

"""Pages on which persons link a credential, served on loopback, and a person who opens them at a client."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx2
from mcp.types import ElicitRequestParams, ElicitRequestURLParams, ElicitResult

from backends.sandboxed_app import TRUST
from taskhand.domain.errors import OperatorError
from taskhand.domain.link_offer import LinkOffer, OfferState
from taskhand.domain.principal import Person

__all__ = ["AtBrowser", "LinkPages", "open_page", "serving_pages"]

Link = Callable[[str, str], Awaitable[object]]
"""Links a credential of this person for this connection."""


@dataclass
class LinkPages:
    """The offers that were made, with the person of each; whoever opens the page of one has linked by it.

    `has_none` is whether nobody can link there, `fails` whether no offer can be written down. The pages of `over` lead
    no further, and `refusal` is what they say to whoever has tried.
    """

    link: Link
    base: str = ""
    made: list[tuple[str, LinkOffer]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    over: set[str] = field(default_factory=set)
    refusal: str | None = None
    minutes: float = 10
    has_none: bool = False
    fails: bool = False

    async def offer(self, person: Person, connection: str) -> LinkOffer | None:
        """A page for this person."""
        if self.fails:
            raise OperatorError("The links are locked.", code="store_busy")
        if self.has_none:
            return None
        number = len(self.made)
        expires_at = datetime.now(UTC) + timedelta(minutes=self.minutes)
        offer = LinkOffer(f"offer-{number}", connection, f"{self.base}/link/secret-ticket-{number}", expires_at)
        self.made.append((person.id, offer))
        return offer

    async def find_state(self, offer_id: str, person: Person) -> OfferState:
        """What has become of it for this person."""
        is_known = any(one == (person.id, offer_id) for one in self._names)
        return OfferState(is_known and offer_id in self.taken, not is_known or offer_id in self.over, self.refusal)

    async def open(self, url: str) -> int:
        """Link the person of the page's offer; the HTTP status."""
        for person, offer in self.made:
            if offer.url == url and offer.id not in self.taken:
                await self.link(person, offer.connection)
                self.taken.add(offer.id)
                return 200
        return 404

    @property
    def urls(self) -> list[str]:
        """The addresses that were given out."""
        return [offer.url for _, offer in self.made]

    @property
    def _names(self) -> list[tuple[str, str]]:
        return [(person, offer.id) for person, offer in self.made]


@asynccontextmanager
async def serving_pages(link: Link) -> AsyncIterator[LinkPages]:
    """Pages at their address, on loopback."""
    pages = LinkPages(link)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = await pages.open(pages.base + head.split()[1])
        writer.write(f"HTTP/1.1 {status} -\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        pages.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield pages


async def open_page(url: str) -> int:
    """Open a page as a browser does."""
    async with httpx2.AsyncClient(verify=TRUST) as browser:
        return (await browser.get(url)).status_code


@dataclass
class AtBrowser:
    """A person whose client can show pages: which it is asked to open, and what the person does.

    To any other question the person says yes.

    `links` is whether a person who agrees links on the page at once.
    """

    says: Literal["accept", "decline", "cancel"] = "accept"
    links: bool = True
    asked: list[ElicitRequestURLParams] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    async def answer(self, _: Any, params: ElicitRequestParams) -> ElicitResult:
        """The client's answer to the server's question."""
        if not isinstance(params, ElicitRequestURLParams):
            return ElicitResult(action="accept", content={"confirm": True})
        self.asked.append(params)
        if self.says == "accept" and self.links:
            assert await open_page(params.url) == 200
        return ElicitResult(action=self.says)

    async def hear(self, message: Any) -> None:
        """What the server tells beside its answers."""
        self.told.append(message)

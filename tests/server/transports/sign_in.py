"""The SDK's own client, which signs in by itself where a server asks it to; the person's part is driven by HTTP."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from backends.sandboxed_app import TRUST

__all__ = ["CALLBACK", "SignIn", "signing_in"]

CALLBACK = "http://127.0.0.1:9/callback"
_FORM = re.compile(r'<form[^>]*action="([^"]+)"')
_PROMPT = re.compile(r'name="prompt" value="([^"]+)"')


@dataclass
class SignIn:
    """Keeps a client's tokens, and signs its person in: `asked` are the scopes of each time.

    `callback` is where the browser is sent back to.
    """

    login: str = "ana"
    client: OAuthClientInformationFull | None = None
    tokens: OAuthToken | None = None
    asked: list[str] = field(default_factory=list)
    resources: set[str] = field(default_factory=set)
    callback: str = CALLBACK
    _back: str = ""

    async def get_tokens(self) -> OAuthToken | None:
        """The tokens that were kept."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """The client that was registered."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep the client that was registered."""
        self.client = client_info

    async def open_browser(self, url: str) -> None:
        """Sign in and agree, as a person does in a browser."""
        query = parse_qs(urlsplit(url).query)
        self.asked.append(query["scope"][0])
        self.resources.add(query["resource"][0])
        async with httpx2.AsyncClient(verify=TRUST) as browser:
            page = await browser.get(url)
            for _ in range(12):
                if page.is_redirect:
                    place = urljoin(str(page.url), page.headers["location"])
                    if place.startswith(self.callback):
                        self._back = place
                        return
                    page = await browser.get(place)
                    continue
                form, prompt = _FORM.search(page.text), _PROMPT.search(page.text)
                assert form, page.text
                assert prompt, page.text
                filled_in = {"prompt": prompt[1], "login": self.login, "password": "x"}
                page = await browser.post(urljoin(str(page.url), form[1]), data=filled_in)
        raise AssertionError("the browser was not sent back")

    async def come_back(self) -> AuthorizationCodeResult:
        """What the client's own address is told."""
        query = self.answer
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query.get("iss"))

    @property
    def answer(self) -> dict[str, str]:
        """The provider's answer to the browser."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self._back).query).items()}


@asynccontextmanager
async def signing_in(url: str, sign_in: SignIn, mode: str = "auto") -> AsyncIterator[Client]:
    """The SDK's client of the server at this address."""
    metadata = OAuthClientMetadata(
        client_name="Test agent",
        redirect_uris=[AnyUrl(CALLBACK)],
        application_type="native",
        token_endpoint_auth_method="none",  # noqa: S106  a public client
    )
    oauth = OAuthClientProvider(
        server_url=url,
        client_metadata=metadata,
        storage=sign_in,
        redirect_handler=sign_in.open_browser,
        callback_handler=sign_in.come_back,
    )
    async with (
        httpx2.AsyncClient(auth=oauth, follow_redirects=True, verify=TRUST) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client

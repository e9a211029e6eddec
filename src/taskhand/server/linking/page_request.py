"""One request for a page: its browser, its language, the ticket in its path, and the form in its body."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request

from taskhand.server.linking.browser import Browser
from taskhand.server.linking.link_flow import Linking
from taskhand.server.linking.texts import choose_language

__all__ = ["Visit"]

_MAX_READ: Final = 16 * 1024
"""Maximum size of a form in bytes."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: its browser, its language, and the ticket's text in its path."""

    linking: Linking
    request: Request
    browser: Browser
    language: str
    text: str = field(default="", repr=False)

    @classmethod
    def of_request(cls, request: Request, linking: Linking) -> "Visit":
        """The visit by a request."""
        language = choose_language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        browser = Browser.of(request.headers, linking.base)
        return cls(linking, request, browser, language, request.path_params.get("ticket", ""))

    @property
    def address(self) -> str:
        """The page's own path, with the language unless the browser prefers it."""
        preferred = choose_language(None, self.request.headers.get("accept-language", ""))
        return f"/link/{self.text}" + ("" if self.language == preferred else f"?{urlencode({'lang': self.language})}")

    async def read_form(self) -> dict[str, str]:
        """The fields of the form; empty if the body is too long or is not a form."""
        body = b""
        async for part in self.request.stream():
            body += part
            if len(body) > _MAX_READ:
                return {}
        content_type = self.request.headers.get("content-type", "").partition(";")[0].strip()
        if content_type != "application/x-www-form-urlencoded":
            return {}
        try:
            return {name: values[0] for name, values in parse_qs(body.decode("ascii"), max_num_fields=10).items()}
        except (UnicodeDecodeError, ValueError):
            return {}

"""One request for a page: its browser, its language, and the ticket in its path."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from starlette.requests import Request

from taskhand.server.linking.csrf_cookie import Browser
from taskhand.server.linking.link_flow import Linking
from taskhand.server.linking.texts import choose_language

__all__ = ["Visit"]


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

"""The pages as a server over HTTP serves them."""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.routing import Route

from taskhand.server.linking.linking import Linking
from taskhand.server.linking.routes import link_routes

__all__ = ["LinkPages"]


class LinkPages:
    """The pages of one server."""

    def __init__(self, linking: Linking) -> None:
        self.linking = linking

    def routes(self, url: str | None, allows_host: Callable[[str], bool]) -> list[Route]:
        """The routes of the pages. `url` is the server's address where only this machine reaches it, else None.

        There are none where nobody has told by which address persons reach it. They are served under that one, and
        under the Host headers that `allows_host` accepts.
        """
        self.linking.resource = self.linking.resource or url or ""
        own = urlsplit(self.linking.base).netloc.lower()
        return link_routes(self.linking, lambda host: host.lower() == own or allows_host(host)) if own else []

    def describe(self) -> str:
        """Where persons link, for whoever starts the server."""
        if not self.linking.base:
            return "Persons link credentials with `taskhand people link` only: pages for it need --resource."
        given_out = "on pages that calls and `taskhand people invite` give out"
        return f"Persons can link credentials of their own at {self.linking.base}, {given_out}."

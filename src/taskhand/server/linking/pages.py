"""The pages on a server over HTTP."""

from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.routing import Route

from taskhand.server.linking.link_flow import Linking
from taskhand.server.linking.routes import link_routes

__all__ = ["LinkPages"]


class LinkPages:
    """The pages of one server."""

    def __init__(self, linking: Linking) -> None:
        self.linking = linking

    def routes(self, url: str | None, allows_host: Callable[[str], bool]) -> list[Route]:
        """The routes of the pages; none if the URL for persons is unknown.

        `url` is the server's URL if only this machine reaches it, else None. The pages are served under the URL for
        persons, and under the Host headers that `allows_host` accepts.
        """
        self.linking.resource = self.linking.resource or url or ""
        own = urlsplit(self.linking.base).netloc.lower()
        return link_routes(self.linking, lambda host: host.lower() == own or allows_host(host)) if own else []

    def describe(self) -> str:
        """The address of the pages, as a text for the operator."""
        if not self.linking.base:
            return "Persons link credentials with `taskhand people link` only: pages for it need --resource."
        given_out = "on pages that calls and `taskhand people invite` give out"
        return f"Persons can link credentials of their own at {self.linking.base}, {given_out}."

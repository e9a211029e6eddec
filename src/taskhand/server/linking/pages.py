"""The pages as a server over HTTP serves them."""

from starlette.routing import Route

from taskhand.server.linking.linking import Linking
from taskhand.server.linking.routes import link_routes

__all__ = ["LinkPages"]


class LinkPages:
    """The pages of one server."""

    def __init__(self, linking: Linking) -> None:
        self.linking = linking

    def routes(self, url: str | None) -> list[Route]:
        """The routes of the pages. `url` is the server's address where only this machine reaches it, else None.

        There are none where nobody has told by which address persons reach it.
        """
        self.linking.resource = self.linking.resource or url or ""
        return link_routes(self.linking) if self.linking.base else []

    def describe(self) -> str:
        """Where persons link, for whoever starts the server."""
        if not self.linking.base:
            return "Persons link credentials with `taskhand people link` only: pages for it need --resource."
        return f"Persons can link credentials of their own at {self.linking.base}/link."

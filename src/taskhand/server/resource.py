"""A resource as data: a host can show it to the model without a tool call."""

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pydantic import BaseModel

    from taskhand.service.app_context import AppContext


__all__ = ["FOLLOWED", "Resource"]

FOLLOWED: Final = {"task": "get_task", "feed": "list_events"}
"""What a subscription reports, and the tool with the same answer."""


class Resource(NamedTuple):
    """JSON at an address; `{id}` in `uri` stands for the id of a task. With several connections, each has one.

    `follows` is what a subscription to it reports: the task of that id, the feed of changes, or nothing. `like` is the
    tool with the same answer; the resource is offered only together with it. `read` gets the id, or "" if the address
    has none.
    """

    uri: str
    name: str
    title: str
    description: str
    like: str | None
    read: "Callable[[AppContext, str], Awaitable[BaseModel]]"
    follows: Literal["task", "feed"] | None = None

    @property
    def is_template(self) -> bool:
        """Whether the address stands for many resources, one for each id."""
        return "{id}" in self.uri

    def address(self, connection: str | None) -> str:
        """The address on a connection; None for the only connection."""
        scheme, _, rest = self.uri.partition("://")
        return self.uri if connection is None else f"{scheme}://{connection}/{rest}"

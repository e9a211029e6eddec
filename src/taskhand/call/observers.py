"""Protocols of the observers of calls and of requests, for metrics and traces.

Only names from closed sets and numbers: never a task, a title, a person, a path or a client.
"""

from collections.abc import Callable
from typing import Protocol

__all__ = ["Budget", "CallObserver", "HttpObserver", "RequestObserver"]


class Budget(Protocol):
    """The rest of the rate budget of a CRM.

    `ready` requests may leave at once; `paused_s` is how many more seconds every request is held back.
    """

    @property
    def ready(self) -> int: ...  # noqa: D102
    @property
    def paused_s(self) -> float: ...  # noqa: D102


class RequestObserver(Protocol):
    """Observes the requests to one CRM. Nothing here may fail or wait."""

    def request_ended(self, method: str, status: int | None, took_s: float) -> None:
        """One attempt ended, with this HTTP status, or without an answer (None)."""
        ...

    def turn_came(self, waited_s: float) -> None:
        """A request has waited `waited_s` seconds for its turn."""
        ...

    def watch_budget(self, read: Callable[[], Budget]) -> None:
        """`read` returns the budget as it is now; it may be called in any thread."""
        ...


class CallObserver(Protocol):
    """Observes the calls of tools. Nothing here may fail or wait."""

    def call_ended(self, tool: str, connection: str | None, outcome: str, code: str | None, took_s: float) -> None:
        """A call ended: `outcome` is "ok", "cancelled" or the class of the error, `code` is the error's code.

        `tool` is the name that the client sent. `connection` is None if none was found.
        """
        ...


class HttpObserver(Protocol):
    """Observes the requests that a server gets over HTTP. Nothing here may fail or wait."""

    def request_began(self) -> None:
        """A request has arrived."""
        ...

    def stream_began(self) -> None:
        """The answer of a request is a stream of events."""
        ...

    def request_ended(self, status: int | None, *, was_stream: bool) -> None:
        """A request was answered with this status, or not at all (None): its client has left."""
        ...

    def webhook_came(self, connection: str | None, outcome: str) -> None:
        """A delivery came, to no connection (None) or one: it was "taken", "repeated", "refused" or "unavailable"."""
        ...

    def watch_sessions(self, read: Callable[[], int]) -> None:
        """`read` returns the number of open sessions; it may be called in any thread."""
        ...

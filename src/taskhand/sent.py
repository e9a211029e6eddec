"""What was sent upstream during one call, in order: for the journal, which keeps the requests of every change."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["requests_sent", "tell_sent"]

_SENT: ContextVar[list[str] | None] = ContextVar("sent", default=None)


@contextmanager
def requests_sent() -> Iterator[list[str]]:
    """The requests that leave while this lasts, those of tasks started inside included, as they come in."""
    sent: list[str] = []
    token = _SENT.set(sent)
    try:
        yield sent
    finally:
        _SENT.reset(token)


def tell_sent(method: str, path: str, outcome: str) -> None:
    """A request has left, and this came of it: a status, or what went wrong."""
    sent = _SENT.get()
    if sent is not None:
        sent.append(f"{method} {path} {outcome}")

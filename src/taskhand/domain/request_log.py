"""What was sent upstream during one call, in order: for the journal, which keeps the requests of every change."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["record_request", "recorded_requests"]

_SENT: ContextVar[tuple[list[str], ...]] = ContextVar("sent", default=())


@contextmanager
def recorded_requests() -> Iterator[list[str]]:
    """The requests that leave while this lasts, those of tasks started inside included, as they come in.

    Inside another one, both are told.
    """
    sent: list[str] = []
    token = _SENT.set((*_SENT.get(), sent))
    try:
        yield sent
    finally:
        _SENT.reset(token)


def record_request(method: str, path: str, outcome: str) -> None:
    """A request has left, and this came of it: a status, or what went wrong."""
    for sent in _SENT.get():
        sent.append(f"{method} {path} {outcome}")

"""The upstream requests of one call, in order; the journal keeps them with every change."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["has_write_left", "record_request", "recorded_requests"]

_LOGS: ContextVar[tuple[list[str], ...]] = ContextVar("request_logs", default=())


@contextmanager
def recorded_requests() -> Iterator[list[str]]:
    """A list that collects the requests sent inside, including those of tasks started inside.

    If two of these are nested, both collect.
    """
    sent: list[str] = []
    token = _LOGS.set((*_LOGS.get(), sent))
    try:
        yield sent
    finally:
        _LOGS.reset(token)


def has_write_left(requests: Sequence[str]) -> bool:
    """Whether one of these requests may have written something: a search that is sent as POST counts too."""
    return any(not request.startswith("GET ") for request in requests)


def record_request(method: str, path: str, outcome: str) -> None:
    """Record a request that was sent; `outcome` is its status, or the name of the error."""
    for log in _LOGS.get():
        log.append(f"{method} {path} {outcome}")

"""The upstream requests of one call, in order; the journal keeps them with every change."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["RequestLog", "record_foreign_refusal", "record_request", "recorded_requests"]


class RequestLog(list[str]):
    """The requests so far, each as its method, path and outcome.

    `write_outcomes` are the statuses, or the names of the failures, of those that may have written something: a search
    that is sent as POST counts too. `has_foreign_refusal` is whether one of these was refused by something other than
    the CRM.
    """

    def __init__(self) -> None:
        super().__init__()
        self.write_outcomes: set[int | str] = set()
        self.has_foreign_refusal = False

    @property
    def has_write_left(self) -> bool:
        """Whether one of the requests may have written something."""
        return bool(self.write_outcomes)


_LOGS: ContextVar[tuple[RequestLog, ...]] = ContextVar("request_logs", default=())


@contextmanager
def recorded_requests(log: RequestLog | None = None) -> Iterator[RequestLog]:
    """The log, by default a new one, collects the requests sent inside, including those of tasks started inside.

    If two of these are nested, both collect.
    """
    sent = RequestLog() if log is None else log
    token = _LOGS.set((*_LOGS.get(), sent))
    try:
        yield sent
    finally:
        _LOGS.reset(token)


def record_request(method: str, path: str, outcome: int | str) -> None:
    """Record a request that was sent; `outcome` is its status, or the name of the failure."""
    for log in _LOGS.get():
        log.append(f"{method} {path} {outcome}")
        if method != "GET":
            log.write_outcomes.add(outcome)


def record_foreign_refusal() -> None:
    """Record that the last write was refused by a body that does not have the form of the CRM's errors."""
    for log in _LOGS.get():
        log.has_foreign_refusal = True

"""Background requests: they are sent only while a rate budget is mostly unused.

Polls for changes must never slow a call down, so their requests have a share of the budget.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

__all__ = ["IdleShare", "idle_share", "idle_wait_s", "is_idle"]

_WAIT_S: Final = 5.0


class IdleShare:
    """A group of background requests; each waits for its turn up to `wait_s` seconds."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self.is_idle = True

    def end(self) -> None:
        """Make these ordinary requests, because a call waits for them now."""
        self.is_idle = False


_SHARE: Final[ContextVar[IdleShare | None]] = ContextVar("idle_share", default=None)


@contextmanager
def idle_share(wait_s: float = _WAIT_S) -> Generator[IdleShare, None, None]:
    """Send a request inside only if at most half of the budget is used after it, and no other request waits."""
    token = _SHARE.set(share := IdleShare(wait_s))
    try:
        yield share
    finally:
        _SHARE.reset(token)


def is_idle() -> bool:
    """Whether the current request is a background request."""
    share = _SHARE.get()
    return share is not None and share.is_idle


def idle_wait_s() -> float:
    """Maximum seconds that this background request waits for its turn."""
    share = _SHARE.get()
    return share.wait_s if share is not None else 0.0

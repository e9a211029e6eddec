"""Checks, before each write is sent, that the change still belongs to this process.

While a process is paused or cut off, another process may end its changes after reading their tasks. A write that it
sent afterwards would be recorded nowhere.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from taskhand.domain.errors import NotAttempted, OperatorError

__all__ = ["check_ownership", "own_writes", "taken_over_error"]

_CURRENT: ContextVar[Callable[[], Awaitable[bool]] | None] = ContextVar("ownership", default=None)


def own_writes(is_own: Callable[[], Awaitable[bool]]) -> None:
    """Make the writes of this call check `is_own` from now on, also concurrent ones."""
    _CURRENT.set(is_own)


async def check_ownership() -> None:
    """NotAttempted if another process has ended this call's change, or if that is unknown."""
    is_own = _CURRENT.get()
    if is_own is None:
        return
    try:
        owns = await is_own()
    except OperatorError as error:
        raise NotAttempted(
            f"It is not known whether the change still belongs to this server, so nothing was sent: {error.message}",
            next_step="Try again in a moment.",
        ) from error
    if not owns:
        raise taken_over_error()


def taken_over_error() -> NotAttempted:
    """The error for a change that another process has ended."""
    return NotAttempted(
        "This server was unresponsive for too long, and another server has ended the change; nothing more was sent.",
        next_step="Look at the task, or at list_changes, before trying again.",
    )

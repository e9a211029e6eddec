"""Whether what a call has begun is still its own, which is asked before each write is sent.

A process that was paused, or cut off from the others, may find that another has ended its changes meanwhile, by reading
their tasks. What it would send then, nobody would know of.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from taskhand.domain.errors import NotAttempted, OperatorError

__all__ = ["check_ownership", "own_writes", "taken_over_error"]

_CURRENT: ContextVar[Callable[[], Awaitable[bool]] | None] = ContextVar("ownership", default=None)


def own_writes(is_own: Callable[[], Awaitable[bool]]) -> None:
    """Let the writes of this call ask from now on, also those that it sends side by side."""
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
            f"Whether the change still belongs to this server cannot be told, so nothing was sent: {error.message}",
            next_step="Try again in a moment.",
        ) from error
    if not owns:
        raise taken_over_error()


def taken_over_error() -> NotAttempted:
    """The error for a change that another process has ended."""
    return NotAttempted(
        "This server did not answer for too long, and another one has ended the change; nothing more was sent.",
        next_step="Look at the task, or at list_changes, before trying again.",
    )

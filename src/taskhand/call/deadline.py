"""The deadline of a call, shared by everything that waits inside it.

A write needs more time than a read: its answer has to arrive, and if it does not, the task is read back. The last part
of a call is reserved for this. A write whose outcome could not be checked any more is not sent.
"""

import math
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple

import anyio

from taskhand.domain.errors import UpstreamError

__all__ = [
    "Deadline",
    "acquire_in_time",
    "call_deadline",
    "current_call",
    "current_deadline",
    "end_of_call",
    "hold_lock",
    "part_of_call",
    "time_left",
]

_TO_ANSWER_S: Final = 1.0
"""Seconds of a call that are kept for the journal and the answer; a tenth of a call that takes less than ten."""
_WRITE_SHARE: Final = 0.75
_CONFIRM_SHARE: Final = 0.875


class Deadline(NamedTuple):
    """Readings of `monotonic`, in seconds.

    At `at` all waiting ends. No write is sent after `write_by`. The answer to a write is awaited until `confirm_by`.
    `call` identifies the call that it is of.
    """

    monotonic: Callable[[], float]
    at: float
    write_by: float
    confirm_by: float
    call: object = None

    @classmethod
    def after(cls, total_s: float, monotonic: Callable[[], float], call: object = None) -> "Deadline":
        """The deadline of something that starts now and may take `total_s`."""
        now = monotonic()
        return cls(monotonic, now + total_s, now + _WRITE_SHARE * total_s, now + _CONFIRM_SHARE * total_s, call)

    @property
    def left_s(self) -> float:
        """Seconds until `at`, 0 after it."""
        return max(0.0, self.at - self.monotonic())


_CURRENT: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def _bound(deadline: Deadline | None) -> Generator[None, None, None]:
    token = _CURRENT.set(deadline)
    try:
        yield
    finally:
        _CURRENT.reset(token)


@contextmanager
def call_deadline(total_s: float, monotonic: Callable[[], float] = time.monotonic) -> Generator[None, None, None]:
    """Make everything inside end early enough to answer the call within `total_s`."""
    with _bound(Deadline.after(total_s - min(_TO_ANSWER_S, total_s / 10), monotonic, call=object())):
        yield


@contextmanager
def part_of_call(share: float) -> Generator[None, None, None]:
    """Let everything inside take no more than a share of the call's time that is left."""
    now = _CURRENT.get()
    with _bound(now and Deadline.after(share * now.left_s, now.monotonic, now.call)):
        yield


@contextmanager
def end_of_call() -> Generator[None, None, None]:
    """Allow writes inside to take all remaining time, because a task would be half written without them."""
    now = _CURRENT.get()
    with _bound(now and now._replace(write_by=now.at, confirm_by=now.at)):
        yield


def current_call() -> object:
    """An object that identifies the current call; None outside a call."""
    deadline = _CURRENT.get()
    return deadline and deadline.call


def current_deadline(total_s: float, monotonic: Callable[[], float]) -> Deadline:
    """The deadline of the call; outside a call, that of something that may take `total_s` from now."""
    return _CURRENT.get() or Deadline.after(total_s, monotonic)


def time_left() -> float:
    """Seconds that the call may still wait; infinite outside a call."""
    call = _CURRENT.get()
    return math.inf if call is None else call.left_s


async def acquire_in_time(lock: anyio.Lock) -> bool:
    """Acquire a lock, at once if it is free; False if another call holds it for as long as this one may wait."""
    try:
        lock.acquire_nowait()
    except anyio.WouldBlock:
        with anyio.move_on_after(time_left()):
            await lock.acquire()
            return True
        return False
    return True


@asynccontextmanager
async def hold_lock(lock: anyio.Lock) -> AsyncGenerator[None, None]:
    """Hold a lock for the body of the `with`; UpstreamError if another call holds it for all the time of this call."""
    if not await acquire_in_time(lock):
        raise UpstreamError(
            "Another call waited for the same response of the CRM until the time of this call ran out.",
            next_step="Send the same call again later.",
            retryable=True,
        )
    try:
        yield
    finally:
        lock.release()

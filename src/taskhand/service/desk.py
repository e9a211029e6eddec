"""What every use case works at."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from taskhand.backend import Backend

__all__ = ["Desk"]


@dataclass(frozen=True, slots=True)
class Desk:
    """The backend, the clock (aware datetimes) and the IANA zone of a dueTime that comes without one."""

    backend: Backend
    clock: Callable[[], datetime]
    timezone: str | None = None

"""The person for whom a call writes, as context that inner calls can read."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Author", "current_author", "writing_as"]


@dataclass(frozen=True, slots=True)
class Author:
    """A person; `find_member` returns the person's member id in the CRM, None if the person is no member there."""

    person: str
    find_member: Callable[[], Awaitable[str | None]]


_AUTHOR: ContextVar[Author | None] = ContextVar("author", default=None)


@contextmanager
def writing_as(author: Author) -> Iterator[None]:
    """Write for this person inside the block."""
    token = _AUTHOR.set(author)
    try:
        yield
    finally:
        _AUTHOR.reset(token)


def current_author() -> Author | None:
    """The person for whom the current call writes; None if callers are not identified."""
    return _AUTHOR.get()

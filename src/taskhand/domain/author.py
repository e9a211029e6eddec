"""The person for whom something is written: known to whatever is called inside."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Author", "current_author", "writing_as"]


@dataclass(frozen=True, slots=True)
class Author:
    """A person, and what finds its member id in the CRM; None for somebody who is nobody there."""

    person: str
    find_member: Callable[[], Awaitable[str | None]]


_AUTHOR: ContextVar[Author | None] = ContextVar("author", default=None)


@contextmanager
def writing_as(author: Author) -> Iterator[None]:
    """Whatever is written inside is written for this person."""
    token = _AUTHOR.set(author)
    try:
        yield
    finally:
        _AUTHOR.reset(token)


def current_author() -> Author | None:
    """The person for whom something is written now; None if callers are not identified."""
    return _AUTHOR.get()

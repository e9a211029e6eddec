"""A journal that is opened at its first use, and its modules imported then: no start waits for it."""

from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskhand.journal.journal import Journal

__all__ = ["late_journal"]

_Journal = TypeVar("_Journal", bound="Journal")


def late_journal(open_journal: "Callable[[], _Journal]") -> "_Journal":
    """The journal that `open_journal` returns; its errors are raised by the method that is called first."""
    return cast("_Journal", _LateJournal(open_journal))


class _LateJournal:
    def __init__(self, open_journal: "Callable[[], Journal]") -> None:
        self._open_journal = open_journal
        self._opened: Journal | None = None

    def __getattr__(self, name: str) -> Any:
        """An attribute of the opened journal."""
        if self._opened is None:
            self._opened = self._open_journal()
        return getattr(self._opened, name)

    async def aclose(self) -> None:
        """Close the journal if it was opened."""
        if self._opened is not None:
            await self._opened.aclose()

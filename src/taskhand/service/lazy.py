"""A value that is made at its first use, so that no start waits for it."""

from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Lazy"]

_T_co = TypeVar("_T_co", covariant=True)


class Lazy(Generic[_T_co]):
    """A value made by `make` at its first use, which imports its modules too; errors of `make` are raised."""

    def __init__(self, make: Callable[[], _T_co]) -> None:
        self._make = make
        self._made: _T_co | None = None

    def get(self) -> _T_co:
        """The value, made now if it was not before."""
        if self._made is None:
            self._made = self._make()
        return self._made

    @property
    def made(self) -> _T_co | None:
        """The value if it was made."""
        return self._made

"""A backend whose credential cannot be read: what it can do is known, and every request is refused with the reason."""

import inspect
from typing import Any, Final, NoReturn, cast

from taskhand.backends.base import Backend
from taskhand.domain.errors import OperatorError

__all__ = ["unavailable_backend"]

_CLOSING: Final = "aclose"


def unavailable_backend(backend: Backend, problem: OperatorError) -> Backend:
    """The backend, which sends nothing: each of its requests raises an error like `problem`."""
    return cast("Backend", _Unavailable(backend, problem))


class _Refusing:
    """A part of a backend: what needs no request is its own, and each request raises an error of its own."""

    def __init__(self, part: object, problem: OperatorError) -> None:
        self._part = part
        self._problem = problem

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if name == _CLOSING or not inspect.iscoroutinefunction(found):
            return found

        async def refuse(*_given: Any, **_named: Any) -> NoReturn:
            raise OperatorError(
                self._problem.message, code=self._problem.code, next_step=self._problem.next_step
            ) from None

        return refuse


class _Unavailable(_Refusing):
    """The whole backend."""

    def __init__(self, backend: Backend, problem: OperatorError) -> None:
        super().__init__(backend, problem)
        self.account = _Refusing(backend.account, problem)
        self.properties = _Refusing(backend.properties, problem) if backend.properties else None
        self.change_source = _Refusing(backend.change_source, problem) if backend.change_source else None

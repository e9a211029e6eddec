"""A backend whose credential cannot be read: what it can do is known, and every request is refused with the reason."""

import inspect
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from taskhand.backends.base import Account, Backend, OwnProperties
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from taskhand.domain.change_source import ChangeSource

__all__ = ["unavailable_backend"]

_CLOSING: Final = "aclose"


def unavailable_backend(backend: Backend, problem: OperatorError) -> Backend:
    """The backend, which sends nothing: each of its requests raises an error like `problem`."""
    return cast("Backend", _Unavailable(backend, problem))


class _Unavailable:
    """All that needs no request is the backend's own."""

    def __init__(self, backend: Backend, problem: OperatorError) -> None:
        self._backend = backend
        self._refusing = _Refusing(problem)
        self.account = cast("Account", _RefusingAccount(problem, backend.account.accessed))
        self.properties = cast("OwnProperties", self._refusing) if backend.properties is not None else None
        source = backend.change_source
        self.change_source = cast("ChangeSource", _RefusingSource(problem)) if source is not None else None

    def __getattr__(self, name: str) -> Any:
        is_request = name != _CLOSING and inspect.iscoroutinefunction(getattr(Backend, name, None))
        return getattr(self._refusing if is_request else self._backend, name)


class _Refusing:
    """Has every method, and each refuses; an error is made anew, since whoever catches one adds to it."""

    def __init__(self, problem: OperatorError) -> None:
        self._problem = problem

    def __getattr__(self, _name: str) -> Any:
        async def refuse(*_given: Any, **_named: Any) -> NoReturn:
            raise OperatorError(
                self._problem.message, code=self._problem.code, next_step=self._problem.next_step
            ) from None

        return refuse


class _RefusingAccount(_Refusing):
    """An account that refuses every request."""

    def __init__(self, problem: OperatorError, accessed: str) -> None:
        super().__init__(problem)
        self.accessed = accessed


class _RefusingSource(_Refusing):
    """A source of changes that refuses to look."""

    compares = False
    remark = None

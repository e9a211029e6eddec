"""A backend whose credential cannot be read: what it can do is known, and every request is refused with the reason."""

from typing import NoReturn

from taskhand.backends.base import Backend
from taskhand.domain.errors import OperatorError
from taskhand.service.forwarding_backend import ForwardingBackend

__all__ = ["UnavailableBackend"]


class UnavailableBackend(ForwardingBackend):
    """The backend, which sends nothing: each of its requests raises a copy of `problem`."""

    def __init__(self, backend: Backend, problem: OperatorError) -> None:
        super().__init__(backend, self._refuse)
        self._problem = problem

    def _refuse(self) -> NoReturn:
        raise self._problem.but()

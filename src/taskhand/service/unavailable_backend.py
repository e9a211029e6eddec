"""A backend whose credential cannot be read: what it can do is known, and every request is refused with the reason."""

from typing import NoReturn

from taskhand.backends.base import Backend
from taskhand.domain.errors import OperatorError
from taskhand.service.forwarding_backend import ForwardingBackend

__all__ = ["unavailable_backend"]


def unavailable_backend(backend: Backend, problem: OperatorError) -> Backend:
    """The backend, which sends nothing: each of its requests raises an error like `problem`."""

    def refuse() -> NoReturn:
        raise OperatorError(problem.message, code=problem.code, next_step=problem.next_step)

    return ForwardingBackend(backend, refuse)

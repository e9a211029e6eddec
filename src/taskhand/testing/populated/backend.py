"""A backend with data in it: the environment variables of its server, its stored tasks, and its requests."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from taskhand.config.settings import BackendName
from taskhand.domain.errors import CallerError
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault, parse_faults
from taskhand.sandbox.request_log import Logged
from taskhand.testing.stored_task import StoredTask

__all__ = ["PopulatedBackend", "RouteWord"]

RouteWord = Literal["create", "update", "bulk", "delete", "list", "read"]
"""The name of a route that every CRM has."""


@dataclass(frozen=True, slots=True)
class PopulatedBackend:
    """A backend with data in it.

    `environment` holds the variables of a server on it. `read` returns the stored tasks. `sandbox` is the
    emulated CRM, None for the built-in store. `routes` are the CRM's routes by word.
    """

    backend: BackendName
    environment: Mapping[str, str]
    read: Callable[[], Awaitable[tuple[StoredTask, ...]]]
    sandbox: Emulator | None = None
    routes: Mapping[RouteWord, str] = field(default_factory=dict)

    @property
    def sent(self) -> tuple[Logged, ...]:
        """The requests that the CRM received, oldest first; none on the built-in store."""
        return self.sandbox.requests if self.sandbox else ()

    def script(self, faults: Sequence[Fault | Mapping[str, Any]]) -> None:
        """Inject these faults from now on, instead of the earlier ones. CallerError for invalid faults.

        A fault is a Fault of the sandbox, or a table with its fields, whose `route` may be a RouteWord.
        """
        if not faults:
            scripted: tuple[Fault, ...] = ()
        elif self.sandbox is None:
            raise CallerError(
                "The built-in store receives no requests, so faults cannot be injected.", code="no_faults"
            )
        else:
            scripted = tuple(self._fault(fault) for fault in faults)
        if self.sandbox is not None:
            try:
                self.sandbox.faults = scripted
            except ValueError as error:
                raise CallerError(f"The faults are invalid: {error}.", code="invalid_fault") from None

    def _fault(self, scripted: Fault | Mapping[str, Any]) -> Fault:
        if isinstance(scripted, Fault):
            return scripted
        route = scripted.get("route", "*")
        routes = {str(word): path for word, path in self.routes.items()}
        try:
            (fault,) = parse_faults([dict(scripted) | {"route": routes.get(route, route)}])
        except (TypeError, ValueError) as error:
            raise CallerError(f"The faults are invalid: {error}.", code="invalid_fault") from None
        return fault

"""A backend whose requests go to another one: a subclass chooses that backend for each request, or changes a method.

Each method is made from the one of the protocol, so that mypy checks that none is missing and that the types agree.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from taskhand.backends.base import Account, Backend, OwnProperties
from taskhand.domain.event_source import EventSource
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task

__all__ = ["ForwardingAccount", "ForwardingBackend"]

_Part = TypeVar("_Part")
_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")
_Open = Callable[[], AbstractAsyncContextManager[_Part]]
"""Opens the backend, or a part of it, for one request."""


class _Forwarding(Generic[_Part]):
    """A backend, or a part of one; each request goes to what `open_part` opens."""

    def __init__(self, open_part: _Open[_Part | None]) -> None:
        self.open_part = open_part


def _forward(
    method: Callable[Concatenate[_Part, _Given], Coroutine[Any, Any, _Answer]],
) -> Callable[Concatenate[_Forwarding[_Part], _Given], Coroutine[Any, Any, _Answer]]:
    """A method that calls this one of what is opened for the request."""

    async def call(part: _Forwarding[_Part], /, *given: _Given.args, **named: _Given.kwargs) -> _Answer:
        async with part.open_part() as opened:
            answer: _Answer = await getattr(opened, method.__name__)(*given, **named)
            return answer

    return call


class ForwardingAccount(_Forwarding[Account]):
    """The account of a backend."""

    def __init__(self, account: Account, open_part: _Open[Account] | None = None) -> None:
        super().__init__(open_part or (lambda: nullcontext(account)))
        self.accessed = account.accessed

    members = _forward(Account.members)
    former_members = _forward(Account.former_members)
    me = _forward(Account.me)
    find_contacts = _forward(Account.find_contacts)
    find_deals = _forward(Account.find_deals)
    find_linked = _forward(Account.find_linked)
    task_types = _forward(Account.task_types)
    upstream_time = _forward(Account.upstream_time)
    upstream_account = _forward(Account.upstream_account)
    check_access = _forward(Account.check_access)
    check_health = _forward(Account.check_health)


class _ForwardedProperties(_Forwarding[OwnProperties]):
    resolve = _forward(OwnProperties.resolve)
    find_names = _forward(OwnProperties.find_names)
    snapshots = _forward(OwnProperties.snapshots)
    find_ids = _forward(OwnProperties.find_ids)


class _Events(_Forwarding[EventSource]):
    def __init__(self, source: EventSource, open_part: _Open[EventSource | None]) -> None:
        super().__init__(open_part)
        self.compares, self.remark = source.compares, source.remark
        self.describe_waiting = source.describe_waiting

    begin = _forward(EventSource.begin)
    look = _forward(EventSource.look)


class ForwardingBackend(_Forwarding[Backend]):
    """A backend whose requests go to `backend`, or to the one that `open_backend` opens for each request."""

    def __init__(self, backend: Backend, open_backend: _Open[Backend] | None = None) -> None:
        self._open_backend = open_backend or (lambda: nullcontext(backend))
        super().__init__(self._open_backend)
        self.follow(backend)
        self.account: Account = ForwardingAccount(backend.account, self._open(lambda opened: opened.account))
        properties = self._open(lambda opened: opened.properties)
        self.properties: OwnProperties | None = _ForwardedProperties(properties) if backend.properties else None

    def follow(self, backend: Backend) -> None:
        """Use the capabilities and all else of this backend that needs no request."""
        self.capabilities, self.remedies = backend.capabilities, backend.remedies
        self._latest = backend

    @property
    def event_source(self) -> EventSource | None:
        """The source of changes by anybody."""
        source = self._latest.event_source
        return _Events(source, self._open(lambda opened: opened.event_source)) if source else None

    def sure_of_due(self, task: Task, *, of_day: bool = False) -> bool:
        """Whether a due time was certainly read as the backend means it."""
        return self._latest.sure_of_due(task, of_day=of_day)

    def reread(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot, with the unknown fields that its raw values can show by now filled in."""
        return self._latest.reread(snapshot)

    async def aclose(self) -> None:
        """Close the backend."""
        await self._latest.aclose()

    statuses = _forward(Backend.statuses)
    list_tasks = _forward(Backend.list_tasks)
    get_task = _forward(Backend.get_task)
    snapshots = _forward(Backend.snapshots)
    find_listed = _forward(Backend.find_listed)
    snapshots_to_delete = _forward(Backend.snapshots_to_delete)
    find_notes = _forward(Backend.find_notes)
    missing_notes = _forward(Backend.missing_notes)
    check_edit = _forward(Backend.check_edit)
    create_task = _forward(Backend.create_task)
    create_tasks = _forward(Backend.create_tasks)
    update_task = _forward(Backend.update_task)
    update_tasks = _forward(Backend.update_tasks)
    find_created = _forward(Backend.find_created)
    delete_task = _forward(Backend.delete_task)
    delete_tasks = _forward(Backend.delete_tasks)

    def _open(self, part_of: Callable[[Backend], _Part]) -> _Open[_Part]:
        @asynccontextmanager
        async def open_part() -> AsyncIterator[_Part]:
            async with self._open_backend() as backend:
                yield part_of(backend)

        return open_part

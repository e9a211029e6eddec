"""Broadcasts the ids of the tasks that a replica changes, with their connection, to all other replicas.

The replica of a subscription checks whether its subscriber may see the task, as for its own changes.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final, Protocol

import anyio

from taskhand.call.parallel_work import concurrent_tasks
from taskhand.domain.errors import OperatorError

__all__ = ["CHANNEL", "Channel", "TaskChanges", "Updates"]

_log = logging.getLogger(__name__)

CHANNEL: Final = "taskhand_changes"

_MAX_BYTES: Final = 7_000
"""Maximum bytes of ids in one message; PostgreSQL's limit is 8,000 for the payload."""
_MAX_WAITING: Final = 10_000
"""Maximum queued ids; beyond them, one message means that any task may have changed."""
_PAUSES_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between attempts to reach the database; the last value repeats."""


class Updates(Protocol):
    """The subscriptions of this process to the tasks of one connection."""

    def relay(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Call the listener with each task that this process changes; the returned function unsubscribes it."""
        ...

    def announce_here(self, task_id: str) -> None:
        """Notify the subscribers of a task that another replica changed."""
        ...

    def announce_all_here(self) -> None:
        """Notify all subscribers: any task may have been changed by another replica."""
        ...


class Channel(Protocol):
    """A broadcast channel between replicas; every method raises OperatorError if it cannot be reached."""

    async def send(self, messages: Sequence[str]) -> None: ...  # noqa: D102
    async def listen(self) -> None: ...  # noqa: D102
    async def receive(self) -> list[str]: ...  # noqa: D102
    async def aclose(self) -> None: ...  # noqa: D102


class TaskChanges:
    """Broadcasts the changes of this replica, and delivers those of the others.

    `updates` are the subscriptions by connection, under the name that every replica uses for it. Messages are lost
    while the channel is disconnected: after a reconnect, all subscribers are notified once that their tasks may have
    changed.
    """

    def __init__(
        self,
        channel: Channel,
        updates: Mapping[str, Updates],
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self._channel = channel
        self._updates = updates
        self._sleep = sleep
        self._name = token_hex(6)
        self._waiting: dict[tuple[str, str], None] = {}
        self._is_in_doubt = False
        self._woken = anyio.Event()
        self._ends = [broadcast.relay(self._note(connection)) for connection, broadcast in updates.items()]

    async def run(self) -> None:
        """Send and receive changes, until cancelled."""
        try:
            async with concurrent_tasks() as group:
                group.start_soon(self._tell_always)
                group.start_soon(self._hear_always)
        finally:
            for end in self._ends:
                end()
            with anyio.CancelScope(shield=True), suppress(OperatorError):
                await self._channel.aclose()

    def _note(self, connection: str) -> Callable[[str], None]:
        def note(task_id: str) -> None:
            self._waiting[connection, task_id] = None
            if len(self._waiting) > _MAX_WAITING:
                self._waiting, self._is_in_doubt = {}, True
            self._woken.set()

        return note

    async def _tell_always(self) -> None:
        tries = 0
        while True:
            await self._woken.wait()
            self._woken = anyio.Event()
            changed, self._waiting = self._waiting, {}
            in_doubt, self._is_in_doubt = self._is_in_doubt, False
            try:
                await self._channel.send([*self._messages(list(changed), in_doubt=in_doubt)])
                tries = 0
            except OperatorError as error:
                _log.warning("the other replicas could not be notified of changes: %s", error.message)
                self._is_in_doubt = True
                await self._sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
                tries += 1
                self._woken.set()

    def _messages(self, changed: Sequence[tuple[str, str]], *, in_doubt: bool) -> Iterator[str]:
        if in_doubt:
            yield from (self._message(connection, None) for connection in self._updates)
            return
        for connection in dict.fromkeys(connection for connection, _ in changed):
            part: list[str] = []
            for task_id in (task_id for name, task_id in changed if name == connection):
                if part and len(json.dumps([*part, task_id])) > _MAX_BYTES:
                    yield self._message(connection, part)
                    part = []
                part.append(task_id)
            yield self._message(connection, part)

    def _message(self, connection: str, tasks: Sequence[str] | None) -> str:
        return json.dumps({"by": self._name, "connection": connection, "tasks": tasks})

    async def _hear_always(self) -> None:
        tries, was_cut = 0, False
        while True:
            try:
                await self._channel.listen()
                if was_cut:
                    self._doubt_all()
                tries = 0
                while True:
                    for message in await self._channel.receive():
                        self._pass_on(message)
            except OperatorError as error:
                if not tries:
                    _log.warning("changes by other replicas are not received at the moment: %s", error.message)
                was_cut = True
                await self._sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
                tries += 1

    def _doubt_all(self) -> None:
        for updates in self._updates.values():
            updates.announce_all_here()

    def _pass_on(self, message: str) -> None:
        """Deliver a change of another replica; ignore a message in an unknown form, for example of a newer version."""
        try:
            change: dict[str, Any] = json.loads(message)
            by, updates, tasks = change["by"], self._updates.get(change["connection"]), change["tasks"]
        except (ValueError, KeyError, TypeError):
            return
        if by == self._name or updates is None:
            return
        if tasks is None:
            updates.announce_all_here()
        for task_id in tasks or ():
            updates.announce_here(str(task_id))

"""Announces changed tasks to subscribers: tasks that this process wrote, and changes by others in the feed."""

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Final, TypeVar

from taskhand.domain.outcome import Outcome

if TYPE_CHECKING:
    from taskhand.journal.journal import Result

__all__ = ["EVERY_TASK", "TaskUpdates", "feed_id"]

_MAY_HAVE_CHANGED: Final[frozenset[Outcome]] = frozenset({"applied", "unknown"})

_Listener = Callable[[str], None]
_Forget = Callable[[Collection[str] | None], None]

_T = TypeVar("_T")

EVERY_TASK: Final = ""
"""Announced in place of an id if any task may have been changed."""


def feed_id(person: str | None, member_id: str | None = None) -> str:
    """Announced in place of an id if a feed has new events: the shared one, or a person's own.

    With a member: if there are new events of tasks that this member was responsible for. No task has such an id.
    """
    return f"//feed?person={person or ''}&member={member_id or ''}"


class TaskUpdates:
    """Tells listeners the id of each task that was changed, or may have been; there is no replay.

    A listener must neither wait nor raise: it is called while a write is being answered.
    """

    def __init__(self) -> None:
        self._listeners: dict[object, _Listener] = {}
        self._relays: dict[object, _Listener] = {}
        self._memories: dict[object, _Forget] = {}

    @property
    def has_cache(self) -> bool:
        """Whether a listener caches tasks."""
        return bool(self._memories)

    def publish(self, results: "Iterable[Result]") -> None:
        """Announce the tasks of these results that may have changed."""
        changed = (result.task_id for result in results if result.outcome in _MAY_HAVE_CHANGED)
        self.announce(task_id for task_id in changed if task_id is not None)

    def announce(self, task_ids: Iterable[str]) -> None:
        """Announce these tasks, here and in the other processes."""
        for task_id in task_ids:
            self._notify(task_id)
            for relay in tuple(self._relays.values()):
                relay(task_id)

    def announce_here(self, task_id: str) -> None:
        """Announce to the listeners here a change by another process."""
        self.forget([task_id])
        self._notify(task_id)

    def announce_all_here(self) -> None:
        """Announce that another process may have changed any task."""
        self.forget(None)
        self._notify(EVERY_TASK)

    def forget(self, task_ids: Collection[str] | None) -> None:
        """Invalidate the caches of these tasks, or of all (None): another process has written them."""
        for forget in tuple(self._memories.values()):
            forget(task_ids)

    def subscribe(self, listener: _Listener) -> Callable[[], None]:
        """Add a listener; the returned function removes it (idempotent)."""
        return _add(self._listeners, listener)

    def on_foreign_write(self, forget: _Forget) -> Callable[[], None]:
        """Add a listener for invalidated tasks; otherwise as `subscribe`."""
        return _add(self._memories, forget)

    def relay(self, listener: _Listener) -> Callable[[], None]:
        """Add a listener for what this process changes or finds; otherwise as `subscribe`."""
        return _add(self._relays, listener)

    def _notify(self, task_id: str) -> None:
        for listener in tuple(self._listeners.values()):
            listener(task_id)


def _add(listeners: dict[object, _T], listener: _T) -> Callable[[], None]:
    token = object()
    listeners[token] = listener

    def end() -> None:
        listeners.pop(token, None)

    return end

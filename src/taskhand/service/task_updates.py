"""Which tasks were changed, told to whoever subscribed: by this process, and as far as the feed has found by others."""

from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

from taskhand.domain.outcome import Outcome
from taskhand.journal.journal import Result

__all__ = ["EVERY_TASK", "TaskUpdates", "feed_id"]

_MAY_HAVE_CHANGED: Final[frozenset[Outcome]] = frozenset({"applied", "unknown"})

_Listener = Callable[[str], None]
_Forget = Callable[[Collection[str] | None], None]

_T = TypeVar("_T")

EVERY_TASK: Final = ""
"""Told in the place of an id where any task may have been changed."""


def feed_id(person: str | None, member_id: str | None = None) -> str:
    """Told in the place of an id where a feed has new events: the shared one, or a person's own.

    With a member: where there are new events of tasks that this member was responsible for. No task has such an id.
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

    def publish(self, results: Iterable[Result]) -> None:
        """Tell the tasks of these results that may have changed."""
        changed = (one.task_id for one in results if one.outcome in _MAY_HAVE_CHANGED)
        self.announce(task_id for task_id in changed if task_id is not None)

    def announce(self, task_ids: Iterable[str]) -> None:
        """Tell of these tasks, here and in the other processes."""
        for task_id in task_ids:
            self._tell(task_id)
            for relay in tuple(self._relays.values()):
                relay(task_id)

    def hear(self, task_id: str) -> None:
        """Tell the listeners of a change that another process has made."""
        self.forget([task_id])
        self._tell(task_id)

    def doubt(self) -> None:
        """Tell the listeners that any task may have been changed by another process."""
        self.forget(None)
        self._tell(EVERY_TASK)

    def forget(self, task_ids: Collection[str] | None) -> None:
        """Have nothing count that is remembered of these tasks, or of any: another process has written them."""
        for forget in tuple(self._memories.values()):
            forget(task_ids)

    def subscribe(self, listener: _Listener) -> Callable[[], None]:
        """Tell this listener too; the returned function ends that, and may be called twice."""
        return _add(self._listeners, listener)

    def remember(self, forget: _Forget) -> Callable[[], None]:
        """Have this called with the tasks of which nothing remembered counts; the rest is as in `subscribe`."""
        return _add(self._memories, forget)

    def relay(self, listener: _Listener) -> Callable[[], None]:
        """Tell this listener what this process changes or finds; the rest is as in `subscribe`."""
        return _add(self._relays, listener)

    def _tell(self, task_id: str) -> None:
        for listener in tuple(self._listeners.values()):
            listener(task_id)


def _add(listeners: dict[object, _T], listener: _T) -> Callable[[], None]:
    token = object()
    listeners[token] = listener

    def end() -> None:
        listeners.pop(token, None)

    return end

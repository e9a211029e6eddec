"""Which tasks were changed, told to whoever subscribed: by this process at the moment when a change is settled."""

from collections.abc import Callable, Collection, Iterable
from typing import Final, TypeVar

from taskhand.domain.outcome import Outcome
from taskhand.journal.journal import Result

__all__ = ["EVERY_TASK", "TaskUpdates"]

_MAY_HAVE_CHANGED: Final[frozenset[Outcome]] = frozenset({"applied", "unknown"})

_Listener = Callable[[str], None]
_Forget = Callable[[Collection[str] | None], None]

_T = TypeVar("_T")

EVERY_TASK: Final = ""
"""Told in the place of an id where any task may have been changed."""


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
        for result in results:
            if result.task_id is not None and result.outcome in _MAY_HAVE_CHANGED:
                self._tell(result.task_id)
                for relay in tuple(self._relays.values()):
                    relay(result.task_id)

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
        """Tell this listener what this process changes; the rest is as in `subscribe`."""
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

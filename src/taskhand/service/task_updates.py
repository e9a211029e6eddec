"""Which tasks this process has changed, told to whoever subscribed, at the moment when a change is settled."""

from collections.abc import Callable, Iterable
from typing import Final

from taskhand.domain.outcome import Outcome
from taskhand.journal.journal import Result

__all__ = ["TaskUpdates"]

_MAY_HAVE_CHANGED: Final[frozenset[Outcome]] = frozenset({"applied", "unknown"})

_Listener = Callable[[str], None]


class TaskUpdates:
    """Tells listeners the id of each task that was changed, or may have been; there is no replay.

    A listener must neither wait nor raise: it is called while a write is being answered.
    """

    def __init__(self) -> None:
        self._listeners: dict[object, _Listener] = {}

    def publish(self, results: Iterable[Result]) -> None:
        """Tell the tasks of these results that may have changed."""
        for result in results:
            if result.task_id is not None and result.outcome in _MAY_HAVE_CHANGED:
                for listener in tuple(self._listeners.values()):
                    listener(result.task_id)

    def subscribe(self, listener: _Listener) -> Callable[[], None]:
        """Tell this listener too; the returned function ends that, and may be called twice."""
        token = object()
        self._listeners[token] = listener
        return lambda: self._listeners.pop(token, None) and None

"""Priorities that Close does not say: its documented samples of tasks have none, so an answer may lack it.

What was sent for a task counts until Close says otherwise: it names a priority, or the task was changed by somebody
else since.
"""

from typing import Final

from taskhand.backends.close.mapping import said_priority
from taskhand.backends.remote.parsing import JsonObject

__all__ = ["Priorities"]

_MOST: Final = 10_000
"""So many tasks are remembered, those written last."""


class Priorities:
    """The priorities that were sent, each with when the task was last changed by us."""

    def __init__(self) -> None:
        self._sent: dict[str, tuple[object, str]] = {}

    def wrote(self, raw: JsonObject, word: object = None) -> None:
        """`raw` is the task after a write of ours, which may have sent `word`."""
        known = self._sent.pop(str(raw.get("id")), None)
        word = word or (known and known[0])
        if word and said_priority(raw) is None:
            self._sent[str(raw.get("id"))] = (word, _changed(raw))
            if len(self._sent) > _MOST:
                del self._sent[next(iter(self._sent))]

    def read(self, raw: JsonObject) -> None:
        """`raw` is a task as Close has it: where somebody else changed it, nothing is known of it any more."""
        if str(raw.get("id")) in self._sent and self._standing(raw) is None:
            del self._sent[str(raw.get("id"))]

    def filled(self, raw: JsonObject) -> JsonObject:
        """The task with the priority that was sent, where Close does not say it and nobody else changed the task."""
        word = self._standing(raw)
        return raw if word is None else raw | {"priority": str(word)}

    def _standing(self, raw: JsonObject) -> object | None:
        """What was sent for a task, while it counts."""
        word, written = self._sent.get(str(raw.get("id")), (None, ""))
        return None if said_priority(raw) is not None or written < _changed(raw) else word


def _changed(raw: JsonObject) -> str:
    return str(raw.get("date_updated") or "")

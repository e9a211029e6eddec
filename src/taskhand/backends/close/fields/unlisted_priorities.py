"""The priorities that Taskhand has sent for to-dos of which Close lists none."""

from taskhand.backends.close.mapping import listed_priority
from taskhand.backends.remote.parsing import JsonObject

__all__ = ["UnlistedPriorities"]


class UnlistedPriorities:
    """Priorities that were sent for tasks whose responses list none; the latest 10,000.

    A sent priority is valid until Close lists one, or somebody else changes the task.
    """

    def __init__(self) -> None:
        self._sent: dict[str, tuple[str, str]] = {}

    def note_write(self, row: JsonObject, sent: str | None) -> None:
        """Record the priority `sent` by a write of ours, if any; `row` is the task after the write."""
        word, _ = self._sent.pop(str(row.get("id")), (None, ""))
        if (sent or word) and listed_priority(row) is None:
            self._sent[str(row.get("id"))] = (str(sent or word), _updated_at(row))
            if len(self._sent) > 10_000:  # noqa: PLR2004 - the class documents it
                del self._sent[next(iter(self._sent))]

    def note_read(self, row: JsonObject) -> None:
        """Forget a sent priority if `row`, just read from Close, lists one or was changed by somebody else."""
        if self.fill_in(row) is row:
            self._sent.pop(str(row.get("id")), None)

    def fill_in(self, row: JsonObject) -> JsonObject:
        """The row with the priority that was sent, if that is still valid; else the same row."""
        word, updated = self._sent.get(str(row.get("id")), (None, ""))
        is_current = word is not None and listed_priority(row) is None and updated >= _updated_at(row)
        return row | {"priority": word} if is_current else row


def _updated_at(json: JsonObject) -> str:
    return str(json.get("date_updated") or "")

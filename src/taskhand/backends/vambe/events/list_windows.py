"""The windows of Vambe's list that are read to notice changes; pure."""

from datetime import timedelta
from typing import Final

from taskhand.backends.vambe.client import Window
from taskhand.backends.vambe.query import WIDEST
from taskhand.domain.due import due_of
from taskhand.domain.task import Task

__all__ = ["EDGE", "SPANS", "day_window"]

SPANS: Final = ((60, 180), (30, 60), (7, 14))
"""Days before and after today that a look lists; fewer if Vambe refuses a window."""
EDGE: Final = 3
"""Days at the ends of a window that may or may not be included: Vambe does not document the zone of a window."""


def day_window(task: Task) -> Window:
    """The window of the few tasks due around the same day, or of those without a date if this one has none."""
    due = due_of(task)
    if due is None:
        return Window(WIDEST.first, WIDEST.first, task.responsible_ids)
    first, last = due.day - timedelta(days=EDGE), due.day + timedelta(days=EDGE)
    return Window(first.isoformat(), last.isoformat(), dateless=False)

"""The changes of tasks since the snapshots of a plan or of another intent, and the error for such a plan."""

from collections.abc import Sequence

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.plan import Difference, difference_between
from taskhand.domain.receipt import FieldChange
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Change, Intent
from taskhand.service.masked_text import is_same_but_for_keys, with_keys_of

__all__ = ["difference_since", "stale_plan_error"]

_MAX_DIFFERENCES = 20


def difference_since(
    change: Change, intent: Intent, now: Snapshot | None, capabilities: Capabilities
) -> Difference | None:
    """The difference between the task of an intent and the current task; None if there is none.

    For an undo only the fields that it sets are compared. HTML is compared exactly, not by its text, if the intent
    would write the old HTML back.
    """
    if intent.before is None:
        return None
    was = intent.before.task
    if now is None:
        return difference_between(was, None)
    moved = difference_between(with_keys_of(was, now.task), now.task, of=_bound_fields(change, intent))
    if moved is not None or not _writes_html(intent, capabilities):
        return moved
    html_was, html = (snapshot.native.get(str(capabilities.html_description)) for snapshot in (intent.before, now))
    if html_was == html or is_same_but_for_keys(html_was, html):
        return None
    return Difference(was.id, now.task.title or "", "update", (FieldChange("description", html_was, html),))


def stale_plan_error(moved: Sequence[Difference], total: int) -> CallerError:
    """The error for a plan of `total` tasks some of which changed since; nothing of it is written."""
    return CallerError(
        f"{len(moved)} of {total} tasks changed since the plan was made; nothing was written.",
        code="plan_stale",
        next_step="Look at the difference, then make the plan again.",
        details={"difference": list(moved[:_MAX_DIFFERENCES]), "moved": len(moved)},
    )


def _bound_fields(change: Change, intent: Intent) -> Edit | None:
    """The fields that may not change before an intent is applied: those that an undo sets, else all (None)."""
    return intent.asked or intent.edit if change.opening.undoes else None


def _writes_html(intent: Intent, capabilities: Capabilities) -> bool:
    """Whether an intent writes a description as the CRM's own HTML."""
    edit = intent.asked or intent.edit or Edit()
    return edit.description is not MISSING and capabilities.html_description in (edit.native or {})

"""The changes of tasks since the snapshots of a plan or of another intent, and the error for such a plan."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import Final

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.plan import Difference, difference_between
from taskhand.domain.receipt import FieldChange, changes
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Change, ChangeQuery, Intent
from taskhand.service.app_context import AppContext
from taskhand.service.masked_text import is_same_but_for_keys, with_keys_of
from taskhand.service.visible_changes import is_visible

__all__ = ["difference_since", "find_authors", "stale_plan_error"]

_MAX_DIFFERENCES = 20
_MAX_NAMED: Final = 3
_LATEST: Final = 50
_UNKNOWN: Final = MappingProxyType[str, str]({})


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


def stale_plan_error(moved: Sequence[Difference], total: int, authors: Mapping[str, str] = _UNKNOWN) -> CallerError:
    """The error for a plan of `total` tasks some of which changed since; nothing of it is written.

    `authors` are as of `find_authors`.
    """
    named = [_describe(one, authors.get(one.id or "")) for one in moved[:_MAX_NAMED]]
    more = [f"and {len(moved) - _MAX_NAMED} more"] if len(moved) > _MAX_NAMED else []
    return CallerError(
        f"{len(moved)} of {total} tasks changed since the plan was made; nothing was written. "
        f"Meanwhile: {'; '.join([*named, *more])}.",
        code="plan_stale",
        next_step="The difference is what changed meanwhile, not what the plan does: tell the person, then plan again.",
        details={"difference": list(moved[:_MAX_DIFFERENCES]), "moved": len(moved)},
    )


async def find_authors(app: AppContext, plan: Change, moved: Sequence[Difference]) -> dict[str, str]:
    """Who made the first of these differences since the plan, by the task's id: changes, another person, or others."""
    authors: dict[str, str] = {}
    for difference in moved[:_MAX_NAMED]:
        if difference.id is None:
            continue
        page = await app.journal.page(ChangeQuery(task_id=difference.id, limit=_LATEST))
        later = [*takewhile(lambda change: change.id != plan.id, page.changes)]
        makers = [
            next((change for change in later if _has_made(change, difference.id, one)), None)
            for one in difference.changed or (None,)
        ]
        authors[difference.id] = ", ".join(dict.fromkeys(_name_maker(app, maker) for maker in makers))
    return authors


def _has_made(change: Change, task_id: str, made: FieldChange | None) -> bool:
    """Whether a change gave a field of the task the value that it has now, or deleted the task (None)."""
    for index, result in change.results.items():
        if result.task_id != task_id or result.outcome != "applied" or index >= len(change.intents):
            continue
        intent = change.intents[index]
        if made is None:
            return intent.verb == "delete"
        if intent.before is None or result.after is None:
            return False
        own = {field_change.field: field_change.after for field_change in changes(intent.before.task, result.after)}
        # A description may be compared as the CRM's own HTML, which the journal does not have of the task afterwards.
        return made.field in own and (made.field == "description" or own[made.field] == made.after)
    return False


def _name_maker(app: AppContext, maker: Change | None) -> str:
    if maker is None:
        return "somebody else"
    return maker.id if is_visible(app, maker) else "another person"


def _describe(moved: Difference, author: str | None) -> str:
    fields = ", ".join(change.field for change in moved.changed)
    how = "was deleted" if moved.does == "delete" else f"was changed in {fields}"
    return f"{moved.id} {how}{f' by {author}' if author else ''}"


def _bound_fields(change: Change, intent: Intent) -> Edit | None:
    """The fields that may not change before an intent is applied: those that an undo sets, else all (None)."""
    return intent.asked or intent.edit if change.opening.undoes else None


def _writes_html(intent: Intent, capabilities: Capabilities) -> bool:
    """Whether an intent writes a description as the CRM's own HTML."""
    edit = intent.asked or intent.edit or Edit()
    return edit.description is not MISSING and capabilities.html_description in (edit.native or {})

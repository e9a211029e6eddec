"""The latest changes, as candidates for the id of a change that does not exist."""

from collections.abc import Iterable
from typing import Final

from taskhand.domain.due import moment_text
from taskhand.domain.errors import Candidate, TaskhandError
from taskhand.domain.truncation import truncate
from taskhand.journal.journal import Change, ChangeQuery
from taskhand.service.app_context import AppContext
from taskhand.service.list_changes import list_changes

__all__ = ["with_latest_changes"]

_MAX_LATEST: Final = 3
_MAX_TITLE: Final = 60


async def with_latest_changes(apps: Iterable[AppContext], error: TaskhandError) -> TaskhandError:
    """The error for a change unknown to these connections, with their latest ones: "last" may mean any of them.

    The error stands as it is if a journal cannot be read.
    """
    found: list[tuple[AppContext, Change]] = []
    try:
        for app in apps:
            page = await list_changes(app, ChangeQuery(outcome="applied", limit=_MAX_LATEST))
            found += [(app, change) for change in page.changes]
    except TaskhandError:
        return error
    latest = sorted(found, key=lambda pair: pair[1].opening.at, reverse=True)[:_MAX_LATEST]
    if not latest:
        return error
    return error.but(
        candidates=[Candidate(change.id, _describe(app, change)) for app, change in latest],
        next_step="Send changeId with the candidate that is meant, newest first; list_changes has more.",
    )


def _describe(app: AppContext, change: Change) -> str:
    """The tool of a change, its task, its connection if there are several, and its time."""
    titles = [change.title(index) or "" for index in range(len(change.intents)) if index in change.results]
    subject = f"{truncate(titles[0], _MAX_TITLE)!r}" if len(titles) == 1 else f"{len(titles)} tasks"
    where = f" on {app.connection.name}" if app.connection.name else ""
    return f"{change.opening.tool}: {subject}{where}, {moment_text(change.opening.at, app.reference.zone)}"

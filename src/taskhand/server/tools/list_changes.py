"""The tool `list_changes`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import MISSING, Field, create_model

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.outcome import Outcome
from taskhand.domain.receipt import join_notes
from taskhand.domain.task import Body, or_none
from taskhand.server.render.answer import MAX_LENGTH
from taskhand.server.render.change_list import ChangesAnswer, people_in_row, people_in_tasks, task_indexes
from taskhand.server.render.resolved_names import match_rows
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from datetime import datetime

    from taskhand.domain.name_matching import Match
    from taskhand.journal.journal import Change, ChangeQuery
    from taskhand.service.app_context import AppContext
    from taskhand.service.write_call import Call

__all__ = ["list_changes_tool"]

_LIMIT = 20
_NONE_OF_TASK = "No such change of this task was made with these tools. get_task shows whether the id exists."
_SHORT_PAGE = 4_000
"""Maximum length of a page of tasks without an explicit limit, in characters."""
_TASKS, _DIGITS = "t", 9
"""The prefix of the cursor of a page of tasks, and the maximum number of its digits."""


class ListChanges(Body):
    """The filters of the journal, and the page."""

    change_id: Annotated[str, Field(description="All tasks of this change")] | MISSING = MISSING
    task_id: Annotated[str, Field(description="Only changes of this task")] | MISSING = MISSING
    tool: str | MISSING = MISSING
    outcome: (
        Annotated[
            Outcome,
            Field(description="Only with this outcome", json_schema_extra=field_notes(null_is_not_given=True)),
        ]
        | MISSING
    ) = MISSING
    since: Annotated[str, Field(description="From this ISO 8601 time on, or words")] | MISSING = MISSING
    until: Annotated[str, Field(description="Up to this ISO 8601 time, or words")] | MISSING = MISSING
    limit: Annotated[int, Field(ge=1, le=50, description="Rows a page, 20 if left out")] | MISSING = MISSING
    cursor: Annotated[str, Field(description="nextCursor of the page before")] | MISSING = MISSING


async def _run(call: "Call", arguments: ListChanges) -> ChangesAnswer:
    from taskhand.server.render.rendered_answer import fit_rows
    from taskhand.service.answer_names import load_wording
    from taskhand.service.date_notes import note_on_words
    from taskhand.service.list_changes import list_changes

    query, matched = _query(call, arguments)
    if arguments.change_id is not MISSING:
        return await _list_tasks(call.app, arguments.change_id, query, is_short=arguments.limit is MISSING)
    page = await list_changes(call.app, query)
    people = frozenset[str]().union(*(people_in_row(change, query.task_id) for change in page.changes))
    wording = await load_wording(call.app, people)
    answer, _ = fit_rows(lambda count: ChangesAnswer.of(page, count, query.task_id, wording), len(page.changes))
    is_empty_of_task = query.task_id is not None and query.after is None and not page.changes
    note = join_notes(
        note_on_words(call.app, matched), or_none(answer.note), _NONE_OF_TASK if is_empty_of_task else None
    )
    return answer.model_copy(update={"matched": match_rows(matched) or MISSING, "note": note or MISSING})


async def _run_everywhere(calls: "Mapping[str, Call]", arguments: ListChanges) -> ChangesAnswer:
    from taskhand.server.render.several_connections import ChangesEverywhereAnswer
    from taskhand.service.date_notes import merged_note_on_words
    from taskhand.service.list_changes import no_change
    from taskhand.service.list_changes_everywhere import list_changes_everywhere

    if arguments.change_id is not MISSING:
        raise no_change(arguments.change_id)
    queries = {name: _query(call, arguments) for name, call in calls.items()}
    apps = {name: call.app for name, call in calls.items()}
    matched = {name: words for name, (_, words) in queries.items()}
    change_lists = await list_changes_everywhere(
        apps,
        {name: query for name, (query, _) in queries.items()},
        people_in_row,
        request=arguments.model_dump(mode="json", exclude={"limit", "cursor"}),
        cursor=or_none(arguments.cursor),
    )
    task_id = or_none(arguments.task_id)
    return ChangesEverywhereAnswer.of_several(change_lists, task_id, matched, merged_note_on_words(apps, matched))


def _query(call: "Call", arguments: ListChanges) -> "tuple[ChangeQuery, tuple[Match, ...]]":
    """The requested page, and the days that were sent in words."""
    from taskhand.journal.journal import ChangeQuery

    since, since_matched = _moment(call, "since", arguments.since)
    until, until_matched = _moment(call, "until", arguments.until)
    query = ChangeQuery(
        task_id=or_none(arguments.task_id),
        tool=or_none(arguments.tool),
        outcome=or_none(arguments.outcome),
        since=since,
        until=until,
        limit=_LIMIT if arguments.limit is MISSING else arguments.limit,
        after=or_none(arguments.cursor),
        with_plans=False,
    )
    return query, since_matched + until_matched


async def _list_tasks(app: "AppContext", change_id: str, query: "ChangeQuery", *, is_short: bool) -> ChangesAnswer:
    """A page of the tasks of one change; a short one has at most `_SHORT_PAGE` characters."""
    from taskhand.domain.cursor import bind_cursor
    from taskhand.server.render.rendered_answer import fit_rows
    from taskhand.service.answer_names import load_wording
    from taskhand.service.list_changes import find_change

    change = await find_change(app, change_id)
    indexes = task_indexes(change, query.task_id, query.outcome)
    start, note = _position(query.after, change_id), await _plan_note(app, change)
    wording = await load_wording(app, people_in_tasks(change, indexes[start : start + query.limit]))

    def answer_of(count: int) -> ChangesAnswer:
        page = indexes[start : start + count]
        cursor = bind_cursor(f"{_TASKS}{start + count}", change.id) if start + count < len(indexes) else None
        return ChangesAnswer.of_tasks(change, page, wording, cursor=cursor, note=note)

    return fit_rows(answer_of, query.limit, _SHORT_PAGE if is_short else MAX_LENGTH)[0]


async def _plan_note(app: "AppContext", change: "Change") -> str | None:
    """The note for a planId; None for a change."""
    from taskhand.service.apply_plan import change_that_applied
    from taskhand.service.visible_changes import is_visible

    if change.outcome != "planned":
        return None
    user = await change_that_applied(app, change)
    if user is None:
        done = "apply_plan carries it out."
    else:
        who = user.id if is_visible(app, user) else "Another person"
        done = "It was declined." if user.outcome == "declined" else f"{who} carried it out."
    return f"This is a plan, not a change: nothing was written by it. {done}"


def _position(cursor: str | None, change_id: str) -> int:
    """The position of a cursor in the tasks of a change; CallerError for a cursor of another list."""
    from taskhand.domain.cursor import other_cursor_error, unbind_cursor

    if cursor is None:
        return 0
    cursor = unbind_cursor(cursor, change_id)
    number = cursor.removeprefix(_TASKS)
    if cursor.startswith(_TASKS) and number.isascii() and number.isdigit() and len(number) <= _DIGITS:
        return int(number)
    raise other_cursor_error()


def _moment(call: "Call", name: str, text: str | MISSING) -> "tuple[datetime | None, tuple[Match, ...]]":
    """The time that was sent, or the begin or end of a day that was sent in words."""
    if text is MISSING:
        return None, ()
    from taskhand.domain.moment_argument import read_moment

    return read_moment(name, text, "from" if name == "since" else "to", call.app.reference)


def list_changes_tool(writing: Sequence[str]) -> Tool[ListChanges]:
    """The tool; `writing` are the names of the tools whose calls are journaled."""
    only_by = Field(description="Only by this tool", json_schema_extra=field_notes(null_is_not_given=True))
    names: Any = Annotated[Literal[*writing], only_by]
    return Tool(
        name="list_changes",
        title="List changes",
        description="List changes made with these tools, newest first, with old and new values and outcome.",
        kind="read",
        arguments=create_model("ListChanges", __base__=ListChanges, tool=(names | MISSING, MISSING)),
        answer=ChangesAnswer,
        run=_run,
        run_everywhere=_run_everywhere,
        advice="list_changes shows the journal of every write.",
        is_drawn_by_board=True,
        is_called_by_board=True,
    )

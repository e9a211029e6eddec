"""List the changes of several connections as one list, newest first."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from taskhand.domain.merged_list import ConnectionPage, MergedCursor, merge_rows
from taskhand.domain.wording import Wording
from taskhand.journal.journal import Change, ChangePage, ChangeQuery
from taskhand.service.answer_names import load_wording
from taskhand.service.app_context import AppContext
from taskhand.service.ask_connections import ConnectionAnswers, ask_connections
from taskhand.service.list_changes import list_changes

__all__ = ["ChangeLists", "list_changes_everywhere"]


@dataclass(frozen=True, slots=True)
class ChangeLists:
    """One page over several connections: its `rows` are changes with their connections, newest first.

    `found` has the page of each connection, of which the rows may be a part, with the words for its people. `begun` is
    the cursor of this page.
    """

    rows: tuple[tuple[str, Change], ...]
    found: ConnectionAnswers[tuple[ChangePage, Wording]]
    begun: MergedCursor

    @property
    def wordings(self) -> Mapping[str, Wording]:
        """The words for the people of each connection."""
        return {name: wording for name, (_, wording) in self.found.answers.items()}

    def cursor_after(self, shown: int) -> str | None:
        """The cursor after the first `shown` rows; None if nothing follows."""
        parts = {
            name: ConnectionPage([(position,) for position in page.positions], page.cursor is not None)
            for name, (page, _) in self.found.answers.items()
        }
        names = [name for name, _ in self.rows[:shown]]
        return self.begun.after(names, parts, may_be_back=self.found.may_be_back)


async def list_changes_everywhere(
    apps: Mapping[str, AppContext],
    queries: Mapping[str, ChangeQuery],
    people_in: Callable[[Change, str | None], Collection[str]],
    *,
    request: object,
    cursor: str | None = None,
) -> ChangeLists:
    """One page of the changes of these connections, by the query of each; the limit is that of the whole page.

    `people_in` returns the ids of the people in the row of a change. `request` identifies the query of a cursor.
    """
    begun = MergedCursor.of_list([*apps], request, cursor)

    async def ask(name: str, app: AppContext) -> tuple[ChangePage, Wording]:
        query = queries[name]
        page = await list_changes(app, replace(query, after=next(iter(begun.by_name[name] or ()), None)))
        people = {person_id for change in page.changes for person_id in people_in(change, query.task_id)}
        return page, await load_wording(app, people)

    answers = await ask_connections(
        {name: apps[name] for name in begun.unfinished}, ask, others_ended=begun.others_ended
    )
    pages = {name: page.changes for name, (page, _) in answers.answers.items()}
    merged = merge_rows(pages, lambda change: change.opening.at, descends=True)
    return ChangeLists(tuple(islice(merged, next(iter(queries.values())).limit)), answers, begun)

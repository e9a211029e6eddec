"""The answers of lists and counts over several connections; pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import MISSING

from taskhand.domain.due import moment_text
from taskhand.domain.errors import Ambiguous, LinkBroken, LinkRequired, TaskhandError
from taskhand.domain.name_matching import Match
from taskhand.domain.receipt import join_notes
from taskhand.domain.status_lookup import UnknownStatus
from taskhand.domain.task_groups import CountBy
from taskhand.domain.truncation import truncate
from taskhand.server.render.answer import MAX_ITEMS, Answer, UntrustedAnswer
from taskhand.server.render.change_list import ChangesAnswer, change_row, note_on_cut
from taskhand.server.render.counts import CountsAnswer, count_note, named_groups, partial_note, with_groups
from taskhand.server.render.errors import name_connections
from taskhand.server.render.events import EventsAnswer, event_row, first_look_note
from taskhand.server.render.read_answers import ListAnswer, Unreadable, page_room, row_of, wording_of, zone_of
from taskhand.server.render.rendered_answer import fit_rows
from taskhand.server.render.resolved_names import MatchRow, match_rows
from taskhand.server.render.task_rows import Row, RowField

if TYPE_CHECKING:
    from taskhand.service.ask_connections import ConnectionAnswers
    from taskhand.service.count_tasks import Counted
    from taskhand.service.list_changes_everywhere import ChangeLists
    from taskhand.service.list_events_everywhere import EventLists
    from taskhand.service.list_tasks_everywhere import MergedTaskList
    from taskhand.service.partly_known_names import PartialAnswer

__all__ = ["ChangesEverywhereAnswer", "EventsEverywhereAnswer", "ListEverywhereAnswer", "render_counts_everywhere"]

_MESSAGE: Final = 160
_CANDIDATE: Final = 200
_MAX_CANDIDATES: Final = 5
_LEFT_OUT_TEXTS: Final = ("leftOut.candidates.value", "leftOut.candidates.name")
_TYPES: Final = "Types are known everywhere: initial, in_progress, done, master_done."
_OTHERS: Final = " Only the others were asked for."


class CandidateRow(Answer):
    """A value that would have been accepted."""

    value: str
    name: str | MISSING = MISSING


class UnansweredRow(Answer):
    """Why one connection, or several for the same reason, did not answer."""

    connection: str | MISSING = MISSING
    connections: tuple[str, ...] | MISSING = MISSING
    code: str
    message: str
    candidates: tuple[CandidateRow, ...] | MISSING = MISSING


class ListEverywhereAnswer(ListAnswer):
    """A page of tasks of several connections. `zones` has the zone of each if they differ; `zone` is that of `now`.

    The tasks of `unreachable` connections may come with a later page, those of `left_out` ones do not.
    """

    free_text = (*ListAnswer.free_text, *_LEFT_OUT_TEXTS)

    zones: dict[str, str] | MISSING = MISSING
    unreachable: tuple[UnansweredRow, ...] | MISSING = MISSING
    left_out: tuple[UnansweredRow, ...] | MISSING = MISSING

    @classmethod
    def of_several(
        cls, task_lists: "MergedTaskList", fields: Sequence[RowField] | MISSING, limit: int, note: str | None = None
    ) -> "ListEverywhereAnswer":
        """The answer for a page; it ends early, with a cursor, if its rows are large."""
        lists = task_lists.lists
        first = next(iter(lists.values()))
        zones = {name: zone_of(task_list) for name, task_list in lists.items()}
        left_out = [*task_lists.found.left_out.items(), *task_lists.unknown]
        answer = cls(
            now=moment_text(first.now.replace(second=0), first.zone),
            zone=zone_of(first),
            zones=zones if len(set(zones.values())) > 1 else MISSING,
            tasks=(),
            matched=_match_rows({name: task_list.query.matched for name, task_list in lists.items()}, task_lists.found),
            next_cursor=task_lists.cursor_after(len(task_lists.rows)) or MISSING,
            unreadable=_unreadable({name: task_list.unreadable for name, task_list in lists.items()}),
            unreachable=_unanswered_rows([*task_lists.found.unreachable.items()]),
            left_out=_unanswered_rows(left_out, partly=len(task_lists.unknown)),
            note=note or MISSING,
        )
        room = page_room(limit)
        rows = _rows(task_lists, fields, max(room - len(answer.model_dump_json()), room // 2))
        return answer.model_copy(update={"tasks": rows, "next_cursor": task_lists.cursor_after(len(rows)) or MISSING})


class CountsEverywhereAnswer(CountsAnswer):
    """The number of tasks in each group over several connections, and in each of these."""

    connections: dict[str, int] | MISSING = MISSING
    unreachable: tuple[UnansweredRow, ...] | MISSING = MISSING
    left_out: tuple[UnansweredRow, ...] | MISSING = MISSING


class NamedCountsEverywhereAnswer(CountsEverywhereAnswer, UntrustedAnswer):
    """Counts by names that others wrote, or of items to which such a name was resolved."""

    free_text = ("counts", "matched.name", *_LEFT_OUT_TEXTS)


def render_counts_everywhere(
    answers: "ConnectionAnswers[PartialAnswer[Counted]]", by: CountBy, note: str | None = None
) -> CountsEverywhereAnswer:
    """The answer with the largest groups; groups of the same name in several connections are merged."""
    counts = {name: answered.answer for name, answered in answers.answers.items()}
    matched = _match_rows({name: counted.matched for name, counted in counts.items()}, answers)
    named: Counter[str] = Counter()
    for counted in counts.values():
        named.update(named_groups(counted, by))
    has_candidates = any(isinstance(error, Ambiguous) for error in answers.left_out.values())
    has_names = by in ("responsible", "status") or matched is not MISSING or has_candidates
    why = " ".join(f"{name}: {counted.count.why}" for name, counted in counts.items() if counted.count.why is not None)
    answer = (NamedCountsEverywhereAnswer if has_names else CountsEverywhereAnswer)(
        counts={},
        total=sum(counted.count.total for counted in counts.values()),
        matched=matched,
        unreadable_count=sum(counted.count.unreadable for counted in counts.values()) or MISSING,
        partial=partial_note(why) if why else MISSING,
        note=count_note([counted.count for counted in counts.values()], note),
    )
    unknown = [(name, error) for name, answered in answers.answers.items() for error in answered.unknown.values()]
    of_connections = {
        "connections": {name: counted.count.total for name, counted in counts.items()},
        "unreachable": _unanswered_rows([*answers.unreachable.items()]),
        "left_out": _unanswered_rows([*answers.left_out.items(), *unknown], partly=len(unknown)),
    }
    return with_groups(answer, named, by).model_copy(update=of_connections)


class ChangesEverywhereAnswer(ChangesAnswer):
    """A page of the journals of several connections."""

    free_text = (*ChangesAnswer.free_text, *_LEFT_OUT_TEXTS)

    unreachable: tuple[UnansweredRow, ...] | MISSING = MISSING
    left_out: tuple[UnansweredRow, ...] | MISSING = MISSING

    @classmethod
    def of_several(
        cls, change_lists: "ChangeLists", task_id: str | None, matched: Mapping[str, Sequence[Match]], note: str | None
    ) -> "ChangesEverywhereAnswer":
        """The answer for a page; a page of large changes has fewer rows."""
        rows = [
            change_row(change, task_id, change_lists.wordings[name]).model_copy(update={"connection": name})
            for name, change in change_lists.rows
        ]
        changes = [change for _, change in change_lists.rows]

        def answer_of(count: int) -> ChangesEverywhereAnswer:
            return cls(
                changes=tuple(rows[:count]),
                matched=_match_rows(matched, change_lists.found),
                note=join_notes(note, note_on_cut(rows[:count], changes)) or MISSING,
                next_cursor=change_lists.cursor_after(count) or MISSING,
                unreachable=_unanswered_rows([*change_lists.found.unreachable.items()]),
                left_out=_unanswered_rows([*change_lists.found.left_out.items()]),
            )

        return fit_rows(answer_of, len(rows))[0]


class EventsEverywhereAnswer(EventsAnswer):
    """A page of the feeds of several connections."""

    free_text = (*EventsAnswer.free_text, *_LEFT_OUT_TEXTS)

    unreachable: tuple[UnansweredRow, ...] | MISSING = MISSING
    left_out: tuple[UnansweredRow, ...] | MISSING = MISSING

    @classmethod
    def of_several(cls, lists: "EventLists", shown: int, note: str | None = None) -> "EventsEverywhereAnswer":
        """The answer with the first rows of a page; notes on one connection name it."""
        wordings = {name: events.wording for name, events in lists.found.answers.items()}
        firsts = [first_look_note(page) for page in lists.pages.values()]
        notes = [f"{name}: {page_note}" for name, page in lists.pages.items() for page_note in page.notes]
        since = [(page.since, wordings[name]) for name, page in lists.pages.items() if page.since is not None]
        return cls(
            since=min((wording.moment(moment) or "" for moment, wording in since), default=MISSING),
            events=tuple(
                event_row(event, wordings[name]).model_copy(update={"connection": name})
                for name, event in lists.rows[:shown]
            ),
            matched=_match_rows(lists.matched, lists.found),
            next_cursor=lists.cursor_after(shown),
            more=lists.has_more(shown) or MISSING,
            note=join_notes(*dict.fromkeys(firsts), *notes, note) or MISSING,
            unreachable=_unanswered_rows([*lists.found.unreachable.items()]),
            left_out=_unanswered_rows([*lists.found.left_out.items(), *lists.unknown], partly=len(lists.unknown)),
        )


def _unanswered_rows(
    errors: Sequence[tuple[str, TaskhandError]], *, partly: int = 0
) -> tuple[UnansweredRow, ...] | MISSING:
    """The connections that did not answer; the last `partly` of these left out a part of the answer."""
    names: dict[UnansweredRow, list[str]] = {}
    for index, (name, error) in enumerate(errors):
        message = _message(error) + (_OTHERS if index >= len(errors) - partly else "")
        row = UnansweredRow(code=error.code, message=message, candidates=_candidate_rows(error))
        names.setdefault(row, []).append(name)
    rows = tuple(row.model_copy(update=name_connections(own)) for row, own in names.items())
    return rows[:MAX_ITEMS] or MISSING


def _candidate_rows(error: TaskhandError) -> tuple[CandidateRow, ...] | MISSING:
    """The first of the candidates."""
    if not isinstance(error, Ambiguous):
        return MISSING
    return tuple(
        CandidateRow(
            value=truncate(candidate.value, _CANDIDATE),
            name=truncate(candidate.name, _CANDIDATE) if candidate.name else MISSING,
        )
        for candidate in error.candidates[:_MAX_CANDIDATES]
    )


def _message(error: TaskhandError) -> str:
    """The message of an error without the candidates, which are not shown here.

    If the person has to link a credential, it says how; if a connection has no such status, what all of them know.
    """
    explanation = error.explanation
    message = truncate(explanation.sentence if isinstance(explanation, UnknownStatus) else error.message, _MESSAGE)
    if isinstance(error, LinkRequired | LinkBroken):
        return f"{message} {error.private_step or error.next_step}"
    return f"{message} {_TYPES}" if error.code == "unknown_status" else message


def _match_rows(
    matched: Mapping[str, Sequence[Match]], answers: "ConnectionAnswers[Any]"
) -> tuple[MatchRow, ...] | MISSING:
    """The rows for the matches in each connection: a match common to all once, others with the connection."""
    is_for_one = len(matched) == 1 and bool(answers.left_out or answers.unreachable)
    first = () if is_for_one else next(iter(matched.values()), ())
    shared = [match for match in first if all(match in own for own in matched.values())]
    rows = [*match_rows(shared)]
    for name, own in matched.items():
        others = match_rows(match for match in own if match not in shared)
        rows += [row.model_copy(update={"connection": name}) for row in others]
    return tuple(rows[:MAX_ITEMS]) or MISSING


def _rows(task_lists: "MergedTaskList", fields: Sequence[RowField] | MISSING, room: int) -> tuple[Row, ...]:
    """The rows that fit into a number of characters, at least one if there is any."""
    wordings = {name: wording_of(task_list) for name, task_list in task_lists.lists.items()}
    rows: list[Row] = []
    for name, task in task_lists.rows:
        row = row_of(task_lists.lists[name], task, wordings[name], fields).model_copy(update={"connection": name})
        room -= len(row.model_dump_json()) + 1
        if room < 0 and rows:
            break
        rows.append(row)
    return tuple(rows)


def _unreadable(ids: Mapping[str, Sequence[str]]) -> Unreadable | MISSING:
    """The tasks that were left out, by connection; those without an id are only counted."""
    count = sum(map(len, ids.values()))
    named: dict[str, Any] = {name: tuple(text for text in own if text)[:MAX_ITEMS] for name, own in ids.items() if own}
    return Unreadable(count=count, connections=named) if count else MISSING

"""The changes of Close's tasks by anybody, read from its event log since the last look.

A look reads the log from the newest known entry on, and for some minutes also the stretch before it again, because rows
become visible late and grow. If more than a few pages are new, the log is read in parts, the oldest first.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.events.event_log import EventLog, LogEntry, log_time_text
from taskhand.backends.close.events.event_mapping import TaskStates, is_explained
from taskhand.backends.close.events.position import OVERLAP, POSITIONS, Position, Seen, entries_to_remember
from taskhand.backends.close.fields.task_types import CALL, INBOX, LEAD
from taskhand.call.background_requests import is_idle
from taskhand.domain.errors import CallerError
from taskhand.domain.event import TaskEvent
from taskhand.domain.event_source import EventSource, KnownTasks, Look

__all__ = ["CloseEvents"]

_KEPT_BY_CLOSE: Final = timedelta(days=30)
_CALLS_EVERY_S: Final = 60
"""Seconds between looks at outgoing calls while the process is idle; calls are fewer than to-dos."""

_WAITING: Final = (
    "Close has logged a change whose task has an earlier one that the log does not show yet: it is listed after that "
    "one, or five minutes after it was found."
)


class CloseEvents(EventSource):
    """Reads the event log of the listed types of tasks; `clock` returns an aware datetime."""

    remark = "Close reports changes of to-dos and outgoing calls, but not of e-mails, calls and messages in an inbox."

    def __init__(
        self, client: CloseClient, zone: str | None, types: Collection[str], clock: Callable[[], datetime]
    ) -> None:
        """Use the logs of the listed `types`, of all types if it is empty; `zone` is the IANA zone of shown times."""
        kinds = [kind for kind in (LEAD, CALL) if kind in (types or INBOX)] or [LEAD]
        self._logs = {kind: EventLog(client, kind) for kind in kinds}
        self._zone = zone
        self._clock = clock

    async def begin(self, at: datetime) -> str:
        """The position at a moment; its `read_at` is early enough for the first look to read calls too."""
        position = Position(log_time_text(at), 0, at.timestamp() - _CALLS_EVERY_S)
        return POSITIONS.write(dict.fromkeys(self._logs, position))

    async def look(self, position: str, known_tasks: KnownTasks, hints: Collection[str] = ()) -> Look:  # noqa: ARG002
        """Read the next events; `hints` are ignored, because the log has the same events."""
        positions, now = POSITIONS.read(position), self._clock().timestamp()
        looks = []
        for kind, log in self._logs.items():
            was = positions.get(kind)
            may_rest = kind == CALL and is_idle() and was is not None and was.is_quiet
            if was is None or (may_rest and 0 <= now - was.read_at < _CALLS_EVERY_S):
                continue
            try:
                look, positions[kind] = await self._look(log, was, known_tasks, now)
            except CallerError:
                if kind == LEAD:
                    raise
                del positions[kind]  # Close refuses this log: it is not read again
            else:
                looks.append(look)
        events = sorted(
            (event for look in looks for event in look.events),
            key=lambda event: log_time_text(event.at) if event.at else "",
        )
        return Look(
            tuple(events),
            POSITIONS.write(positions),
            {task_id: task for look in looks for task_id, task in look.tasks.items()},
            any(look.is_behind for look in looks),
            " ".join(dict.fromkeys(look.gap for look in looks if look.gap)) or None,
        )

    def describe_waiting(self, position: str) -> str | None:
        """The sentence on changes that wait for earlier ones of their tasks."""
        return _WAITING if any(part.waits_since for part in POSITIONS.read(position).values()) else None

    async def _look(self, log: EventLog, was: Position, known_tasks: KnownTasks, now: float) -> tuple[Look, Position]:
        """Read the next events of one type of tasks; returns the look and the new position."""
        end = datetime.fromtimestamp(now, UTC) + OVERLAP
        stretch, until, span_s = await log.next_stretch(was.read_from, was.moment, was.span_s, end)
        fresh = [entry for entry in stretch.entries if not was.has_seen(entry)]
        tasks = await known_tasks.find({entry.task_id for entry in fresh}) if fresh else {}
        completions = [entry for entry in stretch.entries if entry.action == "completed"]
        states = TaskStates(tasks, self._zone, completions)
        own_before = {event_id for event_id, seen_entry in was.seen.items() if seen_entry.is_own_event}
        states.finished += [completion for completion in completions if completion.id in own_before]
        is_patient = not 0 < was.waits_since < now - OVERLAP.total_seconds()
        can_wait = was.has_ended and until is None and is_patient
        events, waiting = _read_events(was, fresh, stretch.entries, states, can_wait=can_wait)
        read = [entry for entry in fresh if entry not in waiting]
        newest = until or max(stretch.newest or was.moment, was.moment)
        newest = min([newest, *(entry.changed for entry in waiting)])
        own_events = {entry.id for entry in states.finished}
        seen = was.seen | {
            entry.id: Seen(log_time_text(entry.changed), entry.task_id, entry.id in own_events) for entry in read
        }
        after = replace(
            was,
            newest=log_time_text(newest),
            newest_at=was.newest_at if newest == was.moment else now,
            read_at=now,
            seen=entries_to_remember(seen, newest),
            span_s=span_s,
            waits_since=(was.waits_since or now) if waiting else 0,
            has_ended=was.has_ended or until is None,
        )
        left = {entry.task_id: states.known[entry.task_id] for entry in read if entry.task_id in states.known}
        return Look(tuple(events), "", left, until is not None, _gap_of(was, now, states.hidden)), after


def _read_events(
    was: Position, fresh: Sequence[LogEntry], entries: Sequence[LogEntry], states: TaskStates, *, can_wait: bool
) -> tuple[list[TaskEvent], list[LogEntry]]:
    """The events of the `fresh` entries, and the entries that wait for earlier ones of their tasks."""
    known = frozenset(states.known)
    latest: dict[str, str] = {}
    for seen in was.seen.values():
        latest[seen.task_id] = max(seen.moment, latest.get(seen.task_id, ""))
    reported = {entry.id for entry in entries} - {entry.id for entry in fresh}
    events: list[TaskEvent] = []
    waiting: list[LogEntry] = []
    for entry in fresh:
        if any(entry.task_id == other.task_id for other in waiting):
            waiting.append(entry)
            continue
        if entry.action == "completed" and (
            states.is_finished(entry.task_id) or is_explained(entry, entries, reported)
        ):
            continue
        is_old_update = entry.action == "updated" and entry.made < was.moment - OVERLAP and entry.task_id in known
        has_grown = entry.id in was.seen or is_old_update
        is_newest = log_time_text(entry.changed) >= latest.get(entry.task_id, "")
        if can_wait and is_newest and not states.follows(entry, has_grown=has_grown, made_after=was.known_from):
            waiting.append(entry)
        elif event := states.event(entry, has_grown=has_grown, is_newest=is_newest):
            events.append(event)
    return events, waiting


def _gap_of(was: Position, now: float, hidden: int) -> str | None:
    """The sentences on changes that may be missing; None if none are."""
    gaps = []
    if now - was.read_at > _KEPT_BY_CLOSE.total_seconds():
        first = datetime.fromtimestamp(now, UTC) - _KEPT_BY_CLOSE
        gaps.append(f"Close keeps its log for 30 days: changes before {first:%Y-%m-%dT%H:%MZ} are missing.")
    if hidden:
        gaps.append(
            f"After an hour, Close shows changed values only to admins: {hidden} changes are reported without values."
        )
    return " ".join(gaps) or None

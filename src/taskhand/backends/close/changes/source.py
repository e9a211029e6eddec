"""The changes of Close's tasks, whoever made them: what its event log says since the last look.

A look reads the log from the newest entry that is known on, and for some minutes the stretch before it once more: rows
become visible late, and grow. Where more waits than a few pages, the stretch is read in parts, the oldest first.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from taskhand.backends.close.changes.event_log import MOST_PAGES, Entry, EventLog, Stretch, moment_text
from taskhand.backends.close.changes.event_mapping import TaskStates, is_explained
from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.task_types import CALL, INBOX, LEAD
from taskhand.domain.change_source import KnownTasks, Look
from taskhand.domain.errors import CallerError
from taskhand.domain.event import TaskEvent
from taskhand.domain.idle_share import is_idle

__all__ = ["CloseChanges"]

_OVERLAP: Final = timedelta(minutes=5)
"""For how long Close advises to read the newest events again."""
_REMEMBERED: Final = timedelta(hours=1)
"""For how long the entries are remembered that were read: longer than one can grow."""
_MOST_REMEMBERED: Final = 5_000
_KEPT_BY_CLOSE: Final = timedelta(days=30)
_CALLS_EVERY_S: Final = 60
"""Seconds between looks at outgoing calls, which are fewer than to-dos, while nobody waits for a look."""
_TRIES: Final = 8
"""How often a look tries another stretch."""
_SHORTEST_S: Final = 1.0
_LONGEST_S: Final = 86_400.0 * 30
_WHOLE: Final = 400
"""Pages of a stretch that cannot be shortened, and of what is read once more."""


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the log of one type was read.

    `newest` is the moment of the newest entry, by Close's clock, and `newest_at` when it was seen, by ours. `seen` are
    entries with their moment, their task, and 1 where a completion was told by its own row. `span_s` is how long the
    last part was that was read of a long stretch. `waits_since` is since when entries wait for earlier ones of their
    tasks, which are not visible yet; 0 where none does. `has_ended` is whether a look has reached the end of the log:
    before, what is known of a task may be from after what is read.
    """

    newest: str
    newest_at: float
    read_at: float
    seen: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    span_s: float | None = None
    waits_since: float = 0
    has_ended: bool = False

    @property
    def known_from(self) -> datetime:
        """The moment from which on tasks are known that were made since."""
        return self.moment - _OVERLAP if self.newest_at else self.moment

    @property
    def moment(self) -> datetime:
        """`newest` as a moment."""
        return datetime.fromisoformat(self.newest)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is known to wait."""
        return self.span_s is None


class CloseChanges:
    """Reads the event log for the types of tasks that are listed; `clock` answers an aware datetime."""

    compares = False
    remark: str | None = (
        "Close tells changes of to-dos and outgoing calls; of e-mails, calls and messages in an inbox it does not."
    )

    def __init__(
        self, client: CloseClient, zone: str | None, types: Collection[str], clock: Callable[[], datetime]
    ) -> None:
        """`types` are those that are listed; `zone` is that of shown times."""
        listed = types or INBOX
        self._logs = {one: EventLog(client, one) for one in (LEAD, CALL) if one in listed} or {
            LEAD: EventLog(client, LEAD)
        }
        self._zone = zone
        self._clock = clock

    async def begin(self, at: datetime) -> str:
        """The position from which the log is read; the first look reads calls too, however near the moment is."""
        return _write({one: _Place(moment_text(at), 0, at.timestamp() - _CALLS_EVERY_S) for one in self._logs})

    async def look(self, position: str, known: KnownTasks, hints: Collection[str] = ()) -> Look:
        """The next entries; hints are of no use, as the log tells the same."""
        del hints
        places, now = _read(position), self._clock().timestamp()
        looks = []
        for one, log in self._logs.items():
            place = places.get(one)
            if place is None or (
                one == CALL and is_idle() and place.is_quiet and 0 <= now - place.read_at < _CALLS_EVERY_S
            ):
                continue
            try:
                look, places[one] = await self._look(log, place, known, now)
            except CallerError:
                if one == LEAD:
                    raise
                del places[one]  # as in `begin`
            else:
                looks.append(look)
        events = sorted((event for look in looks for event in look.events), key=_order_of)
        return Look(
            tuple(events),
            _write(places),
            {one: task for look in looks for one, task in look.tasks.items()},
            any(look.is_behind for look in looks),
            " ".join(dict.fromkeys(look.gap for look in looks if look.gap)) or None,
        )

    async def _look(self, log: EventLog, place: _Place, known: KnownTasks, now: float) -> tuple[Look, _Place]:
        """A look at the tasks of one type, and how far they are read then."""
        stretch, until, span_s = await _next_stretch(log, place, now)
        fresh = [entry for entry in stretch.entries if place.seen.get(entry.id, ("",))[0] != moment_text(entry.changed)]
        is_patient = not 0 < place.waits_since < now - _OVERLAP.total_seconds()
        can_wait = place.has_ended and until is None and is_patient
        events: list[TaskEvent] = []
        waiting: list[Entry] = []
        states = None
        if fresh:
            events, states, waiting = await self._tell(place, fresh, stretch.entries, known, can_wait=can_wait)
            fresh = [entry for entry in fresh if entry not in waiting]
        told = {entry.id for entry in states.finished} if states else set()
        gap = _gap_of(place, now, states)
        newest = until or max(stretch.newest or place.moment, place.moment)
        newest = min(newest, *(entry.changed for entry in waiting)) if waiting else newest
        moved = newest != place.moment
        seen = place.seen | {
            entry.id: (moment_text(entry.changed), entry.task_id, int(entry.id in told)) for entry in fresh
        }
        known_now = states.known if states else {}
        tasks = {entry.task_id: known_now[entry.task_id] for entry in fresh if entry.task_id in known_now}
        after = replace(
            place,
            newest=moment_text(newest),
            newest_at=now if moved else place.newest_at,
            read_at=now,
            seen=_remembered(seen, newest),
            span_s=span_s,
            waits_since=(place.waits_since or now) if waiting else 0,
            has_ended=place.has_ended or until is None,
        )
        return Look(tuple(events), "", tasks, until is not None, gap), after

    async def _tell(
        self, place: _Place, fresh: Sequence[Entry], entries: Sequence[Entry], known: KnownTasks, *, can_wait: bool
    ) -> tuple[list[TaskEvent], TaskStates, list[Entry]]:
        """The events of the entries that were not told, and the entries that wait for earlier ones of their tasks."""
        tasks = await known.find({entry.task_id for entry in fresh})
        completions = [entry for entry in entries if entry.action == "completed"]
        states = TaskStates(tasks, self._zone, completions)
        states.finished += [one for one in completions if place.seen.get(one.id, ("", "", 0))[2]]
        applied: dict[str, str] = {}
        for moment, task_id, _ in place.seen.values():
            applied[task_id] = max(moment, applied.get(task_id, ""))
        told = {entry.id for entry in entries} - {entry.id for entry in fresh}
        events: list[TaskEvent] = []
        waiting: dict[str, list[Entry]] = {}
        for entry in fresh:
            if entry.task_id in waiting:
                waiting[entry.task_id].append(entry)
                continue
            if entry.action == "completed" and (
                states.is_finished(entry.task_id) or is_explained(entry, entries, told)
            ):
                continue
            has_grown = entry.id in place.seen or (
                entry.action == "updated" and entry.made < place.moment - _OVERLAP and entry.task_id in tasks
            )
            is_newest = moment_text(entry.changed) >= applied.get(entry.task_id, "")
            if can_wait and is_newest and not states.follows(entry, has_grown=has_grown, made_after=place.known_from):
                waiting[entry.task_id] = [entry]
                continue
            event = states.event(entry, has_grown=has_grown, is_newest=is_newest)
            events += [event] if event else []
        return events, states, [entry for entries in waiting.values() for entry in entries]


def _order_of(event: TaskEvent) -> str:
    return "" if event.at is None else moment_text(event.at)


async def _next_stretch(log: EventLog, place: _Place, now: float) -> tuple[Stretch, datetime | None, float | None]:
    """What is to be told next; until when it is, where it is not all, and for how long a part is tried next."""
    known_until = start = place.moment
    # What is older than the minutes before the last look was visible then.
    again = max(_OVERLAP - timedelta(seconds=max(0.0, place.read_at - place.newest_at)), timedelta())
    end = datetime.fromtimestamp(now, UTC) + _OVERLAP
    span_s, is_cut = place.span_s, False
    for _ in range(_TRIES):
        until = None if span_s is None else start + timedelta(seconds=min(span_s, _LONGEST_S))
        until = None if until is None or (until > end and not is_cut) else until
        most = _WHOLE if until is not None and span_s == _SHORTEST_S else MOST_PAGES
        part = await log.read(known_until - again, until, known_until, most_pages=most)
        if part.cut_at is not None:
            is_cut = True
            left_s = (part.cut_at - start).total_seconds()
            span_s = max(left_s if until is None else min(left_s, (span_s or left_s) / 8), _SHORTEST_S)
        elif until is None or span_s is None:
            return part, None, None
        elif part.newest is None or part.newest <= known_until:
            start, span_s = until, span_s * 4
        else:
            return part, until, span_s * 4
    return Stretch(()), start, span_s


def _gap_of(place: _Place, now: float, states: TaskStates | None) -> str | None:
    """What may be missing, in a sentence."""
    gaps = []
    if now - place.read_at > _KEPT_BY_CLOSE.total_seconds():
        first = datetime.fromtimestamp(now, UTC) - _KEPT_BY_CLOSE
        gaps.append(f"Close keeps its log for 30 days: changes before {first:%Y-%m-%dT%H:%MZ} are not told.")
    if states is not None and states.hidden:
        gaps.append(
            f"Close shows what was changed to its admins only, after an hour: {states.hidden} changes are told without."
        )
    return " ".join(gaps) or None


def _remembered(seen: dict[str, tuple[str, str, int]], newest: datetime) -> dict[str, tuple[str, str, int]]:
    oldest = moment_text(newest - _REMEMBERED)
    recent = [(one, entry) for one, entry in seen.items() if entry[0] >= oldest]
    recent.sort(key=lambda pair: pair[1][0])
    return dict(recent[-_MOST_REMEMBERED:])


def _write(places: dict[str, _Place]) -> str:
    return json.dumps({one: asdict(place) for one, place in places.items()}, separators=(",", ":"))


def _read(position: str) -> dict[str, _Place]:
    def place(json: dict[str, Any]) -> _Place:
        return _Place(**json | {"seen": {one: tuple(entry) for one, entry in json["seen"].items()}})

    return {one: place(value) for one, value in json.loads(position).items()}

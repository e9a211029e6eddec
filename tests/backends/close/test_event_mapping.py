"""The order of entries in Close's event log: after a deletion, and for tasks created before a poll."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from pydantic import MISSING

from backends.close.sandboxed_app import ELENA, LEAD, TASK
from taskhand.backends.close.events.event_log import EventLog, LogEntry, log_time_text
from taskhand.backends.close.events.event_mapping import TaskStates, is_explained
from taskhand.backends.close.events.position import Seen, entries_to_remember

if TYPE_CHECKING:
    from taskhand.backends.close.client import CloseClient

MADE = datetime(2026, 3, 2, 15, tzinfo=UTC)
ROW = {"id": TASK, "text": "Call Acme", "lead_id": LEAD, "assigned_to": ELENA, "date_created": MADE.isoformat()}
CREATED = LogEntry("ev_1", "created", TASK, MADE, MADE, ROW, None, frozenset(), ELENA)
DELETED = replace(CREATED, id="ev_2", action="deleted", data=None, previous=ROW)
RENAMED = replace(
    CREATED,
    id="ev_3",
    action="updated",
    data=ROW | {"text": "Call"},
    previous={"text": "Call Acme"},
    changed_fields=frozenset({"text"}),
)


def states() -> TaskStates:
    return TaskStates({}, None, [])


def test_a_deleted_task_is_known_as_gone_and_later_entries_are_accepted() -> None:
    after = states()
    for entry in (CREATED, DELETED):
        assert after.event(entry, has_grown=False, is_newest=True) is not None
    assert after.known == {TASK: None}
    assert after.follows(RENAMED, has_grown=False, made_after=MADE)


def test_an_entry_that_is_not_the_newest_of_its_task_leaves_the_known_state_unchanged() -> None:
    after = states()
    assert after.event(CREATED, has_grown=False, is_newest=True) is not None
    known = dict(after.known)
    for entry in (RENAMED, DELETED):
        assert after.event(entry, has_grown=False, is_newest=False) is not None
        assert after.known == known


def test_an_update_of_an_unknown_task_follows_nothing_if_the_task_was_made_after_the_first_look() -> None:
    for since_made, follows in ((timedelta(), True), (timedelta(seconds=1), True), (timedelta(seconds=-1), False)):
        assert states().follows(RENAMED, has_grown=False, made_after=MADE + since_made) is follows


def test_an_update_entry_is_accepted_only_after_the_state_that_it_changes() -> None:
    after = states()
    after.event(CREATED, has_grown=False, is_newest=True)
    assert after.follows(RENAMED, has_grown=False, made_after=MADE)
    assert not after.follows(replace(RENAMED, previous={"text": "Mail Acme"}), has_grown=False, made_after=MADE)


def test_a_row_without_an_id_belongs_to_the_task_that_its_entry_names() -> None:
    without_id = {name: value for name, value in ROW.items() if name != "id"}
    after = states()
    for entry in (replace(CREATED, data=without_id), replace(RENAMED, data=without_id | {"text": "Call"})):
        event = after.event(entry, has_grown=False, is_newest=True)
        assert event is not None
        assert event.task_id == TASK
    known = after.known[TASK]
    assert known is not None
    assert (known.id, known.title) == (TASK, "Call")


COMPLETED = replace(CREATED, id="ev_4", action="completed", changed=MADE + timedelta(seconds=60))
FINISHED = replace(
    RENAMED,
    id="ev_5",
    changed=COMPLETED.changed,
    data=ROW | {"is_complete": True},
    previous={"is_complete": False},
    changed_fields=frozenset({"is_complete"}),
)


@pytest.mark.parametrize(
    ("other", "is_told"),
    [
        (FINISHED, True),
        (replace(FINISHED, task_id="task_other"), False),
        (replace(FINISHED, made=COMPLETED.changed + timedelta(seconds=3)), False),
        (replace(FINISHED, made=COMPLETED.changed + timedelta(seconds=2)), True),
        (replace(FINISHED, changed=COMPLETED.changed - timedelta(seconds=3)), False),
        (replace(FINISHED, changed=COMPLETED.changed - timedelta(seconds=2)), True),
        (replace(FINISHED, data=ROW | {"is_complete": False}), False),
        (replace(FINISHED, previous={"is_complete": True}), False),
        (replace(FINISHED, previous={"text": "Call"}), False),
        (replace(FINISHED, action="deleted"), False),
        (replace(FINISHED, data=None, previous=None), True),
        (replace(FINISHED, data=None, previous=None, changed_fields=frozenset({"text"})), False),
        (replace(CREATED, changed=COMPLETED.changed, data=ROW | {"is_complete": True}), True),
        (replace(CREATED, changed=COMPLETED.changed, data=ROW | {"is_complete": False}), False),
    ],
)
def test_a_completion_is_reported_by_the_row_that_shows_the_task_finished(other: LogEntry, *, is_told: bool) -> None:
    assert is_explained(COMPLETED, [other], ()) is is_told


def test_a_reported_row_may_also_hold_a_completion_and_a_reopening() -> None:
    reopened = replace(FINISHED, data=ROW | {"is_complete": False}, previous={"is_complete": True})
    assert is_explained(COMPLETED, [reopened], {reopened.id})
    assert not is_explained(COMPLETED, [replace(reopened, previous={"text": "Call"})], {reopened.id})


class _Log:
    """Close's log with these updates, one in each page."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self._rows = rows

    async def events(self, filters: Mapping[str, str], cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        rows = [row for row in self._rows if row.get("action", "updated") == filters["action"]]
        at = int(cursor or 0)
        return rows[at : at + 1], str(at + 1) if at + 1 < len(rows) else None


@pytest.mark.parametrize(
    ("missing", "moments"),
    [
        ((), (MADE, MADE + timedelta(seconds=5))),
        (("date_created",), (MADE + timedelta(seconds=5),) * 2),
        (("date_updated",), (MADE, MADE)),
        (("date_created", "date_updated"), None),
        (("id",), None),
        (("object_id",), None),
        (("action",), None),
    ],
)
async def test_a_row_with_one_of_its_times_has_it_for_both_and_an_incomplete_row_is_left_out(
    missing: tuple[str, ...], moments: tuple[datetime, datetime] | None
) -> None:
    row = {"id": "ev_1", "action": "updated", "object_id": TASK, "user_id": ELENA, "data": ROW}
    row |= {"date_created": "2026-03-02T15:00:00.000000", "date_updated": "2026-03-02T15:00:05.000000"}
    log = _Log({name: value for name, value in row.items() if name not in missing})
    read = await EventLog(cast("CloseClient", log), "lead").read(MADE, None, MADE)
    assert [(one.made, one.changed) for one in read.entries] == ([moments] if moments else [])


@pytest.mark.parametrize("odd", [[1], "text", 7, {}, None])
async def test_a_row_with_an_object_or_a_list_of_another_form_has_none(odd: object) -> None:
    row = {"id": "ev_1", "action": "updated", "object_id": TASK, "date_updated": MADE.isoformat()}
    log = _Log(row | {"data": odd, "previous_data": odd, "changed_fields": odd})
    [entry] = (await EventLog(cast("CloseClient", log), "lead").read(MADE, None, MADE)).entries
    assert (entry.data, entry.previous, entry.changed_fields) == (None, None, frozenset())


@pytest.mark.parametrize(("known_s", "is_cut"), [(2, False), (0, True)])
async def test_pages_that_were_read_before_do_not_count_towards_the_limit(known_s: int, *, is_cut: bool) -> None:
    row = {"action": "updated", "object_id": TASK, "data": ROW}
    moments = {f"ev_{age}": (MADE - timedelta(seconds=age)).isoformat() for age in range(-2, 6)}
    rows = [row | {"id": one, "date_updated": moment} for one, moment in moments.items()]
    log, since = EventLog(cast("CloseClient", _Log(*rows)), "lead"), MADE - timedelta(minutes=1)
    read = await log.read(since, None, MADE + timedelta(seconds=known_s - 1), max_pages=2)
    assert (len(read.entries), read.cut_at is not None) == ((2, True) if is_cut else (8, False))


async def test_a_stretch_is_complete_since_the_last_moment_at_which_an_action_was_cut() -> None:
    ages = {"created": (10, 11), "updated": (0, 1), "deleted": (20,)}
    rows = [
        {
            "id": f"ev_{age}",
            "action": action,
            "object_id": TASK,
            "date_updated": (MADE - timedelta(seconds=age)).isoformat(),
        }
        for action, all_ages in ages.items()
        for age in all_ages
    ]
    log = EventLog(cast("CloseClient", _Log(*rows)), "lead")
    read = await log.read(MADE - timedelta(minutes=1), None, MADE - timedelta(minutes=1), max_pages=1)
    assert ([entry.id for entry in read.entries], read.cut_at) == (["ev_20", "ev_10", "ev_0"], MADE)


def test_the_latest_five_thousand_entries_of_the_last_hour_are_remembered() -> None:
    made = [MADE + timedelta(milliseconds=100 * number) for number in range(5_002)]
    seen = {f"ev_{number}": Seen(log_time_text(at), TASK, is_own_event=False) for number, at in enumerate(made)}
    for name, age in (("ev_old", timedelta(hours=1, milliseconds=1)), ("ev_of_the_hour", timedelta(hours=1))):
        seen[name] = Seen(log_time_text(made[-1] - age), TASK, is_own_event=False)
    assert [*entries_to_remember(seen, made[-1])] == [f"ev_{number}" for number in range(2, 5_002)]
    few = {name: seen[name] for name in ("ev_old", "ev_of_the_hour", "ev_5001")}
    assert [*entries_to_remember(few, made[-1])] == ["ev_of_the_hour", "ev_5001"]


def test_a_change_of_a_value_that_could_not_be_read_has_no_earlier_value() -> None:
    event = states().event(replace(RENAMED, previous={"text": 5}), has_grown=False, is_newest=True)
    assert event is not None
    assert [(one.field, one.before, one.after) for one in event.changed] == [("title", MISSING, "Call")]


def test_a_value_that_cannot_be_read_any_more_is_no_change_beside_those_that_can() -> None:
    changed = replace(
        RENAMED, data=ROW | {"text": "Call", "assigned_to": 5}, previous={"text": "Call Acme", "assigned_to": ELENA}
    )
    event = states().event(changed, has_grown=False, is_newest=True)
    assert event is not None
    assert [(one.field, one.before, one.after) for one in event.changed] == [("title", "Call Acme", "Call")]

"""Every value that a journal can be given comes back from JSON the same: not given, null and empty kept apart."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import MISSING

from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import VOID
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Responsible, Status, StatusChoice, Task
from taskhand.journal.change_json import (
    ending_from,
    ending_json,
    intent_from,
    intent_json,
    opening_from,
    opening_json,
    result_from,
    result_json,
)
from taskhand.journal.journal import Caller, Claim, Ending, Intent, Opening, Result
from taskhand.sql.connection import stored_instant

SURROGATES_TOO = st.text(st.characters(exclude_categories=()), max_size=8)
TEXT = st.text(max_size=8)
SOME = st.none() | TEXT
ZONES = st.sampled_from([None, "America/Santiago", "UTC", "Nowhere/Else"])
MOMENTS = st.datetimes(datetime(1900, 1, 2), datetime(2900, 1, 1)).flatmap(  # noqa: DTZ001  the zone comes next
    lambda at: st.integers(-720, 720).map(lambda minutes: at.replace(tzinfo=timezone(timedelta(minutes=minutes))))
)
DUES = st.builds(Due, st.dates(), st.none() | MOMENTS.map(lambda at: at.astimezone(UTC)), ZONES)
CHOICES = st.builds(StatusChoice, SOME, st.none() | st.integers(), SOME)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SURROGATES_TOO,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(SURROGATES_TOO, JSON, max_size=3)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXT,
    "description": SOME,
    "due": st.none() | DUES,
    "responsible_ids": st.lists(TEXT, max_size=3).map(tuple),
    "ai_contact_id": SOME,
    "ai_customer_id": SOME,
    "priority": st.none() | st.integers(0, 2),
    "status": CHOICES,
    "task_type": SOME,
    "deal_id": SOME,
    "note": SOME,
    "resolution": SOME,
    "properties": st.dictionaries(TEXT, SOME, min_size=1, max_size=3).map(lambda own: tuple(sorted(own.items()))),
    "native": st.none() | OBJECTS,
}
EDITS = st.fixed_dictionaries({}, optional=FIELDS).map(lambda values: Edit(**values))
STATUSES = st.builds(Status, id=SOME, name=TEXT, color=SOME, type=TEXT, order=st.integers())
TASKS = st.builds(
    Task,
    id=TEXT,
    title=TEXT,
    description=SOME,
    due_timezone=SOME,
    due_at=SOME,
    is_all_day=st.booleans(),
    created_at=TEXT,
    ai_contact_id=SOME,
    ai_customer_id=SOME,
    task_status_config_id=SOME,
    priority=st.integers(),
    creator_id=SOME,
    task_responsibles=st.lists(st.builds(Responsible, responsible_id=TEXT), max_size=3).map(tuple),
    status_config=st.none() | STATUSES,
    url=SOME,
    properties=st.just(MISSING) | st.dictionaries(TEXT, SOME, max_size=3),
)
SNAPSHOTS = st.builds(
    Snapshot,
    TASKS,
    OBJECTS,
    st.frozensets(st.sampled_from(sorted(FIELDS)), max_size=3),
    lost=st.lists(TEXT, max_size=2).map(tuple),
    cannot_recreate=st.none() | st.text(min_size=1, max_size=8),
)
INTENTS = st.builds(
    Intent,
    st.sampled_from(["create", "update", "delete"]),
    st.none() | SNAPSHOTS,
    st.none() | EDITS,
    st.none() | EDITS,
)
OUTCOMES = st.sampled_from([*sorted(VOID), "applied", "unknown"])
RESULTS = st.builds(
    Result, st.integers(0, 1_000), OUTCOMES, SOME, st.none() | TASKS, SOME, SOME, SOME, st.none() | st.booleans()
)
OPENINGS = st.builds(
    Opening,
    TEXT,
    st.builds(Caller, SOME, SOME, SOME, SOME),
    MOMENTS,
    OBJECTS,
    SOME,
    st.lists(st.builds(Match, TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    SOME,
    SOME,
    st.lists(st.builds(Claim, TEXT, TEXT, st.none() | MOMENTS), max_size=2).map(tuple),
    SOME,
    *[st.booleans()] * 3,
)
ENDINGS = st.builds(Ending, OUTCOMES, SOME, st.lists(TEXT, max_size=2).map(tuple), st.floats(0, 1e6))


def through(value: object) -> Any:
    """What is read after it was written."""
    return json.loads(json.dumps(value))


def natives(intent: Intent) -> list[object]:
    """What an edit is compared without."""
    return [edit and edit.native for edit in (intent.edit, intent.asked)]


@given(INTENTS)
@settings(max_examples=150)
def test_an_intent_is_decoded_as_it_was_encoded(intent: Intent) -> None:
    back = intent_from(through(intent_json(intent)))
    assert back == intent
    assert natives(back) == natives(intent)


@given(EDITS)
@settings(max_examples=150)
def test_an_edit_sets_the_same_fields_and_no_other(edit: Edit) -> None:
    back = intent_from(through(intent_json(Intent("update", edit=edit)))).edit
    assert back is not None
    assert list(back.given_fields()) == list(edit.given_fields())


@given(RESULTS)
def test_a_result_is_decoded_as_it_was_encoded(result: Result) -> None:
    assert result_from(through(result_json(result)), result.outcome, result.task_id) == result


@given(OPENINGS)
def test_an_opening_is_decoded_as_it_was_encoded(opening: Opening) -> None:
    assert opening_from(through(opening_json(opening)), opening.tool, stored_instant(opening.at)) == opening


@pytest.mark.parametrize("arguments", [{"taskIds": ["1"]}, {"filter": {"text": "x"}}, {"filter": None}])
def test_the_arguments_of_an_older_opening_say_whether_a_filter_was_sent(arguments: dict[str, object]) -> None:
    opening = Opening("bulk_update_tasks", Caller(), datetime(2026, 3, 1, tzinfo=UTC), arguments)
    older = {name: one for name, one in opening_json(opening).items() if name != "by_filter"}
    assert opening_from(through(older), opening.tool, stored_instant(opening.at)).by_filter == ("filter" in arguments)
    for by_filter in (True, False):
        newer = opening_json(replace(opening, by_filter=by_filter))
        assert opening_from(through(newer), opening.tool, stored_instant(opening.at)).by_filter == by_filter


@given(ENDINGS)
def test_an_ending_is_decoded_as_it_was_encoded(ending: Ending) -> None:
    assert ending_from(through(ending_json(ending)), ending.outcome) == ending


@given(MOMENTS, MOMENTS)
def test_instants_sort_as_text_as_they_do_in_time(one: datetime, other: datetime) -> None:
    assert (stored_instant(one) < stored_instant(other)) == (one < other)


def test_every_field_of_an_edit_is_tried_here() -> None:
    assert set(FIELDS) == {field.name for field in fields(Edit)}


def test_an_edit_with_null_differs_from_one_without_the_field() -> None:
    cleared, left = Edit(description=None), Edit()
    back = [intent_from(through(intent_json(Intent("update", edit=edit)))).edit for edit in (cleared, left)]
    assert back == [cleared, left]
    assert left.description is MISSING
    assert replace(left, description=None) == cleared

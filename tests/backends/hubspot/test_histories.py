"""Histories of properties: one change at each moment; calculated and unreadable values give none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskhand.backends.hubspot.events.property_histories import EventReader
from taskhand.backends.hubspot.fields.due import Zones
from taskhand.backends.hubspot.fields.statuses import TaskStatuses
from taskhand.backends.hubspot.mapping import AccountData, Record, task_of

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DONE, OWN = "61bafb31-e7fa-46ed-aaa9-1322438d6e67", "5996831934"
STAGES = [
    {"id": "af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "label": "Not Started"},
    {"id": OWN, "label": "On hold"},
    {"id": DONE, "label": "Completed", "metadata": {"isClosed": "true"}},
]
STATUSES = TaskStatuses.of_pipelines({"results": [{"id": "p", "stages": STAGES}]}) or TaskStatuses({})
READER = EventReader(lambda record: task_of(record, AccountData(Zones(None), STATUSES)), {"11": "900"})
SUBJECT, STATUS, STAGE, OWNER = "hs_task_subject", "hs_task_status", "hs_pipeline_stage", "hubspot_owner_id"


def value(text: object, after_ms: int, **source: object) -> dict[str, object]:
    moment = (BEGIN + timedelta(milliseconds=after_ms)).isoformat().replace("+00:00", "Z")
    return {"value": text, "timestamp": moment, "sourceType": "CRM_UI", "sourceId": "userId:11", **source}


def record(history: Any, created_ms: int = -1_000_000, **properties: str) -> Record:
    """A task with these histories, each the oldest value first; its properties have the last ones."""
    rows = {name: list(reversed(values)) for name, values in history.items()} if isinstance(history, dict) else history
    last = {name: values[0].get("value") for name, values in (rows if isinstance(rows, dict) else {}).items()}
    created = (BEGIN + timedelta(milliseconds=created_ms)).isoformat()
    json = {"id": "1", "createdAt": created, "properties": {**last, **properties}, "propertiesWithHistory": rows}
    found = Record.read(json)
    assert found is not None
    return found


def events_of(found: Record) -> list[tuple[int, str, dict[str, tuple[object, object]]]]:
    return [
        (
            round((event.at - BEGIN) / timedelta(milliseconds=1)) if event.at else 0,
            event.kind,
            {one.field: (one.before, one.after) for one in event.changed},
        )
        for event in READER.read_events(found, BEGIN) or ()
    ]


@pytest.mark.parametrize(
    ("history", "events"),
    [
        pytest.param(
            {STATUS: [value("NOT_STARTED", -500), value("COMPLETED", 40)], STAGE: [value(OWN, -500), value(DONE, 45)]},
            [(40, "completed", {"status": ("On hold", "Completed")})],
            id="a stage that follows its status",
        ),
        pytest.param(
            {STATUS: [value("COMPLETED", -500), value("NOT_STARTED", 47)], STAGE: [value(DONE, -500), value(OWN, 40)]},
            [(40, "reopened", {"status": ("Completed", "On hold")})],
            id="a status that follows its stage",
        ),
        pytest.param(
            {STATUS: [value("NOT_STARTED", -9), value("COMPLETED", 40)], STAGE: [value(OWN, -9), value(DONE, 1041)]},
            [(1041, "completed", {"status": ("On hold", "Completed")})],
            id="a stage that is set more than a second after the status is another change",
        ),
        pytest.param(
            {
                STATUS: [value("NOT_STARTED", -9), value("COMPLETED", 40), value("NOT_STARTED", 500)],
                STAGE: [value(OWN, -9), value(DONE, 45), value(OWN, 500)],
            },
            [
                (40, "completed", {"status": ("On hold", "Completed")}),
                (500, "reopened", {"status": ("Completed", "On hold")}),
            ],
            id="a pair that is set at one moment does not follow the pair before",
        ),
        pytest.param(
            {
                STATUS: [value("NOT_STARTED", -9), value("IN_PROGRESS", 40), value("COMPLETED", 500)],
                STAGE: [value(OWN, -9), value(DONE, 505)],
            },
            [(500, "completed", {"status": ("On hold", "Completed")})],
            id="a stage follows the later of two statuses within a second",
        ),
        pytest.param(
            {SUBJECT: [value("B", 5), value("A", -9), value("C", 9)]},
            [(5, "updated", {"title": ("A", "B")}), (9, "updated", {"title": ("B", "C")})],
            id="values that are listed in another order",
        ),
        pytest.param(
            {STATUS: [value("NOT_STARTED", -500), value("COMPLETED", 40), value("NOT_STARTED", 900)]},
            [
                (40, "completed", {"status": ("Not Started", "Completed")}),
                (900, "reopened", {"status": ("Completed", "Not Started")}),
            ],
            id="two changes within a second",
        ),
        pytest.param(
            {SUBJECT: [value("A", -9), value("B", 5)], OWNER: [value("900", -9), value(None, 5)]},
            [(5, "reassigned", {"title": ("A", "B"), "responsibles": (("900",), ())})],
            id="two properties at one moment",
        ),
        pytest.param(
            {SUBJECT: [value("A", -9), value("A", 5), value("B", 9), value("A", 10)]},
            [(9, "updated", {"title": ("A", "B")}), (10, "updated", {"title": ("B", "A")})],
            id="the same value again",
        ),
        pytest.param(
            {SUBJECT: [value("A", -9), {"value": "?", "timestamp": "yesterday"}, {"value": "?"}, value("B", 5)]},
            [(5, "updated", {"title": ("A", "B")})],
            id="moments that cannot be read",
        ),
        pytest.param({"hs_task_is_overdue": [value("false", -9), value("true", 5)]}, [], id="only what is calculated"),
    ],
)
def test_each_moment_is_one_change(history: Any, events: list[Any]) -> None:
    assert events_of(record(history)) == events


@pytest.mark.parametrize("history", [None, [], {}, "x", {SUBJECT: "x"}, {SUBJECT: [None, 7]}])
def test_an_answer_without_histories_gives_no_events(history: Any) -> None:
    json = {"id": "1", "properties": {SUBJECT: "A"}, "propertiesWithHistory": history}
    assert READER.read_events(Record(json, {}), BEGIN) is None


def test_values_that_are_set_right_after_the_creation_belong_to_the_created_event() -> None:
    history = {
        SUBJECT: [value("A", 100), value("B", 110)],
        OWNER: [value("900", 120)],
        STATUS: [value("COMPLETED", 400)],
    }
    created, renamed, completed = READER.read_events(record(history, 100), BEGIN) or ()
    assert (created.kind, created.title, created.responsible_ids) == ("created", "A", ("900",))
    assert [(one.field, one.before, one.after) for one in renamed.changed] == [("title", "A", "B")]
    assert completed.kind == "completed"


@pytest.mark.parametrize(
    ("source", "who"),
    [
        ({}, ("900", None)),
        ({"sourceId": "userId:12"}, (None, "HubSpot user 12")),
        ({"sourceType": "INTEGRATION", "sourceId": "77", "updatedByUserId": 11}, ("900", None)),
        ({"sourceType": "INTEGRATION", "sourceId": "77"}, (None, "integration 77")),
        ({"sourceType": "INTEGRATION", "sourceId": "77", "sourceLabel": "Zapier"}, (None, "Zapier")),
        ({"sourceType": "AUTOMATION_PLATFORM", "sourceId": None}, (None, "automation platform")),
        ({"sourceType": "FORM", "sourceId": None, "sourceLabel": "FORM"}, (None, "form")),
        ({"sourceType": None, "sourceId": None}, (None, None)),
    ],
)
def test_the_author_of_a_change_is_a_member_or_a_description_of_the_source(
    source: dict[str, object], who: tuple[Any, Any]
) -> None:
    [event] = READER.read_events(record({SUBJECT: [value("A", -9), value("B", 5, **source)]}), BEGIN) or ()
    assert (event.by, event.by_name) == who


def test_a_history_of_twenty_values_may_lack_older_ones_unless_it_begins_at_the_creation() -> None:
    values = [value(str(number), number) for number in range(20)]
    assert READER.is_shortened(record({SUBJECT: values}), BEGIN - timedelta(seconds=1))
    assert not READER.is_shortened(record({SUBJECT: values}, 0), BEGIN - timedelta(seconds=1))
    assert not READER.is_shortened(record({SUBJECT: values[1:]}), BEGIN - timedelta(seconds=1))


def test_a_change_at_the_exact_time_is_reported_and_an_earlier_one_is_not() -> None:
    assert [at for at, _, _ in events_of(record({SUBJECT: [value("A", -9), value("B", -1), value("C", 0)]}))] == [0]


def test_the_deletion_of_a_task_is_one_event_at_its_moment() -> None:
    [event] = READER.read_deletion(record({SUBJECT: [value("A", -9)]}), BEGIN)
    assert (event.kind, event.at, event.title) == ("deleted", BEGIN, "A")


@pytest.mark.parametrize(
    ("creator", "first", "who"),
    [
        ({"hs_created_by_user_id": "11"}, {"sourceId": "userId:12"}, "900"),
        ({}, {"sourceId": "userId:11"}, "900"),
        ({}, {"sourceId": "userId:12"}, None),
    ],
)
def test_the_author_of_a_created_event_is_the_creator_else_the_author_of_the_first_values(
    creator: dict[str, str], first: dict[str, str], who: str | None
) -> None:
    history = {SUBJECT: [value("A", 100, **first)], OWNER: [value("900", 120)]}
    [created] = READER.read_events(record(history, 100, **creator), BEGIN) or ()
    assert (created.kind, created.at, created.by) == ("created", BEGIN + timedelta(milliseconds=100), who)


def test_the_creation_time_may_come_from_a_property() -> None:
    found = record({SUBJECT: [value("A", 100)]}, hs_createdate="2026-03-02T12:00:00.100Z")
    del found.json["createdAt"]
    assert [event.kind for event in READER.read_events(found, BEGIN) or ()] == ["created"]


@pytest.mark.parametrize(("count", "before"), [(19, None), (20, "1")])
def test_a_history_of_twenty_values_begins_with_a_value_before_the_first_change(count: int, before: str | None) -> None:
    bodies = [value(str(number), 10 + number) for number in range(1, count + 1)]
    changes = events_of(record({"hs_task_body": bodies, SUBJECT: [value("A", -9), value("B", 5)]}))
    assert changes[0][2] == {"title": ("A", "B")}
    assert changes[1][2] == {"description": (before, "2" if before else "1")}

"""The arguments that set the fields of an edit."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.field_names import argument_name, edit_field, request_body
from taskhand.domain.task import StatusChoice

BODIES: list[tuple[Edit, dict[str, Any]]] = [
    (Edit(title="Call", description=None, priority=0), {"title": "Call", "priority": "0", "clear": ["description"]}),
    (Edit(responsible_ids=("a", "b"), deal_id=None), {"responsibleIds": ["a", "b"], "clear": ["dealId"]}),
    (Edit(priority=None), {"priority": "0"}),
    (Edit(due=None), {"clear": ["dueDate"]}),
    (Edit(due=Due(date(2026, 3, 1))), {"dueDate": "2026-03-01", "clear": ["dueTime", "timezone"]}),
    (
        Edit(due=Due.instant(datetime(2026, 3, 1, 18, tzinfo=UTC), "America/Santiago")),
        {"dueDate": "2026-03-01T15:00-03:00", "timezone": "America/Santiago"},
    ),
    (Edit(status=StatusChoice(name="Hecho", position=2)), {"newStatusName": "Hecho"}),
    (Edit(status=StatusChoice(position=2)), {"newStatusPosition": 2}),
    (Edit(note="called"), {"addNote": "called"}),
    (Edit(note=None), {}),
    (Edit(properties=(("hs_x", None),)), {"properties": [{"name": "hs_x", "value": None}]}),
]


@pytest.mark.parametrize(("edit", "body"), BODIES)
def test_an_edit_is_sent_as_these_arguments(edit: Edit, body: dict[str, Any]) -> None:
    assert request_body(edit) == body


@pytest.mark.parametrize(
    ("names", "field", "argument"),
    [
        ("due dueTime due_at is_all_day shiftDueDays", "due", "dueDate"),
        ("responsibles addResponsibleIds task_responsibles", "responsible_ids", "responsibleIds"),
        ("newStatusName task_status_config_id", "status", "status"),
        ("description addNote", "description", "description"),
        ("aiContactId ai_contact_id", "ai_contact_id", "aiContactId"),
        ("created_at nonsense", None, None),
    ],
)
def test_a_field_is_known_by_its_names_in_requests_and_in_answers(
    names: str, field: str | None, argument: str | None
) -> None:
    assert [edit_field(name) for name in names.split()] == [field] * len(names.split())
    assert field is None or argument_name(field) == argument

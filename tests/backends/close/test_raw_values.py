"""Close's own values: read from any answer, and written back exactly where a snapshot has them."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from taskhand.backends.close.mapping import (
    DONE,
    OPEN,
    bulk_body,
    former_member_of,
    raw_values,
    times_of,
    update_body,
)
from taskhand.backends.remote.parsing import utc_moment
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice


@pytest.mark.parametrize(
    ("edit", "plain", "native", "exact"),
    [
        (Edit(title="Call"), {"text": "Call"}, {"text": " Call "}, {"text": " Call "}),
        (Edit(title="Call"), {"text": "Call"}, {"text": ""}, {"text": ""}),
        (Edit(status=StatusChoice.of(DONE)), {"is_complete": True}, {"is_complete": False}, {"is_complete": False}),
        (Edit(status=StatusChoice.of(OPEN)), {"is_complete": False}, {"is_complete": None}, {"is_complete": False}),
        (Edit(priority=2), {"priority": "high"}, {"priority": "urgent"}, {"priority": "urgent"}),
        (Edit(priority=2), {"priority": "high"}, {"priority": None}, {"priority": "high"}),
        (
            Edit(responsible_ids=("user_1",)),
            {"assigned_to": "user_1"},
            {"assigned_to": "group_1"},
            {"assigned_to": "group_1"},
        ),
        (Edit(responsible_ids=("user_1",)), {"assigned_to": "user_1"}, {"text": "x"}, {"assigned_to": "user_1"}),
    ],
)
def test_a_raw_value_of_a_snapshot_replaces_the_value_of_the_contract(
    edit: Edit, plain: dict[str, Any], native: dict[str, Any], exact: dict[str, Any]
) -> None:
    given = dict(edit.given_fields())
    assert update_body(edit, dateless=False) == plain
    assert update_body(Edit(**given, native=native), dateless=False) == exact  # type: ignore[arg-type]  # its own fields


def test_an_edit_of_all_three_bulk_fields_is_sent_by_the_bulk_update() -> None:
    edit = Edit(due=Due(date(2026, 3, 6)), status=StatusChoice.of(DONE), responsible_ids=("user_1",))
    assert bulk_body(edit) == update_body(edit, dateless=False)
    assert bulk_body(Edit()) is None


def test_a_snapshot_has_the_type_also_where_the_answer_has_none() -> None:
    assert raw_values({"text": "Call", "lead_name": "Acme"}) == {"_type": "lead", "text": "Call"}
    assert raw_values({"_type": "outgoing_call"}) == {"_type": "outgoing_call"}


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2025-03-15T07:31:44+02:00", datetime(2025, 3, 15, 5, 31, 44, tzinfo=UTC)),
        ("2025-03-15T07:31:44", datetime(2025, 3, 15, 7, 31, 44, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+14:00", None),
        (None, None),
        (7, None),
    ],
)
def test_a_moment_is_read_in_utc(value: object, moment: datetime | None) -> None:
    assert utc_moment(value) == moment
    assert times_of({"date_updated": value}).updated == moment


@pytest.mark.parametrize(
    ("json", "name"),
    [
        ({"user_full_name": "Ana Paz", "user_first_name": "A"}, "Ana Paz"),
        ({"user_full_name": "", "user_first_name": "Ana", "user_last_name": "Paz"}, "Ana Paz"),
        ({"user_first_name": "Ana", "user_last_name": None}, "Ana"),
        ({"user_email": "ana@example.com"}, "ana@example.com"),
        ({}, "user_1"),
    ],
)
def test_a_former_member_is_shown_by_the_name_in_the_membership(json: dict[str, Any], name: str) -> None:
    member = former_member_of({"user_id": "user_1", **json})
    assert member is not None
    assert (member.id, member.name, member.email) == ("user_1", name, json.get("user_email"))
    assert former_member_of(json) is None

"""Equivalent requests have equal canonical forms."""

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from builders import ANA, BEN, DONE, PENDING
from taskhand.domain.canonical_request import canonical_due, canonical_field, canonical_new, canonical_query
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.date_window import Period
from taskhand.domain.due import Due
from taskhand.domain.due_request import DueRequest
from taskhand.domain.edit import Edit
from taskhand.domain.reference_time import Reference
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery

AT = datetime(2026, 3, 1, 18, tzinfo=UTC)
NOW = Reference(datetime(2026, 3, 4, 15, 30, tzinfo=UTC))
SANTIAGO, MADRID = "America/Santiago", "Europe/Madrid"


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        ("title", " Call  back ", "Call back", True),
        ("title", "Call ba\u200bck", "Call back", True),
        ("title", "Jose\u0301", "Jos\u00e9", True),
        ("title", "Call back", "call back", False),
        ("description", " Call back\n", "Call back", True),
        ("description", "Call  back", "Call back", False),
        ("add_note", " called ", "called", True),
        ("description", "", None, True),
        ("deal_id", " d ", "d", False),
        ("responsible_ids", (ANA.id, BEN.id), (BEN.id, ANA.id, BEN.id), True),
        ("responsible_ids", (ANA.id,), (BEN.id,), False),
        ("due", Due.instant(AT, SANTIAGO), Due.instant(AT, MADRID), True),
        ("due", Due(date(2026, 3, 1), None, SANTIAGO), Due(date(2026, 3, 1)), True),
        ("due", Due(date(2026, 3, 1)), Due(date(2026, 3, 2)), False),
        ("due", Due(date(2026, 3, 1)), Due.instant(datetime(2026, 3, 1, tzinfo=UTC), None), False),
        ("status", StatusChoice.of(DONE), StatusChoice(name="completado"), True),
        ("status", StatusChoice.of(DONE), StatusChoice.of(PENDING), False),
        ("status", StatusChoice(position=1), StatusChoice(position=2), False),
        ("status", StatusChoice(id="s-1"), StatusChoice(id="s-1", position=4), True),
        (
            "period",
            Period("created", AT, None),
            Period("created", AT.astimezone(timezone(timedelta(hours=3))), None),
            True,
        ),
        ("period", Period("created", AT, None), Period("updated", AT, None), False),
        ("period", Period("created", AT, None), Period("created", None, AT), False),
        ("moment", AT, AT.astimezone(timezone(timedelta(hours=-3))), True),
        ("properties", {"b": "1", "a": ""}, {"a": None, "b": "1"}, True),
        ("properties", {"a": "1"}, {"a": "2"}, False),
        ("priority", 0, 1, False),
    ],
)
def test_values_mean_the_same_in_any_spelling_order_or_zone(
    name: str, one: object, other: object, *, same: bool
) -> None:
    assert (canonical_field(name, one) == canonical_field(name, other)) is same


def test_the_canonical_value_of_a_mapping_has_its_names_in_order() -> None:
    assert list(canonical_field("properties", {"b": "1", "a": "2"})) == ["a", "b"]


USUAL = Capabilities(usual_type="TODO")


@pytest.mark.parametrize(
    "edit",
    [
        Edit(title="Call", description=None),
        Edit(title="Call ", description=" "),
        Edit(title="Call", due=None, responsible_ids=(), ai_contact_id=None),
        Edit(title="Call", task_type="TODO", properties=(("a", None),)),
        Edit(title="Call", native={"x": 1}),
    ],
)
def test_empty_and_default_values_are_left_out_of_the_canonical_form_of_a_create(edit: Edit) -> None:
    assert canonical_new(edit, USUAL) == {"title": "Call"}


def test_every_other_field_of_a_new_task_is_compared() -> None:
    edits = [
        Edit(title="Call"),
        Edit(title="Call", priority=0),
        Edit(title="Call", task_type="CALL"),
        Edit(title="Call", deal_id="d"),
        Edit(title="Call", ai_contact_id="c"),
        Edit(title="Call", ai_customer_id="c"),
        Edit(title="Call", description="x"),
        Edit(title="Call", due=Due(date(2026, 3, 1))),
        Edit(title="Call", responsible_ids=(ANA.id,)),
        Edit(title="Call", status=StatusChoice.of(DONE)),
        Edit(title="Call", properties=(("a", "1"),)),
    ]
    meant = [canonical_new(edit, USUAL) for edit in edits]
    assert all(one not in meant[:n] for n, one in enumerate(meant))


OTHER: dict[str, Any] = {
    "responsible_ids": (ANA.id,),
    "of_nobody": True,
    "from_date": "2026-03-01",
    "to_date": "2026-03-01",
    "include_tasks_without_dates": False,
    "without_date": True,
    "period": Period("created", AT, None),
    "statuses": (StatusChoice.of(DONE),),
    "text": "x",
    "overdue": False,
    "priority": 0,
    "contact": "c",
    "task_type": "CALL",
    "deal_id": "d",
    "connection": "north",
}
PAGING: dict[str, Any] = {
    "order": "created",
    "limit": 3,
    "links": frozenset(),
    "after": ("a", "b"),
    "matched": ("x",),
}


def test_a_query_means_the_tasks_that_it_selects_however_they_are_listed() -> None:
    assert OTHER.keys() | PAGING.keys() == {one.name for one in fields(TaskQuery)}
    plain = canonical_query(TaskQuery())
    assert all(canonical_query(TaskQuery(**{name: value})) == plain for name, value in PAGING.items())
    meant = [plain, *(canonical_query(TaskQuery(**{name: value})) for name, value in OTHER.items())]
    assert all(one not in meant[:n] for n, one in enumerate(meant))
    assert canonical_query(TaskQuery(text="Ñandú  call")) == canonical_query(TaskQuery(text="call nandu"))


def due(zone: str | None = None, *, midnight_is_day: bool = False, **parts: str | None) -> Any:
    """What due fields ask for; `zone` is the default."""
    return canonical_due(DueRequest.parse(**parts, reference=NOW), zone, midnight_is_day=midnight_is_day)


def test_due_fields_become_a_due_date_or_the_parts_that_they_set() -> None:
    instant = due(due_date="2026-03-01T15:00:00-03:00")
    assert instant == due(due_date="2026-03-01", due_time="15:00", timezone=SANTIAGO)
    assert instant == due(SANTIAGO, due_date="2026-03-01", due_time="15:00")
    assert instant != due(MADRID, due_date="2026-03-01", due_time="15:00")
    assert due(due_date=None) is None
    assert due(due_date="2026-03-01", due_time=None) == "2026-03-01"
    assert due(due_date="2026-03-01") == {"date": "2026-03-01"}
    assert due(due_time=None) == {"time": None}
    assert due(due_time="09:00", timezone=MADRID) == {"time": "09:00:00", "zone": MADRID}
    assert due(timezone=None) == {"zone": None}
    midnight: dict[str, Any] = {"due_date": "2026-03-01T00:00:00Z", "due_time": "09:00", "timezone": "UTC"}
    assert due(**midnight) == due(**midnight, midnight_is_day=True) == "2026-03-01T09:00:00.000Z"

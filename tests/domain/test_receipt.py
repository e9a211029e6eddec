from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from builders import ANA, BEN, DONE, JUAN, PENDING, TASK_ID, on_people, task
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import Match
from taskhand.domain.receipt import FieldChange, Receipt, changes, inverse_edit, preview
from taskhand.domain.task import StatusChoice, Task
from taskhand.domain.unapplied_fields import Unapplied, unapplied_field

SANTIAGO = "America/Santiago"
DUE = Due.instant(datetime(2026, 3, 1, 18, tzinfo=UTC), SANTIAGO)
WHOLE_DAY = Due(date(2026, 3, 1))
TIMED = {"due_at": "2026-03-01T18:00:00.000Z", "due_timezone": SANTIAGO}
DAY = {"due_at": "2026-03-01T00:00:00.000Z", "is_all_day": True}

MET: list[tuple[Edit, dict[str, Any]]] = [
    (Edit(), {}),
    (Edit(title="Call back"), {}),
    (Edit(description=None), {}),
    (Edit(due=None), {}),
    (Edit(due=DUE), TIMED),
    (Edit(due=WHOLE_DAY), DAY),
    (Edit(responsible_ids=()), {}),
    (Edit(responsible_ids=(ANA.id, BEN.id)), {"task_responsibles": on_people(BEN.id, ANA.id)}),
    (Edit(priority=1), {}),
    (Edit(ai_contact_id=None, ai_customer_id="c"), {"ai_customer_id": "c"}),
    (Edit(status=StatusChoice.of(PENDING)), {}),
    (Edit(status=StatusChoice(name="PENDIÉNTE")), {}),
    (Edit(status=StatusChoice(position=0)), {}),
]

UNMET: list[tuple[Edit, dict[str, Any], Unapplied]] = [
    (Edit(title="New"), {}, Unapplied("title", "New", "Call back")),
    (Edit(description=None), {"description": "x"}, Unapplied("description", None, "x")),
    (Edit(description=""), {}, Unapplied("description", "", None)),
    (Edit(due=DUE), {}, Unapplied("dueDate", DUE, None)),
    (Edit(due=DUE), TIMED | {"due_timezone": "UTC"}, Unapplied("dueDate", DUE, replace(DUE, zone="UTC"))),
    (Edit(due=None), DAY, Unapplied("dueDate", None, WHOLE_DAY)),
    (Edit(due=WHOLE_DAY), TIMED, Unapplied("dueDate", WHOLE_DAY, DUE)),
    (Edit(responsible_ids=(ANA.id,)), {}, Unapplied("responsibleIds", (ANA.id,), ())),
    (
        Edit(responsible_ids=(ANA.id,)),
        {"task_responsibles": on_people(ANA.id, BEN.id)},
        Unapplied("responsibleIds", (ANA.id,), (ANA.id, BEN.id)),
    ),
    (Edit(priority=0), {}, Unapplied("priority", 0, 1)),
    (Edit(priority=None), {}, Unapplied("priority", 0, 1)),
    (Edit(priority=2), {"priority": None}, Unapplied("priority", 2, 0)),
    (Edit(ai_contact_id="c"), {}, Unapplied("aiContactId", "c", None)),
    (Edit(ai_customer_id=None), {"ai_customer_id": "c"}, Unapplied("aiCustomerId", None, "c")),
    (Edit(status=StatusChoice.of(DONE)), {}, Unapplied("status", "Completado", "Pendiente")),
    (Edit(status=StatusChoice(name="Nuevo")), {}, Unapplied("status", "Nuevo", "Pendiente")),
    (Edit(status=StatusChoice(position=3)), {}, Unapplied("status", 3, "Pendiente")),
    (Edit(status=StatusChoice(position=0)), {"status_config": None}, Unapplied("status", 0, None)),
]


@pytest.mark.parametrize(("edit", "fields"), MET)
def test_an_edit_that_a_task_shows_is_met(edit: Edit, fields: dict[str, Any]) -> None:
    assert list(edit.unmet_by(task(**fields)).given_fields()) == []
    assert Receipt.of(None, task(**fields), edit, ()).unapplied == ()


@pytest.mark.parametrize(("edit", "fields", "missed"), UNMET)
def test_an_unapplied_field_is_reported_with_its_requested_and_its_actual_value(
    edit: Edit, fields: dict[str, Any], missed: Unapplied
) -> None:
    after = task(**fields)
    receipt = Receipt.of(after, after, edit, ())
    assert receipt.unapplied == (missed,)
    assert receipt.note is not None
    assert receipt.changed == ()


def test_the_crm_chooses_the_zone_of_a_written_due_time_without_one() -> None:
    edit = Edit(due=replace(DUE, zone=None))
    assert list(edit.unmet_by(task(**TIMED), written=True).given_fields()) == []
    assert edit.unmet_by(task(**TIMED)) == edit


def test_a_known_status_is_met_by_its_id_and_not_by_a_namesake() -> None:
    twin = PENDING.model_copy(update={"id": "s-8"})
    assert not StatusChoice.of(PENDING).met_by(twin)


def test_only_the_unmet_part_of_an_edit_remains() -> None:
    edit = Edit(title="Call back", priority=2, due=None)
    assert edit.unmet_by(task()) == Edit(priority=2)


def test_an_edit_has_only_set_fields_and_null_is_set() -> None:
    assert dict(Edit(description=None, priority=0).given_fields()) == {"description": None, "priority": 0}


def test_each_unapplied_field_is_reported_separately() -> None:
    receipt = Receipt.of(task(), task(priority=2), Edit(title="New", priority=2, ai_contact_id="c"), ())
    assert [miss.field for miss in receipt.unapplied] == ["title", "aiContactId"]
    assert receipt.changed == (FieldChange("priority", 1, 2),)


def test_a_receipt_has_the_present_task_and_the_resolved_names() -> None:
    matched = (Match("responsibleIds", "ana perez", ANA.id, ANA.name),)
    after = task(title="New")
    assert Receipt.of(task(), after, Edit(title="New"), matched) == Receipt(
        after, (FieldChange("title", "Call back", "New"),), (), matched, None, before=task()
    )


def test_fields_that_already_had_the_requested_value_are_named() -> None:
    edit = Edit(title="New", priority=1, responsible_ids=(ANA.id,), due=None, ai_contact_id="c")
    before = task(task_responsibles=on_people(ANA.id))
    receipt = Receipt.of(before, before.model_copy(update={"title": "New"}), edit, ())
    assert receipt.already == ("due", "responsibles", "priority")
    assert Receipt.of(None, before, edit, ()).already == ()
    meanwhile = before.model_copy(update={"title": "New", "priority": 2})
    assert Receipt.of(before, meanwhile, edit, ()).already == ("due", "responsibles")


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({}, {}, []),
        ({"id": TASK_ID}, {"url": "https://crm.example/1"}, []),
        ({"description": "x"}, {"description": None}, [("description", "x", None)]),
        ({"description": None}, {"description": ""}, [("description", None, "")]),
        ({"priority": 1}, {"priority": 0}, [("priority", 1, 0)]),
        ({"priority": None}, {"priority": 2}, [("priority", 0, 2)]),
        ({"priority": 1}, {"priority": None}, [("priority", 1, 0)]),
        ({"priority": 0}, {"priority": None}, [("priority", 0, None)]),
        ({}, {"status_config": DONE}, [("status", "Pendiente", "Completado")]),
        ({}, {"status_config": None}, [("status", "Pendiente", None)]),
        ({}, {"task_responsibles": on_people(ANA.id)}, [("responsibles", (), (ANA.id,))]),
        (
            DAY,
            TIMED | {"is_all_day": False},
            [("due", WHOLE_DAY, DUE)],
        ),
    ],
)
def test_an_updated_task_differs_in_the_fields_that_changed(
    before: dict[str, Any], after: dict[str, Any], changed: list[tuple[str, object, object]]
) -> None:
    assert changes(task(**before), task(**after)) == tuple(FieldChange(*change) for change in changed)


def test_a_created_task_differs_wherever_it_is_not_empty() -> None:
    assert {change.field: change.after for change in changes(None, task(**DAY))} == {
        "title": "Call back",
        "due": WHOLE_DAY,
        "priority": 1,
        "status": "Pendiente",
    }
    assert all(change.before is None for change in changes(None, task()))


def test_a_field_that_cannot_be_read_back_is_noted_as_unknown() -> None:
    edit = Edit(title="New", responsible_ids=(ANA.id,), due=None)
    after = task(title="New", unreadable=("task_responsibles", "due_at"))
    receipt = Receipt.of(task(), after, edit, (), "Said before.")
    assert receipt.unapplied == ()
    assert receipt.note == "Said before. Whether it was applied cannot be read back: dueDate, responsibleIds."
    both = Receipt.of(task(), after, replace(edit, title="Newer"), ())
    assert [miss.field for miss in both.unapplied] == ["title"]
    assert both.note == (
        "Some of the requested values were not applied: see unapplied. "
        "Whether it was applied cannot be read back: dueDate, responsibleIds."
    )
    assert Receipt.of(task(), task(title="New"), Edit(title="New"), (), "Said before.").note == "Said before."


def test_a_receipt_accepts_any_zone_of_a_due_time_that_was_sent_without_one() -> None:
    receipt = Receipt.of(task(), task(**TIMED), Edit(due=replace(DUE, zone=None)), ())
    assert (receipt.unapplied, receipt.note) == ((), None)


def test_a_write_is_refused_where_it_certainly_has_changed_nothing() -> None:
    edit = Edit(title="New")
    assert Receipt.of(task(), task(), edit, ()).is_refused
    assert not Receipt.of(task(), task(priority=2), edit, ()).is_refused
    assert not Receipt.of(task(), task(unreadable=("due_at",)), edit, ()).is_refused
    assert not Receipt.of(task(), task(title="New"), edit, ()).is_refused
    assert not Receipt(None).is_refused


def test_a_receipt_names_everybody_and_every_link_in_it() -> None:
    before = task(task_responsibles=on_people(ANA.id), ai_contact_id="c-1", deal_id="d-1")
    after = task(task_responsibles=on_people(BEN.id), ai_contact_id="c-2", ai_customer_id="x", deal_id="d-1")
    receipt = Receipt.of(before, after, Edit(responsible_ids=(JUAN.id,)), ())
    assert receipt.people == {ANA.id, BEN.id, JUAN.id}
    assert receipt.links == {("ai_contact_id", "c-1"), ("ai_contact_id", "c-2"), ("ai_customer_id", "x")}
    assert Receipt.of(None, after, Edit(), ()).links == frozenset()
    assert replace(receipt, task=None).links == frozenset()
    assert replace(receipt, task=None, unapplied=()).people == {ANA.id, BEN.id}
    assert Receipt(after).people == {BEN.id}
    kept = Unapplied("responsibleIds", (JUAN.id,), (BEN.id,), was=(ANA.id,))
    assert Receipt(None, unapplied=(kept,)).people == {ANA.id, BEN.id, JUAN.id}


def test_properties_differ_where_they_are_known_of_both_tasks_and_of_a_new_one() -> None:
    before, after = task(properties={"a": "1", "b": "2"}), task(properties={"b": "3", "a": "1", "c": "4"})
    assert changes(before, after) == (FieldChange("properties.b", "2", "3"),)
    assert [one.field for one in changes(None, after) if "." in one.field] == [
        "properties.a",
        "properties.b",
        "properties.c",
    ]
    assert changes(before, task()) == ()


def test_a_type_differs_where_both_tasks_have_one() -> None:
    call, email = task(task_type="CALL"), task(task_type="EMAIL")
    assert changes(call, email) == (FieldChange("task_type", "CALL", "EMAIL"),)
    assert changes(task(), email) == changes(call, task()) == ()
    assert FieldChange("task_type", None, "CALL") in changes(None, call)


EDITS: list[tuple[Edit, dict[str, Any]]] = [
    (Edit(title="New", description="x", priority=2, note="called"), {}),
    (Edit(due=DUE), DAY),
    (Edit(due=WHOLE_DAY), TIMED),
    (Edit(due=None), TIMED),
    (Edit(responsible_ids=(BEN.id, ANA.id)), {"task_responsibles": on_people(JUAN.id)}),
    (Edit(status=StatusChoice.of(DONE), resolution="won"), {}),
    (Edit(ai_contact_id=None, ai_customer_id="x", deal_id="d"), {"ai_contact_id": "c"}),
    (Edit(properties=(("a", "2"), ("b", None))), {"properties": {"a": "1", "b": "1", "c": "1"}}),
]


@pytest.mark.parametrize(("edit", "fields"), EDITS)
def test_a_preview_shows_the_edit_and_the_inverse_of_the_edit_brings_back_the_task(
    edit: Edit, fields: dict[str, Any]
) -> None:
    before = task(note=None, resolution=None, task_type="CALL", **{"deal_id": None} | fields)
    after = preview(before, edit)
    assert edit.unmet_by(after) == Edit()
    assert Task.model_validate(after.model_dump()) == after
    back = inverse_edit(before, after)
    assert {name for name, _ in back.given_fields()} == {name for name, _ in edit.given_fields()}
    shown = preview(after, back)
    assert changes(before, shown) == ()
    assert shown.properties == before.properties


def test_the_preview_of_a_new_task_has_only_the_fields_of_the_edit() -> None:
    new = preview(None, Edit(title="New", status=StatusChoice(position=2), properties=(("a", "1"),)))
    assert new == preview(None, Edit()).model_copy(
        update={"title": "New", "status_config": new.status_config, "properties": {"a": "1"}}
    )
    assert new.status_config is not None
    assert (new.status_config.name, new.status_config.order) == ("position 2", 2)
    named = preview(task(), Edit(status=StatusChoice(name="Nuevo")))
    assert named.status_config is not None
    assert named.status_config.name == "Nuevo"


def test_an_inverse_edit_leaves_out_unknown_and_unreadable_fields() -> None:
    before, after = task(unreadable=("description",)), task(title="New", description="x", priority=2, unreadable=())
    assert inverse_edit(before, after, unknown={"priority"}) == Edit(title="Call back")
    without_status = task(status_config=None)
    assert inverse_edit(without_status, task()) == Edit()


def test_a_field_that_an_undo_leaves_alone_is_shown_with_its_expected_value() -> None:
    now, was = task(title="Theirs", task_responsibles=on_people(BEN.id)), task(title="Ours")
    assert unapplied_field("title", "Call back", now, was) == Unapplied("title", "Call back", "Theirs", "Ours")
    assert unapplied_field("responsible_ids", (ANA.id,), now, was) == Unapplied(
        "responsibleIds", (ANA.id,), (BEN.id,), ()
    )
    assert unapplied_field("note", None, now) == Unapplied("addNote", None, None)
    shown = task(properties={"a": "1"})
    assert unapplied_field("properties.a", "2", shown) == Unapplied("properties.a", "2", "1")

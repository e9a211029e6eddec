"""The mapping between Close's JSON and the contract: written values read back, and no date moves."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING

from builders import candidate_values
from taskhand.backends.close.fields.task_types import CALL, INBOX, LEAD, check_changeable, listed_types
from taskhand.backends.close.mapping import (
    DONE,
    OPEN,
    bulk_body,
    check_new,
    check_values,
    create_body,
    is_former_member,
    member_of,
    raw_values,
    task_of,
    update_body,
)
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.task import StatusChoice, Task

ZONES = st.sampled_from([None, "America/Santiago", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
DAYS = st.dates(date(1000, 1, 2), date(9998, 12, 30)).map(Due)
INSTANTS = st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
TITLES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
STATUSES = st.sampled_from(
    [StatusChoice.of(OPEN), StatusChoice.of(DONE), StatusChoice("completed"), StatusChoice(None, 2)]
)
IDS = st.from_regex(r"user_[A-Za-z0-9]{4,43}", fullmatch=True)

OTHERS = [kind for kind in INBOX if kind != LEAD]

ROW: dict[str, Any] = {
    "_type": "lead",
    "id": "task_1",
    "organization_id": "orga_1",
    "lead_id": "lead_1",
    "lead_name": "Acme",
    "text": "Connect with Account Manager",
    "date": "2013-02-06",
    "due_date": "2013-02-06",
    "is_dateless": False,
    "is_complete": False,
    "view": "inbox",
    "assigned_to": "user_1",
    "assigned_to_name": "Kenneth Jones",
    "contact_id": None,
    "contact_name": None,
    "object_type": None,
    "object_id": None,
    "created_by": "user_1",
    "date_created": "2025-03-15T07:31:44.796000+00:00",
    "date_updated": "2025-03-15T07:31:44.796000+00:00",
}
"""The fields of a to-do as they were recorded."""


def edits(zone: str | None) -> st.SearchStrategy[Edit]:
    """Any edit that a to-do in Close can hold, seen in that zone."""

    def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.just(MISSING) | values

    return st.builds(
        Edit,
        title=maybe(TITLES),
        due=maybe(st.none() | DAYS | INSTANTS.map(lambda at: Due.instant(at, zone))),
        responsible_ids=maybe(st.tuples(IDS)),
        priority=maybe(st.sampled_from([1, 2])),
        status=maybe(STATUSES),
    )


def after(row: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """What Close keeps of a PUT: what is left out stays, and a dateless task has a date all the same."""
    changed = row | body
    if "date" in body:
        changed["is_dateless"] = body.get("is_dateless", False)
    return changed | {"due_date": None if changed["is_dateless"] else changed["date"]}


@given(st.data(), ZONES)
def test_a_sent_change_is_read_back_and_no_other_field_changes(data: st.DataObject, zone: str | None) -> None:
    dateless = data.draw(st.booleans())
    before = ROW | {"is_dateless": dateless, "due_date": None if dateless else ROW["date"]}
    edit = data.draw(edits(zone))
    shown = task_of(after(before, update_body(edit, dateless=dateless)), zone)
    assert not any(edit.unmet_by(shown).given_fields())
    asked = {name for name, _ in edit.given_fields()}
    untouched = {
        "title": {"title"},
        "due_at": {"due"},
        "is_all_day": {"due"},
        "priority": {"priority"},
        "task_responsibles": {"responsible_ids"},
        "status_config": {"status"},
    }
    for field, by in untouched.items():
        assert by & asked or getattr(shown, field) == getattr(task_of(before, zone), field)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("text", "title"),
        ("date", "due_at"),
        ("assigned_to", "task_responsibles"),
        ("lead_id", "ai_customer_id"),
        ("contact_id", "ai_contact_id"),
        ("is_complete", "status_config"),
    ],
)
def test_a_field_that_a_to_do_always_has_and_that_is_missing_is_not_read_as_an_empty_one(name: str, field: str) -> None:
    assert task_of({key: value for key, value in ROW.items() if key != name}, None).unreadable_fields == (field,)
    assert task_of(ROW, None).unreadable_fields == ()


@given(DAYS | INSTANTS.map(lambda at: Due.instant(at, None)), ZONES)
def test_any_due_day_or_instant_is_read_back_unchanged(due: Due, zone: str | None) -> None:
    wanted = Due.instant(due.at, zone) if due.at else due
    body = create_body(Edit(title="x", due=wanted, ai_customer_id="lead_1"), LEAD)
    assert due_of(task_of(ROW | body, zone)) == wanted
    assert (len(body["date"]) == len("2026-03-10")) is (due.at is None)


@pytest.mark.usefixtures("in_santiago")
def test_an_instant_without_an_offset_is_in_utc_wherever_the_server_is() -> None:
    task = task_of(ROW | {"date": "2026-03-10T15:00:00", "date_created": "2026-03-02T15:00:00"}, None)
    assert (task.due_at, task.created_at) == ("2026-03-10T15:00:00.000Z", "2026-03-02T15:00:00.000Z")


@given(INSTANTS, ZONES)
def test_an_instant_is_the_same_however_it_is_written(at: datetime, zone: str | None) -> None:
    at = at.replace(microsecond=0)
    spellings = [
        at.isoformat(),
        at.isoformat(timespec="microseconds"),
        at.replace(tzinfo=None).isoformat(),
        at.isoformat().replace("+00:00", "Z"),
    ]
    shown = [due_of(task_of(ROW | {"date": text}, zone)) for text in spellings]
    assert shown == [Due.instant(at, zone)] * len(spellings)


def test_midnight_in_utc_stays_an_instant() -> None:
    task = task_of(ROW | {"date": "2015-02-08T00:00:00+00:00"}, "America/Santiago")
    assert (task.due_at, task.is_all_day, task.due_timezone) == ("2015-02-08T00:00:00.000Z", False, "America/Santiago")
    due = due_of(task)
    assert due is not None
    assert due.day == date(2015, 2, 7)


def test_a_day_has_no_zone() -> None:
    task = task_of(ROW, "America/Santiago")
    assert (task.due_at, task.is_all_day, task.due_timezone) == ("2013-02-06T00:00:00.000Z", True, None)


def test_a_recorded_task_is_read_whole() -> None:
    task = task_of(ROW, None)
    assert (task.id, task.title, task.description, task.priority) == ("task_1", "Connect with Account Manager", None, 0)
    assert (task.ai_customer_id, task.ai_contact_id, task.creator_id) == ("lead_1", None, "user_1")
    assert (task.responsible_ids, task.status_config) == (("user_1",), OPEN)
    assert task.task_status_config_id == OPEN.id
    assert task.url == "https://app.close.com/lead/lead_1/"
    assert task.created_at == "2025-03-15T07:31:44.796Z"


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        ({"is_dateless": True}, None),
        ({"is_dateless": True, "date": None}, None),
        ({"date": None}, None),
        ({"is_dateless": None, "due_date": None}, None),
        ({"is_dateless": None, "due_date": "2013-02-06"}, Due(date(2013, 2, 6))),
        ({"is_dateless": False, "due_date": None}, Due(date(2013, 2, 6))),
    ],
)
def test_a_dateless_task_has_no_due_date_whatever_its_date(fields: dict[str, Any], due: Due | None) -> None:
    assert due_of(task_of(ROW | fields, None)) == due


def test_without_the_deprecated_fields_a_date_is_a_due_date() -> None:
    bare = {name: value for name, value in ROW.items() if name not in {"is_dateless", "due_date"}}
    assert due_of(task_of(bare, None)) == Due(date(2013, 2, 6))


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"_type": "outgoing_call", "text": "Qualify this lead"}, "Qualify this lead"),
        ({"_type": "outgoing_call", "text": None}, "Outgoing call"),
        ({"_type": "incoming_email", "text": None, "subject": "Quote"}, "Incoming e-mail: Quote"),
        ({"_type": "missed_call", "text": None, "phone_formatted": "+1 402-555-0116"}, "Missed call: +1 402-555-0116"),
        ({"_type": "incoming_sms", "text": "Can you call?"}, "Incoming SMS: Can you call?"),
        ({"_type": "opportunity_due", "text": None, "opportunity_note": None}, "Opportunity due"),
        ({"_type": "never_heard_of", "text": None}, "Never heard of"),
    ],
)
def test_a_task_without_text_has_the_label_of_its_type(fields: dict[str, Any], title: str) -> None:
    assert task_of(ROW | fields, None).title == title


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), JSON), st.sets(st.sampled_from(sorted(ROW))))
def test_a_task_with_any_field_changed_or_missing_is_a_task(odd: dict[str, Any], absent: set[str]) -> None:
    row = {name: value for name, value in (ROW | odd).items() if name not in absent}
    task = task_of(row, "America/Santiago")
    assert due_of(task) is None or str(due_of(task))
    assert task.id == row.get("id") or "id" in task.unreadable_fields


@pytest.mark.parametrize(
    ("wrong", "unreadable"),
    [
        ({"id": 7}, "id"),
        ({"text": ["x"]}, "title"),
        ({"date": "soon"}, "due_at"),
        ({"date": 5}, "due_at"),
        ({"date": "0001-01-01T00:00:00+23:59"}, "due_at"),
        ({"is_dateless": "no"}, "due_at"),
        ({"is_complete": "yes"}, "status_config"),
        ({"assigned_to": {"id": "user_1"}}, "task_responsibles"),
        ({"priority": "urgent"}, "priority"),
        ({"priority": 7}, "priority"),
        ({"lead_id": 5}, "ai_customer_id"),
        ({"contact_id": []}, "ai_contact_id"),
        ({"date_created": "yesterday"}, "created_at"),
    ],
    ids=repr,
)
def test_an_undocumented_value_is_named_and_leaves_the_other_fields(wrong: dict[str, Any], unreadable: str) -> None:
    task, before = task_of(ROW | wrong, None), task_of(ROW, None)
    assert task.unreadable_fields == (unreadable,)
    others = set(Task.model_fields) - {unreadable, "unreadable", "is_all_day", "url", "task_status_config_id"}
    assert all(getattr(task, name) == getattr(before, name) for name in others)


@given(st.dictionaries(st.sampled_from(["id", "email", "first_name", "last_name", "organizations"]), JSON))
def test_arbitrary_json_is_a_user_with_an_id_or_none(json: dict[str, Any]) -> None:
    user = member_of(json)
    assert user is None or user.id == json["id"]


@pytest.mark.parametrize("word", ["high", "HIGH"])
def test_a_missing_priority_matches_no_filter(word: str) -> None:
    assert task_of(ROW | {"priority": word}, None).priority == 2
    assert [task_of(ROW | {"priority": odd}, None).priority for odd in (None, "medium")] == [0, 1]
    assert task_of(ROW, None).priority == 0


@pytest.mark.parametrize("kind", OTHERS)
def test_a_task_of_a_type_that_has_no_priority_counts_as_medium(kind: str) -> None:
    assert task_of(ROW | {"_type": kind}, None).priority == 1


@pytest.mark.parametrize("without", ["view", "text", "contact_id", "lead_id", "assigned_to"])
def test_a_task_of_an_unknown_type_counts_as_a_to_do(without: str) -> None:
    to_do = {name: value for name, value in ROW.items() if name != without}
    typeless = {name: value for name, value in to_do.items() if name != "_type"}
    assert task_of(typeless, None) == task_of(to_do, None)
    assert raw_values(typeless) == raw_values(to_do)


def test_a_user_without_a_full_name_is_shown_by_the_known_name_or_the_e_mail() -> None:
    user = {"id": "user_1", "first_name": "Ana", "last_name": "Soto", "email": "ana@example.com"}
    assert is_former_member(user | {"organizations": []})
    assert not is_former_member(user)
    names = [
        member_of(user | fields)
        for fields in ({"organizations": ["orga_1"]}, {"first_name": None, "last_name": ""}, {"last_name": None})
    ]
    assert [member and member.name for member in names] == ["Ana Soto", "ana@example.com", "Ana"]


@pytest.mark.parametrize("people", [(), ("user_1", "user_2")])
@pytest.mark.parametrize("kind", ["update", "create"])
def test_no_responsible_or_two_are_refused(people: tuple[str, ...], kind: str) -> None:
    edit = Edit(responsible_ids=people, title="x", ai_customer_id="lead_1")
    with pytest.raises(CallerError, match="a task needs exactly 1"):
        check_new(edit, LEAD) if kind == "create" else check_values(edit)


def test_a_low_priority_is_refused_with_the_valid_ones_as_candidates() -> None:
    with pytest.raises(CallerError) as refused:
        check_values(Edit(priority=0))
    assert candidate_values(refused.value) == ["1", "2"]


def test_an_unknown_status_is_refused_with_the_two_of_close_as_candidates() -> None:
    with pytest.raises(CallerError) as refused:
        check_values(Edit(status=StatusChoice("En Progreso")))
    assert candidate_values(refused.value) == ["Open", "Completed"]


def test_a_new_to_do_without_a_due_date_sends_is_dateless() -> None:
    plain = {"_type": "lead", "lead_id": "lead_1", "text": "x", "is_dateless": True}
    assert create_body(Edit(title="x", ai_customer_id="lead_1"), LEAD) == plain
    assert create_body(Edit(title="x", ai_customer_id="lead_1", due=None), LEAD) == plain


def test_a_call_takes_a_contact_and_has_no_priority() -> None:
    edit = Edit(title="x", ai_customer_id="lead_1", ai_contact_id="cont_1", priority=1)
    assert create_body(edit, CALL) == {
        "_type": "outgoing_call",
        "lead_id": "lead_1",
        "contact_id": "cont_1",
        "text": "x",
    }
    with pytest.raises(CallerError, match="aiContactId is required"):
        check_new(Edit(title="x", ai_customer_id="lead_1"), CALL)
    with pytest.raises(CallerError, match="no priority"):
        check_new(high := replace(edit, priority=2), CALL)
    check_new(replace(high, native={"_type": "outgoing_call"}), CALL)  # a deleted task that is made again


def test_a_new_task_without_a_lead_is_refused() -> None:
    with pytest.raises(CallerError, match="aiCustomerId is required"):
        check_new(Edit(title="x"), LEAD)


CHANGES: dict[str, Edit] = {
    "title": Edit(title="x"),
    "priority": Edit(priority=2),
    "due": Edit(due=Due(date(2026, 3, 10))),
    "status": Edit(status=StatusChoice.of(DONE)),
    "responsible_ids": Edit(responsible_ids=("user_1",)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_to_do_accepts_every_change(name: str) -> None:
    check_changeable(CHANGES[name], LEAD)


@pytest.mark.parametrize("kind", [*OTHERS, "never_heard_of"])
@pytest.mark.parametrize("name", CHANGES)
def test_every_other_type_accepts_due_status_and_responsible_only(name: str, kind: str) -> None:
    if name in {"due", "status", "responsible_ids"}:
        check_changeable(CHANGES[name], kind)
        return
    with pytest.raises(CallerError, match=rf"In Close {name} can change on to-dos only, and this task is .* {kind}"):
        check_changeable(CHANGES[name], kind)


@pytest.mark.parametrize("kind", INBOX)
def test_the_due_date_is_removed_only_from_types_that_can_be_dateless(kind: str) -> None:
    if kind in {LEAD, CALL}:
        check_changeable(Edit(due=None), kind)
        return
    with pytest.raises(CallerError, match="cannot be removed"):
        check_changeable(Edit(due=None), kind)


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (Edit(ai_customer_id="lead_2"), "aiCustomerId cannot change"),
        (Edit(description="x"), "description cannot change"),
    ],
)
def test_a_field_that_never_changes_is_refused_by_name(edit: Edit, why: str) -> None:
    with pytest.raises(CallerError, match=why) as refused:
        check_changeable(edit, LEAD)
    assert refused.value.code == "field_not_changeable"
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("edit", "body"),
    [
        (Edit(responsible_ids=("user_1",)), {"assigned_to": "user_1"}),
        (Edit(due=Due(date(2026, 3, 10))), {"date": "2026-03-10"}),
        (Edit(status=StatusChoice.of(DONE)), {"is_complete": True}),
        (Edit(due=None), None),
        (Edit(title="x"), None),
        (Edit(title="x", status=StatusChoice.of(DONE)), None),
        (Edit(priority=2), None),
        (Edit(), None),
    ],
)
def test_only_three_fields_are_sent_by_the_bulk_update(edit: Edit, body: dict[str, Any] | None) -> None:
    assert bulk_body(edit) == body


def test_the_listed_types_follow_the_setting() -> None:
    assert listed_types("all") == ()
    assert listed_types("inbox") == INBOX
    assert listed_types("voicemail, lead") == ("voicemail", "lead")
    for wrong in ("", "leads", "lead,", "all,lead"):
        with pytest.raises(OperatorError, match="CLOSE_TASK_TYPES"):
            listed_types(wrong)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2050, 1, 1)), st.sampled_from([1, 5, 90]))  # noqa: DTZ001 - naive on purpose
def test_the_wall_clock_survives_a_change_of_clocks(naive: datetime, days: int) -> None:
    zone = "America/Santiago"
    at = datetime.combine(naive.date(), time(15), ZoneInfo(zone))
    later = datetime.combine(naive.date() + timedelta(days=days), time(15), ZoneInfo(zone))
    for moment in (at, later):
        due = due_of(task_of(ROW | update_body(Edit(due=Due.instant(moment, zone)), dateless=False), zone))
        assert due is not None
        assert due.local == moment


@pytest.mark.parametrize("due", [MISSING, None, Due(date(2026, 3, 6))])
def test_a_new_outgoing_call_never_sends_is_dateless(due: Due | None) -> None:
    edit = Edit(title="x", ai_customer_id="lead_1", ai_contact_id="cont_1", due=due)
    assert "is_dateless" not in create_body(edit, CALL)

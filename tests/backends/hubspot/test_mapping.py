"""Between HubSpot's JSON and the contract: tasks survive the way there and back."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING

from backends.hubspot.strategies import DAYS, INSTANTS, LINES, TEXT, ZONES, exists
from taskhand.backends.hubspot.account import member_of
from taskhand.backends.hubspot.contact_search import company_of, contact_of
from taskhand.backends.hubspot.fields.due import Zones
from taskhand.backends.hubspot.fields.links import KINDS, LINKS, Kind, linked_ids
from taskhand.backends.hubspot.fields.statuses import TaskStatuses
from taskhand.backends.hubspot.mapping import (
    PROPERTIES,
    AccountData,
    Record,
    properties_of,
    record_of,
    task_of,
    times_of,
)
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.task import Contact, Status, StatusChoice, Task

IDS = st.integers(1, 10**11).map(str)
STATUSES = TaskStatuses(
    {
        value: Status(id=value, name=value.title(), color=None, type=kind, order=order)
        for order, (value, kind) in enumerate(
            [("NOT_STARTED", "initial"), ("WAITING", "in_progress"), ("COMPLETED", "done")], 1
        )
    }
)
DATA = AccountData(Zones(None), STATUSES)


@st.composite
def edits(draw: st.DrawFn, zones: Zones) -> Edit:
    """Anything that a task of HubSpot's can be asked to be, a field left out or not."""

    def maybe(values: st.SearchStrategy[Any]) -> Any:
        return draw(st.one_of(st.just(MISSING), values))

    instants = INSTANTS.map(lambda at: Due.instant(at, zones.shown))
    days = DAYS.filter(lambda day: exists(day, zones.days)).map(Due)
    return Edit(
        title=maybe(TEXT.map(str.strip).filter(bool)),
        description=maybe(st.one_of(st.none(), LINES.filter(bool))),
        due=maybe(st.one_of(instants, days)),
        responsible_ids=maybe(st.lists(IDS, max_size=1).map(tuple)),
        ai_contact_id=maybe(st.one_of(st.none(), IDS)),
        deal_id=maybe(st.one_of(st.none(), IDS)),
        task_type=maybe(st.sampled_from(["TODO", "CALL"])),
        ai_customer_id=maybe(st.one_of(st.none(), IDS)),
        priority=maybe(st.sampled_from([0, 1, 2])),
        status=maybe(st.sampled_from([StatusChoice.of(status) for status in STATUSES.by_id.values()])),
    )


def json_of(properties: dict[str, str], edit: Edit | None = None, **changed: Any) -> dict[str, Any]:
    """A task as HubSpot would give it after these properties were written: cleared ones are null."""
    shown = {name: value or None for name, value in properties.items()}
    links = {}
    for kind in KINDS if edit else ():
        if isinstance(linked := getattr(edit, LINKS[kind].field), str):
            links[kind] = {"results": [{"id": linked, "type": "task_to_contact"}]}
    given = {"id": "77597500001", "properties": shown, "createdAt": "2026-03-02T15:00:00Z", "archived": False}
    return given | ({"associations": links} if links else {}) | changed


def record(json: dict[str, Any]) -> Record:
    found = Record.read(json)
    assert found is not None
    return found


def read_task(json: dict[str, Any], zones: Zones | None = None) -> Task:
    return task_of(record(json), AccountData(zones or Zones(None), STATUSES))


@given(st.data(), st.sampled_from(ZONES))
def test_a_new_task_reads_back_as_written(data: st.DataObject, zone: str) -> None:
    zones = Zones(zone)
    edit = data.draw(edits(zones))
    task = read_task(json_of(properties_of(edit, None, AccountData(zones, STATUSES)), edit), zones)
    assert not list(edit.unmet_by(task).given_fields())


@given(st.data(), st.sampled_from(ZONES))
def test_an_updated_task_reads_back_as_written(data: st.DataObject, zone: str) -> None:
    zones = Zones(zone)
    first, second = data.draw(edits(zones)), data.draw(edits(zones))
    was = properties_of(first, None, AccountData(zones, STATUSES))
    before = read_task(json_of(was, first), zones)
    task = read_task(json_of(was | properties_of(second, before, AccountData(zones, STATUSES)), second), zones)
    own = [name for name, _ in second.unmet_by(task).given_fields() if not name.startswith("ai_")]
    assert own == []


@given(st.data(), st.sampled_from(ZONES))
def test_the_task_before_and_the_answer_to_an_update_make_the_task_after(data: st.DataObject, zone: str) -> None:
    zones = Zones(zone)
    first, second = data.draw(edits(zones)), data.draw(edits(zones))
    was = properties_of(first, None, AccountData(zones, STATUSES))
    before = read_task(json_of(was, first, url="https://app.hubspot.com/tasks/1"), zones)
    sent = properties_of(second, before, AccountData(zones, STATUSES))
    answer = record({name: value for name, value in json_of(sent).items() if name in {"id", "properties"}})
    made = task_of(record_of(before, answer, AccountData(zones, STATUSES)), AccountData(zones, STATUSES))
    assert made == read_task(json_of(was | sent, first, url="https://app.hubspot.com/tasks/1"), zones)


def test_an_answer_to_an_update_leaves_the_other_properties_of_the_task_as_they_were() -> None:
    before = task_of(record(json_of({"region": "emea"})).with_names(frozenset({"region"})), DATA)
    answer = record(json_of({"tier": "1"})).with_names(frozenset({"tier"}))
    made = task_of(record_of(before, answer, DATA), DATA)
    assert made.properties == {"region": "emea", "tier": "1"}


@pytest.mark.parametrize("value", ["NONE", None, "", "URGENT"])
def test_no_priority_and_a_custom_one_are_shown_as_0_and_are_not_written_as_low(value: str | None) -> None:
    task = read_task(json_of({}) | {"properties": {"hs_task_priority": value}})
    assert (task.priority, task.shown_priority) == (None, 0)
    assert Edit(priority=0).unmet_by(task) == Edit(priority=0)
    assert properties_of(Edit(priority=0), task, DATA) == {"hs_task_priority": "LOW"}
    assert properties_of(Edit(title="New"), task, DATA) == {"hs_task_subject": "New"}


def test_empty_fields_are_cleared_in_a_task_and_not_sent_for_a_new_one() -> None:
    empty = Edit(description="", responsible_ids=(), properties=(("own", None),))
    cleared = {"hs_task_body": "", "hubspot_owner_id": "", "own": ""}
    assert properties_of(empty, read_task(json_of({})), DATA) == cleared
    assert properties_of(empty, None, DATA) == {}


def test_a_removed_priority_is_written_as_none() -> None:
    assert properties_of(Edit(priority=None), read_task(json_of({})), DATA) == {"hs_task_priority": "NONE"}


def test_a_task_that_was_reopened_has_no_time_of_completion() -> None:
    done = {"hs_task_completion_date": "2026-03-02T15:00:00Z"}
    shown = [record(json_of(done | {"hs_task_status": status})) for status in ("COMPLETED", "WAITING")]
    times = [times_of(one, task_of(one, DATA)).completed for one in shown]
    assert times == [datetime(2026, 3, 2, 15, tzinfo=UTC), None]


def test_writes_the_all_day_flag_only_when_it_changes() -> None:
    zones = Zones("America/Santiago")
    day, timed = Due(date(2026, 3, 10)), Due.instant(datetime(2026, 3, 10, 18, tzinfo=UTC), zones.shown)
    of_day = read_task(json_of(properties_of(Edit(due=day), None, AccountData(zones, STATUSES))), zones)
    of_time = read_task(json_of(properties_of(Edit(due=timed), None, AccountData(zones, STATUSES))), zones)
    assert properties_of(Edit(due=day), None, AccountData(zones, STATUSES))["hs_task_is_all_day"] == "true"
    assert "hs_task_is_all_day" not in properties_of(Edit(due=timed), None, AccountData(zones, STATUSES))
    assert properties_of(Edit(due=timed), of_day, AccountData(zones, STATUSES))["hs_task_is_all_day"] == "false"
    assert "hs_task_is_all_day" not in properties_of(Edit(due=timed), of_time, AccountData(zones, STATUSES))
    assert due_of(of_day) == day


def test_a_status_that_is_not_an_option_is_named_by_its_value() -> None:
    status = read_task(json_of({"hs_task_status": "5996831934"})).status_config
    assert status is not None
    assert (status.id, status.name, status.type) == ("5996831934", "5996831934", "unknown")
    assert read_task(json_of({})).status_config is None


@pytest.mark.parametrize(
    ("kind", "field"), [("contacts", "ai_contact_id"), ("companies", "ai_customer_id"), ("deals", "deal_id")]
)
def test_shows_the_lowest_of_several_links_or_the_requested_one(kind: str, field: str) -> None:
    links = {kind: {"results": [{"id": 1002}, {"id": "99"}, {"id": "1001"}]}}
    linked = record(json_of({}, associations=links))
    for of_links, shown in ([], "99"), (["1002"], "1002"), (["5"], "99"):
        found = task_of(linked, DATA, of_links)
        assert getattr(found, field) == shown
        assert found.also_linked == {field: tuple(one for one in ("99", "1001", "1002") if one != shown)}


@pytest.mark.parametrize(
    "json", [{}, {"id": None}, {"id": True}, {"id": ""}, {"id": ["1"]}, {"properties": {}}], ids=repr
)
def test_json_without_an_id_is_no_record(json: dict[str, Any]) -> None:
    assert Record.read(json) is None


@pytest.mark.parametrize(
    ("json", "unreadable"),
    [
        (json_of({"hs_timestamp": "soon"}), {"due_at"}),
        (json_of({"hs_timestamp": "99999999999999999999"}), {"due_at"}),
        (json_of({"hs_timestamp": "9999-12-31T23:59:59.999-23:59"}), {"due_at"}),
        (json_of({}, createdAt="0001-01-01T00:00:00+23:59"), {"created_at"}),
        (json_of({}, createdAt="yesterday"), {"created_at"}),
        (json_of({}) | {"properties": {"hs_task_priority": 5, "hs_task_subject": ["x"]}}, {"priority", "title"}),
        (
            json_of({}) | {"properties": {"hs_task_status": {}, "hubspot_owner_id": []}},
            {"status_config", "task_responsibles"},
        ),
        (json_of({}, associations={"contacts": "none"}), {"ai_contact_id"}),
        (json_of({}, associations=5), {"ai_contact_id", "ai_customer_id", "deal_id"}),
        (
            {"id": "1", "properties": None},
            {"title", "description", "due_at", "priority", "task_responsibles", "status_config"},
        ),
    ],
)
def test_names_the_fields_that_cannot_be_read_and_reads_the_others(json: dict[str, Any], unreadable: set[str]) -> None:
    task = read_task(json)
    assert set(task.unreadable_fields) == unreadable
    assert all(getattr(task, name) is None for name in unreadable)
    assert task.id == json["id"]


def test_links_that_cannot_be_read_are_unreadable_until_they_are_read() -> None:
    record = Record.read(json_of({}, associations={"companies": "none"}))
    assert record is not None
    unread = record.with_links({"contacts": ()}, frozenset[Kind]({"contacts"}))
    again = unread.with_links({"contacts": ("7",)})
    for known, unreadable, contact in (
        (unread, {"ai_contact_id", "ai_customer_id"}, None),
        (again, {"ai_customer_id"}, "7"),
        (again.with_links({"companies": ()}), set[str](), "7"),
    ):
        task = task_of(known, DATA)
        assert (set(task.unreadable_fields), task.ai_contact_id) == (unreadable, contact)


LEAVES = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats(allow_nan=False) | st.text()
MOMENTS = st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | st.just("9999-12-31T23:59:59.999-23:59")
ODD = st.recursive(
    LEAVES | MOMENTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(PROPERTIES), ODD), ODD, ODD, st.sampled_from(ZONES))
def test_arbitrary_json_in_every_field_is_a_task(
    properties: dict[str, Any], created: object, links: object, zone: str
) -> None:
    json = {"id": "1", "properties": properties, "createdAt": created, "associations": links, "url": links}
    task = read_task(json, Zones(zone))
    assert due_of(task) is None or str(due_of(task))


@given(ODD, ODD, ODD)
def test_arbitrary_json_is_a_status_and_a_person_with_an_id(one: Any, other: Any, label: object) -> None:
    options = [{"value": "a", "displayOrder": one, "label": label}, {"value": "b", "displayOrder": other}]
    assert set(TaskStatuses.of_options({"options": options}, complete=True).by_id) == {"a", "b"}
    stages = [
        {"id": "a", "displayOrder": one, "label": label, "metadata": other},
        {"id": "b", "metadata": {"isClosed": one}},
    ]
    found = TaskStatuses.of_pipelines({"results": [{"id": label, "displayOrder": other, "stages": [*stages, one]}]})
    assert found is not None
    assert set(found.by_id) == {"a", "b"}
    for find in (contact_of, company_of):
        assert find(record({"id": "1", "properties": one})).name is not None
    member = member_of({"id": one, "email": other, "firstName": label})
    assert member is None or member.id == str(one)


def test_creation_times_sort_as_text() -> None:
    whole, later = json_of({}, createdAt="2026-03-02T15:00:00Z"), json_of({}, createdAt="2026-03-02T15:00:00.123Z")
    assert str(read_task(whole).created_at) < str(read_task(later).created_at)


def test_reads_only_https_addresses() -> None:
    assert read_task(json_of({}, url="https://app.hubspot.com/t/1")).url == "https://app.hubspot.com/t/1"
    assert read_task(json_of({}, url="javascript:alert(1)")).url is None


def test_names_an_owner_without_a_name_by_email_or_id() -> None:
    named = (member_of({"id": 5, "email": "a@b.example"}), member_of({"id": "5"}))
    assert [one and one.name for one in named] == ["a@b.example", "5"]


@pytest.mark.parametrize(
    ("find", "properties", "name", "phone"),
    [
        (contact_of, {"lastname": "Vega", "email": "v@b.example"}, "Vega", None),
        (contact_of, {"firstname": "", "email": "v@b.example", "mobilephone": "+1 55"}, "v@b.example", "+1 55"),
        (contact_of, {"phone": "+1 44", "mobilephone": "+1 55"}, "", "+1 44"),
        (company_of, {"name": "Acme", "domain": "acme.example", "phone": "+1 44"}, "Acme", "+1 44"),
        (company_of, {"name": "", "domain": "acme.example"}, "acme.example", None),
    ],
)
def test_shows_a_contact_or_a_company_without_a_name_by_what_else_is_known(
    find: Callable[[Record], Contact], properties: dict[str, str], name: str, phone: str | None
) -> None:
    found = find(record({"id": "1", "properties": properties}))
    assert (found.name, found.phone) == (name, phone)


def test_the_ids_of_links_are_numbers_in_their_order_in_either_form() -> None:
    rows = [{"toObjectId": 1000}, {"id": "99"}, {"toObjectId": "-1"}, {"id": "x"}, {}, 7, {"id": "99"}]
    assert linked_ids(rows) == ("99", "1000")
    assert linked_ids({"id": "99"}) == ()


def test_a_task_is_known_by_its_unique_property_or_else_by_its_id() -> None:
    record = Record.read({"id": "7", "properties": {"code": "A-1", "empty": ""}, "archived": True})
    assert record is not None
    assert [record.known_by(name) for name in ("code", "empty", "other", None)] == ["A-1", "7", "7", "7"]
    assert record.is_archived
    assert [Record({"id": "7", "archived": is_so}, {}).is_archived for is_so in (False, None, "true")] == [False] * 3


@pytest.mark.parametrize(
    ("json", "properties", "changed"),
    [
        ({"updatedAt": "2026-03-02T12:00:00Z"}, {"hs_lastmodifieddate": "2026-03-01T12:00:00Z"}, 2),
        ({}, {"hs_lastmodifieddate": "2026-03-01T12:00:00Z"}, 1),
        ({}, {}, None),
    ],
)
def test_the_update_time_comes_from_the_record_else_from_the_property(
    json: dict[str, Any], properties: dict[str, Any], changed: int | None
) -> None:
    record = Record.read({"id": "7", "properties": properties, **json})
    assert record is not None
    updated = times_of(record, task_of(record, DATA)).updated
    assert updated == (None if changed is None else datetime(2026, 3, changed, 12, tzinfo=UTC))

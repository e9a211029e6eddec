"""The mapping between Vambe's JSON and the contract: values read back unchanged, and invalid ones are named."""

import json
import re
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import MISSING

from backends.vambe.backend_case import WORLD
from behaviour.world import CAROLINA, CUSTOMER, NOW, PEOPLE, STATUSES
from taskhand.backends.vambe.fields.learned_due_times import detect_due_at
from taskhand.backends.vambe.mapping import DueAt, body_of, contact_of, member_of, status_of, task_of
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.task import Status, StatusChoice, Task
from taskhand.sandbox.messages import ReceivedRequest
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

SANTIAGO, BEIRUT = "America/Santiago", "Asia/Beirut"
IDS = [someone["id"] for someone in PEOPLE]
KNOWN = [Status.model_validate(status) for status in STATUSES]
READINGS: list[tuple[str, DueAt]] = [("utc", "utc"), ("wall", "wall"), ("echo", "utc"), ("echo", "wall")]
"""How the sandbox writes `due_at`, and how it is read."""

trying = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory", "posixrules"}))
DAYS = st.dates(date(1000, 1, 2), date(9998, 12, 30)) | st.dates(date(2020, 1, 1), date(2035, 12, 31))
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
TITLES = st.text(min_size=1).filter(lambda text: bool(text.strip()))
PEOPLES = st.lists(st.sampled_from(IDS), unique=True).map(tuple)
CHOICES = st.sampled_from(KNOWN).flatmap(
    lambda status: st.sampled_from(
        [StatusChoice.of(status), StatusChoice(name=status.name), StatusChoice(position=status.order)]
    )
)


def timed(day: date, clock: time, zone: str | None, *, fold: int = 0) -> Due:
    """The due date at a wall-clock time; where the clocks skip it, at the time that they then show."""
    return Due.instant(datetime.combine(day, clock.replace(fold=fold), ZoneInfo(zone or "UTC")).astimezone(UTC), zone)


def is_exact(due: Due | None) -> bool:
    """Whether hours and minutes name it: not so the second of a time that the clocks show twice."""
    if due is None or due.local is None:
        return True
    again = due.local.replace(fold=0, second=0, microsecond=0)
    return again.astimezone(UTC) == due.at


DUES = (
    st.none()
    | st.builds(Due, DAYS, st.none(), st.none() | ZONES)
    | st.builds(timed, DAYS, CLOCKS, st.none() | ZONES).filter(is_exact)
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or not given."""
    return st.just(MISSING) | values


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "description": maybe(st.none() | st.text(min_size=1)),
    "due": maybe(DUES),
    "ai_contact_id": maybe(st.sampled_from([None, CAROLINA["id"]])),
    "ai_customer_id": maybe(st.sampled_from([None, CUSTOMER])),
}
DRAFTS = st.builds(Edit, title=TITLES, responsible_ids=PEOPLES, priority=st.integers(0, 2), **FIELDS)
PATCHES = st.builds(
    Edit,
    title=maybe(TITLES),
    responsible_ids=maybe(PEOPLES),
    priority=maybe(st.integers(0, 2)),
    status=maybe(CHOICES),
    **FIELDS,
)
SWITCHES = {"midnight": st.sampled_from(SpecVariant.allowed()["midnight"])} | {
    name: st.sampled_from(SpecVariant.allowed()[name]) for name in ("description", "cleared_zone", "date_without_time")
}


def sandbox_of(due_at: str, **switches: str) -> VambeSandbox:
    items = [f"{name}={value}" for name, value in ({"due_at": due_at} | switches).items()]
    return VambeSandbox(seed=WORLD, clock=lambda: NOW, spec_variant=SpecVariant.parse(items))


def send_write(sandbox: VambeSandbox, body: dict[str, Any], task_id: str | None = None) -> dict[str, Any]:
    """What the sandbox answers to a write, which must be a success."""
    path = "/api/public/tasks" + (f"/{task_id}" if task_id else "")
    headers = (("x-api-key", sandbox.key), ("content-type", "application/json"))
    call = ReceivedRequest("PUT" if task_id else "POST", path, "", headers, json.dumps(body).encode())
    answer = sandbox.answer(call, stale=False)
    assert answer.status in (200, 201), answer.body
    written: dict[str, Any] = json.loads(answer.body)
    return written


def unmet(edit: Edit, task: Task) -> list[str]:
    return [name for name, _ in edit.unmet_by(task, written=True).given_fields()]


@trying
@given(DRAFTS, PATCHES, st.sampled_from(READINGS), st.fixed_dictionaries(SWITCHES))
def test_every_valid_edit_is_read_back_after_a_create_and_an_update(
    draft: Edit, patch: Edit, spec_variant: tuple[str, DueAt], switches: dict[str, str]
) -> None:
    sandbox = sandbox_of(spec_variant[0], **switches)
    created = task_of(send_write(sandbox, body_of(draft, None)), spec_variant[1], None, {})
    assert unmet(draft, created) == []
    updated = task_of(send_write(sandbox, body_of(patch, created), created.id), spec_variant[1], None, {})
    assert unmet(patch, updated) == []
    for name in ("title", "description", "priority", "ai_contact_id", "ai_customer_id", "responsible_ids"):
        if getattr(patch, name) is MISSING:
            assert getattr(updated, name) == getattr(created, name)
    if patch.due is MISSING:
        assert due_of(updated) == due_of(created)


@trying
@given(DAYS, CLOCKS, ZONES, st.sampled_from(READINGS), st.sampled_from([0, 1]))
@example(date(2026, 4, 4), time(23, 30), SANTIAGO, ("wall", "wall"), 1)
@example(date(2026, 3, 8), time(2, 30), "America/New_York", ("utc", "utc"), 0)
def test_a_time_is_read_back_or_shown_as_changed(
    day: date, clock: time, zone: str, spec_variant: tuple[str, DueAt], fold: int
) -> None:
    due = timed(day, clock, zone, fold=fold)
    edit = Edit(title="x", responsible_ids=(), priority=1, due=due)
    body = body_of(edit, None)
    task = task_of(send_write(sandbox_of(spec_variant[0]), body), spec_variant[1], None, {})
    back = due_of(task)
    assert due.local is not None
    assert back is not None
    assert back.local is not None
    assert (body["dueDate"], body["dueTime"], body["timezone"]) == (str(due.day), f"{due.local:%H:%M}", zone)
    assert (back.day, f"{back.local:%H:%M}", back.zone) == (due.day, f"{due.local:%H:%M}", zone)
    assert unmet(edit, task) == ([] if is_exact(due) else ["due"])


@trying
@given(DAYS, st.none() | ZONES, st.sampled_from(READINGS), st.sampled_from(SpecVariant.allowed()["midnight"]))
@example(date(2026, 3, 29), BEIRUT, ("utc", "utc"), "zone")
@example(date(2026, 9, 6), SANTIAGO, ("utc", "utc"), "zone")
@example(date(2011, 12, 30), "Pacific/Apia", ("utc", "utc"), "utc")
def test_a_whole_day_is_read_back_as_the_same_day(
    day: date, zone: str | None, spec_variant: tuple[str, DueAt], midnight: str
) -> None:
    edit = Edit(title="x", responsible_ids=(), priority=1, due=Due(day, None, zone))
    task = task_of(
        send_write(sandbox_of(spec_variant[0], midnight=midnight), body_of(edit, None)), spec_variant[1], None, {}
    )
    assert due_of(task) == Due(day, None, zone)


def test_seconds_that_vambe_cannot_hold_are_reported() -> None:
    due = Due.instant(datetime(2026, 3, 10, 15, 0, 30, tzinfo=UTC), SANTIAGO)
    edit = Edit(title="x", responsible_ids=(), priority=1, due=due)
    task = task_of(send_write(sandbox_of("utc"), body_of(edit, None)), "utc", None, {})
    assert unmet(edit, task) == ["due"]


@given(DAYS, CLOCKS, ZONES, st.sampled_from(READINGS))
def test_the_detected_form_of_due_at_is_never_wrong(
    day: date, clock: time, zone: str, spec_variant: tuple[str, DueAt]
) -> None:
    due = timed(day, clock, zone)
    edit = Edit(title="x", responsible_ids=(), priority=1, due=due)
    raw = send_write(sandbox_of(spec_variant[0]), body_of(edit, None))
    found = detect_due_at(due, raw)
    if found is None:
        assert due_of(task_of(raw, "utc", None, {})) == due_of(task_of(raw, "wall", None, {}))
    else:
        assert found == spec_variant[0]


def test_nothing_is_learned_from_a_write_without_a_time() -> None:
    assert (
        detect_due_at(Due(date(2026, 3, 10)), {"due_at": "2026-03-10T00:00:00.000Z", "due_timezone": SANTIAGO}) is None
    )


@pytest.mark.parametrize("due_at", [None, 5, "soon", "2026-03-10", "2026-03-10T15:00:00", "2026-03-11T15:00:00.000Z"])
def test_an_answer_that_fits_neither_form_of_due_times_detects_none(due_at: object) -> None:
    assert detect_due_at(timed(date(2026, 3, 10), time(15), SANTIAGO), {"due_at": due_at}) is None


# Bodies.

BEFORE: dict[str, Any] = {
    "id": "01d00000-0000-4000-8000-000000000001",
    "title": "old",
    "description": "text",
    "due_timezone": SANTIAGO,
    "due_at": "2026-03-10T18:00:00.000Z",
    "is_all_day": False,
    "created_at": "2026-03-01T10:00:00.000Z",
    "ai_contact_id": CAROLINA["id"],
    "ai_customer_id": CUSTOMER,
    "task_status_config_id": STATUSES[0]["id"],
    "priority": 1,
    "creator_id": IDS[0],
    "task_responsibles": [{"responsible_id": IDS[0]}],
    "status_config": STATUSES[0],
}


def read_task(**changed: Any) -> Task:
    return task_of(BEFORE | changed, "utc", None, {})


@pytest.mark.parametrize(
    ("people", "ids"),
    [
        ([{"responsible_id": IDS[0]}, {"responsible_id": IDS[1]}], IDS[:2]),
        (IDS[:2], IDS[:2]),
        ({"responsible_id": IDS[0]}, IDS[:1]),
        (IDS[0], IDS[:1]),
    ],
)
def test_responsible_people_are_read_from_objects_or_ids(people: object, ids: list[str]) -> None:
    assert read_task(task_responsibles=people).responsible_ids == tuple(ids)


@pytest.mark.parametrize(
    ("edit", "body"),
    [
        (Edit(), {}),
        (Edit(title="new"), {"title": "new"}),
        (Edit(description=None), {"description": None}),
        (Edit(priority=0), {"priority": "0"}),
        (Edit(responsible_ids=()), {"responsibleIds": []}),
        (Edit(ai_contact_id=None, ai_customer_id=None), {"aiContactId": None, "aiCustomerId": None}),
        (Edit(status=StatusChoice.of(KNOWN[2])), {"newStatusName": "Completado"}),
        (Edit(status=StatusChoice(position=3)), {"newStatusPosition": 3}),
        (Edit(status=StatusChoice(position=0)), {"newStatusPosition": 0}),
        (Edit(due=None), {"dueDate": None}),
        (
            Edit(due=Due(date(2026, 3, 11), None, SANTIAGO)),
            {"dueDate": "2026-03-11", "dueTime": None, "timezone": SANTIAGO},
        ),
        (Edit(due=Due(date(2026, 3, 11))), {"dueDate": "2026-03-11", "dueTime": None, "timezone": None}),
        (
            Edit(due=timed(date(2026, 3, 11), time(9, 5), SANTIAGO)),
            {"dueDate": "2026-03-11", "dueTime": "09:05", "timezone": SANTIAGO},
        ),
        (
            Edit(due=timed(date(2026, 3, 11), time(9, 5), None)),
            {"dueDate": "2026-03-11", "dueTime": "09:05", "timezone": "UTC"},
        ),
    ],
    ids=repr,
)
def test_an_update_has_the_changed_documented_fields_only(edit: Edit, body: dict[str, Any]) -> None:
    assert body_of(edit, read_task()) == body


def test_a_new_day_of_a_task_without_a_time_is_sent_alone() -> None:
    before = read_task(due_at="2026-03-10T00:00:00.000Z", is_all_day=True, due_timezone=None)
    assert body_of(Edit(due=Due(date(2026, 3, 11))), before) == {"dueDate": "2026-03-11"}


def test_a_create_omits_nulls() -> None:
    edit = Edit(
        title="x", description=None, due=None, responsible_ids=(), ai_contact_id=None, ai_customer_id=None, priority=2
    )
    assert body_of(edit, None) == {"title": "x", "responsibleIds": [], "priority": "2"}


@given(PATCHES)
def test_a_body_never_has_both_status_fields_nor_a_date_with_a_time(patch: Edit) -> None:
    body = body_of(patch, read_task())
    assert not {"newStatusName", "newStatusPosition"} <= body.keys()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}|None", str(body.get("dueDate")))
    assert "dueTime" not in body or "dueDate" in body


# Answers.


@pytest.mark.parametrize(
    ("raw", "priority"),
    [(2, 2), ("2", 2), ("high", 2), ("High", 2), (1, 1), ("1", 1), ("medium", 1), (0, 0), ("0", 0), ("low", 0)],
)
def test_priority_is_read_as_number_digit_or_word(raw: object, priority: int) -> None:
    assert read_task(priority=raw).priority == priority


@pytest.mark.parametrize("empty", [None, ""])
def test_a_missing_description_is_read_from_null_or_an_empty_text(empty: str | None) -> None:
    assert read_task(description=empty).description is None


@pytest.mark.parametrize("people", [None, []])
def test_no_responsible_is_read_from_null_or_an_empty_list(people: list[object] | None) -> None:
    assert read_task(task_responsibles=people).responsible_ids == ()


@pytest.mark.parametrize("is_all_day", [True, False])
def test_a_due_date_without_a_time_is_a_day(*, is_all_day: bool) -> None:
    task = read_task(due_at="2026-03-10", is_all_day=is_all_day)
    assert (due_of(task), task.unreadable_fields) == (Due(date(2026, 3, 10), None, SANTIAGO), ())


def test_a_status_that_is_null_is_taken_from_those_known_by_id() -> None:
    known = {str(status.id): status for status in KNOWN}
    task = task_of(BEFORE | {"status_config": None, "task_status_config_id": KNOWN[1].id}, "utc", None, known)
    assert task.status_config == KNOWN[1]
    assert read_task(status_config=None).status_config is None


@pytest.mark.parametrize("name", sorted(BEFORE.keys() - {"id", "priority"}))
def test_a_field_that_is_missing_is_not_read_as_an_empty_one(name: str) -> None:
    raw = {key: value for key, value in BEFORE.items() if key != name}
    task = task_of(raw, "utc", None, {})
    of_due = {"due_timezone": "due_at", "is_all_day": "due_at"} if BEFORE["due_at"] else {}
    may_be_missing = {
        "created_at",
        "creator_id",
        "due_timezone",
        "is_all_day",
        "status_config",
        "task_status_config_id",
    }
    expected = {of_due[name]} if name in of_due else {name} - may_be_missing
    assert (task.id, set(task.unreadable_fields)) == (BEFORE["id"], expected)


def test_undocumented_fields_are_ignored() -> None:
    assert read_task(updated_at="2026-03-01", nested={"a": [1]}) == read_task()


@pytest.mark.parametrize(
    ("wrong", "unreadable"),
    [
        ({"id": None}, "id"),
        ({"id": 7}, "id"),
        ({"title": ["x"]}, "title"),
        ({"description": 5}, "description"),
        ({"created_at": "yesterday"}, "created_at"),
        ({"priority": None}, "priority"),
        ({"priority": 3}, "priority"),
        ({"priority": True}, "priority"),
        ({"priority": "urgent"}, "priority"),
        ({"priority": [1]}, "priority"),
        ({"due_at": 1_700_000_000}, "due_at"),
        ({"due_at": "soon"}, "due_at"),
        ({"due_at": "9999-12-31T23:59:59.999-23:59"}, "due_at"),
        ({"due_at": "2026-03-10T18:00:00.000Z", "is_all_day": "false"}, "due_at"),
        ({"due_at": "2026-03-10T18:00:00.000Z", "is_all_day": None}, "due_at"),
        ({"task_responsibles": 5}, "task_responsibles"),
        ({"task_responsibles": [{}]}, "task_responsibles"),
        ({"task_responsibles": [{"id": "x"}]}, "task_responsibles"),
        ({"ai_contact_id": 5}, "ai_contact_id"),
        ({"status_config": "Pendiente"}, "status_config"),
        ({"status_config": {"id": "1", "order": 1}}, "status_config"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("due_at", ["utc", "wall"])
def test_an_undocumented_value_is_named_and_leaves_the_other_fields(
    wrong: dict[str, Any], unreadable: str, due_at: DueAt
) -> None:
    task, before = task_of(BEFORE | wrong, due_at, None, {}), task_of(BEFORE, due_at, None, {})
    assert task.unreadable_fields == (unreadable,)
    others = set(Task.model_fields) - {unreadable, "unreadable", "due_timezone", "is_all_day"}
    assert all(getattr(task, name) == getattr(before, name) for name in others)


@pytest.mark.parametrize("zone", [5, "Mars/Olympus", "America", "../etc"])
def test_a_due_time_in_an_unknown_zone_is_a_due_time_or_unreadable(zone: object) -> None:
    wall, utc = (task_of(BEFORE | {"due_timezone": zone}, due_at, None, {}) for due_at in ("wall", "utc"))
    assert "due_at" in wall.unreadable_fields
    assert ("due_at" in utc.unreadable_fields) is (zone == 5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
DATES = st.datetimes(timezones=st.none() | st.just(UTC)).map(datetime.isoformat) | st.dates().map(date.isoformat)
LIKELY = st.sampled_from(["America", "Mars/Olympus", "UTC", "", "/", SANTIAGO, "responsible_id", "name"])
VALUES = JSON | DATES | LIKELY | st.lists(st.dictionaries(LIKELY, JSON, max_size=2), max_size=2)
STATUS_JSON = st.fixed_dictionaries({"name": st.text()}, optional=dict.fromkeys(("id", "color", "type", "order"), JSON))


@settings(trying, max_examples=200)
@given(
    st.dictionaries(st.sampled_from(sorted(BEFORE)), VALUES | STATUS_JSON, min_size=1, max_size=3),
    st.sampled_from(["utc", "wall"]),
    st.sampled_from([None, SANTIAGO]),
)
def test_a_task_with_arbitrary_fields_is_a_task(changed: dict[str, Any], due_at: DueAt, zone: str | None) -> None:
    task = task_of(BEFORE | changed, due_at, zone, {})
    assert due_of(task) is None or str(due_of(task))


def test_a_member_without_a_name_is_shown_by_its_parts_or_by_the_id() -> None:
    rows = ({"name": "Ana Silva", "first_name": "A"}, {"first_name": "Ana", "last_name": "Silva"}, {"name": ""})
    assert [member_of(one | {"id": "m-1"}).name for one in rows] == ["Ana Silva", "Ana Silva", "m-1"]


@trying
@given(st.dictionaries(st.sampled_from(["name", "first_name", "email", "phone", "ai_customer_id"]), VALUES))
def test_arbitrary_json_with_an_id_is_a_member_and_a_contact(json: dict[str, Any]) -> None:
    for read_one in (member_of, contact_of):
        assert read_one(json | {"id": "x"}).id == "x"


@trying
@given(JSON | STATUS_JSON)
@example({"name": "x", "order": float("inf")})
@example({"name": "x", "order": 10**400})
def test_arbitrary_json_is_a_status_or_none(json: Any) -> None:
    status = status_of(json)
    assert status is None or status.name == json["name"]

"""Between HubSpot's JSON and the contract: what it can hold survives there and back, and no day slips."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING

from taskhand.backends.hubspot.due import Zones, due_from, moment_of, stamp_of
from taskhand.backends.hubspot.html import html_of, text_of
from taskhand.backends.hubspot.mapping import (
    ID_OF,
    KINDS,
    Record,
    member_of,
    properties_of,
    record_of,
    statuses_of,
    task_of,
)
from taskhand.backends.remote.parsing import Malformed
from taskhand.domain.due import Due, due_of
from taskhand.domain.edit import Edit
from taskhand.domain.task import Status, StatusChoice, Task

ZONES = sorted(available_timezones() - {"localtime", "Factory", "posixrules"})
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
LINES = st.lists(TEXT, max_size=4).map("\n".join)
DAYS = st.dates(date(1000, 1, 2), date(9998, 12, 30))
INSTANTS = st.datetimes(datetime(1000, 1, 2), datetime(9998, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - the zone comes with it
MARKUP = re.compile(r"<[a-zA-Z/!?].*>|&#?[a-zA-Z0-9]+;", re.DOTALL)
IDS = st.integers(1, 10**11).map(str)
STATUSES = {
    value: Status(id=value, name=value.title(), color=None, type=kind, order=order)
    for order, (value, kind) in enumerate(
        [("NOT_STARTED", "initial"), ("WAITING", "in_progress"), ("COMPLETED", "done")], 1
    )
}


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
        ai_customer_id=maybe(st.one_of(st.none(), IDS)),
        priority=maybe(st.sampled_from([0, 1, 2])),
        status=maybe(st.sampled_from([StatusChoice.of(status) for status in STATUSES.values()])),
    )


def exists(day: date, zone: ZoneInfo) -> bool:
    """Whether the zone has that day: some islands left one out when they changed sides of the date line."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day


def json_of(properties: dict[str, str], edit: Edit | None = None, **changed: Any) -> dict[str, Any]:
    """A task as HubSpot would give it after these properties were written: cleared ones are null."""
    shown = {name: value or None for name, value in properties.items()}
    links = {}
    for kind in KINDS if edit else ():
        if isinstance(linked := getattr(edit, ID_OF[kind][0]), str):
            links[kind] = {"results": [{"id": linked, "type": "task_to_contact"}]}
    given = {"id": "77597500001", "properties": shown, "createdAt": "2026-03-02T15:00:00Z", "archived": False}
    return given | ({"associations": links} if links else {}) | changed


def read(json: dict[str, Any], zones: Zones | None = None) -> Task:
    return task_of(Record.from_json(json), zones or Zones(None), STATUSES)


@given(st.data(), st.sampled_from(ZONES))
def test_what_is_written_to_a_new_task_reads_back_the_same(data: st.DataObject, zone: str) -> None:
    zones = Zones(zone)
    edit = data.draw(edits(zones))
    task = read(json_of(properties_of(edit, None, zones), edit), zones)
    assert not list(edit.unmet_by(task).given())


@given(st.data(), st.sampled_from(ZONES))
def test_what_is_written_over_any_task_reads_back_the_same(data: st.DataObject, zone: str) -> None:
    zones = Zones(zone)
    first, second = data.draw(edits(zones)), data.draw(edits(zones))
    was = properties_of(first, None, zones)
    before = read(json_of(was, first), zones)
    task = read(json_of(was | properties_of(second, before, zones), second), zones)
    own = [name for name, _ in second.unmet_by(task).given() if not name.startswith("ai_")]
    assert own == []


@given(st.data(), st.sampled_from(ZONES))
def test_the_answer_to_an_update_and_the_task_before_make_the_task_after(data: st.DataObject, zone: str) -> None:
    zones = Zones(zone)
    first, second = data.draw(edits(zones)), data.draw(edits(zones))
    was = properties_of(first, None, zones)
    before = read(json_of(was, first), zones)
    sent = properties_of(second, before, zones)
    answer = Record.from_json(json_of(sent))
    made = task_of(record_of(before, answer, zones), zones, STATUSES)
    assert made == read(json_of(was | sent, first), zones)


@given(DAYS, st.sampled_from(ZONES))
def test_a_day_is_the_same_day_in_every_zone(day: date, zone: str) -> None:
    zones = Zones(zone)
    if exists(day, zones.days):
        assert due_from(stamp_of(Due(day), zones), all_day=True, zones=zones) == Due(day)


@given(DAYS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_a_day_written_for_one_zone_is_the_same_day_within_half_a_days_clocks(day: date, one: str, other: str) -> None:
    mine, theirs = Zones(one), Zones(other)
    stamp = moment_of(stamp_of(Due(day), mine))
    assert stamp is not None
    apart = (stamp.astimezone(theirs.days).utcoffset() or timedelta()) - (
        stamp.astimezone(mine.days).utcoffset() or timedelta()
    )
    if exists(day, mine.days) and -timedelta(hours=12) <= apart < timedelta(hours=12):
        assert due_from(stamp_of(Due(day), mine), all_day=True, zones=theirs) == Due(day)


@given(DAYS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_a_day_is_that_of_the_portals_calendar_whatever_zone_is_configured(day: date, shown: str, portal: str) -> None:
    zones = Zones(shown, portal)
    if exists(day, ZoneInfo(portal)):
        stamp = moment_of(stamp_of(Due(day), zones))
        assert stamp is not None
        assert stamp.astimezone(ZoneInfo(portal)).date() == day
        assert due_from(stamp_of(Due(day), zones), all_day=True, zones=zones) == Due(day)


@given(DAYS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_midnight_utc_of_an_all_day_task_is_that_day(day: date, shown: str, portal: str) -> None:
    assert due_from(f"{day.isoformat()}T00:00:00Z", all_day=True, zones=Zones(shown, portal)) == Due(day)


@given(INSTANTS, st.sampled_from(ZONES), st.sampled_from(["", "millis"]))
def test_an_instant_is_the_same_instant_in_either_form_of_answer(at: datetime, zone: str, millis: str) -> None:
    zones = Zones(zone)
    due = Due.instant(at, zone)
    assert due.at is not None
    stamp = stamp_of(due, zones)
    shown = str((due.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)) if millis else stamp
    assert due_from(shown, all_day=False, zones=zones) == due


@given(LINES)
def test_text_reads_back_as_it_was_written(text: str) -> None:
    assert text_of(html_of(text)) == (text or None)


@given(st.text(st.sampled_from("a&#x1; <lt\n copy/!="), max_size=30).filter(lambda text: not MARKUP.search(text)))
def test_text_without_tags_and_references_reads_as_itself(text: str) -> None:
    assert text_of(text) == (text or None)


@given(st.text(st.sampled_from("a&#x1; lt copy"), max_size=30).filter(lambda text: not MARKUP.search(text)))
def test_text_without_references_reads_as_itself_within_tags(text: str) -> None:
    assert text_of(f"<b>{text}</b>") == (text or None)


@given(LINES)
def test_text_that_is_written_is_no_markup(text: str) -> None:
    assert html_of(text).replace("<br>", "").count("<") == 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, None),
        ("", None),
        ("Plain text\nof another program", "Plain text\nof another program"),
        ("Tom & Jerry\nand 3 < 4", "Tom & Jerry\nand 3 < 4"),
        ('<div style="" dir="auto" data-top-level="true"><p>One</p><p>Two</p></div>', "One\nTwo"),
        ("<p>One</p>\n<p>Two<br/>lines</p>\n", "One\nTwo\nlines"),
        ("<ul><li>a</li><li>b &amp; c</li></ul>", "- a\n- b & c"),
        ("a&nbsp; b <b>bold</b>\n  word", "a  b bold word"),
        ("<style>p { color: red }</style><script>alert(1)</script>Seen<!-- not this -->", "Seen"),
        ("<p></p>", None),
        ("Caf&eacute; &#127464;&#127473;", "Café 🇨🇱"),
        ("R&D budget", "R&D budget"),
        ("<p>R&D; AT&T &amp; &unknown; co</p>", "R&D; AT&T & &unknown; co"),
        ("<p>http://x.io/?a=1&b=2&copy=2</p>", "http://x.io/?a=1&b=2&copy=2"),
        ("http://x.io/?a=1&b=2&copy=2", "http://x.io/?a=1&b=2&copy=2"),
        ("<p>Tom</p>&am", "Tom\n&am"),
        ("<p>Tom</p> if a <b &#12", "Tom\n if a <b &#12"),
        ("if a<b and &lt", "if a<b and &lt"),
    ],
)
def test_a_body_is_read_as_the_editor_shows_it(body: str | None, text: str | None) -> None:
    assert text_of(body) == text


@pytest.mark.parametrize("value", ["NONE", "LOW", None, "", "URGENT"])
def test_no_priority_low_and_an_own_one_all_read_as_0(value: str | None) -> None:
    assert read(json_of({}) | {"properties": {"hs_task_priority": value}}).priority == 0


@pytest.mark.parametrize("value", ["NONE", "URGENT"])
def test_asking_0_of_a_task_that_shows_it_writes_nothing(value: str) -> None:
    before = read(json_of({"hs_task_priority": value}))
    assert properties_of(Edit(title="New", priority=0), before, Zones(None)) == {"hs_task_subject": "New"}
    assert properties_of(Edit(priority=1), before, Zones(None)) == {"hs_task_priority": "MEDIUM"}


def test_only_a_change_between_day_and_time_says_which_it_is() -> None:
    zones = Zones("America/Santiago")
    day, timed = Due(date(2026, 3, 10)), Due.instant(datetime(2026, 3, 10, 18, tzinfo=UTC), zones.shown)
    of_day = read(json_of(properties_of(Edit(due=day), None, zones)), zones)
    of_time = read(json_of(properties_of(Edit(due=timed), None, zones)), zones)
    assert properties_of(Edit(due=day), None, zones)["hs_task_is_all_day"] == "true"
    assert "hs_task_is_all_day" not in properties_of(Edit(due=timed), None, zones)
    assert properties_of(Edit(due=timed), of_day, zones)["hs_task_is_all_day"] == "false"
    assert "hs_task_is_all_day" not in properties_of(Edit(due=timed), of_time, zones)
    assert due_of(of_day) == day


def test_a_status_that_is_not_among_the_options_goes_by_its_value() -> None:
    status = read(json_of({"hs_task_status": "5996831934"})).status_config
    assert status is not None
    assert (status.id, status.name, status.type) == ("5996831934", "5996831934", "unknown")
    assert read(json_of({})).status_config is None


def test_statuses_come_in_the_portals_order_without_the_hidden_ones() -> None:
    options = [
        {"value": "COMPLETED", "label": "Hecho", "displayOrder": 3},
        {"value": "OLD", "label": "Old", "displayOrder": 0, "hidden": True},
        {"value": "LATER", "label": "Later", "displayOrder": -1},
        {"value": "NOT_STARTED", "label": "Nuevo", "displayOrder": 1},
        {"label": "without a value"},
    ]
    known, hidden = statuses_of({"options": options})
    assert [(one.order, one.name, one.type) for one in known] == [
        (1, "Nuevo", "initial"),
        (2, "Hecho", "done"),
        (3, "Later", "in_progress"),
    ]
    assert [one.id for one in hidden] == ["OLD"]


def test_of_several_links_the_lowest_id_is_shown_or_the_one_asked_for() -> None:
    links = {"contacts": {"results": [{"id": 1002}, {"id": "99"}, {"id": "1001"}]}}
    record = Record.from_json(json_of({}, associations=links))
    assert task_of(record, Zones(None), {}).ai_contact_id == "99"
    assert task_of(record, Zones(None), {}, of_links="1002").ai_contact_id == "1002"
    assert task_of(record, Zones(None), {}, of_links="5").ai_contact_id == "99"


@pytest.mark.parametrize(
    "json",
    [
        None,
        [],
        {},
        {"id": "1"},
        {"id": "1", "properties": None},
        json_of({"hs_timestamp": "soon"}),
        json_of({"hs_timestamp": "99999999999999999999"}),
        json_of({}, createdAt="yesterday"),
    ],
)
def test_what_is_no_task_is_said_to_be_none(json: Any) -> None:
    with pytest.raises(Malformed):
        read(json)


def test_creation_times_sort_as_text() -> None:
    whole, later = json_of({}, createdAt="2026-03-02T15:00:00Z"), json_of({}, createdAt="2026-03-02T15:00:00.123Z")
    assert read(whole).created_at < read(later).created_at


def test_only_a_web_address_is_an_address() -> None:
    assert read(json_of({}, url="https://app.hubspot.com/t/1")).url == "https://app.hubspot.com/t/1"
    assert read(json_of({}, url="javascript:alert(1)")).url is None


def test_an_owner_without_a_name_goes_by_e_mail_or_id() -> None:
    assert member_of({"id": 5, "email": "a@b.example"}).name == "a@b.example"
    assert member_of({"id": "5"}).name == "5"

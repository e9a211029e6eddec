"""Values of tasks as answers show them."""

from datetime import UTC, date, datetime, timedelta, timezone

from builders import ANA, BEN
from taskhand.domain.due import Due
from taskhand.domain.receipt import FieldChange
from taskhand.domain.wording import Wording

AT = datetime(2026, 3, 1, 18, 0, 5, 900, tzinfo=UTC)
HERE = Wording("America/Santiago", {ANA.id: "Ana"}, {("deal_id", "d-1"): "Acme", ("ai_contact_id", "d-1"): "Eva"})


def test_times_are_on_the_clock_of_the_zone_and_people_have_names() -> None:
    assert HERE.due(Due.instant(AT, None)) == "2026-03-01T15:00:05-03:00 Sun"
    assert HERE.due(Due.instant(AT, "Europe/Madrid")) == "2026-03-01T19:00:05+01:00 Sun"
    assert (HERE.due(Due(date(2026, 3, 2))), HERE.due(None)) == ("2026-03-02 Mon", None)
    assert (HERE.moment(AT), HERE.moment(None)) == ("2026-03-01T15:00:05-03:00 Sun", None)
    programs = Wording("America/Santiago", for_programs=True)
    assert (programs.moment(AT), programs.moment(None)) == ("2026-03-01T18:00:05Z", None)
    assert HERE.people([BEN.id, ANA.id]) == [BEN.id, "Ana"]


def test_moments_without_a_zone_are_on_the_clock_of_the_server() -> None:
    here = Wording(clock_zone=timezone(timedelta(hours=-3)))
    assert (here.moment(AT), here.moment(None)) == ("2026-03-01T15:00:05-03:00 Sun", None)
    assert Wording("Europe/Madrid", clock_zone=here.clock_zone).moment(AT) == "2026-03-01T19:00:05+01:00 Sun"
    assert Wording().moment(AT) == "2026-03-01T18:00:05+00:00 Sun"


def test_a_difference_shows_both_values_of_each_field() -> None:
    changed = [
        FieldChange("due", None, Due(date(2026, 3, 2))),
        FieldChange("responsibles", (ANA.id,), ()),
        FieldChange("priority", 0, 2),
    ]
    assert HERE.difference(changed) == {
        "due": {"from": None, "to": "2026-03-02 Mon"},
        "responsibles": {"from": ["Ana"], "to": []},
        "priority": {"from": 0, "to": 2},
    }


def test_links_have_the_names_of_their_own_field() -> None:
    assert HERE.links("deal_id", "d-1", "d-2", None, 7) == {"d-1": "Acme"}
    assert HERE.links("ai_contact_id", "d-1") == {"d-1": "Eva"}
    assert HERE.links("ai_customer_id", "d-1") == {}

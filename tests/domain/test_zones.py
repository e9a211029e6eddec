"""Names of time zones."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import refused
from taskhand.domain.zones import known_zone

SANTIAGO, NEW_YORK, MADRID = "America/Santiago", "America/New_York", "Europe/Madrid"
ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory", "posixrules"}))


@pytest.mark.parametrize("name", ["america/santiago", "AMERICA/SANTIAGO", " America/Santiago "])
def test_a_zone_is_known_in_any_case_and_with_blanks_around(name: str) -> None:
    assert known_zone(name) == SANTIAGO


@given(ZONES)
def test_every_zone_is_known_by_its_own_name(name: str) -> None:
    assert known_zone(name) == name


def test_a_zone_may_be_written_with_spaces() -> None:
    assert known_zone("America/New York") == NEW_YORK


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("America/Santigo", SANTIAGO),
        ("Santiago", SANTIAGO),
        ("Chile/Santiago", SANTIAGO),
        ("New York", NEW_YORK),
        ("Europe/Madird", MADRID),
    ],
)
def test_a_zone_that_nearly_exists_is_refused_with_candidates(name: str, meant: str) -> None:
    with refused("unknown_timezone") as caught:
        known_zone(name)
    assert meant in [candidate.value for candidate in caught.value.candidates]


@pytest.mark.parametrize(
    "name", ["", "xyzzy", "+03:00", "../etc/passwd", "America", "\x00", "a" * 5000, "America/../x"]
)
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with refused("unknown_timezone"):
        known_zone(name)

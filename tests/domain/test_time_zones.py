"""Names of time zones."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import candidate_values, refused
from taskhand.domain.errors import CallerError
from taskhand.domain.time_zones import is_offset, known_zone, offset_of_reversed

SANTIAGO, NEW_YORK, MADRID = "America/Santiago", "America/New_York", "Europe/Madrid"
ZONES = st.sampled_from(sorted(available_timezones() - {"localtime", "Factory", "posixrules"}))


@pytest.mark.parametrize(
    "name", ["america/santiago", "AMERICA/SANTIAGO", " America/Santiago ", "America/\u200bSantiago\ufeff"]
)
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
    assert meant in candidate_values(caught.value)


@pytest.mark.parametrize(
    "name", ["", "xyzzy", "../etc/passwd", "America", "\x00", "a" * 5000, "America/../x", "Factory", "localtime"]
)
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with refused("unknown_timezone"):
        known_zone(name)


OFFSETS = [
    *(
        "GMT-3",
        "UTC+02:00",
        "-03:00",
        "+0530",
        "GMT+5:30",
        "UTC\u22123",
        "-3",
        "+3",
        "3",
        "GMT 3",
        "UTC - 3",
        "utc \u20133",
    ),
    *(
        "GMT-0300",
        "UTC+5.5",
        "UTC-3h",
        "Etc/GMT-15",
        "Etc/GMT 3",
        "Etc/GMT_3",
        "GMT_3",
        "UTC minus 3",
        "\uff27\uff2d\uff34\uff0d\uff13",
        "GMT\u221203:00",
    ),
    *("BRT+3", "<-03>3", "GMT+25", "GMT3", "CET-1CEST", "GMT-3\u200b"),
]


@pytest.mark.parametrize("name", OFFSETS)
def test_an_offset_is_refused_without_suggesting_a_zone_of_another_sign(name: str) -> None:
    with refused("unknown_timezone") as caught:
        known_zone(name)
    assert "is an offset" in caught.value.message
    assert "dueDate" in str(caught.value.next_step)
    assert "America/Santiago" in str(caught.value.next_step)
    assert caught.value.candidates == ()


@pytest.mark.parametrize("name", ["Z", "z", "+00:00", "UTC+0", "UTC+00:00", "-0000", "GMT 0"])
def test_the_offset_of_utc_is_refused_with_utc(name: str) -> None:
    with refused("unknown_timezone") as caught:
        known_zone(name)
    assert candidate_values(caught.value) == ["UTC"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("(UTC-03:00) Santiago", SANTIAGO),
        ("GMT-3 (Buenos Aires)", "America/Argentina/Buenos_Aires"),
        ("America/Sao_Paulo -03:00", "America/Sao_Paulo"),
        ("EST5", "EST"),
    ],
)
def test_beside_an_offset_the_city_is_offered(name: str, meant: str) -> None:
    with refused("unknown_timezone") as caught:
        known_zone(name)
    assert meant in candidate_values(caught.value)


SIGNED = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "GMT", "UTC", "Etc/GMT", "etc/gmt", "Etc/UTC", "gmt ", "Etc/", "(GMT", "EST"]),
    st.sampled_from(["", "+", "-", "\u2212", " ", "--", "\u2013", "+ "]),
    st.sampled_from(["0", "00", "3", "03", "0300", "03:00", "3:30", "5.5", "12", "14", "15", "99"]),
    st.sampled_from(["", " ", ")", "h", "x", " Chile", "/"]),
)


@given(SIGNED | st.text(st.sampled_from("GMTUCEtc/+-\u2212 0135:")))
def test_no_zone_is_offered_whose_sign_is_the_other_way_round(name: str) -> None:
    try:
        assert known_zone(name).casefold() == name.strip().replace(" ", "_").casefold()
    except CallerError as error:
        assert [one.value for one in error.candidates if offset_of_reversed(one.value)] == []  # noqa: PT017


@given(ZONES)
def test_no_zone_is_an_offset_unless_its_name_has_one(name: str) -> None:
    assert not is_offset(name) or any(letter.isdigit() for letter in name)


@pytest.mark.parametrize(
    ("zone", "offset"),
    [
        ("Etc/GMT-3", "UTC+03:00"),
        ("Etc/GMT+12", "UTC-12:00"),
        ("Etc/GMT+0", None),
        ("GMT-0", None),
        ("Etc/GMT", None),
        (SANTIAGO, None),
    ],
)
def test_the_offset_of_an_etc_gmt_zone_is_noted(zone: str, offset: str | None) -> None:
    assert offset_of_reversed(zone) == offset

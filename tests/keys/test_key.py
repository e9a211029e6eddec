"""The text of a key, an operator's options for a key, and its validity; pure."""

from datetime import UTC, datetime, timedelta

import pytest

from fixed_clock import NOW
from taskhand.domain.errors import CallerError
from taskhand.keys.key import Key, hash_key, make_key_text, read_key_id
from taskhand.keys.key_options import read_expiry, read_person, read_scopes


def test_every_new_key_differs_and_its_repr_does_not_show_it() -> None:
    first, second = make_key_text(), make_key_text()
    assert first.text != second.text
    assert read_key_id(first.text) == first.id
    assert len(first.text.rpartition("_")[2]) >= 64
    assert first.hash == hash_key(first.text)
    assert first.text not in repr(first)
    assert first.text.rpartition("_")[2] not in repr(first)


@pytest.mark.parametrize(
    "text", ["", "thk_", "thk_1a2b3c4d5e", "thk_1a2b3c4d5e_", "sk-abc", "thk_1A2B3C4D5E_" + 64 * "a"]
)
def test_a_text_of_another_form_is_not_a_key(text: str) -> None:
    assert read_key_id(text) is None
    assert read_key_id(f"thk_1a2b3c4d5e_{64 * 'a'}{text or ' '}") is None


@pytest.mark.parametrize("text", ["1a2b3c4d5e", "thk_1a2b3c4d5e", f"thk_1a2b3c4d5e_{64 * 'a'}", "thk_1a2b3c4d5e_…"])
def test_a_key_is_named_by_its_id_or_by_a_part_of_its_text(text: str) -> None:
    assert read_key_id(text, whole=False) == "1a2b3c4d5e"


def test_a_key_is_active_until_it_expires_or_is_revoked() -> None:
    day = timedelta(days=1)
    key = Key("1a2b3c4d5e", "ana", frozenset(), NOW, expires_at=NOW + day)
    assert [key.state(NOW + ago * day) for ago in (0, 0.99, 1, 2)] == ["active", "active", "expired", "expired"]
    assert Key("1a2b3c4d5e", "ana", frozenset(), NOW).state(NOW + 99_999 * day) == "active"
    revoked = Key("1a2b3c4d5e", "ana", frozenset(), NOW, NOW + day, None, NOW)
    assert {revoked.state(NOW), revoked.state(NOW + 2 * day)} == {"revoked"}


@pytest.mark.parametrize(
    "text",
    ["ana@x.test", " Ana@X.test ", "o'brien+ci@x.test", "ci", "José", "auth0|5f1", "a-b", "1a2b3c4d5e", "thk_ana"],
)
def test_a_person_is_an_address_or_an_id_whatever_the_case(text: str) -> None:
    assert read_person(text).id == text.strip().casefold()


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-", "ana maria", "ana,ben", "ana@", "@x.test", "a@b@c", "a@x..test", "-x", "Ana <ana@x.test>"),
        *(
            "a\nb",
            "a\u200bb",
            "\u202eana",
            "\uff41na",
            "*",
            "ana;",
            201 * "a",
            "${PERSON}",
            "thk_aaaaaaaaaa_" + 64 * "0",
        ),
    ],
)
def test_a_value_that_is_not_a_person_is_refused_and_no_key_is_quoted(text: str) -> None:
    with pytest.raises(CallerError) as refused:
        read_person(text)
    assert "thk_" not in refused.value.message


def test_scopes_have_commas_between_and_none_implies_another() -> None:
    assert read_scopes("write") == {"write"}
    assert read_scopes(" Read, write ,destructive,read") == {"read", "write", "destructive"}
    for text in ("", ",", "read write", "read,delete", "tasks:read", "all", "*"):
        with pytest.raises(CallerError) as refused:
            read_scopes(text)
        assert [one.value for one in refused.value.candidates] == ["destructive", "read", "write"]


def test_a_key_expires_after_a_duration_at_a_moment_or_never() -> None:
    assert read_expiry("90d", NOW) == NOW + timedelta(days=90)
    assert read_expiry(" 12H ", NOW) == NOW + timedelta(hours=12)
    assert read_expiry("2w", NOW) == NOW + timedelta(weeks=2)
    assert read_expiry("30m", NOW) == NOW + timedelta(minutes=30)
    assert read_expiry("45s", NOW) == NOW + timedelta(seconds=45)
    assert read_expiry("2026-04-01T12:00:00+02:00", NOW) == datetime(2026, 4, 1, 10, tzinfo=UTC)
    whole_day = read_expiry("2026-04-01", NOW)
    assert whole_day is not None
    assert whole_day.astimezone().replace(tzinfo=None) == datetime(2026, 4, 1, 23, 59, 59, 999999)  # noqa: DTZ001
    assert read_expiry("Never", NOW) is None


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1.5d", "90", "d", "90y", "2026-03-04T15:30:00Z", "2020-01-01"])
def test_an_invalid_or_past_time_is_refused(text: str) -> None:
    with pytest.raises(CallerError):
        read_expiry(text, NOW)


@pytest.mark.parametrize("text", ["2026-02-30", "999999999d", "9999-12-31T23:59:59-10:00", "tomorrow", "9d; 9d", "٣d"])
def test_a_time_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(CallerError, match="not a time to expire"):
        read_expiry(text, NOW)

"""Masking of arguments: credentials are masked, and long texts are cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.journal.masking import MASK, Masking

SECRETS = ("s3cr3t-value", "s3cr3t-value-and-more", "", "abc")


def mask_argument(text: str, *secrets: str) -> object:
    """What is kept of one argument."""
    return Masking(secrets).mask_value({"title": text})["title"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("use Bearer abc.DEF-123_456 here", f"use {MASK} here"),
        ("authorization: bearer  0123456789abcdef", f"authorization: {MASK}"),
        ("Basic YXBpX2tleTEyMzo=", MASK),
        ("pat-na1-11111111-2222-3333-4444-555555555555", MASK),
        ("api_5GfZkQ1XbW0n3Tt.2cVbNm8", MASK),
        ("sk-proj-abcDEF0123456789", MASK),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", f"{MASK}!"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0", MASK),
        ("xoxb-123456789012-abcdef", MASK),
        ("AKIAIOSFODNN7EXAMPLE.", f"{MASK}."),
        ("ghp_0123456789abcdefghij0123456789abcdef", MASK),
        (f"mine is thk_1a2b3c4d5e_{64 * 'f'}.", f"mine is {MASK}."),
        ("AIzaSyA0123456789abcdefghij0123456789abc", MASK),
        ("https://ana:pa55@example.com/x", f"https://{MASK}@example.com/x"),
        ("two: sk-abcDEF0123456789 and xoxp-0123456789", f"two: {MASK} and {MASK}"),
    ],
)
def test_a_credential_is_masked(text: str, left: str) -> None:
    assert mask_argument(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "Ask for the bearer of the letter of 2025",
        "Basic information about the renewal",
        "pat-a-cake is a game for children",
        "api_version_of_the_integration",
        "sk-learn and other tools",
        "the eyJ prefix",
        "Call +56 9 5555 0101 about order AKIA-1",
        "123e4567-e89b-42d3-a456-426614174000",
        "https://example.com:8080/a@b",
        "ana@example.cl",
    ],
)
def test_text_that_only_resembles_a_credential_is_not_masked(text: str) -> None:
    assert mask_argument(text) == text


def test_configured_values_are_masked_wherever_they_stand() -> None:
    assert mask_argument("a s3cr3t-value-and-more, as3cr3t-valueb abc", *SECRETS) == f"a {MASK}, a{MASK}b abc"


def test_a_long_text_is_cut_with_a_word_about_the_rest() -> None:
    assert mask_argument("x" * 200) == "x" * 200
    assert mask_argument("x" * 201) == "x" * 200 + "… (1 more characters)"
    assert mask_argument("x" * 1_000_200) == "x" * 200 + "… (1,000,000 more characters)"


def test_a_credential_is_masked_before_the_cut() -> None:
    assert str(mask_argument("x" * 190 + " s3cr3t-value", *SECRETS)).endswith(f" {MASK}"[:10])
    assert "s3cr" not in str(mask_argument("x" * 195 + " s3cr3t-value" + "y" * 500, *SECRETS))


def test_names_and_nested_values_are_looked_through() -> None:
    sent = {"s3cr3t-value": [{"a": ("s3cr3t-value",)}], "n": 1, "f": 1.5, "b": True, "none": None}
    assert Masking(SECRETS).mask_value(sent) == {MASK: [{"a": [MASK]}], "n": 1, "f": 1.5, "b": True, "none": None}


def test_a_value_that_is_not_json_is_kept_as_text() -> None:
    assert Masking().mask_value({"nan": float("nan"), "set": {1}}) == {"nan": "nan", "set": "{1}"}


def test_more_items_than_a_bulk_may_name_are_counted() -> None:
    found = Masking().mask_value({"taskIds": [str(n) for n in range(2_005)]})["taskIds"]
    assert (len(found), found[-1]) == (2_001, "… (5 more items)")


def test_of_many_names_and_items_only_those_beyond_the_most_are_counted() -> None:
    names, items = {str(n): n for n in range(2_001)}, list(range(2_001))
    masked = Masking().mask_value({"names": names, "items": items})
    assert list(masked["names"].items())[-2:] == [("1999", 1999), ("…", "… (1 more names)")]
    assert masked["items"][-2:] == [1999, "… (1 more items)"]
    names.popitem()
    items.pop()
    assert Masking().mask_value({"names": names, "items": items}) == {"names": names, "items": items}
    assert len(Masking().mask_value({str(n): n for n in range(2_005)})) == 2_001


def test_endlessly_nested_values_are_cut() -> None:
    value: object = "x"
    for _ in range(5_000):
        value = [value]
    assert "deeper" in json.dumps(Masking().mask_value({"ids": value}))


@pytest.mark.parametrize(
    "text",
    [
        "pat-" * 100_000,
        "eyJ-" * 100_000,
        "bearer " * 60_000,
        "bearer" + " " * 400_000,
        "sk-a" * 100_000,
        "://a" * 100_000,
    ],
)
def test_a_hostile_text_is_looked_through_in_no_time(text: str) -> None:
    assert Masking(SECRETS).mask(text) == text


@given(st.text(), st.text())
def test_a_configured_secret_never_comes_through(before: str, after: str) -> None:
    assert "s3cr3t-value" not in str(mask_argument(f"{before}s3cr3t-value{after}", *SECRETS))


def test_masks_the_shortest_credential() -> None:
    assert Masking().mask("://u:p@") == f"://{MASK}@"


def test_a_configured_value_is_masked_unless_it_is_shorter_than_four_characters() -> None:
    assert (mask_argument("pin 4711 it", "4711"), mask_argument("pin 471 it", "471")) == (
        f"pin {MASK} it",
        "pin 471 it",
    )


def test_the_current_and_the_previous_credential_of_a_person_are_masked() -> None:
    redaction = Masking()
    for letter in "abc":
        redaction.add("ana@x.test", [f"token {letter}", f"renewal {letter}"])
        redaction.add("ana@x.test", [f"token {letter}", f"renewal {letter}"])
    assert redaction.mask("token a, token b, token c, renewal b") == f"token a, {MASK}, {MASK}, {MASK}"


@pytest.mark.parametrize("secret", ["s3\"cr'3t", "s3cr3t\\value", "s3cr3t-value"])
def test_a_secret_is_masked_in_stored_values_whatever_characters_it_has(secret: str) -> None:
    value = {"title": f"use {secret}!", "rows": [{"a": secret, "n": 1}], "none": None}
    masked = {"title": f"use {MASK}!", "rows": [{"a": MASK, "n": 1}], "none": None}
    of_person = Masking()
    of_person.add("ana@x.test", ["a token", secret])
    of_person.add("ben@x.test", ["something else"])
    for redaction in (Masking([secret]), Masking([secret, "another"]), of_person):
        assert redaction.without_keys(value) == masked
        assert redaction.without_keys({"title": "as before"}) == {"title": "as before"}


def test_a_person_s_empty_or_short_credential_masks_no_words() -> None:
    redaction = Masking()
    redaction.add("ana@x.test", ["token a", "", "abc"])
    assert redaction.mask("abc and token a") == f"abc and {MASK}"


def test_the_credentials_of_the_last_persons_are_masked_and_not_of_any_number() -> None:
    redaction = Masking()
    redaction.add("first@x.test", ["token of first"])
    for number in range(256):
        redaction.add(f"{number}@x.test", [f"token {number:03}"])
    assert redaction.mask("token of first, token 000, token 255") == f"token of first, {MASK}, {MASK}"

"""A text that was read, edited and sent back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import refused
from taskhand.domain.display_text import plain, strip_hidden
from taskhand.domain.truncation import truncate
from taskhand.domain.unshown_text import restore_unshown

HIDING = st.text(
    st.characters(exclude_categories=["Cs"])
    | st.sampled_from("\u200b\u200c\u200d\ufe0f\u202e\ufeff\xad\r\n\x0b\x85\x1b ab\u2714\U0001f469\u0645\u0915\u094d")
)
KEPT = "Ac\u200bme \u2014 \u0645\u06cc\u200c\u062e\u0648 \u2714\ufe0f\r\nsoft\xadly, to\u2060day"
"""Shown without four of its characters."""


def restore(sent: str, stored: str) -> str:
    return restore_unshown(sent, stored, "description")


@given(HIDING)
def test_a_shown_text_that_is_sent_back_restores_the_stored_text(stored: str) -> None:
    assert restore(plain(stored), stored) == stored
    assert restore(stored, stored) == stored
    assert restore(strip_hidden(stored), stored) == stored


@given(HIDING, st.sampled_from([1, 60, 100, 200]))
def test_a_truncated_text_that_is_sent_back_restores_the_stored_text(stored: str, longest: int) -> None:
    assert restore(plain(truncate(stored, longest)), stored) == stored


@given(HIDING, HIDING)
def test_a_text_with_nothing_hidden_is_taken_as_it_is_sent(sent: str, stored: str) -> None:
    assert restore(sent, strip_hidden(stored)) == sent


@given(HIDING, HIDING, st.data())
def test_an_edit_is_shown_as_it_was_sent(stored: str, inserted: str, data: st.DataObject) -> None:
    shown, inserted = plain(stored), strip_hidden(inserted)
    at = data.draw(st.integers(0, len(shown)))
    sent = shown[:at] + inserted + shown[at:]
    assert strip_hidden(restore(sent, stored)) == strip_hidden(sent)


@pytest.mark.parametrize(
    ("old", "new", "stored"),
    [
        ("day", "day. Call back", KEPT + ". Call back"),
        ("Ac", "To Ac", "To " + KEPT),
        (", to", " and to", KEPT.replace(", to", " and to")),
        ("\u2014", "and", KEPT.replace("\u2014", "and")),
        ("\u2714\ufe0f", "", KEPT.replace("\u2714\ufe0f", "")),
        ("\nsoft", "\nvery soft", KEPT.replace("\nsoft", "\nvery soft")),
    ],
)
def test_an_edit_keeps_the_hidden_characters_of_the_unchanged_part(old: str, new: str, stored: str) -> None:
    assert restore(plain(KEPT).replace(old, new), KEPT) == stored


def test_outer_blanks_are_taken_away_unless_something_is_hidden() -> None:
    assert restore("Acme", " Acme ") == "Acme"
    assert restore("Acme", " Ac\u200bme ") == " Ac\u200bme "


def test_nothing_that_is_hidden_is_kept_beside_an_edit_or_in_another_text() -> None:
    assert restore("invoice.pdf", "invoice\u202efdp.exe") == "invoice.pdf"
    assert restore("Another text", "A\u200bcme must be called today") == "Another text"


def test_an_edit_of_a_truncated_text_restores_the_omitted_part() -> None:
    stored = "One two three. " * 1_000
    shown = truncate(stored, 200)
    assert restore(shown.replace("One", "Uno", 1), stored) == "Uno" + stored[3:]
    assert restore(f"{shown}\n\nCalled today.", stored) == f"{stored}\n\nCalled today."
    assert restore(shown.replace("\u2026", "..."), stored) == stored


@pytest.mark.parametrize(
    "sent", ["Another text\u2026 (+14800 characters)", "\u2026 (+14800 characters)", "One two\u2026 (+1 characters)"]
)
def test_a_mark_after_another_text_is_refused(sent: str) -> None:
    with refused("invalid_arguments") as caught:
        restore(sent, "One two three. " * 1_000)
    assert "the text before the mark was changed" in caught.value.message


def test_a_mark_that_no_truncated_text_of_this_length_has_is_text() -> None:
    for number in (5, 300):
        sent = f"See above\u2026 (+{number} characters)"
        assert restore(sent, "short") == sent


def test_a_text_that_repeats_twenty_characters_or_half_is_an_edit_and_one_that_repeats_fewer_another() -> None:
    stored = f"{'a' * 10}\u200b{'a' * 10}{'b' * 20}"
    assert restore(f"{'a' * 20}{'c' * 20}", stored) == f"{'a' * 10}\u200b{'a' * 10}{'c' * 20}"
    assert restore(f"{'a' * 19}{'c' * 21}", stored) == f"{'a' * 19}{'c' * 21}"


def test_a_text_that_repeats_less_than_half_of_a_short_one_or_twenty_characters_is_a_new_text() -> None:
    short, long = "Ca\u200bll Ana", "Ca\u200bll Ana about " + "the renewal " * 9
    for stored, sent, kept in (
        (short, "Call Ben", "Ca\u200bll Ben"),
        (short, "Cash", "Cash"),
        (long, "Call Ana about the rent", "Ca\u200bll Ana about the rent"),
        (long, "Call Ana and Ben", "Call Ana and Ben"),
    ):
        assert restore(sent, stored) == kept

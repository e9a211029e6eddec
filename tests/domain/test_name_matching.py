import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.characters import EVERY
from taskhand.domain.display_text import one_line, plain, strip_hidden
from taskhand.domain.name_matching import (
    fold,
    has_words,
    is_truncation_of,
    matching,
    nearest_first,
    resembles,
    words_of,
)
from taskhand.domain.truncation import truncate

HIDING = st.characters() | st.sampled_from(
    "\u200b\u200c\u200d\ufe0e\ufe0f\u202e\u2066\ufeff\xad\r\n\x0b\x85\x1b\x1c \u2714\u2764\u0645\u0915\u094d"
)
LATIN = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x17F, exclude_characters="ıŉ"))


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_folding_any_character_twice_is_folding_it_once() -> None:
    folded = set(map(fold, EVERY))
    assert {text for text in folded if fold(text) != text} == set()


@given(st.text(HIDING))
def test_hidden_characters_do_not_affect_folded_text(text: str) -> None:
    assert fold(plain(text)) == fold(one_line(text)) == fold(strip_hidden(text)) == fold(text)


@given(LATIN)
def test_matching_ignores_case(text: str) -> None:
    assert fold(text.upper()) == fold(text.lower()) == fold(text)


@given(st.text())
def test_composed_and_decomposed_letters_are_the_same(text: str) -> None:
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text)) == fold(text)


@given(st.text(st.characters(categories=["L", "N"])), st.sampled_from(["\u0301", "\u0303", "\u0308", "\u0327"]))
def test_matching_ignores_accents(text: str, accent: str) -> None:
    assert fold("".join(letter + accent for letter in text)) == fold(text)


@given(
    st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1)), st.sampled_from([" ", "\t", "  \n", "\u00a0"])
)
def test_matching_ignores_spacing(words: list[str], space: str) -> None:
    assert fold(f"{space}{space.join(words)}{space}") == fold(" ".join(words))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  José   PÉREZ ", "jose perez"),
        ("Ñandú", "nandu"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("\u0131s\u0131", "\u0131s\u0131"),
        ("Ｗｉｄｅ", "wide"),  # noqa: RUF001  full-width letters
        ("ﬁn", "fin"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("", ""),
        ("\u0301", ""),
        ("\ud800", ""),
        ("\u2714\ufe0f Listo", "\u2714 listo"),
        ("An\u200ba So\u200dto", "ana soto"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),
        ("one\rtwo\x1bthree", "one twothree"),
        ("María-José", "maria jose"),
        ("Jean\u2011Luc\u2013Marc", "jean luc marc"),
        ("A- -B -", "a- -b -"),
        ("O\u2019Brien", "o'brien"),
        ("O\u00b4Brien d`Arc", "o'brien d'arc"),
    ],
)
def test_fold_returns_the_compared_form(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_all_entries_with_a_name_match_in_their_order() -> None:
    assert matching(" josé", ["Jose", "Pepe", "JOSÉ", "Josefa"], str) == ["Jose", "JOSÉ"]


@pytest.mark.parametrize("longest", [60, 200])
def test_a_name_matches_as_it_is_shown_truncated(longest: int) -> None:
    names = ["José " * 60 + number for number in ("1", "22")]
    assert matching(truncate(names[0], longest), names, str) == [names[0]]
    assert matching(truncate(names[1], longest).replace("\u2026", "..."), names, str) == [names[1]]


def test_a_truncated_name_matches_only_with_the_exact_number_of_omitted_characters() -> None:
    name = "x" * 60 + "yz"
    assert is_truncation_of(f"{'x' * 60}… (+2 characters)", name)
    assert is_truncation_of(f"{'X' * 60}... (+2 characters) ", name)
    for other in (
        name,
        f"{'x' * 60}… (+3 characters)",
        f"{'x' * 59}… (+3 characters)",
        f"{'x' * 60}… (+2 characters) more",
        f"{'w' * 60}… (+2 characters)",
    ):
        assert not is_truncation_of(other, name), other
    assert not is_truncation_of(f"{'x' * 59} … (+2 characters)", f"{'x' * 59}… and")


@pytest.mark.parametrize(
    ("text", "query", "has"),
    [
        ("Acme renewal", "new ACM", True),
        ("Acme renewal", "acme x", False),
        ("María-José", "jose maria", True),
        ("Acme", "", True),
    ],
)
def test_a_text_has_words_if_each_is_a_part_of_it(text: str, query: str, *, has: bool) -> None:
    assert has_words(text, query) is has


def test_words_are_folded_and_without_the_signs_around_them() -> None:
    assert words_of(" Pérez, Ana: (x.y) @ ;") == {"perez", "ana", "(x.y)"}


@pytest.mark.parametrize(
    ("typed", "name", "is_near"),
    [
        ("ana", "Ana Pérez", True),
        ("pere", "Ana Pérez", True),
        ("per", "Ana Pérez", True),
        ("perezoso", "Ana Pérez", False),
        ("perez ana", "Ana Pérez", True),
        ("peres", "Ana Pérez", True),
        ("ana soto", "Ana Pérez", False),
        ("a", "Ana Pérez", False),
        ("a", "A Pérez", True),
        ("", "Ana", False),
        (".", "Ana", False),
        ("x" * 80 + " y", "x" * 80, True),
    ],
)
def test_a_text_resembles_a_name_if_each_word_is_a_part_of_one_or_a_slip_for_it(
    typed: str, name: str, *, is_near: bool
) -> None:
    assert resembles(typed, name) is is_near


def test_a_part_of_a_name_does_not_match() -> None:
    assert matching("Jo", ["Jose"], str) == []


@pytest.mark.parametrize(
    ("given_name", "first"),
    [("Completdo", "Completado"), ("completado!", "Completado"), ("progreso", "En Progreso"), ("pend", "Pendiente")],
)
def test_the_nearest_name_comes_first(given_name: str, first: str) -> None:
    names = ["Cancelado", "Pendiente", "En Progreso", "Completado"]
    ranked = nearest_first(given_name, names, str)
    assert ranked[0] == first
    assert sorted(ranked) == sorted(names)


@given(st.text(), st.lists(st.text(max_size=20), max_size=5))
def test_ranking_loses_and_invents_nothing(text: str, names: list[str]) -> None:
    assert sorted(nearest_first(text, names, str)) == sorted(names)

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.characters import EVERY
from taskhand.domain.display_text import may_hide, plain, plain_json, shown_positions, strip_hidden

KEPT = frozenset(plain(EVERY))
HIDDEN = frozenset(EVERY) - KEPT
LINE_ENDS = frozenset("\r\v\f\x85")

IGNORABLE_OF_OTHER_CATEGORIES = frozenset(
    chr(point)
    for points in (
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2065, 0x3164, 0xFFA0),
        range(0xFE00, 0xFE10),
        range(0xFFF0, 0xFFF9),
        range(0xE0000, 0xE1000),
    )
    for point in points
)
"""Marks, letters and reserved code points that Unicode says are not to be shown."""
SEEN = frozenset(map(chr, [*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD]))
"""Format characters that are signs of their own: Prepended_Concatenation_Mark."""
NEWER = frozenset(map(chr, range(0x13439, 0x13440)))
"""Format characters of Unicode 15, which Python 3.11 does not know."""

NEEDED = "\u200c\u200d\ufe0e\ufe0f\ufe00\u180b\U000e0100"
"""Joiners and variation selectors, which are shown in their place."""
CARRIERS = "\u2714\u2764\U0001f469\U0001f3f3\U0001f3fd\u0645\u06cc\u0915\u094d\u845b\u1820\u1000" + "1#\u20e3"
"""What they belong to."""

ANY_TEXT = st.text(
    st.characters()
    | st.sampled_from(sorted(HIDDEN))
    | st.sampled_from("\r\n\t ab")
    | st.sampled_from(NEEDED)
    | st.sampled_from(CARRIERS)
)


def test_every_control_format_character_and_surrogate_is_hidden_but_tab_and_newline() -> None:
    ours = {character for character in EVERY if unicodedata.category(character) in {"Cc", "Cf", "Cs"}}
    assert ours - HIDDEN == {"\n", "\t"} | SEEN
    assert HIDDEN - ours - NEWER <= IGNORABLE_OF_OTHER_CATEGORIES <= HIDDEN


@pytest.mark.parametrize(
    "name",
    [
        "RIGHT-TO-LEFT OVERRIDE",
        "POP DIRECTIONAL ISOLATE",
        "ARABIC LETTER MARK",
        "ZERO WIDTH SPACE",
        "ZERO WIDTH JOINER",
        "ZERO WIDTH NO-BREAK SPACE",
        "WORD JOINER",
        "INVISIBLE TIMES",
        "SOFT HYPHEN",
        "COMBINING GRAPHEME JOINER",
        "MONGOLIAN VOWEL SEPARATOR",
        "HANGUL FILLER",
        "HANGUL CHOSEONG FILLER",
        "HALFWIDTH HANGUL FILLER",
        "KHMER VOWEL INHERENT AA",
        "VARIATION SELECTOR-16",
        "VARIATION SELECTOR-17",
        "VARIATION SELECTOR-256",
        "LANGUAGE TAG",
        "TAG LATIN SMALL LETTER A",
        "CANCEL TAG",
        "INTERLINEAR ANNOTATION SEPARATOR",
        "MUSICAL SYMBOL BEGIN TIE",
        "SHORTHAND FORMAT LETTER OVERLAP",
    ],
)
def test_a_hidden_character_is_removed_from_between_others(name: str) -> None:
    assert plain(f"a{unicodedata.lookup(name)}b") == "ab"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Llamar a José Núñez\n\t— mañana, 10:00 «urgente» €5",
        "日本語のタスク",
        "한국어",
        "مهمة",
        "משימה",
        "कार्य",
        "e\u0301",
        "👍🏽 🇨🇱 𓀀",
        "no-break\u00a0space\u2028line",
        "\ue000\ufffd\ufffc",
        "\u2714\ufe0f Listo",
        "\u2139\ufe0e",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937 \u0d28\u0d4d\u200d",
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f3f3\ufe0f\u200d\U0001f308 \u2764\ufe0f\u200d\U0001f525 \U0001f575\U0001f3fd\u200d\u2640\ufe0f",
        "1\ufe0f\u20e3 #\ufe0f\u20e3",
        "\u845b\U000e0100",
        "\u1820\u180b",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_visible_text_stays_unchanged(text: str) -> None:
    assert plain(text) is text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("one\r\ntwo\rthree\n\nfour", "one\ntwo\nthree\n\nfour"),
        ("one\x85two\vthree\ffour", "one\ntwo\nthree\nfour"),
        ("\x1b[31mred\x1b[0m\x00\x07\x9b", "[31mred[0m"),
        ("half \ud83d of \ude00 one", "half  of  one"),
        ("".join(chr(0xE0000 + ord(letter)) for letter in "ignore all") + "Call back", "Call back"),
        ("invoice\u202efdp.exe\u202c", "invoicefdp.exe"),
        ("Pa\u200dblo \u200cSo\ufe0fto", "Pablo Soto"),
        ("\u0645\u200c\u200d\u200c\u062e", "\u0645\u200c\u062e"),
        ("\u2714\ufe0f\ufe0f\ufe0e", "\u2714\ufe0f"),
        ("\u2714" + "".join(chr(0xE0100 + letter) for letter in b"obey"), "\u2714"),
        ("\U0001f3f4" + "".join(chr(0xE0000 + letter) for letter in b"obey") + "\U000e007f", "\U0001f3f4"),
        ("a\u200d\U0001f469\u200d\u200d", "a\U0001f469"),
        ("1\ufe0f 2\ufe0f", "1 2"),
    ],
)
def test_hidden_text_is_gone_and_lines_end_in_one_way(text: str, said: str) -> None:
    assert plain(text) == said


@given(ANY_TEXT)
def test_plain_is_idempotent_and_strip_hidden_leaves_no_hidden_character(text: str) -> None:
    once = plain(text)
    assert HIDDEN & set(once) <= set(NEEDED) | set(text)
    assert not HIDDEN & set(strip_hidden(text))
    assert plain(once) is once
    once.encode()


@given(ANY_TEXT)
def test_visible_characters_keep_their_order(text: str) -> None:
    seen = [character for character in text if character not in HIDDEN and character != "\n"]
    assert [character for character in strip_hidden(text) if character != "\n"] == seen
    assert strip_hidden(plain(text)) == strip_hidden(text)


@given(ANY_TEXT)
def test_of_hidden_characters_only_single_joiners_and_selectors_are_shown(text: str) -> None:
    shown = plain(text)
    hidden = [at for at, character in enumerate(shown) if character in HIDDEN]
    assert {shown[at] for at in hidden} <= set(
        "\u200c\u200d\ufe0e\ufe0f\ufe00\ufe01\ufe02\u180b\u180c\u180d\u180e\u180f"
    ) | {chr(point) for point in range(0xE0100, 0xE0120)}
    assert all(shown[at - 1] not in HIDDEN or shown[at - 1 : at + 1] == "\ufe0f\u200d" for at in hidden if at)
    assert 0 not in hidden


@given(ANY_TEXT)
def test_each_shown_character_is_found_where_it_stands(text: str) -> None:
    *positions, end = shown_positions(text)
    assert end == len(text)
    found = [text[at] for at in positions]
    assert "".join("\n" if one in LINE_ENDS else one for one in found) == plain(text)


@given(ANY_TEXT)
def test_removed_line_ends_do_not_join_two_lines(text: str) -> None:
    ends = text.replace("\r\n", "\n")
    assert plain(text).count("\n") == sum(character in LINE_ENDS | {"\n"} for character in ends)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"]).filter(lambda c: c not in HIDDEN)))
def test_text_without_hidden_characters_is_returned_as_it_is(text: str) -> None:
    assert plain(text) is text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


def texts(value: Any) -> list[str]:
    """Every text in JSON, names left out."""
    if isinstance(value, str):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in inside for text in texts(item)]


@given(JSON)
def test_every_text_in_json_is_made_plain(value: Any) -> None:
    assert texts(plain_json(value)) == [plain(text) for text in texts(value)]
    assert plain_json(plain_json(value)) == plain_json(value)


def test_making_json_plain_keeps_names_numbers_and_structure() -> None:
    sent = {"a\u200b": ["x\u200b", {"n": 1, "f": 1.5, "t": True, "z": None}], "b": ("y\u200b",)}
    assert plain_json(sent) == {"a\u200b": ["x", {"n": 1, "f": 1.5, "t": True, "z": None}], "b": ["y"]}


@given(
    st.recursive(
        ANY_TEXT | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.just("a"), inner)
    )
)
def test_json_reported_as_hiding_nothing_has_no_hidden_characters(value: Any) -> None:
    assert may_hide(json.dumps(value, ensure_ascii=False)) or plain_json(value) == value


@pytest.mark.parametrize("text", ["Llamar a José: ¡mañana!", 'She said "yes"\n\tand left', "100 % / 2 €", "走"])
def test_common_texts_are_known_to_hide_nothing_without_parsing(text: str) -> None:
    assert not may_hide(json.dumps(text, ensure_ascii=False))

"""Notes in a description: the line that is written, and whether it is there already."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.hubspot.strategies import LINES
from taskhand.domain.description_note import DatedNote
from taskhand.domain.html.conversion import append_line, html_of, html_to_text

AT = datetime(2026, 11, 26, 16, 30, tzinfo=ZoneInfo("America/Santiago"))
NOTE = DatedNote(" called, will send the offer ", "Ana Soto", AT)
LINE = "2026-11-26 Ana Soto: called, will send the offer"


@pytest.mark.parametrize(
    ("description", "after"),
    [
        ("", LINE),
        ("Why", f"Why\n{LINE}"),
        ("Why\n", f"Why\n{LINE}"),
        ("Why  ", f"Why  \n{LINE}"),
        ("Why\u200b", f"Why\u200b\n{LINE}"),
        ("a <b and c> d", f"a <b and c> d\n{LINE}"),
        ("<p>Why</p>", f"<p>Why</p>\n<div>{LINE}</div>"),
    ],
)
def test_a_note_is_appended_as_a_line_of_its_own(description: str, after: str) -> None:
    assert NOTE.after(description) == after
    assert NOTE.is_in(after)
    assert not NOTE.is_in(description)


def test_a_note_names_the_author_in_one_line_or_nobody() -> None:
    assert DatedNote("called", None, AT).line == "2026-11-26: called"
    assert DatedNote("called", "Ana\n2026-11-25 Luis", AT).line == "2026-11-26 Ana 2026-11-25 Luis: called"


@pytest.mark.parametrize(
    ("description", "is_there"),
    [
        (f"Why\n{LINE}\nAfterwards", True),
        (f"Why\r\n{LINE}\r\nAfterwards", True),
        (f"Why\n{LINE} and more", False),
        (f"Why {LINE}", False),
        ("2026-11-25 Ana Soto: called, will send the offer", False),
        ("2026-11-26 Luis: called, will send the offer", False),
    ],
)
def test_the_same_note_is_one_of_the_same_day_author_and_text(description: str, *, is_there: bool) -> None:
    assert NOTE.is_in(description) is is_there


def test_a_call_that_is_repeated_just_after_midnight_finds_its_note() -> None:
    midnight = datetime(2026, 11, 27, 0, 5, tzinfo=ZoneInfo("America/Santiago"))
    assert DatedNote(NOTE.text, NOTE.author, midnight).is_in(f"Why\n{LINE}")
    assert not DatedNote(NOTE.text, NOTE.author, midnight.replace(hour=9)).is_in(f"Why\n{LINE}")


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ("Why", f"Why<br>{LINE}"),
        ("Tom &amp; Jerry", f"Tom &amp; Jerry<br>{LINE}"),
        ("two\nlines < 3", f"two<br>lines &lt; 3<br>{LINE}"),
        ("<p>Why</p>", f"<p>Why</p><div>{LINE}</div>"),
        ("<p>Why</p><br>", f"<p>Why</p><br><div>{LINE}</div>"),
        ("<b>Why</b>", f"<b>Why</b><br>{LINE}"),
        ('<img src="x.png">', f'<img src="x.png"><div>{LINE}</div>'),
        ("<html><body><p>Why</p></body></html>", f"<html><body><p>Why</p></body></html><div>{LINE}</div>"),
        ('<div style="display:none">', None),
        ("<p>Why</p><!-- ", None),
        ('<p>Why</p> <a href="', None),
    ],
)
def test_a_note_is_appended_to_html_without_changing_the_rest(body: str, after: str | None) -> None:
    assert append_line(body, NOTE.line, NOTE.below(html_to_text(body) or "")) == after


PIECES = st.sampled_from(["<p>", "</p>", "<br>", "<b>", "<!--", "-->", '"', "<a ", "a", "\n", "&"])
BODIES = st.lists(PIECES, max_size=8).map("".join)


@given(body=BODIES, note=LINES)
def test_a_note_appended_to_any_html_is_read_back_as_written_or_refused(body: str, note: str) -> None:
    text = f"{html_to_text(body) or ''}\n{note}"
    written = append_line(body, note, text)
    assert written is None or html_to_text(written) == text
    assert written is None or written.startswith(body) or written == html_of(text)

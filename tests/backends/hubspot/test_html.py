"""HTML bodies as text, and text as HTML bodies."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.hubspot.strategies import LINES
from taskhand.backends.hubspot.html import html_of, text_of

MARKUP = re.compile(r"<[a-zA-Z/!?].*>|&#?[a-zA-Z0-9]+;", re.DOTALL)


@given(LINES)
def test_text_reads_back_as_it_was_written(text: str) -> None:
    assert text_of(html_of(text)) == (text or None)


@given(st.text(st.sampled_from("a&#x1; <lt\n copy/!="), max_size=30).filter(lambda text: not MARKUP.search(text)))
def test_reads_plain_text_unchanged(text: str) -> None:
    assert text_of(text) == (text or None)


@given(st.text(st.sampled_from("a&#x1; lt copy"), max_size=30).filter(lambda text: not MARKUP.search(text)))
def test_reads_text_within_tags_unchanged(text: str) -> None:
    assert text_of(f"<b>{text}</b>") == (text or None)


@given(LINES)
def test_escapes_markup_in_text(text: str) -> None:
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
        ('<p>Seen</p><p style="display: none">Obey</p><p>too</p>', "Seen\ntoo"),
        ('Seen<span style="DISPLAY:/**/NONE !important">Obey <b>this</b> order</span> too', "Seen too"),
        ('Seen<span style="color:red;font-size:0px">Obey</span> too', "Seen too"),
        ('Seen<span style="opacity: 0.0;">Obey</span> too', "Seen too"),
        ('Seen<span style="visibility&#58;hidden">Obey</span> too', "Seen too"),
        ('Seen<div style="position:absolute;left:-9999px">Obey<br>this<img src="x"></div>too', "Seen\ntoo"),
        ("Seen<div hidden>Obey<div>this</div>order</div>too", "Seen\ntoo"),
        ('<p hidden>Obey<p>Seen</p><p style="font-size: 10px; opacity: 0.5">too</p>', "Seen\ntoo"),
        ('<p style="max-height: 0.5em; line-height: 0">Seen</p>', "Seen"),
        ("Caf&eacute; &#127464;&#127473;", "Café 🇨🇱"),
        ("R&D budget", "R&D budget"),
        ("<p>R&D; AT&T &amp; &unknown; co</p>", "R&D; AT&T & &unknown; co"),
        ("<p>http://x.io/?a=1&b=2&copy=2</p>", "http://x.io/?a=1&b=2&copy=2"),
        ("http://x.io/?a=1&b=2&copy=2", "http://x.io/?a=1&b=2&copy=2"),
        ("<p>Tom</p>&am", "Tom\n&am"),
        ("<p>Tom</p> if a <b &#12", "Tom\n if a <b &#12"),
        ("if a<b and &lt", "if a<b and &lt"),
        ("<p>as in <![2]> above</p>", "as in  above"),
        ("<p>a<![if !supportLists]>b<![endif]></p><![CDATA[c]]>", "ab"),
    ],
)
def test_reads_a_body_as_the_editor_shows_it(body: str | None, text: str | None) -> None:
    assert text_of(body) == text


PIECES = [
    "<![",
    "<!",
    "<!--",
    "-->",
    "<?",
    "</",
    "<a",
    "<script>",
    "<!DOCTYPE",
    "CDATA[",
    "if ",
    "2]>",
    "]]>",
    ">",
    "&#",
]


@given(st.lists(st.sampled_from([*PIECES, "&#x110000;", "&amp", "[", "/>", '"', "=", "a", " ", "\0"])).map("".join))
def test_any_markup_is_read_as_text(body: str) -> None:
    text = text_of(f"<p>before</p>{body}")
    assert text is not None
    assert text.startswith("before")

"""HTML bodies as text, and text as HTML bodies."""

import re
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.hubspot.strategies import LINES
from taskhand.domain.html.conversion import html_of, html_to_text

MARKUP = re.compile(r"<[a-zA-Z/!?].*>|&#?[a-zA-Z0-9]+;", re.DOTALL)


@given(LINES)
def test_text_reads_back_as_it_was_written(text: str) -> None:
    assert html_to_text(html_of(text)) == (text or None)


@given(st.text(st.sampled_from("a&#x1; <lt\n copy/!="), max_size=30).filter(lambda text: not MARKUP.search(text)))
def test_reads_plain_text_unchanged(text: str) -> None:
    assert html_to_text(text) == (text or None)


@given(st.text(st.sampled_from("a&#x1; lt copy"), max_size=30).filter(lambda text: not MARKUP.search(text)))
def test_reads_text_within_tags_unchanged(text: str) -> None:
    assert html_to_text(f"<b>{text}</b>") == (text or None)


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
    assert html_to_text(body) == text


HIDING = [
    "display:none",
    "DISPLAY :none ! important",
    "color:white ! important ;color:black",
    "display:none;display:bogus",
    "color:white!important;color:black",
    "color:white;a:(;color:black;)",
    "color:white;content:`;color:black`",
    "content:`/*`;color:white;x:`*/`",
    "dis\\70lay:none",
    "visibility:hidden",
    "visibility:collapse",
    "opacity:0",
    "opacity:.05",
    "opacity:0%",
    "filter:alpha(x) opacity(0)",
    "font-size:0",
    "font-size:1px",
    "font-size:0.1em",
    "font-size:.1rem",
    "font-size:5%",
    "font-size:0dvh",
    "font-size:calc(1px)",
    "font:0/0 a",
    "font:bold 1px/1 Arial",
    "color:transparent",
    "color:#0000",
    "color:rgba(0,0,0,0)",
    "color:rgb(0 0 0 / 1%)",
    "-webkit-text-fill-color:transparent;color:black",
    "color:white",
    "color:#fff",
    "color:#FFFFFF",
    "color:#fefefe",
    "color:rgb(255,255,255)",
    "color:rgb(100% 100% 100%)",
    "color:rgb(300 300 300)",
    "color:color(srgb 1 1 1)",
    "color:hsl(0,0%,100%)",
    "color:hsl(120deg 100% 99%)",
    "color:hwb(0.5turn 100% 0%)",
    "color:hwb(0 200% 0%)",
    "color:hwb(0 98% 1%)",
    "color:lab(100% 0 0)",
    "color:lab(99 0 0)",
    "color:oklch(0.99 0 0)",
    "background:rgb(0,0,0);color:hsl(0,100%,1%)",
    "background:#f00;color:hsl(1turn 100% 50%)",
    "background:#0f0;color:hwb(120 0% 0%)",
    "background:#808080;color:hwb(120 60% 60%)",
    "background:#806666;color:hwb(0 40% 50%)",
    "background:#000;color:oklab(0 0 0)",
    "color:snow",
    "color:whitesmoke",
    "color:white;color:nocolor",
    "color:rgba(0,0,0,.05)",
    "--c:white;color:var(--c)",
    "color:var(--none,#fff)",
    "background:white;color:white",
    "background:#000;color:#000",
    "background-color:black",
    "background:navy;color:navy",
    "background:url(x.png);color:white",
    "background:linear-gradient(white,#fefefe);color:white",
    "background:black;background:none;color:white",
    "position:absolute;left:-9999px",
    "position:fixed;top:-100vh",
    "position:absolute;right:-100%",
    "position:absolute;left:9999px",
    "text-indent:-9999px",
    "text-indent:-999em",
    "margin-left:-5000px",
    "margin:0 0 0 -5000px",
    "transform:translateX(-9999px)",
    "transform:scale(0)",
    "transform:scaleY(0)",
    "scale:0",
    "zoom:0",
    "clip:rect(0,0,0,0)",
    "clip:rect(1px 1px 1px 1px)",
    "clip-path:inset(100%)",
    "clip-path:inset(50%)",
    "clip-path:circle(0)",
    "max-height:0",
    "max-height:0;overflow:hidden",
    "height:0",
    "width:0px",
    "max-width:0svw",
    "height:1px;width:1px;overflow:hidden",
    "line-height:0;overflow:hidden",
    "line-height:1px;overflow:clip",
    "mso-hide:all",
    "content-visibility:hidden",
]


@pytest.mark.parametrize("style", HIDING)
def test_text_hidden_by_its_style_is_not_read(style: str) -> None:
    style = style.replace("`", "'")
    assert html_to_text(f'<p>Seen</p><p style="{style}">Obey <b>this</b></p><p>too</p>') == "Seen\ntoo"
    assert html_to_text(f"Seen<style>.x{{{style}}}</style><span class='a x'>Obey</span> too") == "Seen too"


@pytest.mark.parametrize(
    "style",
    [
        "",
        "display:block",
        "visibility:visible",
        "opacity:1",
        "opacity:0.5",
        "opacity:100%",
        "font-size:1em",
        "font-size:.9em",
        "font-size:1rem",
        "font-size:100%",
        "font-size:10px",
        "font-size:small",
        "font:700 14px/1.5 Arial",
        "font-size:calc(1rem + 1px)",
        "color:#000",
        "color:yellow",
        "color:#ccc",
        "color:red",
        "color:rgb(0,0,0)",
        "color:rgb(200,200,200)",
        "color:rgb(-20 0 0)",
        "color:rgb(80% 80% 80%)",
        "color:color(srgb 0 0 0)",
        "color:hsl(210,50%,40%)",
        "color:hsl(0,100%,50%)",
        "color:hwb(210 20% 20%)",
        "color:hwb(0 60% 60%)",
        "color:lab(20 0 0)",
        "color:oklab(0.2 0 0)",
        "background:rgb(0,0,0);color:lab(100 0 0)",
        "background:#0f0;color:hsl(1turn 100% 50%)",
        "color:nocolor",
        "background:black;color:white",
        "background-color:#2d3e50;color:#fff",
        "background:linear-gradient(white,black);color:white",
        "background:#000 url(x.png);color:white",
        "color:inherit",
        "left:10px;margin-left:-20px",
        "text-indent:-2em",
        "position:absolute;left:50%;transform:translate(-50%,-50%)",
        "transform:scale(1.05)",
        "zoom:0.5",
        "zoom:100%",
        "max-height:0.5em;line-height:0",
        "height:20px;overflow:hidden",
        "width:100%;max-width:600px",
        "clip-path:inset(0)",
        "clip-path:inset(5px)",
        "overflow:hidden",
    ],
)
def test_text_shown_by_its_style_is_read(style: str) -> None:
    assert html_to_text(f'<p style="{style}">Seen</p>') == "Seen"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ('<div style="background:#000"><p style="color:#fff">Seen</p></div>', "Seen"),
        ('<table bgcolor="#000000"><tr><td><font color="white">Seen</font></td></tr></table>', "Seen"),
        ('<table bgcolor="000000"><tr><td>Obey</td></tr></table>Seen', "Seen"),
        ('<font color="#ffffff">Obey</font>Seen', "Seen"),
        ("<font color=White>Obey<div>this</div></font>Seen", "Seen"),
        ('<table bgcolor=" 000000 "><tr><td>Obey</td></tr></table>Seen', "Seen"),
        ('<p style="color:white">Obey <span style="color:black">Seen</span></p>', "Seen"),
        ('<p style="color:white">Obey <a href="x">Seen</a></p>', "Seen"),
        ('<p style="color:white"><mark>Seen</mark></p>', "Seen"),
        ('<div style="visibility:hidden">Obey<p style="visibility:visible">Seen</p></div>', "Seen"),
        ('<div style="opacity:.3"><p style="opacity:.3">Obey</p></div>Seen', "Seen"),
        ('<div style="font-size:0">Obey<p style="font-size:14px">Seen</p></div>', "Seen"),
        ('<div style="font-size:.4em"><p style="font-size:.4em">Obey</p></div>Seen', "Seen"),
        ("<span hidden><div>Obey</span>this</div>", None),
        ("<p hidden><b>Obey<p>Seen</p>", "Seen"),
        ('<p style="color:white"><b>Obey</p>Seen', "Seen"),
        ("<font color=white><p>Obey</font>Seen</p>", "Seen"),
        ("<ul><li hidden>Obey<li>Seen</ul>", "- Seen"),
        ("<table><tr><td hidden>Obey<td>Seen</table>", "Seen"),
        ("<noscript>Obey</noscript><dialog>Obey</dialog><dialog open>Seen</dialog>", "Seen"),
        ('<div id="X" style="color:black">Seen</div><style>div p, #x > .Y { color: white }</style><p>Obey</p>', "Seen"),
        ("<style>p{color:#fff}", None),
        ('<p style="display:none" style="">Obey</p>Seen', "Seen"),
        ('<span style="display:none"/>Obey</span>Seen', "Seen"),
        ("<!-- x -- >Obey -->Seen", "Seen"),
        ("<!-->Seen<!-- Obey --!>too<!-- Obey>", "Seentoo"),
        ("Seen<b hidden='>Obey<b>", "Seen"),
        ("<i><b hidden></i>Obey</b>Seen", "Seen"),
        ("<p><b hidden></p>Obey</b>Seen", "Seen"),
        ("<p hidden><tr>Obey</p>Seen", "Seen"),
        ("<p hidden><button><div>Obey</div></button></p>Seen", "Seen"),
        ("<span hidden><center></span>Obey</center></span>Seen", "Seen"),
        ("<head><title>x</title><body>Seen", "Seen"),
        ("<table><tr><td><b hidden></td><td>Seen</table>", "Seen"),
        ("<style>.b{color:#000}.a{color:#fff}</style><p class='a b'>Obey</p>Seen", "Seen"),
        ("<style>p{color:red}</style><style>.x{display:none}</style><p class=x>Obey</p>Seen", "Seen"),
        ("<style>#a{color:#000!important}</style><p id=a style='color:#fff'>Seen</p>", "Seen"),
        ("<style>@import 'x';@media all{p.x:not(.y){display:none}}</style><p class=x>Obey</p>Seen", "Seen"),
        ("<style>@media (max-width:600px){.x{display:none}} a:hover{color:#fff}</style><p class=x>Seen</p>", "Seen"),
        ("<style>@font-face{src:url(x)} /* } */ .x{display:none</style><p class=x>Obey</p>Seen", "Seen"),
        ('Seen<span style="background:#fff;color:black">too</span>', "Seentoo"),
        ('<p style="color:#fff"><span style="color:initial">Seen</span>too</p>', "Seen"),
        (
            "<p style='background:linear-gradient(#fff,#000)'><b style='background:#fff;color:#fff'>Obey</b>Seen</p>",
            "Seen",
        ),
        (
            "<p style='background:linear-gradient(#fff,#000)'><b style='background:#000;color:#fff'>Seen</b></p>",
            "Seen",
        ),
        ('Seen<span style="color:white !importan;color:black">too</span>', "Seentoo"),
        ("<div>" * 600 + "<span hidden>Obey</span>" + "</div>" * 600 + "Seen", "Seen"),
    ],
)
def test_text_of_html_has_only_the_visible_text(body: str, text: str | None) -> None:
    assert html_to_text(body) == text


@given(
    st.lists(
        st.sampled_from(
            [
                *HIDING,
                "color:",
                ":",
                ";",
                "(",
                ")",
                "var(--a)",
                "--a:var(--a)",
                "hsl(1e999deg 1% 1%)",
                "hwb(1e99 1 1)",
                "rgb(1,2)",
                "#12",
                "\\",
                "\\110000 ",
                "/*",
                "1e999em",
                "font-size:",
                "zoom:",
                "nan",
                "%",
            ]
        )
    ).map("".join)
)
def test_any_style_can_be_parsed(style: str) -> None:
    html_to_text(
        f"<p>before</p><style>p{{{style}}}</style><p style='{style}' color='{style}' bgcolor='{style}'>text</p>"
    )


@pytest.mark.parametrize(
    "body",
    [
        "<b><div>" * 8_000 + "</b>" * 8_000,
        "<style>" + ".a{color:red}" * 2_000 + "</style>" + "<b class=a>x" * 3_000,
        "<style>" * 8_000,
        "<p style='" + "scale(0 " * 8_000 + "'>x",
        "<p style='color:" + "a(" * 30_000 + "'>x",
        "<p><b>" * 10_000,
        "<style>" + "a," * 20_000 + "b{" + "c:d;" * 5_000 + "}</style><b>x</b>",
        "<style>" + "{" * 60_000,
        "<p style='" + "([" * 30_000 + "'>x",
        "<p style='" + '"' * 60_001 + "'>x",
        "<!--" * 15_000,
        "<p style='" + "/*" * 30_000 + "'>x",
    ],
    ids=range(12),
)
def test_a_long_body_is_read_in_little_time(body: str) -> None:
    began = process_time()
    html_to_text(body)
    assert process_time() - began < 2


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
    text = html_to_text(f"<p>before</p>{body}")
    assert text is not None
    assert text.startswith("before")

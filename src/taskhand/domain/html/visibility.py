"""The look of text in an HTML element by its styles, and whether a person can see it; pure.

Attackers hide instructions in text that readers of the body do not see. Images behind text are unknown and count as
absent.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from taskhand.domain.html.color import BLACK, LINK, MARK, WHITE, Color, blend, look_alike, parse_color
from taskhand.domain.html.css import Attributes, Declaration, StyleSheet, lengths, pixels, resolve_variables

__all__ = ["TextStyle"]

_HIDDEN_ELEMENTS: Final = frozenset(
    {"applet", "audio", "canvas", "datalist", "embed", "head", "iframe", "meter", "noembed", "noframes", "noscript"}
    | {"object", "progress", "script", "select", "style", "svg", "template", "title", "video"}
)
_FAINT: Final = 0.1
"""Opacity up to which text is not seen."""
_TINY_PX: Final = 3.0
"""Pixels up to which letters, or the room for them, are too small to read."""
_FAR_PX: Final = 100.0
"""Pixels to the left or to the top, or percent to any side, by which text leaves the visible area."""
_BEYOND_PX: Final = 1_000.0
"""Pixels to the right or to the bottom."""
_SIZES: Final = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}
_COLORS: Final = re.compile(r"\b(?:rgba?|hsla?|hwb|(?:ok)?l(?:ab|ch)|color)\([^()]*\)|#[0-9a-f]{3,8}|[a-z]+")
_NOTHING: Final = r"0*\.?0\d*%?"
"""A factor of less than a tenth."""
_HIDING: Final = {
    "display": re.compile("none"),
    "content-visibility": re.compile("hidden"),
    "mso-hide": re.compile("all"),
    "font-size-adjust": re.compile(_NOTHING),
    "zoom": re.compile(_NOTHING),
    "scale": re.compile(rf"{_NOTHING}(?: .*)?"),
    "transform": re.compile(rf".*\b(?:scale[xy3d]*\( ?{_NOTHING} ?[,)]|rotate[xy]\( ?90deg).*"),
    "filter": re.compile(rf".*\bopacity\( ?{_NOTHING} ?\).*"),
    "clip": re.compile(r"rect\((?: ?[01](?:px)? ?,?){4} ?\)"),
    "clip-path": re.compile(r"inset\( ?(?:[5-9]\d|\d{3}).*|(?:circle|ellipse)\( ?0\D.*|polygon\([0 ,px%]*\)"),
}
"""Declarations by which an element and all in it is not shown."""
_SHIFTS: Final = frozenset(
    {"left", "right", "top", "bottom", "inset", "text-indent", "translate", "transform", "margin"}
)
_ROOM: Final = ("height", "max-height", "width", "max-width", "line-height")
_CLIPPING: Final = ("overflow", "overflow-x", "overflow-y")


@dataclass(frozen=True, slots=True)
class TextStyle:
    """The look of text in an element: its colours, its size in pixels, its opacity.

    `fill` replaces the colour if it is set. `background` is None if it has several colours. `is_hidden` holds for
    all that is in the element, `is_invisible` until an element in it is visible. `variables` are those of its styles.
    """

    color: Color = BLACK
    fill: Color | None = None
    background: Color | None = WHITE
    size_px: float = 16.0
    opacity: float = 1.0
    is_hidden: bool = False
    is_invisible: bool = False
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def shows_text(self) -> bool:
        """Whether a person can see text with this look."""
        if self.is_hidden or self.is_invisible or self.opacity <= _FAINT or self.size_px <= _TINY_PX:
            return False
        color, behind = self.fill or self.color, self.background
        return color.alpha > _FAINT and (behind is None or not look_alike(blend(color, behind), behind))

    def within(self, tag: str, attributes: Attributes, sheet: StyleSheet) -> "TextStyle":
        """The look of text in a child element."""
        is_closed = tag == "dialog" and "open" not in attributes
        if self.is_hidden or is_closed or tag in _HIDDEN_ELEMENTS or "hidden" in attributes:
            return self if self.is_hidden else replace(self, is_hidden=True)
        given = [*_presentation(tag, attributes), *sheet.declarations(tag, attributes)]
        return _style(self, given) if given else self


def _style(around: TextStyle, declarations: Sequence[Declaration]) -> TextStyle:
    """The look of an element with these declarations in an element that looks like `around`."""
    names = {declaration.name: declaration.value for declaration in declarations if declaration.name.startswith("--")}
    variables = MappingProxyType({**around.variables, **names}) if names else around.variables
    look, resolved = replace(around, variables=variables), dict[str, str]()
    for declaration in declarations:
        resolved[declaration.name] = resolve_variables(declaration.value, variables)
        look = _declare(look, around, declaration.name, resolved[declaration.name])
    return replace(look, is_hidden=True) if _has_no_room(resolved) else look


def _declare(look: TextStyle, around: TextStyle, name: str, value: str) -> TextStyle:
    """The look with one more declaration; one that is not understood changes nothing."""
    if name in _HIDING and _HIDING[name].fullmatch(value):
        return replace(look, is_hidden=True)
    if (name in _SHIFTS or name.startswith(("margin-", "inset-"))) and _is_far(value):
        return replace(look, is_hidden=True)
    match name:
        case "visibility":
            return replace(look, is_invisible=value in ("hidden", "collapse"))
        case "opacity":
            factor = pixels(value, hundred_px=1.0)
            return replace(look, opacity=around.opacity * (1.0 if factor is None else min(factor, 1.0)))
        case "font-size" | "font":
            return replace(look, size_px=_size(value, around.size_px, is_shorthand=name == "font"))
        case "color":
            return replace(look, color=around.color if value in ("inherit", "unset") else _color(value) or look.color)
        case "-webkit-text-fill-color" if value not in ("inherit", "unset"):
            return replace(look, fill=None if value in ("initial", "currentcolor") else _color(value))
        case "background" | "background-color":
            return replace(look, background=_background(value, around.background))
        case "background-image":
            return replace(look, background=_background(value, look.background))
    return look


def _presentation(tag: str, attributes: Attributes) -> Iterator[Declaration]:
    """The colours of an element by its tag and attributes, without a style."""
    if tag == "mark":
        yield Declaration("background-color", MARK)
    if tag == "a" and "href" in attributes:
        yield Declaration("color", LINK)
    old = (("background-color", "bgcolor"), ("color", {"font": "color", "body": "text"}.get(tag, "")))
    for name, attribute in old:
        if value := attributes.get(attribute, "").strip().lower():
            yield Declaration(name, f"#{value}" if re.fullmatch("[0-9a-f]{6}", value) else value)


def _color(value: str) -> Color | None:
    """The only colour in a value; None if there is none, or several."""
    if value == "initial":
        return BLACK
    colors = [color for word in _COLORS.findall(value) if (color := parse_color(word)) is not None]
    return colors[0] if colors and all(other == colors[0] for other in colors) else None


def _background(value: str, behind: Color | None) -> Color | None:
    """The colour of a background on the one behind it; None if it has several colours."""
    colors = [color for word in _COLORS.findall(value) if (color := parse_color(word)) is not None]
    if not colors or value in ("inherit", "initial", "unset"):
        return behind
    if behind is None:
        return next((color for color in colors if color.alpha == 1), None)
    painted = [blend(color, behind) for color in colors]
    return painted[0] if all(look_alike(painted[0], other) for other in painted) else None


def _size(value: str, around_px: float, *, is_shorthand: bool) -> float:
    """The size of letters; that of the element around if the value is not understood."""
    if "(" in value:
        sizes = lengths(value)
        return 0.0 if sizes and all(px <= _TINY_PX for px in sizes) else around_px
    for word in re.split("[ /]", value):
        is_weight = is_shorthand and word.strip("0123456789") == "" and word.strip("0") != ""
        size = None if is_weight else _SIZES.get(word, pixels(word, around_px, around_px))
        if size is not None and size >= 0:
            return size
    return around_px


def _is_far(value: str) -> bool:
    """Whether a shift moves text out of the visible area."""
    least = _FAR_PX if "%" in value else _BEYOND_PX
    return any(px <= -_FAR_PX or px >= least for px in lengths(value))


def _has_no_room(style: Mapping[str, str]) -> bool:
    """Whether an element has no room to show text in."""
    room = {name: px for name in _ROOM if (px := pixels(style.get(name, ""))) is not None}
    clips = any(style.get(name, "").startswith(("hidden", "clip")) for name in _CLIPPING)
    return any((px <= 0 and name != "line-height") or (clips and px <= _TINY_PX) for name, px in room.items())

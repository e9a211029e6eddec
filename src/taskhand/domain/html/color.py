"""The colours of CSS (https://www.w3.org/TR/css-color-4/), and whether two of them look the same; pure."""

import re
from colorsys import hls_to_rgb, hsv_to_rgb
from functools import cache
from math import isfinite
from typing import Final, NamedTuple

__all__ = ["BLACK", "LINK", "MARK", "WHITE", "Color", "blend", "look_alike", "parse_color"]


class Color(NamedTuple):
    """Red, green, blue and opacity, each from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0


BLACK: Final = Color(0, 0, 0)
WHITE: Final = Color(1, 1, 1)
LINK: Final = "#0000ee"
MARK: Final = "#ffff00"
_TRANSPARENT: Final = Color(0, 0, 0, 0)

_NAMED: Final = """
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black 000000
blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00
chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b
darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b
darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1
darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222
floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod daa520
gray 808080 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo 4b0082
ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6
lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey d3d3d3
lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategray 778899
lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6
magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db
mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585
midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6
olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98
paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd
powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513
salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb
slateblue 6a5acd slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c
teal 008080 thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5
yellow ffff00 yellowgreen 9acd32
canvas ffffff canvastext 000000 window ffffff windowtext 000000
"""
_HEX: Final = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_FUNCTION: Final = re.compile(r"(rgb|hsl|hwb|lab|lch|oklab|oklch|color(?=\(\s*srgb\s))a?\(([^()]*)\)")
_PART: Final = re.compile(r"(-?\d*\.?\d+(?:e[+-]?\d+)?)(%|deg|turn|rad|grad)?")


_UNREADABLE: Final = 0.1
"""The difference of each part up to which two colours look the same."""
_END: Final = 0.04


@cache
def _named_colors() -> dict[str, Color]:
    words = _NAMED.split()
    return {name: _of_hex(digits) for name, digits in zip(words[::2], words[1::2], strict=True)}


def parse_color(text: str) -> Color | None:
    """The colour that a text in lower case names; None for any other text."""
    text = text.strip()
    if text == "transparent":
        return _TRANSPARENT
    if match := _HEX.fullmatch(text):
        return _of_hex(match[1])
    if match := _FUNCTION.fullmatch(text):
        return _of_function(match[1], match[2])
    return _named_colors().get(text)


def blend(color: Color, behind: Color) -> Color:
    """The opaque colour of a colour that is painted on an opaque one."""
    rest = 1 - color.alpha
    return Color(*(color.alpha * front + rest * back for front, back in zip(color[:3], behind[:3], strict=True)))


def look_alike(one: Color, other: Color) -> bool:
    """Whether text of one opaque colour is unreadable on the other."""
    return all(abs(mine - its) <= _UNREADABLE for mine, its in zip(one[:3], other[:3], strict=True))


def _of_hex(digits: str) -> Color:
    pairs = [digit * 2 for digit in digits] if len(digits) < len("rrggbb") else re.findall("..", digits)
    return Color(*(int(pair, 16) / 255 for pair in pairs))


def _of_function(name: str, arguments: str) -> Color | None:
    parts = [(float(number), unit) for number, unit in _PART.findall(arguments)]
    if len(parts) not in (3, 4):
        return None
    alpha = _share(*parts[3], 1) if len(parts) > len("rgb") else 1.0
    first, second, third = parts[:3]
    if name in ("rgb", "color"):
        whole = 255 if name == "rgb" else 1
        return Color(_share(*first, whole), _share(*second, whole), _share(*third, whole), alpha)
    if name in ("hsl", "hwb"):
        turn = first[0] / {"turn": 1, "rad": 6.2832, "grad": 400}.get(first[1], 360) % 1 if isfinite(first[0]) else 0.0
        two, three = _share(second[0], "%", 1), _share(third[0], "%", 1)
        if name == "hsl":
            return Color(*hls_to_rgb(turn, three, two), alpha)
        if two + three < 1:
            return Color(*hsv_to_rgb(turn, 1 - two / (1 - three), 1 - three), alpha)
        grey = two / (two + three)
        return Color(grey, grey, grey, alpha)
    # Only the ends of lightness and other axes are supported: white and black.
    lightness = _share(*first, 1 if name.startswith("ok") else 100)
    ends = {True: WHITE, False: BLACK}
    return ends[lightness > 0.5]._replace(alpha=alpha) if not _END < lightness < 1 - _END else None  # noqa: PLR2004


def _share(number: float, unit: str, whole: float) -> float:
    """A part of a colour as a share of its whole, from 0 to 1."""
    return min(max(number / (100 if unit == "%" else whole), 0.0), 1.0)

"""The styles of HTML elements: declarations, rules of a style sheet, lengths; pure.

https://www.w3.org/TR/css-syntax-3/, as far as text needs it. Unknown syntax is left out and raises no error.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Final

__all__ = ["Attributes", "Declaration", "StyleSheet", "lengths", "pixels", "resolve_variables"]

Attributes = Mapping[str, str]

_PX: Final = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "in": 96.0,
    "cm": 37.8,
    "mm": 3.78,
    "q": 0.945,
    "rem": 16.0,
    "vw": 10.0,
    "vh": 8.0,
    "vmin": 8.0,
    "vmax": 10.0,
    "ch": 8.0,
    "ex": 8.0,
    "lh": 20.0,
}
_LENGTH: Final = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3}(?!\w))?)([a-z]+|%)?", re.ASCII)
_TOKEN: Final = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z))|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|\\.|[^"'\\/;{}()\[\]]+|.""", re.DOTALL
)
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.DOTALL | re.IGNORECASE)
_VARIABLE: Final = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)")
_DYNAMIC: Final = re.compile(r":(?:hover|active|focus|visited|link|target|before|after|first-l)|::")
"""Parts of selectors that do not select the element as it is shown at first."""
_OTHER_MEDIA: Final = re.compile(r"@(?!media|supports|layer)|\b(?:print|speech)\b|max-")
_TAG: Final = re.compile(r"[a-z][a-z0-9-]*|\*")
_SELECTOR: Final = re.compile(r"([.#])([\w-]+)")
_STYLE_BEGINS: Final = re.compile("<style[^>]*>", re.IGNORECASE)
_STYLE_ENDS: Final = re.compile("</style", re.IGNORECASE)
_MAX_APPLIED: Final = 30_000
"""Declarations of rules that are applied to the elements of one body; text in further elements is not shown."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The value of a property, in lower case."""

    name: str
    value: str
    is_important: bool = False


class StyleSheet:
    """The rules of the style sheets in an HTML body; one class, id or tag of a selector counts."""

    def __init__(self, body: str) -> None:
        self._rules: dict[str, list[tuple[int, Sequence[Declaration]]]] = {}
        self._applied = 0
        for order, (selectors, style) in enumerate(rule for sheet in _style_sheets(body) for rule in _rules(sheet)):
            declared = list(_parse_style(style))
            for selector in dict.fromkeys(filter(None, map(_key_of, selectors.split(",")))):
                self._rules.setdefault(selector, []).append((order, declared))

    def declarations(self, tag: str, attributes: Attributes) -> list[Declaration]:
        """The declarations for an element, the one that wins last: those of the rules, then its own."""
        all_declarations = [*self._of_rules(tag, attributes), *_parse_style(attributes.get("style", ""))]
        return sorted(all_declarations, key=lambda declaration: declaration.is_important)

    def _of_rules(self, tag: str, attributes: Attributes) -> Iterator[Declaration]:
        if not self._rules:
            return
        classes = [f".{name}" for name in dict.fromkeys(attributes.get("class", "").lower().split())]
        for selectors in (["*"], [tag], classes, [f"#{attributes.get('id', '').lower()}"]):
            rules = [rule for selector in selectors for rule in self._rules.get(selector, ())]
            for _, declared in sorted(rules, key=lambda rule: rule[0]):
                self._applied += len(declared)
                if self._applied > _MAX_APPLIED:
                    yield Declaration("display", "none")
                    return
                yield from declared


def resolve_variables(value: str, variables: Mapping[str, str]) -> str:
    """The value with its known variables replaced, once, so that no variable can refer to itself."""
    return _VARIABLE.sub(lambda match: variables.get(match[1]) or (match[2] or "").strip() or match[0], value)


def pixels(value: str, em_px: float = 16.0, hundred_px: float = 100.0) -> float | None:
    """A length in pixels, `hundred_px` being 100 %; None if the value is no length, or its unit is not known."""
    match = _LENGTH.fullmatch(value)
    return _to_pixels(match, em_px, hundred_px) if match else None


def lengths(value: str) -> list[float]:
    """All lengths in a value, in pixels; 1 % counts as one."""
    sizes = (_to_pixels(match, 16.0, 100.0) for match in _LENGTH.finditer(value))
    return [px for px in sizes if px is not None]


def _to_pixels(match: re.Match[str], em_px: float, hundred_px: float) -> float | None:
    number, unit = float(match[1]), match[2] or ""
    if not number:
        return 0.0
    by_unit = {"em": em_px, "%": hundred_px / 100}
    scale = _PX.get(unit, by_unit.get(unit))
    return None if scale is None else number * scale


def _parse_style(style: str) -> Iterator[Declaration]:
    """The declarations of a style, without comments and escapes."""
    for part in _split(style, ";"):
        name, colon, value = _ESCAPE.sub(_unescape, part).lower().partition(":")
        value, _, importance = value.partition("!")
        if colon:
            yield Declaration(name.strip(), " ".join(value.split()), importance.strip() == "important")


def _split(text: str, end: str) -> Iterator[str]:
    """The parts of a text that end with a sign outside of strings, brackets and comments."""
    part, depth = list[str](), 0
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == end and not depth:
            yield "".join(part)
            part = []
        elif not token["comment"]:
            depth = max(0, depth + (sign in tuple("([{")) - (sign in tuple(")]}")))
            part.append(sign)
    yield "".join(part)


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """The selectors and the style of each rule, in lower case; those for print and for small screens are left out."""
    text, selectors, left_out = list[str](), None, 0
    for token in _TOKEN.finditer(sheet.lower()):
        sign = token[0]
        if sign == "{" and (left_out or selectors is None):
            selectors, text = "".join(text).strip(), []
            if left_out or selectors.startswith("@"):
                left_out += bool(left_out or _OTHER_MEDIA.search(selectors))
                selectors = None
        elif sign in ("}", ";") and (left_out or selectors is None):
            left_out -= bool(left_out) and sign == "}"
            text = []
        elif sign == "}":
            yield selectors or "", "".join(text)
            selectors, text = None, []
        elif not token["comment"]:
            text.append(sign)
    yield selectors or "", "".join(text)


def _key_of(selector: str) -> str | None:
    """The id or class, else the tag, by which a selector is looked up; None for one that is not understood."""
    last = re.split(r"[\s>+~]", selector.partition("(")[0].strip())[-1]
    if _DYNAMIC.search(last):
        return None
    if names := _SELECTOR.findall(last):
        return "".join(names[-1])
    tag = _TAG.match(last)
    return tag and tag[0]


def _unescape(match: re.Match[str]) -> str:
    return unescape(f"&#x{match[1]};") if match[1] else match[2]


def _style_sheets(body: str) -> Iterator[str]:
    start = _STYLE_BEGINS.search(body)
    while start:
        end = _STYLE_ENDS.search(body, start.end())
        yield body[start.end() : end.start() if end else len(body)]
        start = _STYLE_BEGINS.search(body, end.end()) if end else None

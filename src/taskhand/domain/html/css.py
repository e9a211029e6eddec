"""The styles of HTML elements: declarations, rules of a style sheet, lengths; pure.

https://www.w3.org/TR/css-syntax-3/, as far as text needs it. What is not understood is left out, never an error.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Final

__all__ = [
    "Attributes",
    "Declarations",
    "Rules",
    "declarations",
    "lengths",
    "parse_rules",
    "pixels",
    "resolve_variables",
]

Attributes = Mapping[str, str]
Declarations = Sequence[tuple[str, str]]
Rules = Mapping[str, Declarations]
"""Declarations by selector: a tag, `.class` or `#id`, or a tag with one of these."""

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
_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:([0-9a-f]{1,6})\s?|(.))", re.DOTALL | re.IGNORECASE)
_VARIABLE: Final = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,([^()]*))?\)")
_AT_RULE: Final = re.compile(r"@[^{};]*(?:;|\{)")
_STYLE_BEGINS: Final = re.compile("<style[^>]*>", re.IGNORECASE)
_STYLE_ENDS: Final = re.compile("</style", re.IGNORECASE)
_MOST_DECLARED: Final = 30
"""Declarations of one selector: what a body says of all its elements is looked at for each of them."""


def declarations(tag: str, attributes: Attributes, rules: Rules) -> Iterator[tuple[str, str]]:
    """The declarations for an element, in lower case: those of the rules, then its own."""
    if rules:
        names = [f".{name}" for name in dict.fromkeys(attributes.get("class", "").lower().split())]
        names += [f"#{attributes['id'].lower()}"] if attributes.get("id") else []
        for selector in ("*", tag, *names, *(f"{tag}{name}" for name in names)):
            yield from rules.get(selector, ())
    yield from _parse_style(attributes.get("style", ""))


def parse_rules(body: str) -> Rules:
    """The rules of the style sheets in an HTML body; of a selector with several parts the last one counts."""
    rules: dict[str, list[tuple[str, str]]] = {}
    for sheet in _style_sheets(body):
        for rule in _AT_RULE.sub("", _COMMENT.sub("", sheet)).split("}"):
            selectors, _, style = rule.partition("{")
            declared = list(_parse_style(style))
            for selector in selectors.lower().split(","):
                if declared and (parts := selector.replace(">", " ").split()):
                    rules.setdefault(parts[-1], []).extend(declared)
    return {selector: declared[-_MOST_DECLARED:] for selector, declared in rules.items()}


def resolve_variables(value: str, variables: Mapping[str, str]) -> str:
    """The value with what its variables stand for, as far as that is known; once, so that none refers to itself."""
    return _VARIABLE.sub(lambda found: variables.get(found[1]) or (found[2] or "").strip() or found[0], value)


def pixels(value: str, em_px: float = 16.0, hundred_px: float = 100.0) -> float | None:
    """A length in pixels, `hundred_px` being 100 %; None where the value is no length, or its unit is not known."""
    found = _LENGTH.fullmatch(value)
    return _to_pixels(found, em_px, hundred_px) if found else None


def lengths(value: str) -> list[float]:
    """All lengths in a value, in pixels; 1 % counts as one."""
    found = (_to_pixels(one, 16.0, 100.0) for one in _LENGTH.finditer(value))
    return [px for px in found if px is not None]


def _to_pixels(found: re.Match[str], em_px: float, hundred_px: float) -> float | None:
    number, unit = float(found[1]), found[2] or ""
    if not number:
        return 0.0
    by_unit = {"em": em_px, "%": hundred_px / 100}
    scale = _PX.get(unit, by_unit.get(unit))
    return None if scale is None else number * scale


def _parse_style(style: str) -> Iterator[tuple[str, str]]:
    """The names and values of a style, in lower case, without comments, escapes and `!important`."""
    for declaration in _ESCAPE.sub(_unescape, _COMMENT.sub("", style)).lower().split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            yield name.strip(), " ".join(value.split("!")[0].split())


def _unescape(found: re.Match[str]) -> str:
    return unescape(f"&#x{found[1]};") if found[1] else found[2]


def _style_sheets(body: str) -> Iterator[str]:
    start = _STYLE_BEGINS.search(body)
    while start:
        end = _STYLE_ENDS.search(body, start.end())
        yield body[start.end() : end.start() if end else len(body)]
        start = _STYLE_BEGINS.search(body, end.end()) if end else None

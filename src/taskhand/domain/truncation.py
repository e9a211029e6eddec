"""Truncate texts with a mark that says how much was left out, and find that mark again; pure."""

import re
from typing import Final

__all__ = ["split_cut", "truncate", "truncate_change", "without_cut"]

_CUT: Final = re.compile(r"(?:…|\.\.\.) \(\+([1-9]\d{0,8}) characters\)")
"""The end of a text that `truncate` has cut."""


def truncate(text: str, longest: int) -> str:
    """The text; beyond `longest` characters its beginning, and the number of characters that were left out."""
    return text if len(text) <= longest else f"{text[:longest]}… (+{len(text) - longest} characters)"


def truncate_change(was: str, now: str, longest: int) -> tuple[str, str]:
    """Both texts, at most `longest` characters of each, so that the first difference is seen.

    If it comes late, the texts are shown from a little before it, after a `…`.
    """
    if max(len(was), len(now)) <= longest:
        return was, now
    pairs = enumerate(zip(was, now, strict=False))
    alike = next((at for at, (pair, other) in pairs if pair != other), min(len(was), len(now)))
    start = max(0, alike - longest // 5)
    if start == 0:
        return truncate(was, longest), truncate(now, longest)
    return f"…{truncate(was[start:], longest)}", f"…{truncate(now[start:], longest)}"


def split_cut(text: str) -> tuple[str, int, str] | None:
    """The text before and after the last mark of `truncate`, and the number in it; None if there is none."""
    cuts = list(_CUT.finditer(text))[-1:]
    return (text[: cuts[0].start()], int(cuts[0][1]), text[cuts[0].end() :]) if cuts else None


def without_cut(text: str) -> str:
    """The text without the mark of `truncate` at its end; unchanged if nothing else is left."""
    cut = split_cut(text)
    return cut[0] if cut and cut[0].strip() and not cut[2].strip() else text

"""Text without regard to case and accents."""

from __future__ import annotations

import unicodedata


def fold(text: str) -> str:
    """Return the text in one case and without accents, so that `PROGRÉSO` equals `progreso`."""
    letters = unicodedata.normalize("NFD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))

"""The hidden and the truncated parts of a stored text, put back into a client's edit of the shown text; pure."""

from typing import Final

from taskhand.domain.display_text import plain, shown_positions, strip_hidden
from taskhand.domain.errors import CallerError
from taskhand.domain.truncation import split_cut

__all__ = ["restore_unshown"]

_KNOWN_BY: Final = 20
"""Number of characters before the mark of a truncated text by which the mark is recognized as Taskhand's."""
_EDITED: Final = 20
"""Number of characters that an edit repeats; a text that repeats fewer, and less than half, is a new text."""


def restore_unshown(sent: str, stored: str, argument: str) -> str:
    """The text `sent`, with the hidden characters of those parts of `stored` that it repeats.

    Hidden characters stay in the beginning and the end that are repeated; the mark of a truncated text becomes the rest
    of `stored`. CallerError if the text before that mark was changed: the place of the rest is unknown.
    """
    cut = split_cut(sent)
    if cut is None or cut[1] >= len(stored) or sent in (stored, plain(stored)):
        return _restore_hidden(sent, stored)
    head, rest = stored[: -cut[1]], stored[-cut[1] :]
    if not cut[0].endswith(plain(head)[-_KNOWN_BY:]):
        raise CallerError(
            f"{argument} has the mark of {cut[1]} omitted characters, but the text before the mark was changed.",
            next_step=f"Keep the last words before the mark as they were shown, or send the whole {argument}.",
        )
    return _restore_hidden(cut[0], head) + rest + cut[2]


def _restore_hidden(sent: str, stored: str) -> str:
    shown = plain(stored)
    if sent in (shown, strip_hidden(stored)) or (sent == shown.strip() and shown != stored):
        return stored
    if shown == stored:
        return sent
    room = min(len(sent), len(shown))
    start = next((n for n in range(room) if sent[n] != shown[n]), room)
    end = next((n for n in range(room - start) if sent[-1 - n] != shown[-1 - n]), room - start)
    if start + end < min(len(shown) / 2, _EDITED):
        return sent
    positions = shown_positions(stored)
    first = _position_after(stored, positions[start - 1]) if start else 0
    return stored[:first] + sent[start : len(sent) - end] + (stored[positions[len(shown) - end] :] if end else "")


def _position_after(text: str, position: int) -> int:
    """The position after the character, or pair of controls, that is shown as one."""
    return position + (2 if text.startswith("\r\n", position) else 1)

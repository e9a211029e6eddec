"""The diff between two texts of a host's file, with secrets masked; pure."""

import difflib
import re
from collections.abc import Iterator, Sequence

from taskhand.config.environment_variables import SECRETS, VARIABLES
from taskhand.install.file_format import Leaf
from taskhand.install.hosts import SERVER, Host
from taskhand.install.server_entry import MASK, is_plain_key, is_reference

__all__ = ["render_diff"]

_OTHERS = '"…"'
"""The replacement of every text that is not ours: entries of other servers may hold keys."""

_QUOTED = re.compile(r"""("|')(?:(?!\1)[^\r\n])*\1?""")


def render_diff(old: str, new: str, host: Host) -> Sequence[str]:
    """The lines of a unified diff, with every secret masked; empty if only secrets differ, or nothing."""
    before, after = (_mask_text(text, host).splitlines() for text in (old, new))
    return list(difflib.unified_diff(before, after, "before", "after", lineterm=""))


def _mask_text(text: str, host: Host) -> str:
    leaves = host.format.find_leaves(text)
    inputs = set(_our_inputs(leaves))
    others = [leaf for leaf in leaves if leaf.path[:2] not in inputs]
    spans = [(start, end, _QUOTED.sub(_OTHERS, text[start:end])) for start, end in host.format.find_comments(text)]
    spans += [(leaf.start, leaf.end, mask) for leaf in others if (mask := _mask_of(leaf, host))]
    shown, at = [], 0
    for start, end, instead in sorted(spans):
        shown += [text[at:start], instead]
        at = end
    return "".join([*shown, text[at:]])


def _our_inputs(leaves: Sequence[Leaf]) -> Iterator[tuple[str | int, ...]]:
    """The paths of the inputs by which the host asks for our keys."""
    for leaf in leaves:
        if leaf.path[:1] == ("inputs",) and leaf.path[2:] == ("id",) and str(leaf.value).startswith(f"{SERVER}-"):
            yield leaf.path[:2]


def _mask_of(leaf: Leaf, host: Host) -> str | None:
    """The text that is shown instead of a value; None for one that is no secret."""
    if leaf.path[:2] != host.path:
        return _OTHERS if isinstance(leaf.value, str) else None
    if leaf.path[2:3] != ("env",):
        name = next(part for part in reversed(leaf.path) if isinstance(part, str))
        return f'"{MASK}"' if isinstance(leaf.value, str) and is_plain_key(name, leaf.value) else None
    if isinstance(leaf.value, str) and is_reference(leaf.value):
        return None
    variable = leaf.path[-1]
    return f'"{MASK}"' if variable in SECRETS or variable not in VARIABLES else None

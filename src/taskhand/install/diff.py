"""The diff between two texts of a host's file, with secrets masked; pure."""

import difflib
import re
from collections.abc import Iterator, Sequence

from taskhand.config.variables import SECRETS, VARIABLES
from taskhand.install.host import SERVER, Host
from taskhand.install.jsonc import Child, Node, parse_jsonc
from taskhand.install.server_entry import MASK, is_reference

__all__ = ["render_diff"]

_OTHERS = '"…"'
"""The replacement of every text that is not ours: entries of other servers may hold keys."""

_QUOTED = re.compile(r"""("|')(?:(?!\1)[^\r\n])*\1?""")

_Span = tuple[int, int, str]


def render_diff(old: str, new: str, host: Host) -> Sequence[str]:
    """The lines of a unified diff, with every secret masked; empty where only secrets differ, or nothing."""
    before, after = (_masked(text, host).splitlines() for text in (old, new))
    return list(difflib.unified_diff(before, after, "before", "after", lineterm=""))


def _masked(text: str, host: Host) -> str:
    found = parse_jsonc(text)
    spans = [(start, end, _QUOTED.sub(_OTHERS, text[start:end])) for start, end in found.comments]
    spans += _masked_spans(found.root, host) if found.root else []
    shown, at = [], 0
    for start, end, instead in sorted(spans):
        shown += [text[at:start], instead]
        at = end
    return "".join([*shown, text[at:]])


def _masked_spans(root: Node, host: Host) -> Iterator[_Span]:
    """The spans of the texts to mask, with their replacements."""
    for child in root.children:
        if child.name == host.key:
            yield from _servers(child.node)
        elif child.name == "inputs":
            yield from _inputs(child.node)
        else:
            yield from _texts(child.node)


def _servers(servers: Node) -> Iterator[_Span]:
    for server in servers.children:
        if server.name != SERVER:
            yield from _texts(server.node)
            continue
        for field in server.node.children:
            if field.name == "env":
                for variable in field.node.children:
                    yield from _variable(variable)


def _variable(variable: Child) -> Iterator[_Span]:
    """The span of a variable of our own entry where it is a secret, or is unknown and may be one."""
    value = variable.node.value
    elsewhere = isinstance(value, str) and is_reference(value)
    if not elsewhere and (variable.name in SECRETS or variable.name not in VARIABLES):
        yield variable.node.start, variable.node.end, f'"{MASK}"'


def _inputs(inputs: Node) -> Iterator[_Span]:
    for one in inputs.children:
        ours = isinstance(one.node.value, dict) and str(one.node.value.get("id", "")).startswith(f"{SERVER}-")
        if not ours:
            yield from _texts(one.node)


def _texts(node: Node) -> Iterator[_Span]:
    if isinstance(node.value, str):
        yield node.start, node.end, _OTHERS
    for child in node.children:
        yield from _texts(child.node)

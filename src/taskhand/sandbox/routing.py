"""Finds the route of a request in a table of keys such as `PUT /tasks/{id}`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class RouteMatch:
    """The key of the matching route and the decoded values of its path parameters."""

    key: str
    values: Mapping[str, str]


@lru_cache(maxsize=1024)  # the same few paths are requested repeatedly
def find_route(keys: tuple[str, ...], method: str, path: str) -> RouteMatch | None:
    """Return the first of `keys` that matches; a trailing slash is ignored, as Express does by default."""
    parts = [unquote(part) for part in path.rstrip("/").split("/")]
    for key in keys:
        verb, _, template = key.partition(" ")
        values = _path_values(template.split("/"), parts)
        if verb == method and values is not None:
            return RouteMatch(key, values)
    return None


def _path_values(template: list[str], parts: list[str]) -> dict[str, str] | None:
    if len(template) != len(parts):
        return None
    pairs = list(zip(template, parts, strict=True))
    if any(name != part for name, part in pairs if not name.startswith("{")):
        return None
    return {name.strip("{}"): part for name, part in pairs if name.startswith("{")}

"""The log of received requests, for tests to assert on. Credentials are masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from taskhand.sandbox.messages import Request, json_or_text

SECRET_HEADERS = frozenset({"x-api-key", "authorization", "cookie"})
SECRET_FIELDS = frozenset({"tokenKey"})  # in HubSpot's token check
MASK = "***"


@dataclass(frozen=True)
class Logged:
    """One request and its effect.

    `n` counts from 1. `query` has every value of a key, in order. `body` is the JSON value, the text of another body,
    or None without one. `status` is None when the connection was reset. `route` is None when no route matched.
    `committed` is whether the request changed data, whatever the response was. `fault` is the kind of the scripted
    fault, or None.
    """

    n: int
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: Any
    status: int | None
    route: str | None
    committed: bool
    fault: str | None


class RequestLog:
    """Requests in the order of their responses."""

    def __init__(self) -> None:
        self._entries: list[Logged] = []

    @property
    def entries(self) -> tuple[Logged, ...]:
        """All entries, oldest first."""
        return tuple(self._entries)

    def clear(self) -> None:
        """Remove all entries; the next one is number 1."""
        self._entries.clear()

    def add(
        self, request: Request, *, status: int | None, route: str | None, committed: bool, fault: str | None
    ) -> None:
        """Add a request, with its credentials masked."""
        entry = Logged(
            n=len(self._entries) + 1,
            method=request.method,
            path=request.path,
            query=_grouped(request.pairs),
            headers={key: MASK if key in SECRET_HEADERS else value for key, value in request.headers},
            body=_masked(json_or_text(request.body)),
            status=status,
            route=route,
            committed=committed,
            fault=fault,
        )
        self._entries.append(entry)


def _masked(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {key: MASK if key in SECRET_FIELDS else value for key, value in body.items()}


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    return grouped

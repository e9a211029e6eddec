"""The log of received requests, for tests to assert on. Credentials are masked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from taskhand.sandbox.messages import ReceivedRequest, json_or_text

SECRET_HEADERS = re.compile("auth|cookie|key|secret|token")  # parts of the names, as of `x-api-key`
SECRET_FIELDS = frozenset(
    {"tokenKey", "client_secret", "code", "code_verifier", "refresh_token", "token"}
)  # fields of HubSpot's token check and of OAuth
MASK = "***"


class Holder(NamedTuple):
    """The holder of a request's credential: its kind, and the id of the user; a key of an organisation has no user."""

    kind: str
    user: str | None = None


NOBODY = Holder("unknown")  # for a credential that this sandbox does not know


@dataclass(frozen=True)
class Logged:
    """One request and its effect."""

    n: int
    """The number of the request, from 1."""
    method: str
    """The method."""
    path: str
    """The path."""
    query: dict[str, list[str]]
    """Every value of each parameter, in order."""
    headers: dict[str, str]
    """The headers."""
    body: Any
    """The JSON value, the fields of a form, the text of another body, or None without one."""
    status: int | None
    """The status of the response; None if the connection was reset."""
    route: str | None
    """The route that answered; None if no route matched."""
    committed: bool
    """Whether the request changed data, independent of the response."""
    fault: str | None
    """The kind of the fault that affected the request, or None."""
    credential: str | None = None
    """The kind of its credential, such as `api_key`, `oauth` or `unknown`; None without a credential."""
    user: str | None = None
    """The id of the user who holds the credential, even if it has expired; None if it belongs to no user."""


class ReceivedRequests:
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
        self,
        request: ReceivedRequest,
        *,
        status: int | None,
        route: str | None,
        committed: bool,
        fault: str | None,
        holder: Holder | None,
    ) -> None:
        """Add a request, with its credentials masked."""
        entry = Logged(
            n=len(self._entries) + 1,
            method=request.method,
            path=route.partition(" ")[2] if route and "{token}" in route else request.path,
            query=_grouped(request.pairs),
            headers={key: MASK if SECRET_HEADERS.search(key) else value for key, value in request.headers},
            body=_masked(json_or_text(request.body) if request.form is None else request.form),
            status=status,
            route=route,
            committed=committed,
            fault=fault,
            credential=holder.kind if holder else None,
            user=holder.user if holder else None,
        )
        self._entries.append(entry)


def _masked(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    return {key: MASK if key in SECRET_FIELDS else value for key, value in body.items()}


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(MASK if key in SECRET_FIELDS else value)
    return grouped

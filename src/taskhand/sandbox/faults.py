"""Scripted faults: the route, the number of the request, and the kind of failure.

A script is TOML with one `[[fault]]` table for each fault, whose keys are the fields of `Fault`.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from taskhand.sandbox.messages import Response, json_or_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Kind = Literal[
    "status",  # an error status instead of the response, with `retry_after` and `body` if set
    "slow",  # the response after `seconds`
    "reset_before",  # a connection reset before the work
    "reset_after",  # a connection reset after the work
    "truncated",  # half of the body, with the Content-Length of the whole body
    "html",  # an HTML page, as proxies send
    "redirect",  # a redirect to another host
    "stale_list",  # the list before the last write
    "empty_body",  # the true status without a body
    "not_json",  # the true status and a JSON content type with a body that is not JSON
    "without_field",  # the response without its `field`, or {} if none is named
    "lost",  # the delivery of a webhook that is never sent
    "twice",  # a delivery that is sent again, byte for byte
    "forged",  # a delivery after a forged copy of it
    "outdated",  # a delivery after a copy that was signed `seconds` ago
    "late",  # a delivery that is sent after `seconds`
    "out_of_order",  # a delivery that is sent after the next one
]
KINDS: tuple[str, ...] = get_args(Kind)
OF_DELIVERIES = frozenset({"lost", "twice", "forged", "outdated", "late", "out_of_order"})
DELIVERY = "WEBHOOK"  # the route of webhook deliveries; `*` does not match it
COMMITTING = frozenset({"slow", "reset_after", "truncated", "stale_list", "empty_body", "not_json", "without_field"})
TYPES: dict[str, type | tuple[type, ...]] = {  # the types of the fields that are not text
    "nth": (int, str),
    "times": int,
    "status": (int, type(None)),
    "retry_after": (int, str, type(None)),
    "seconds": (int, float),
    "commit": (bool, type(None)),
}
RESETS = frozenset({"reset_before", "reset_after"})
PAGE = b"<!doctype html><html><head><title>Error</title></head><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True)
class Fault:
    """A fault of one kind, which affects requests to a route, or deliveries of webhooks."""

    kind: Kind
    """The kind of fault."""
    route: str = "*"
    """`METHOD /path/{id}` as the sandbox lists its routes; `*` stands for any method, any path, or both."""
    nth: int | Literal["every"] = 1
    """The first affected request, counted from 1 since the faults were set; `"every"` affects all."""
    times: int = 1
    """The number of affected requests."""
    status: int | None = None
    """The status of the kinds `status` (else 500), `html` (502) and `redirect` (307)."""
    retry_after: int | str | None = None
    """The value of Retry-After: seconds, or an HTTP date."""
    body: str = ""
    """The body of `status`; empty: the CRM's body of that status."""
    seconds: float = 10.0
    """The delay of `slow` and `late`, and the age of `outdated`."""
    to: str = "http://elsewhere.invalid"
    """The scheme and host of `redirect`."""
    field: str = ""
    """The field that `without_field` removes from the response, such as the list of rows."""
    commit: bool | None = None
    """Whether the request is executed. None: not with `status`, `reset_before`, `html`, `redirect`; else yes."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} must be one of: {', '.join(KINDS)}")
        if self.nth != "every" and self.nth < 1:
            raise ValueError(f'fault nth {self.nth!r} must be a number from 1 or "every"')
        if self.kind in OF_DELIVERIES and self.route not in {"*", DELIVERY}:
            raise ValueError(f"fault kind {self.kind!r} is of deliveries, and takes no route but {DELIVERY}")
        if self.times < 1 or self.seconds < 0:
            raise ValueError("fault times must be at least 1, and seconds at least 0")

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Fault:
        """Read one table; an unknown key, a wrong type or a missing `kind` is a ValueError."""
        names = [field.name for field in fields(cls)]
        if "kind" not in table or not set(table) <= set(names):
            raise ValueError(f"a fault takes {', '.join(names)}, and needs kind; got {', '.join(table)}")
        wrong = [key for key, value in table.items() if not isinstance(value, TYPES.get(key, str))]
        if wrong or (isinstance(table.get("nth"), str) and table["nth"] != "every"):
            raise ValueError(f"a fault has a value of the wrong type: {', '.join(wrong or ['nth'])}")
        return cls(**table)

    @property
    def commits(self) -> bool:
        """Whether the request is still executed."""
        return self.kind in COMMITTING if self.commit is None else self.commit

    def applies_to(self, route: str) -> bool:
        """Whether the fault applies to a route, `METHOD /path/{id}`."""
        if self.kind in OF_DELIVERIES or route == DELIVERY:
            return self.kind in OF_DELIVERIES and route == DELIVERY
        return _expand_stars(self.route, route) == route

    def strikes(self, count: int) -> bool:
        """Whether the fault affects the request with this number, from 1."""
        return self.nth == "every" or self.nth <= count < self.nth + self.times


def _expand_stars(pattern: str, route: str) -> str:
    """Replace `*` in the pattern by the method or path of the route."""
    verb, _, path = pattern.partition(" ") if pattern != "*" else ("*", "", "*")
    own_verb, _, own_path = route.partition(" ")
    return f"{own_verb if verb == '*' else verb} {own_path if path == '*' else path}"


class FaultScript:
    """The faults in force, each with the number of requests to its route."""

    def __init__(self, faults: Sequence[Fault], routes: Iterable[str]) -> None:
        self.faults = tuple(faults)
        self._counts = [0] * len(self.faults)
        _check_routes(self.faults, tuple(routes))

    def next(self, route: str) -> Fault | None:
        """Count a request to `route` and return the first fault that affects it."""
        struck = None
        for index, fault in enumerate(self.faults):
            if fault.applies_to(route):
                self._counts[index] += 1
                struck = struck or (fault if fault.strikes(self._counts[index]) else None)
        return struck


def _check_routes(faults: Iterable[Fault], routes: tuple[str, ...]) -> None:
    for fault in faults:
        if fault.route not in {"*", DELIVERY} and not any(fault.applies_to(route) for route in routes):
            raise ValueError(f"no route {fault.route!r} here; the routes are: {'; '.join(routes)}")


def parse_faults(tables: object) -> tuple[Fault, ...]:
    """Read faults from parsed TOML or JSON: a list of tables, or an object with the list under `fault`."""
    rows = tables.get("fault", []) if isinstance(tables, dict) else tables
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected a list of fault tables, or an object with one under 'fault'")
    return tuple(Fault.from_table(row) for row in rows)


def load_faults(path: str | Path) -> tuple[Fault, ...]:
    """Read a TOML file; ValueError names the file and the mistake."""
    try:
        return parse_faults(tomllib.loads(Path(path).read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def disguise(fault: Fault, true: Response, failure: Response, target: str) -> Response:
    """Return the response that the fault sends in place of the `true` one.

    `failure` is the CRM's response for the fault's status. A redirect keeps `target`, the path with its query.
    """
    if fault.kind == "status":
        failure = replace(failure, body=fault.body.encode() or failure.body)
        if fault.retry_after is None:
            return failure
        others = tuple(pair for pair in failure.headers if pair[0] != "retry-after")
        return Response(failure.status, failure.body, (*others, ("retry-after", str(fault.retry_after))))
    if fault.kind == "html":
        return Response(fault.status or 502, PAGE, (("content-type", "text/html; charset=utf-8"),))
    if fault.kind == "redirect":
        return Response(fault.status or 307, b"", (("location", fault.to + target),))
    if fault.kind == "without_field":
        value = json_or_text(true.body)
        left = {name: part for name, part in value.items() if name != fault.field} if isinstance(value, dict) else {}
        return replace(true, body=json.dumps(left if fault.field else {}).encode())
    bodies = {"empty_body": b"", "not_json": b"upstream said: ok"}
    return Response(true.status, bodies.get(fault.kind, true.body), true.headers)

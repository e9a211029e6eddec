"""Scripted faults: which call on which route goes wrong, and how.

A scenario file is TOML with one `[[fault]]` table for each fault; its keys are the fields of `Fault`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from taskhand.sandbox.messages import Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Kind = Literal[
    "status",  # an error status instead of the answer, with `retry_after` when given
    "slow",  # the answer, `seconds` late
    "reset_before",  # the connection is reset, nothing was done
    "reset_after",  # the work is done, then the connection is reset
    "truncated",  # half of the body under the Content-Length of the whole
    "html",  # a proxy's HTML page
    "redirect",  # a redirect to another host
    "stale_list",  # a list as it was before the last write
    "empty_body",  # the right status and no body
    "not_json",  # the right status, a JSON content type, a body that is not JSON
]
KINDS: tuple[str, ...] = get_args(Kind)
COMMITTING = frozenset({"slow", "reset_after", "truncated", "stale_list", "empty_body", "not_json"})
TYPES: dict[str, type | tuple[type, ...]] = {  # of the fields that are not text alone
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
    """One fault: from the `nth` call that fits `route`, for `times` calls, `kind` happens.

    `route` is `METHOD /path/{id}` as the sandbox lists its routes; `*` stands for any method, any path, or
    both. `nth` counts from 1 since the script was set; `every` means all of them. `status` is that of the
    kinds `status` (500 unless given), `html` (502) and `redirect` (307). `retry_after` is the header as it
    is sent: seconds, or an HTTP date. `seconds` is how late `slow` is. `to` is the host of `redirect`, scheme
    included. `commit` overrides whether the call does its work: by default `status`, `reset_before`, `html`
    and `redirect` do not, the others do.
    """

    kind: Kind
    route: str = "*"
    nth: int | Literal["every"] = 1
    times: int = 1
    status: int | None = None
    retry_after: int | str | None = None
    seconds: float = 10.0
    to: str = "http://elsewhere.invalid"
    commit: bool | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is none of: {', '.join(KINDS)}")
        if self.nth != "every" and self.nth < 1:
            raise ValueError(f'fault nth {self.nth!r} is neither a count from 1 nor "every"')
        if self.times < 1 or self.seconds < 0:
            raise ValueError("fault times must be at least 1, and seconds at least 0")

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Fault:
        """Read one table of a scenario; an unknown key, a wrong type or a missing kind is a ValueError."""
        names = [field.name for field in fields(cls)]
        if "kind" not in table or not set(table) <= set(names):
            raise ValueError(f"a fault takes {', '.join(names)}, and needs kind; got {', '.join(table)}")
        wrong = [key for key, value in table.items() if not isinstance(value, TYPES.get(key, str))]
        if wrong or (isinstance(table.get("nth"), str) and table["nth"] != "every"):
            raise ValueError(f"a fault with a value of the wrong type: {', '.join(wrong or ['nth'])}")
        return cls(**table)

    @property
    def commits(self) -> bool:
        """Whether the call's work is done all the same."""
        return self.kind in COMMITTING if self.commit is None else self.commit

    def fits(self, route: str) -> bool:
        """Whether this fault is about that route, given as `METHOD /path/{id}`."""
        return _pattern(self.route, route) == route

    def strikes(self, count: int) -> bool:
        """Whether it happens on the `count`th call that fits, from 1."""
        return self.nth == "every" or self.nth <= count < self.nth + self.times


def _pattern(pattern: str, route: str) -> str:
    """Put the route's own words where the pattern has a star."""
    verb, _, path = pattern.partition(" ") if pattern != "*" else ("*", "", "*")
    own_verb, _, own_path = route.partition(" ")
    return f"{own_verb if verb == '*' else verb} {own_path if path == '*' else path}"


class Script:
    """The faults in force, and how often each one's route was called."""

    def __init__(self, faults: Sequence[Fault], routes: Iterable[str]) -> None:
        self.faults = tuple(faults)
        self._counts = [0] * len(self.faults)
        _check_routes(self.faults, tuple(routes))

    def next(self, route: str) -> Fault | None:
        """Count a call; the first listed fault that strikes it, if any."""
        struck = None
        for index, fault in enumerate(self.faults):
            if fault.fits(route):
                self._counts[index] += 1
                struck = struck or (fault if fault.strikes(self._counts[index]) else None)
        return struck


def _check_routes(faults: Iterable[Fault], routes: tuple[str, ...]) -> None:
    for fault in faults:
        if fault.route != "*" and not any(fault.fits(route) for route in routes):
            raise ValueError(f"no route {fault.route!r} here; the routes are: {'; '.join(routes)}")


def parse_faults(tables: object) -> tuple[Fault, ...]:
    """Read faults from parsed TOML or JSON: a list of tables, or an object with the list under `fault`."""
    rows = tables.get("fault", []) if isinstance(tables, dict) else tables
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected a list of fault tables, or an object with one under 'fault'")
    return tuple(Fault.from_table(row) for row in rows)


def load_faults(path: str | Path) -> tuple[Fault, ...]:
    """Read a scenario file; what is wrong with it is a ValueError that names the file."""
    try:
        return parse_faults(tomllib.loads(Path(path).read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def disguise(fault: Fault, answer: Response, failure: Response, target: str) -> Response:
    """Turn the true `answer` into what the fault shows; `failure` is the CRM's body for an error status.

    `target` is the path with its query, which a redirect keeps.
    """
    if fault.kind == "status":
        after = () if fault.retry_after is None else (("retry-after", str(fault.retry_after)),)
        kept = tuple(pair for pair in failure.headers if not after or pair[0] != "retry-after")
        return Response(failure.status, failure.body, kept + after)
    if fault.kind == "html":
        return Response(fault.status or 502, PAGE, (("content-type", "text/html; charset=utf-8"),))
    if fault.kind == "redirect":
        return Response(fault.status or 307, b"", (("location", fault.to + target),))
    bodies = {"empty_body": b"", "not_json": b"upstream said: ok"}
    return Response(answer.status, bodies.get(fault.kind, answer.body), answer.headers)

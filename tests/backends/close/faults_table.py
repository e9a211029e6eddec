"""What goes wrong at Close, and what each tool makes of it: the table, as data.

A row is one thing that goes wrong on the request that the tool is there for, and its outcome for the tools that read
(GET), for those that change a task (a GET of the task, then PUT) and for the one that creates (POST). An outcome is the
methods of the requests that Close saw, in their order, and the answer:

    done(sent)      what was asked for, as if nothing had gone wrong; `note` is how a write's outcome was learned
    fails(sent)     an error with this code; nothing was changed
    doubt(sent)     `outcome_unknown`; `kept` says whether Close has in truth carried it out

Chance is a half, so that waits without a `Retry-After` are 0.25, 0.5 and 1 second.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from backends.close.wired import ANA, CAROLINA, LEAD, TASK
from taskhand.backends.close.task_reader import MESSAGES as CLOSE
from taskhand.sandbox.faults import Fault

APPLIED, SENT_AGAIN, FOUND = CLOSE.applied, CLOSE.sent_again, CLOSE.found

__all__ = ["BEFORE_A_WRITE", "CALLS", "GET", "LIST", "PUT", "ROWS", "TEAM", "Call", "Outcome", "Row"]

LIST, TEAM, ME = "GET /api/v1/task", "GET /api/v1/user", "GET /api/v1/me"
GET, PUT, POST = "GET /api/v1/task/{id}", "PUT /api/v1/task/{id}", "POST /api/v1/task"
SEARCH = "POST /api/v1/data/search"


@dataclass(frozen=True)
class Call:
    """A tool with arguments: `route` is the request it is there for; `asked` is what the task must be afterwards."""

    tool: str
    route: str
    arguments: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] | None = None

    @property
    def kind(self) -> Literal["read", "write", "create"]:
        return "create" if self.route == POST else "write" if self.route == PUT else "read"

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    def __str__(self) -> str:
        return self.tool


DUE = {"dueDate": "2026-03-06", "dueTime": "10:00", "timezone": "America/Santiago"}
DATE = "2026-03-06T13:00:00+00:00"

CALLS = (
    Call("list_team_members", TEAM),
    Call("list_tasks", LIST),
    Call("get_task", GET, {"id": TASK}),
    Call("find_contacts", SEARCH, {"query": "Carolina"}),
    Call(
        "create_task",
        POST,
        {"title": "Send it", "responsibleIds": ["Ana Soto"], "priority": "2"}
        | {"aiCustomerId": LEAD, "aiContactId": CAROLINA}
        | DUE,
        {"text": "Send it", "priority": "high", "date": DATE, "assigned_to": ANA, "contact_id": CAROLINA},
    ),
    Call(
        "update_task",
        PUT,
        {"id": TASK, "title": "Call Acme again", "priority": "2"} | DUE,
        {"text": "Call Acme again", "priority": "high", "date": DATE},
    ),
    Call("complete_task", PUT, {"id": TASK}, {"is_complete": True, "view": "archive"}),
    Call("reassign_task", PUT, {"id": TASK, "responsibleIds": ["Ana Soto"]}, {"assigned_to": ANA}),
)


@dataclass(frozen=True)
class Outcome:
    """What Close sees and what the agent reads; `waits` are seconds slept in all, None for any below a minute.

    In `sent`, X is the method of the request that the tool is there for.
    """

    sent: str
    code: str | None = None
    note: str | None = None
    retryable: bool = False
    after: float | None = None
    kept: bool = True
    waits: float | None = None


def done(sent: str, note: str | None = None, *, waits: float | None = None) -> Outcome:
    return Outcome(sent, note=note, waits=waits)


def fails(sent: str, code: str, **more: Any) -> Outcome:
    return Outcome(sent, code, kept=False, **more)


def doubt(sent: str, *, kept: bool) -> Outcome:
    return Outcome(sent, "outcome_unknown", kept=kept)


@dataclass(frozen=True)
class Row:
    """Something that goes wrong, and its outcome for each kind of tool, None where the row is not about that kind.

    `back` goes wrong with the reading back of what was written; `read_s` is the read timeout.
    """

    name: str
    faults: tuple[Fault, ...]
    read: Outcome | None = None
    write: Outcome | None = None
    create: Outcome | None = None
    back: Fault | None = None
    read_s: float = 30.0

    def outcome(self, call: Call) -> Outcome | None:
        return {"read": self.read, "write": self.write, "create": self.create}[call.kind]

    def __str__(self) -> str:
        return self.name


def status(code: int, retry_after: int | str | None = None, **more: Any) -> Fault:
    return Fault("status", status=code, retry_after=retry_after, **more)


EVER: dict[str, Any] = {"nth": "every"}
FAILED: dict[str, Any] = {"code": "upstream_error", "retryable": True}
LIMITED: dict[str, Any] = {"code": "rate_limited", "retryable": True}
LATE_S = 0.2
"""The read timeout of the slow rows, in real seconds."""


def everywhere(name: str, fault: Fault, outcome: Any, sent: str, **more: Any) -> Row:
    """The same outcome for all three kinds."""
    return Row(name, (fault,), *(outcome(text, **more) for text in (sent, f"GET {sent}", sent)))


def throttled(name: str, fault: Fault, outcome: Any, sent: tuple[str, str, str], **more: Any) -> Row:
    """The same outcome for all three kinds; each asks on its own."""
    read, write, create = sent
    return Row(name, (fault,), outcome(read, **more), outcome(f"GET {write}", **more), outcome(create, **more))


def replace_create(row: Row, waits: float) -> Row:
    """A row in which a create waits for another time."""
    assert row.create is not None
    return replace(row, create=replace(row.create, waits=waits))


ROWS: tuple[Row, ...] = (
    # A new task is looked for before it is sent again, a change before it is told as refused: 429 may be a lie.
    throttled("429, Retry-After: 2", status(429, 2), done, ("X X", "X X", "X GET X"), waits=2.0),
    replace_create(throttled("429, no Retry-After", status(429), done, ("X X", "X X", "X GET X"), waits=0.25), 0.5),
    throttled(
        "429, Retry-After: 3600", status(429, 3600), fails, ("X", "X GET", "X GET"), **LIMITED, after=3600.0, waits=0.0
    ),
    replace_create(
        throttled(
            "429 for ever",
            status(429, **EVER),
            fails,
            ("X X X X", "X X X X GET", "X GET X GET X GET X GET"),
            **LIMITED,
            waits=1.75,
        ),
        3.5,
    ),
    everywhere("401", status(401), fails, "X", code="unauthorized"),
    everywhere("402", status(402), fails, "X", code="forbidden"),
    everywhere("403", status(403), fails, "X", code="forbidden"),
    *(
        Row(
            f"{code} to another host",
            (Fault("redirect", status=code),),
            fails("X", "upstream_redirect"),
            fails("GET X GET", "upstream_redirect"),
            doubt("X GET GET GET", kept=False),
        )
        for code in (301, 302, 307, 308)
    ),
    Row("500", (status(500),), done("X X"), fails("GET PUT GET", **FAILED), doubt("POST GET GET GET", kept=False)),
    Row(
        "500 after commit",
        (status(500, commit=True),),
        write=done("GET PUT GET", APPLIED),
        create=done("POST GET", FOUND),
    ),
    Row("503", (status(503),), done("X X"), done("GET PUT PUT"), doubt("POST GET GET GET", kept=False)),
    Row("503 after commit", (status(503, commit=True),), write=done("GET PUT PUT"), create=done("POST GET", FOUND)),
    *(
        Row(
            name,
            (fault,),
            done("X X"),
            done("GET PUT GET PUT", SENT_AGAIN),
            doubt("POST GET GET GET", kept=False),
            read_s=read_s,
        )
        for name, fault, read_s in (
            ("502", status(502), 30.0),
            ("504", status(504), 30.0),
            ("a proxy's page as 502", Fault("html"), 30.0),
            ("reset before commit", Fault("reset_before"), 30.0),
            ("slow, not committed", Fault("slow", commit=False), LATE_S),
        )
    ),
    *(
        Row(name, (fault,), done("X X"), done("GET PUT GET", APPLIED), done("POST GET", FOUND), read_s=read_s)
        for name, fault, read_s in (
            ("502 after commit", status(502, commit=True), 30.0),
            ("504 after commit", status(504, commit=True), 30.0),
            ("reset after commit", Fault("reset_after"), 30.0),
            ("slow, committed", Fault("slow"), LATE_S),
            ("body cut off", Fault("truncated"), 30.0),
        )
    ),
    *(
        Row(
            f"{name}, for ever",
            (fault,),
            fails("X X X X", **FAILED),
            fails("GET PUT GET PUT GET", **FAILED),
            doubt("POST GET GET GET", kept=False),
        )
        for name, fault in (
            ("502", status(502, **EVER)),
            ("504", status(504, **EVER)),
            ("reset before commit", Fault("reset_before", **EVER)),
        )
    ),
    *(
        Row(
            name,
            (fault,),
            fails("X", "upstream_invalid"),
            done("GET PUT GET", APPLIED),
            done("POST GET", FOUND),
        )
        for name, fault in (
            ("empty body", Fault("empty_body")),
            ("body that is not JSON", Fault("not_json")),
            ("page instead of data", Fault("html", status=200, commit=True)),
            ("JSON of the wrong kind", status(200, commit=True)),
        )
    ),
    Row(
        "JSON of the wrong kind, not committed",
        (status(200),),
        write=done("GET PUT GET PUT", SENT_AGAIN),
        create=doubt("POST GET GET GET", kept=False),
    ),
    Row(
        "reset before commit, then after",
        (Fault("reset_before"), Fault("reset_after", nth=2)),
        write=done("GET PUT GET PUT GET", APPLIED),
    ),
    Row(
        "reset before commit, then 403",
        (Fault("reset_before"), status(403, nth=2)),
        write=fails("GET PUT GET PUT", "forbidden"),
    ),
    *(
        Row(
            f"{name}, and reading back {then}",
            (fault,),
            write=doubt(f"GET PUT {reads}", kept=kept),
            create=doubt(f"POST {reads}", kept=kept),
            back=back,
        )
        for name, fault, kept in (
            ("reset after commit", Fault("reset_after"), True),
            ("reset before commit", Fault("reset_before"), False),
            ("cut off", Fault("truncated"), True),
            ("500 after commit", status(500, commit=True), True),
        )
        for then, back, reads in (
            ("fails", status(500, **EVER), "GET GET GET GET"),
            ("is reset", Fault("reset_before", **EVER), "GET GET GET GET"),
            ("is no JSON", Fault("not_json", **EVER), "GET"),
            ("is limited for an hour", status(429, 3600, **EVER), "GET"),
            ("leads elsewhere", Fault("redirect", **EVER), "GET"),
        )
    ),
    Row(
        "reset after commit, and the list is behind",
        (Fault("reset_after"),),
        create=done("POST GET GET", FOUND, waits=2.0),
        back=Fault("stale_list"),
    ),
    Row(
        "reset after commit, and the list stays behind",
        (Fault("reset_after"),),
        create=doubt("POST GET GET GET", kept=True),
        back=Fault("stale_list", nth="every"),
    ),
)

BEFORE_A_WRITE: tuple[tuple[str, Fault, str], ...] = (
    ("401", status(401, **EVER), "unauthorized"),
    ("403", status(403, **EVER), "forbidden"),
    ("429, Retry-After: 3600", status(429, 3600), "rate_limited"),
    ("500 for ever", status(500, **EVER), "upstream_error"),
    ("reset for ever", Fault("reset_after", **EVER), "upstream_error"),
    ("empty body", Fault("empty_body"), "upstream_invalid"),
    ("not JSON", Fault("not_json"), "upstream_invalid"),
    ("wrong kind", status(200), "upstream_invalid"),
    ("redirect", Fault("redirect"), "upstream_redirect"),
)
"""What goes wrong with what a write reads first, and its code: then nothing is written."""

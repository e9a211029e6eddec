"""What goes wrong at Vambe, and what each tool makes of it: the table, as data.

A row is one thing that goes wrong on the request that the tool is there for, and three outcomes of it: of the tools
that read (GET), of those that change a task (PUT) and of the one that creates (POST). Whatever else a tool reads, it
has read before. An outcome is the methods of the requests that Vambe saw, in their order, and the answer:

    done(sent)      what was asked for, as if nothing had gone wrong; `note` is how a write's outcome was learned
    fails(sent)     an error with this code; nothing was changed
    doubt(sent)     `outcome_unknown`; `kept` says whether Vambe has in truth carried it out

Chance is a half, so that waits without a `Retry-After` are 0.25, 0.5 and 1 second.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Literal

from backends.vambe.wired import ANA, ELENA, TASK
from behaviour.arms import NOW
from taskhand.backends.remote.messages import Messages
from taskhand.sandbox.faults import Fault

__all__ = ["BEFORE_A_WRITE", "CALLS", "LIST", "PASSING", "ROWS", "TEAM", "TEAM_READ", "Call", "First", "Outcome", "Row"]

LIST, TEAM = "GET /api/public/tasks", "GET /api/public/team-members/all"
POST, PUT = "POST /api/public/tasks", "PUT /api/public/tasks/{id}"


@dataclass(frozen=True)
class Call:
    """A tool with arguments: `route` is the request it is there for, `before` the tools that read the rest for it.

    `asked` is what the task must look like at Vambe afterwards, None for a tool that reads.
    """

    tool: str
    route: str
    arguments: dict[str, Any] = field(default_factory=dict)
    before: tuple[tuple[str, dict[str, Any]], ...] = ()
    asked: dict[str, Any] | None = None
    name: str = ""

    @property
    def kind(self) -> Literal["read", "write", "create"]:
        return {"GET": "read", "PUT": "write", "POST": "create"}[self.route.partition(" ")[0]]  # type: ignore[return-value]  # three methods

    def __str__(self) -> str:
        return self.name or self.tool


TEAM_READ: tuple[str, dict[str, Any]] = ("list_team_members", {})
TASK_READ: tuple[str, dict[str, Any]] = ("get_task", {"id": TASK})
DUE = {"dueDate": "2026-03-06", "dueTime": "10:00", "timezone": "America/Santiago"}
DUE_AT = "2026-03-06T13:00:00.000Z"

CALLS = (
    Call("list_statuses", LIST),
    Call("list_team_members", TEAM),
    Call("list_tasks", LIST, before=(TEAM_READ,)),
    Call("get_task", LIST, {"id": TASK}),
    Call("find_contacts", "GET /api/public/contacts", {"query": "Carolina"}),
    Call("find_contacts", "GET /api/public/contacts/search", {"query": "@acme"}, name="find_contacts by e-mail"),
    Call(
        "create_task",
        POST,
        {"title": "Send the contract", "responsibleIds": ["Ana Soto"], "priority": "2"} | DUE,
        before=(TEAM_READ, TASK_READ),
        asked={"title": "Send the contract", "priority": 2, "due_at": DUE_AT}
        | {"task_responsibles": [{"responsible_id": ANA}]},
    ),
    Call(
        "update_task",
        PUT,
        {"id": TASK, "title": "Call Acme again", "description": "Ask for Rosa", "priority": "2"} | DUE,
        before=(TEAM_READ, TASK_READ),
        asked={"title": "Call Acme again", "description": "Ask for Rosa", "priority": 2, "due_at": DUE_AT},
    ),
    Call(
        "complete_task",
        PUT,
        {"id": TASK},
        before=(TASK_READ,),
        asked={"task_status_config_id": "57a70000-0000-4000-8000-000000000003"},
    ),
    Call(
        "reassign_task",
        PUT,
        {"id": TASK, "responsibleIds": ["me", "Ana Soto"]},
        before=(TEAM_READ, TASK_READ),
        asked={"task_responsibles": [{"responsible_id": ELENA}, {"responsible_id": ANA}]},
    ),
)


@dataclass(frozen=True)
class Outcome:
    """What Vambe sees and what the agent reads; `waits` are seconds slept in all, None for any below a minute."""

    sent: str
    code: str | None = None
    note: str | None = None
    retryable: bool = False
    after: float | None = None
    kept: bool = True
    waits: float | None = None


def done(sent: str, note: str | None = None, *, waits: float | None = None) -> Outcome:
    return Outcome(sent, note=note, waits=waits)


def fails(
    sent: str, code: str, *, retryable: bool = False, after: float | None = None, waits: float | None = None
) -> Outcome:
    return Outcome(sent, code, retryable=retryable, after=after, kept=False, waits=waits)


def doubt(sent: str, *, kept: bool) -> Outcome:
    return Outcome(sent, "outcome_unknown", kept=kept)


VAMBE = Messages("Vambe")
APPLIED, SENT_AGAIN, FOUND = VAMBE.applied, VAMBE.sent_again, VAMBE.found


@dataclass(frozen=True)
class Row:
    """Something that goes wrong, and its outcome for each kind of tool, None where the row is not about that kind.

    A fault without a route is about the request that the tool is there for. `served` says whether Vambe can be
    reached; `read_s` is the read timeout, where slowness is what goes wrong.
    """

    name: str
    faults: tuple[Fault, ...]
    read: Outcome | None = None
    write: Outcome | None = None
    create: Outcome | None = None
    served: Literal["always", "never", "after the first wait"] = "always"
    read_s: float = 30.0

    def outcome(self, call: Call) -> Outcome | None:
        return {"read": self.read, "write": self.write, "create": self.create}[call.kind]

    def __str__(self) -> str:
        return self.name


def status(code: int, retry_after: int | str | None = None, **more: Any) -> Fault:
    return Fault("status", status=code, retry_after=retry_after, **more)


def list_fault(fault: Fault) -> Fault:
    """The same fault, but of the list in which a write is looked for afterwards."""
    return replace(fault, route=LIST)


IN_5_S = format_datetime(NOW + timedelta(seconds=5), usegmt=True)
NEXT_DAY = format_datetime(NOW + timedelta(days=1), usegmt=True)
EVER: dict[str, Any] = {"nth": "every"}
LATE_S = 0.15
"""The read timeout of the slow rows, in real seconds."""
FAILED: dict[str, Any] = {"code": "upstream_error", "retryable": True}


def throttled() -> Iterator[Row]:
    """429: everything may be sent again, when Vambe says so and while the call lasts.

    It may be a lie: a new task is looked for before it is sent again, a change before it is told as refused.
    """
    for name, after, waits in (
        ("429, Retry-After: 2", 2, 2.0),
        ("429, Retry-After: a date in 5 s", IN_5_S, 5.0),
        ("429, no Retry-After", None, 0.25),
        ("429, Retry-After: nonsense", "soon", 0.25),
    ):
        again: dict[str, Any] = {"waits": waits}
        own_wait: dict[str, Any] = {"waits": 0.5 if waits < 1 else waits}
        yield Row(
            name,
            (status(429, after),),
            read=done("GET GET", **again),
            write=done("PUT PUT", **again),
            create=done("POST GET POST", **own_wait),
        )
    for name, asked, fault, times, waits in (
        ("429, Retry-After: 3600", 3600.0, status(429, 3600), 1, 0.0),
        ("429, Retry-After: tomorrow", 86_400.0, status(429, NEXT_DAY), 1, 0.0),
        ("429 for ever, Retry-After: 2", 2.0, status(429, 2, **EVER), 4, 6.0),
        ("429 for ever, Retry-After: 25", 25.0, status(429, 25, **EVER), 2, 25.0),
        ("429 for ever, no Retry-After", None, status(429, **EVER), 4, 1.75),
    ):
        refused: dict[str, Any] = {"code": "rate_limited", "retryable": True, "after": asked, "waits": waits}
        yield Row(
            name,
            (fault,),
            read=fails(sent("GET", times), **refused),
            write=fails(f"{sent('PUT', times)} GET", **refused),
            create=fails(sent("POST GET", times), **refused | {"waits": 3.5 if asked is None else waits}),
        )


def sent(method: str, times: int) -> str:
    return " ".join([method] * times)


ROWS: tuple[Row, ...] = (
    *throttled(),
    # 401 and 403: whoever runs the server has to act, so nothing is sent again.
    *(
        Row(name, (status(code),), read=fails("GET", says), write=fails("PUT", says), create=fails("POST", says))
        for name, code, says in (("401", 401, "unauthorized"), ("403", 403, "forbidden"))
    ),
    # 500: Vambe itself says that it failed; a write is looked up and not repeated.
    Row(
        "500",
        (status(500),),
        read=done("GET GET", waits=0.25),
        write=fails("PUT GET", **FAILED),
        create=doubt("POST GET", kept=False),
    ),
    Row(
        "500 after commit",
        (status(500, commit=True),),
        write=done("PUT GET", APPLIED),
        create=done("POST GET", FOUND),
    ),
    Row("500 for ever", (status(500, **EVER),), read=fails(sent("GET", 4), **FAILED, waits=1.75)),
    # 503: not handled (RFC 9110 section 15.6.4), so a change may be sent again; a create is looked for.
    Row("503", (status(503),), read=done("GET GET"), write=done("PUT PUT"), create=doubt("POST GET", kept=False)),
    Row(
        "503, Retry-After: 3",
        (status(503, 3),),
        read=done("GET GET", waits=3),
        write=done("PUT PUT", waits=3),
        create=doubt("POST GET", kept=False),
    ),
    Row(
        "503, Retry-After: 3600",
        (status(503, 3600),),
        read=fails("GET", **FAILED, after=3600, waits=0),
        write=fails("PUT GET", **FAILED, after=3600, waits=0),
        create=doubt("POST GET", kept=False),
    ),
    Row(
        "503 for ever",
        (status(503, **EVER),),
        read=fails(sent("GET", 4), **FAILED, waits=1.75),
        write=fails(f"{sent('PUT', 4)} GET", **FAILED, waits=1.75),
        create=doubt("POST GET", kept=False),
    ),
    Row("503 after commit", (status(503, commit=True),), write=done("PUT PUT"), create=done("POST GET", FOUND)),
    # Nobody knows what happened behind: a read is repeated, a write is read back before anything is sent again.
    *(
        Row(
            name,
            (fault,),
            read=done("GET GET"),
            write=done("PUT GET PUT", SENT_AGAIN),
            create=doubt("POST GET", kept=False),
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
        Row(
            name,
            (fault,),
            read=done("GET GET"),
            write=done("PUT GET", APPLIED),
            create=done("POST GET", FOUND),
            read_s=read_s,
        )
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
            name,
            (fault,),
            read=fails(sent("GET", 4), **FAILED),
            # A request that was not answered in time may yet be carried out: that nothing shows proves nothing.
            write=doubt("PUT GET PUT GET", kept=False) if fault.kind == "slow" else fails("PUT GET PUT GET", **FAILED),
            create=doubt("POST GET", kept=False),
            read_s=read_s,
        )
        for name, fault, read_s in (
            ("502 for ever", status(502, **EVER), 30.0),
            ("504 for ever", status(504, **EVER), 30.0),
            ("reset before commit, for ever", Fault("reset_before", **EVER), 30.0),
            ("slow, not committed, for ever", Fault("slow", commit=False, **EVER), LATE_S),
        )
    ),
    Row("body cut off, for ever", (Fault("truncated", **EVER),), read=fails(sent("GET", 4), "upstream_invalid")),
    # Nobody answers: nothing can have arrived.
    Row(
        "refused connection",
        (),
        read=fails("", **FAILED, waits=1.75),
        write=fails("", **FAILED, waits=1.75),
        create=fails("", **FAILED, waits=1.75),
        served="never",
    ),
    Row(
        "refused connection, then there",
        (),
        read=done("GET", waits=0.25),
        write=done("PUT", waits=0.25),
        create=done("POST", waits=0.25),
        served="after the first wait",
    ),
    # A success that says nothing: asking again would not help a read, and a write may have been applied.
    *(
        Row(
            name,
            (fault,),
            read=fails("GET", "upstream_invalid"),
            write=done("PUT GET", APPLIED),
            create=done("POST GET", FOUND),
        )
        for name, fault in (
            ("empty body", Fault("empty_body")),
            ("body that is not JSON", Fault("not_json")),
            ("page instead of data", Fault("html", status=200, commit=True)),
            ("JSON of the wrong type", status(200, commit=True)),
        )
    ),
    Row(
        "JSON of the wrong type, not committed",
        (status(200),),
        write=done("PUT GET PUT", SENT_AGAIN),
        create=doubt("POST GET", kept=False),
    ),
    # The key belongs to one host.
    *(
        Row(
            f"{code} to another host",
            (Fault("redirect", status=code),),
            read=fails("GET", "upstream_redirect"),
            write=fails("PUT GET", "upstream_redirect"),
            create=doubt("POST GET", kept=False),
        )
        for code in (302, 307)
    ),
    # A list that is behind says nothing against what was answered.
    Row(
        "stale list",
        (Fault("stale_list", LIST),),
        read=done("GET"),
        write=done("PUT"),
        create=done("POST"),
    ),
    # Two faults in a row: the answer to the write is lost, and so is the reading back of it.
    *(
        Row(
            f"{name}, then {then}",
            (lost, list_fault(fault)),
            write=doubt(f"PUT {sent('GET', reads)}", kept=kept),
            create=doubt(f"POST {sent('GET', reads)}", kept=kept),
        )
        for name, lost, kept in (
            ("reset after commit", Fault("reset_after"), True),
            ("reset before commit", Fault("reset_before"), False),
        )
        for then, fault, reads in (
            ("the list fails", status(500, **EVER), 4),
            ("the list is reset", Fault("reset_before", **EVER), 4),
            ("the list is not JSON", Fault("not_json", **EVER), 1),
            ("the list asks for an hour", status(429, 3600), 1),
            ("the list redirects", Fault("redirect"), 1),
        )
    ),
    Row(
        "slow, committed, then the list is slow for ever",
        (Fault("slow"), list_fault(Fault("slow", **EVER))),
        write=doubt("PUT GET GET GET GET", kept=True),
        create=doubt("POST GET GET GET GET", kept=True),
        read_s=LATE_S,
    ),
    Row(
        "reset after commit, then the list fails once",
        (Fault("reset_after"), list_fault(status(500))),
        write=done("PUT GET GET", APPLIED),
        create=done("POST GET GET", FOUND),
    ),
    Row(
        "reset after commit, then the list is stale",
        (Fault("reset_after"), list_fault(Fault("stale_list"))),
        write=done("PUT GET PUT", SENT_AGAIN),
        create=doubt("POST GET", kept=True),
    ),
    # Two faults in a row on the same write.
    *(
        Row(
            f"reset before commit, then {name}",
            (Fault("reset_before"), replace(fault, nth=2)),
            write=write,
        )
        for name, fault, write in (
            ("reset after commit", Fault("reset_after"), done("PUT GET PUT GET", APPLIED)),
            ("500", status(500), fails("PUT GET PUT GET", **FAILED)),
            ("429, Retry-After: 2", status(429, 2), done("PUT GET PUT PUT", SENT_AGAIN, waits=2)),
            (
                "429, Retry-After: 3600",
                status(429, 3600),
                fails("PUT GET PUT GET", "rate_limited", retryable=True, after=3600),
            ),
            ("403", status(403), fails("PUT GET PUT", "forbidden")),
        )
    ),
    *(
        Row(
            f"429, then {name}",
            (status(429, 2), replace(fault, nth=2)),
            read=read,
            write=write,
            create=create,
        )
        for name, fault, read, write, create in (
            (
                "reset after commit",
                Fault("reset_after"),
                done("GET GET GET"),
                done("PUT PUT GET", APPLIED),
                done("POST GET POST GET", FOUND),
            ),
            (
                "reset before commit",
                Fault("reset_before"),
                done("GET GET GET"),
                done("PUT PUT GET PUT", SENT_AGAIN),
                doubt("POST GET POST GET", kept=False),
            ),
            (
                "500",
                status(500),
                done("GET GET GET"),
                fails("PUT PUT GET", **FAILED),
                doubt("POST GET POST GET", kept=False),
            ),
        )
    ),
)


@dataclass(frozen=True)
class First:
    """Something that goes wrong with what a write reads first, and the error: nothing is written then."""

    name: str
    fault: Fault
    code: str
    retryable: bool = False

    def __str__(self) -> str:
        return self.name


PASSING: tuple[tuple[str, Fault], ...] = (
    ("429", status(429, 2)),
    ("500", status(500)),
    ("503", status(503)),
    ("504", status(504)),
    ("reset", Fault("reset_after")),
    ("cut off", Fault("truncated")),
)
"""What goes wrong only once with what a write reads first: the write is made all the same, once."""

BEFORE_A_WRITE = (
    First("401", status(401, **EVER), "unauthorized"),
    First("403", status(403, **EVER), "forbidden"),
    First("429, Retry-After: 3600", status(429, 3600), "rate_limited", retryable=True),
    First("500 for ever", status(500, **EVER), **FAILED),
    First("504 for ever", status(504, **EVER), **FAILED),
    First("reset for ever", Fault("reset_after", **EVER), **FAILED),
    First("empty body", Fault("empty_body"), "upstream_invalid"),
    First("not JSON", Fault("not_json"), "upstream_invalid"),
    First("wrong type", status(200), "upstream_invalid"),
    First("cut off for ever", Fault("truncated", **EVER), "upstream_invalid"),
    First("redirect", Fault("redirect"), "upstream_redirect"),
)

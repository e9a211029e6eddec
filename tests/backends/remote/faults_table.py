"""The faults of a write or a read, and the result at every CRM: the table, as data.

A row is one fault of the request that writes or reads. For each kind it says what the backend reports: `applied`,
`failed` or `unknown`, and how many such requests were sent. A CRM that differs stands in `at`, by its name or by a
trait of it, with the reason beside it. Chance is a half, so waits without a `Retry-After` are 0.25, 0.5 and 1 second.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from backends.vambe.sandboxed_app import status
from safety.crms import SandboxedCrm, Trait
from taskhand.sandbox.faults import Fault

__all__ = ["BEFORE", "KINDS", "LATE_S", "OTHER", "READ_BEFORE", "ROWS", "Kind", "Note", "Result", "Row"]

Kind = Literal["update", "delete", "create", "bulk", "read"]
"""An update of one task, a deletion, a new task, one update of three tasks, and the reading of one task."""

KINDS: Final[tuple[Kind, ...]] = ("update", "delete", "create", "bulk", "read")

Note = Literal["applied", "sent_again", "found", "removed", "accepted"]
"""The note of `Messages` that says how the result was learned."""

LATE_S: Final = 0.2
"""The read timeout of the slow rows, in real seconds."""
OTHER: Final = "another task"
"""The body of an answer with a task of the account that the request is not about."""
BEFORE: Final = "the task before"
"""The body of an answer with the task of the request as it was before."""
READ_BEFORE: Final = "the task before, as it is read"
"""The body of an answer to the read of the task as it was before; where tasks are listed to read one, the list."""
EVER: Final[dict[str, Any]] = {"nth": "every"}
NOTHING: Final = Fault("reset_before", **EVER)
"""No request is answered any more."""


@dataclass(frozen=True)
class Result:
    """What the backend reports; `requests` are those of its kind, `applied` whether the CRM has the change.

    A task that was read counts as applied.
    """

    code: str | None
    requests: int
    note: Note | None = None
    retryable: bool = False
    after: float | None = None
    applied: bool = True


def applied(requests: int, note: Note | None = None) -> Result:
    return Result(None, requests, note)


def failed(
    requests: int, code: str = "upstream_error", *, retryable: bool = True, after: float | None = None
) -> Result:
    return Result(code, requests, retryable=retryable, after=after, applied=False)


def unknown(requests: int, *, applied: bool = False) -> Result:
    return Result("outcome_unknown", requests, applied=applied)


@dataclass(frozen=True)
class Row:
    """A fault, and the result of each kind of write; None where the row is not about that kind.

    After the write every request has the fault `then`. It is waited for `waits_s` at least. A row
    that is not `served` has no CRM at all.
    """

    name: str
    faults: tuple[Fault, ...]
    update: Result | None = None
    delete: Result | None = None
    create: Result | None = None
    bulk: Result | None = None
    read: Result | None = None
    at: Mapping[tuple[Trait | str, Kind], Result | None] = field(default_factory=dict)
    then: Fault | None = None
    read_s: float = 30.0
    waits_s: float = 0.0
    served: bool = True

    def __str__(self) -> str:
        return self.name

    def result(self, crm: SandboxedCrm, kind: Kind) -> Result | None:
        """The result of that kind of write at that CRM."""
        own: Result | None = getattr(self, kind)
        return next((self.at[trait, kind] for trait in (crm.name, *crm.traits) if (trait, kind) in self.at), own)


def everywhere(name: str, fault: Fault | None, result: Result, **more: Any) -> Row:
    """The same result for every kind; nothing is read after a write, so such a row is about writes only."""
    read = None if "then" in more else result
    return Row(name, (fault,) if fault else (), result, result, result, result, read, **more)


LOST: Final = (
    ("reset before commit", Fault("reset_before"), 30.0),
    ("502", status(502), 30.0),
    ("504", status(504), 30.0),
    ("a proxy's page as 502", Fault("html"), 30.0),
    ("slow, not committed", Fault("slow", commit=False), LATE_S),
)
"""The request may have arrived, and it had no effect."""

LOST_AFTER: Final = (
    ("reset after commit", Fault("reset_after"), 30.0),
    ("502 after commit", status(502, commit=True), 30.0),
    ("504 after commit", status(504, commit=True), 30.0),
    ("slow, committed", Fault("slow"), LATE_S),
)
"""The request had its effect, and its answer was lost."""

UNREADABLE: Final = (
    ("body cut off", Fault("truncated")),
    ("empty body", Fault("empty_body")),
    ("body that is not JSON", Fault("not_json")),
    ("page instead of data", Fault("html", status=200, commit=True)),
    ("JSON of the wrong type", status(200, commit=True)),
    ("an empty object", status(200, commit=True, body="{}")),
    ("an object that says ok: false", status(200, commit=True, body='{"ok": false}')),
)
"""The request had its effect, and its answer cannot be read."""


def refused() -> Iterator[Row]:
    """The answer refuses the write: it is sent again only where the CRM asks to wait."""
    yield everywhere("429, Retry-After: 2", status(429, 2), applied(2))
    yield everywhere("429, no Retry-After", status(429), applied(2))
    # A lock lasts two seconds, whatever the CRM says or does not say of it.
    yield everywhere("423", status(423), applied(2), waits_s=2.0)
    yield everywhere("423, Retry-After: 0", status(423, 0), applied(2), waits_s=2.0)
    limited = failed(1, "rate_limited", after=3600.0)
    yield everywhere("429, Retry-After: 3600", status(429, 3600, **EVER), limited)
    waits = failed(4, "rate_limited")
    # The body of HubSpot's 429 names the limit, and with it the time to wait.
    at = {("hubspot", kind): replace(waits, after=10.0) for kind in KINDS}
    yield everywhere("429 for ever", status(429, **EVER), waits, at=at)
    yield everywhere("401", status(401, **EVER), failed(1, "unauthorized", retryable=False))
    forbidden = failed(1, "forbidden", retryable=False)
    # A token may not read deals and all else of a task: where HubSpot does not say which, it is read without them.
    yield everywhere("403", status(403, **EVER), forbidden, at={("hubspot", "read"): replace(forbidden, requests=2)})
    yield from doubtful()
    for code in (302, 307):
        fault = Fault("redirect", status=code, **EVER)
        refused = failed(1, "upstream_redirect", retryable=False)
        twice = replace(refused, requests=2)  # a deletion may be sent again
        name = f"{code} to another host"
        yield Row(name, (fault,), update=refused, delete=twice, create=unknown(1), bulk=refused, read=refused)


def doubtful() -> Iterator[Row]:
    """A refusal that proves nothing, as a proxy may have sent the request twice: it is looked at, and then believed."""
    yield everywhere("425", status(425), applied(2))
    yield Row(
        "425 after commit",
        (status(425, commit=True),),
        update=applied(2),
        delete=applied(2, "removed"),
        create=applied(1, "found"),
        bulk=applied(2),
        # HubSpot confirms a second deletion as the first one.
        at={("hubspot", "delete"): applied(2)},
    )
    for name, code, fault in (
        ("405", "upstream_error", status(405)),
        ("409", "conflict", status(409)),
        ("407 of a proxy", "configuration", status(407)),
        ("511 of a network", "configuration", status(511)),
        ("a proxy's 400", "upstream_refused", status(400, body="Bad request")),
        ("a firewall's 403", "forbidden", status(403, body='{"reason": "blocked"}')),
        ("a list as 422", "upstream_refused", status(422, body='["no"]')),
        ("a page as 401", "upstream_invalid", Fault("html", status=401)),
        ("a page as 404", "upstream_invalid", Fault("html", status=404)),
    ):
        refused = failed(1, code, retryable=False)
        # A batch that is refused is split; a conflict or a value, and not a page, may be about one of its tasks.
        yield Row(
            name,
            (fault,),
            update=refused,
            delete=refused,
            create=refused,
            bulk=None if code in {"conflict", "upstream_refused"} else refused,
        )
        yield Row(
            f"{name} after commit",
            (replace(fault, commit=True),),
            update=applied(1, "applied"),
            delete=applied(1, "removed"),
            create=applied(1, "found"),
            bulk=applied(1, "applied"),
        )
    # The task was read before and is there afterwards: the 404 is about what the edit refers to.
    yield Row(
        "404",
        (status(404),),
        update=failed(1, "unknown_reference", retryable=False),
        delete=failed(1, "task_not_found", retryable=False),
    )
    yield Row(
        "404 after commit",
        (status(404, commit=True),),
        update=applied(1, "applied"),
        delete=applied(1, "removed"),
        create=applied(1, "found"),
        bulk=applied(1, "applied"),
    )


def failures() -> Iterator[Row]:
    """The CRM says that it failed: the task is read. A deletion is sent again, and no other write."""
    yield Row(
        "500",
        (status(500, **EVER),),
        update=failed(1),
        delete=failed(2),
        create=unknown(1),
        bulk=failed(1),
        read=failed(4),
    )
    yield Row("500 once", (status(500),), update=failed(1), delete=applied(2, "sent_again"), create=unknown(1))
    # A CDN in front of the CRM answers so for failures of its own.
    again = applied(2, "sent_again")
    yield Row("530", (status(530),), update=failed(1), delete=again, create=unknown(1), bulk=failed(1), read=failed(1))
    # The CRM asks to wait, so a deletion is not sent again either.
    later = failed(1, after=3600.0)
    yield Row("503, Retry-After: 3600", (status(503, 3600),), later, later, unknown(1), later, later)
    yield Row(
        "500 after commit",
        (status(500, commit=True),),
        update=applied(1, "applied"),
        delete=applied(1, "removed"),
        create=applied(1, "found"),
        bulk=applied(1, "applied"),
    )
    # Not handled (RFC 9110 §15.6.4): a change is sent again, a new task is looked for.
    yield Row(
        "503",
        (status(503),),
        update=applied(2),
        delete=applied(2),
        create=unknown(1),
        bulk=applied(2),
        read=applied(2),
    )
    yield Row(
        "503 after commit",
        (status(503, commit=True),),
        update=applied(2),
        delete=applied(2, "removed"),
        create=applied(1, "found"),
        bulk=applied(2),
        # HubSpot confirms a second deletion as the first one.
        at={("hubspot", "delete"): applied(2)},
    )
    yield Row(
        "503 for ever",
        (status(503, **EVER),),
        update=failed(4),
        delete=failed(8),
        create=unknown(1),
        bulk=failed(4),
        read=failed(4),
    )


def lost() -> Iterator[Row]:
    """The answer is lost: the task is read before anything is sent again, and a create is never sent again."""
    for name, fault, read_s in LOST:
        yield Row(
            name,
            (fault,),
            update=applied(2, "sent_again"),
            delete=applied(2, "sent_again"),
            create=unknown(1),
            bulk=applied(2, "sent_again"),
            read=applied(2),
            read_s=read_s,
        )
        # A request that was not answered in time may yet be carried out: that nothing shows proves nothing.
        twice = unknown(2) if fault.kind == "slow" else failed(2)
        yield Row(
            f"{name}, for ever",
            (replace(fault, nth="every"),),
            update=twice,
            delete=twice,
            create=unknown(1),
            bulk=twice,
            read=failed(4),
            read_s=read_s,
        )
    for name, fault, read_s in LOST_AFTER:
        yield Row(
            name,
            (fault,),
            update=applied(1, "applied"),
            delete=applied(1, "removed"),
            create=applied(1, "found"),
            bulk=applied(1, "applied"),
            read_s=read_s,
        )
    for name, fault in UNREADABLE:
        yield Row(
            name,
            (fault,),
            update=applied(1, "applied"),
            # The other ones confirm a deletion where the CRM documents no body.
            delete=applied(1, "removed") if fault.kind in {"html", "status"} and fault.body != "{}" else None,
            create=applied(1, "found"),
            bulk=applied(1, "applied"),
            # A body that is cut off is asked for again; the others are what the CRM means to say.
            read=applied(2) if fault.kind == "truncated" else failed(1, "upstream_invalid", retryable=False),
        )
    for name, body in (("JSON of the wrong type", ""), ("an empty object", "{}")):
        yield Row(
            f"{name}, not committed",
            (status(200, body=body),),
            update=applied(2, "sent_again"),
            create=unknown(1),
            bulk=applied(2, "sent_again"),
        )
    # Close documents an empty object as the confirmation of a deletion, and may show a deleted task for a while.
    yield Row(
        "an empty object for ever, not committed",
        (status(200, body="{}", **EVER),),
        delete=failed(2),
        at={("close", "delete"): unknown(2)},
    )
    # A deletion is confirmed neither by a body that says nothing, nor by a status that promises it for later.
    yield Row("202 with an empty object, not committed", (status(202, body="{}"),), delete=applied(2, "sent_again"))


def of_another_task() -> Iterator[Row]:
    """The answer has another task than the request: it tells nothing."""
    yield Row(
        "another task",
        (status(200, body=OTHER),),
        update=applied(2, "sent_again"),
        delete=applied(2, "sent_again"),
        create=unknown(1),
        bulk=applied(2, "sent_again"),
    )
    invalid = failed(1, "upstream_invalid", retryable=False)
    # HubSpot is asked whether the two tasks were merged.
    at = {("hubspot", KINDS[-1]): replace(invalid, requests=2)}
    yield Row("a read of another task", (status(200, body=OTHER, **EVER),), read=invalid, at=at)
    # The answer shows the task as it was: it is read once more.
    yield Row("the task before", (status(200, body=BEFORE, commit=True),), update=applied(1))
    yield Row(
        "another task after commit",
        (status(200, body=OTHER, commit=True),),
        update=applied(1, "applied"),
        delete=applied(1, "removed"),
        create=applied(1, "found"),
        bulk=applied(1, "applied"),
    )


def twice() -> Iterator[Row]:
    """Two faults in a row."""
    first = Fault("reset_before")
    for name, second, told in (
        ("reset after commit", Fault("reset_after"), applied(2, "applied")),
        ("500", status(500), failed(2)),
        ("503, Retry-After: 3600", status(503, 3600), failed(2, after=3600.0)),
        ("403", status(403), failed(2, "forbidden", retryable=False)),
        ("429, Retry-After: 3600", status(429, 3600), failed(2, "rate_limited", after=3600.0)),
    ):
        yield Row(
            f"reset before commit, then {name}",
            (first, replace(second, nth=2)),
            update=told,
            bulk=told,
            at={("updates singly", "bulk"): None},
        )
    # The transport repeats the first request, which was applied; the repetition is refused.
    yield Row(
        "503 after commit, then 403",
        (status(503, commit=True), status(403, nth=2)),
        update=applied(2, "applied"),
        delete=applied(2, "removed"),
        bulk=applied(2, "applied"),
        # The requests of a bulk go side by side: the second may be that of another task.
        at={("updates singly", "bulk"): None},
    )
    # The 404 of a deletion that was sent again is believed if the task is gone.
    for name, fault in (("reset before commit", first), ("503", status(503))):
        yield Row(
            f"{name}, then 404 of a task that is there",
            (fault, status(404, nth=2)),
            delete=unknown(2),
        )
    yield Row(
        "reset before commit, then 404",
        (first, status(404, nth=2, commit=True)),
        delete=applied(2, "removed"),
    )


def misread() -> Iterator[Row]:
    """The first read after a write that was not confirmed fails, or is false: it is repeated."""
    lost, lost_after = Fault("reset_before"), Fault("reset_after")
    false, page, refused = status(404, route="read"), Fault("html", status=200, route="read"), status(401, route="read")
    again, found, removed = applied(2, "sent_again"), applied(1, "applied"), applied(1, "removed")
    gone = failed(1, "task_not_found", retryable=False)
    yield Row("reset before commit, then a false 404 of the read", (lost, false), again, again)
    yield Row("404, then a false 404 of the read", (status(404), false), delete=gone)
    yield Row("404 after commit, then a false 404 of the read", (status(404, commit=True), false), found)
    yield Row("reset after commit, then a page for the read", (lost_after, page), found, removed)
    yield Row("reset before commit, then a page for the read", (lost, page), again, again)
    yield Row("409 after commit, then a 401 of the read", (status(409, commit=True), refused), found, removed)
    yield Row(
        "409, then a page for the search",
        (status(409), replace(page, route="list")),
        create=failed(1, "conflict", retryable=False),
    )
    yield Row(
        "reset after commit, then a page for the search",
        (lost_after, replace(page, route="list")),
        create=applied(1, "found"),
    )
    behind = Fault("stale_list", route="list")
    for name, fault in (
        ("reset after commit", lost_after),
        ("500 after commit", status(500, commit=True)),
        ("409 after commit", status(409, commit=True)),
        ("404 after commit", status(404, commit=True)),
        ("429 after commit", status(429, commit=True)),
    ):
        yield Row(f"{name}, then a search that is behind", (fault, behind), create=applied(1, "found"))
    behind = status(200, route="read", body=READ_BEFORE)
    for code in (404, 409):
        yield Row(
            f"{code} after commit, then a read that is behind", (status(code, commit=True), behind), found, removed
        )
    yield Row("500 after commit, then a read that is behind", (status(500, commit=True), behind), found)
    yield Row(
        "reset after commit, then a read that is behind, then 403",
        (lost_after, behind, status(403, nth=2)),
        update=applied(2, "applied"),
    )
    # Vambe has no request that reads one task: if its lists are empty, nothing shows the task.
    empty = status(200, route="list", body="[]", **EVER)
    at: dict[tuple[Trait | str, Kind], Result] = {("vambe", "update"): unknown(1), ("vambe", "delete"): unknown(1)}
    yield Row("reset before commit, then empty lists for ever", (lost, empty), again, again, at=at)
    yield Row(
        "503 after commit, then a read that is behind",
        (status(503, commit=True), behind),
        delete=applied(2, "removed"),
        # HubSpot confirms a second deletion as the first one; the read contradicts it, so that a third one is sent.
        at={("hubspot", "delete"): applied(3)},
    )
    # HubSpot confirms a second deletion as the first one. Elsewhere it is a 404, which tells that the task is gone only
    # after an earlier confirmation, or together with a read.
    forever = replace(behind, **EVER)
    yield Row(
        "reset before commit, then reads that are behind for ever",
        (lost, forever),
        delete=applied(3),
        at={("hubspot", "delete"): unknown(3, applied=True)},
    )
    yield Row(
        "503 after commit, then a page for every read",
        (status(503, commit=True), replace(page, **EVER)),
        delete=unknown(2, applied=True),
        at={("hubspot", "delete"): applied(2, "accepted")},
    )
    # A broken proxy may send an empty body, which Close documents; a 204, as HubSpot's, says that the task is deleted.
    yield Row(
        "an empty body, not committed, then a page for every read",
        (Fault("empty_body", commit=False), replace(page, **EVER)),
        delete=unknown(1),
        at={("hubspot", "delete"): None},
    )


def unread() -> Iterator[Row]:
    """The answer is lost, and nothing can be read afterwards."""
    for name, fault, is_applied in (
        ("reset after commit", Fault("reset_after"), True),
        ("reset before commit", Fault("reset_before"), False),
        ("500 after commit", status(500, commit=True), True),
        ("body cut off", Fault("truncated"), True),
        ("429, Retry-After: 3600, after commit", status(429, 3600, commit=True), True),
        ("429, Retry-After: 3600", status(429, 3600), False),
        ("407 of a proxy after commit", status(407, commit=True), True),
        ("a proxy's 400 after commit", status(400, body="Bad request", commit=True), True),
        ("404 after commit", status(404, commit=True), True),
        ("405 after commit", status(405, commit=True), True),
        ("409 after commit", status(409, commit=True), True),
        ("a page as 401 after commit", Fault("html", status=401, commit=True), True),
    ):
        yield everywhere(
            f"{name}, then nothing",
            fault,
            unknown(1, applied=is_applied),
            then=NOTHING,
            # A deletion that answers has no body that could be cut off.
            at={("deletes without a body", "delete"): None} if name == "body cut off" else {},
        )
    # Everything is answered as if it did not exist: that a task is not found is no proof that it is gone.
    for name, fault, is_applied in (
        ("reset after commit", Fault("reset_after"), True),
        ("reset before commit", Fault("reset_before"), False),
        ("404 after commit", status(404, commit=True), True),
        ("409", status(409), False),
    ):
        told = unknown(1, applied=is_applied)
        yield everywhere(f"{name}, then a 404 for everything", fault, told, then=status(404, **EVER))


ROWS: Final = (
    everywhere("nothing", None, applied(1)),
    *refused(),
    *failures(),
    *lost(),
    *of_another_task(),
    *twice(),
    *misread(),
    *unread(),
    # Nobody listens: nothing can have arrived.
    everywhere("refused connection", None, failed(0), served=False),
)

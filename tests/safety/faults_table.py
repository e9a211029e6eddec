"""The faults of a write at any CRM, and the permitted outcomes: the table, as data.

A row is one thing that goes wrong with the first request of a write (of many tasks one by one: with the second). For
each kind of write it says what the agent is told: that all is `applied`, that it is `refused` and nothing is written,
or that it is `unknown`, the same at every CRM. Of a write of many tasks this is said of those that the request was
about; the others are applied, or where the rest is stopped `not_attempted`.
"""

from dataclasses import dataclass
from typing import Final, Literal

from taskhand.sandbox.faults import Fault

__all__ = ["KINDS", "LATE_S", "ROWS", "Kind", "Row"]

Kind = Literal["many", "one", "delete", "create"]
"""A change of many tasks, a change of one, a deletion, and a new task."""

KINDS: Final[tuple[Kind, ...]] = ("many", "one", "delete", "create")

LATE_S: Final = 0.2
"""The read timeout of the slow rows, in real seconds."""


@dataclass(frozen=True)
class Row:
    """Something that goes wrong, and what is told of each kind of write.

    After it nothing is answered any more where it `lasts`. `reading` plays it where it is no fault but a way of
    answering, only at that `crm`. `waits_s` is how long everybody is held back. `passes` is whether what was refused
    may be sent again as it is.
    """

    name: str
    fault: Fault | None
    many: str = "applied"
    one: str = "applied"
    delete: str = "applied"
    create: str = "applied"
    lasts: bool = False
    crm: str | None = None
    spec_variant: tuple[str, ...] = ()
    read_s: float = 30.0
    waits_s: float = 0.0
    passes: bool = True

    def __str__(self) -> str:
        return self.name

    def is_about(self, crm: str, kind: Kind) -> bool:
        """Whether it can happen to that kind of write there: answers in part are about many tasks."""
        return self.crm is None or (self.crm == crm and kind == "many")

    def outcome(self, kind: Kind) -> str:
        """What is told of that kind of write."""
        return {"many": self.many, "one": self.one, "delete": self.delete, "create": self.create}[kind]


def _failed(status: int, **more: object) -> Fault:
    return Fault("status", status=status, **more)  # type: ignore[arg-type]  # fields of a fault


ROWS: Final = (
    Row("nothing", None),
    # Lost on the way: what can be sent again is sent again after a look; a new task is looked for, and not sent again.
    Row("reset before commit", Fault("reset_before"), create="unknown"),
    Row("reset after commit", Fault("reset_after")),
    Row("slow, committed", Fault("slow"), read_s=LATE_S),
    Row("body cut off", Fault("truncated")),
    Row("empty body", Fault("empty_body")),
    # Nobody can look any more.
    *(
        Row(f"{name}, then nothing", fault, **dict.fromkeys(KINDS, "unknown"), lasts=True)  # type: ignore[arg-type]  # kinds
        for name, fault in (
            ("reset before commit", Fault("reset_before")),
            ("reset after commit", Fault("reset_after")),
        )
    ),
    # The CRM itself says that it failed: it is looked at, and only a deletion is sent again.
    Row("500", _failed(500), many="refused", one="refused", create="unknown"),
    Row("500 after commit", _failed(500, commit=True)),
    # Not handled, as RFC 9110 section 15.6.4 has it: a change is sent again, a new task is looked for.
    Row("503", _failed(503), create="unknown"),
    Row("503 after commit", _failed(503, commit=True)),
    # It does not pass.
    Row("405", _failed(405), **dict.fromkeys(KINDS, "refused"), passes=False),  # type: ignore[arg-type]  # kinds
    Row(
        "429, Retry-After: 3600",
        _failed(429, retry_after=3600),
        many="refused",
        one="refused",
        delete="refused",
        create="refused",
        waits_s=3_600.0,
    ),
    # HubSpot's answers in part.
    Row("in neither list, done", None, crm="hubspot", spec_variant=("lost_input=3",)),
    Row("in neither list, undone", None, crm="hubspot", spec_variant=("lost_input=3", "lost_effect=undone")),
)

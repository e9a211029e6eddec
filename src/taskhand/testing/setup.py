"""The start of a run: the backend, the data, the time, and the faults."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal, TypedDict, get_args

from taskhand.backends.registry import NAMES
from taskhand.config.settings import BackendName
from taskhand.domain.errors import CallerError
from taskhand.sandbox.faults import Fault
from taskhand.testing.data import NOW, DataSet, PlannedTask, find_data

__all__ = ["Says", "Setup", "SetupOptions", "read_setup"]

Says = Literal["yes", "no", "nothing"]
"""A person's answer to a question; "nothing" closes the question without an answer."""

Mode = Literal["auto", "legacy"]


class SetupOptions(TypedDict, total=False):
    """The keywords of the mark `taskhand` and of `taskhand_open`: the fields of `Setup`."""

    backend: BackendName
    data: str
    clock: datetime | str
    planted: Sequence[PlannedTask]
    faults: Sequence[Fault | Mapping[str, Any]]
    variants: Sequence[str]
    environment: Mapping[str, str]
    person: Says | None
    mode: Mode


@dataclass(frozen=True, slots=True)
class Setup:
    """The start of a run; CallerError for an impossible value."""

    backend: BackendName = "local"
    """`local`, `vambe`, `close` or `hubspot`."""
    data: str = "sales_week"
    """The name of a data set."""
    clock: datetime | str = NOW
    """The time at which the run starts: an aware datetime, or ISO 8601 text with an offset."""
    planted: Sequence[PlannedTask] = ()
    """Tasks to add to the data set."""
    faults: Sequence[Fault | Mapping[str, Any]] = ()
    """The faults at the CRM: tables with the fields of a fault."""
    variants: Sequence[str] = ()
    """`name=value` switches of the CRM's sandbox, for what its documentation leaves open."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables for the server."""
    person: Says | None = None
    """The person's answer to the client's questions: `yes`, `no` or `nothing`. None: the client cannot ask."""
    mode: Mode = "auto"
    """The client's version of the protocol: `auto` is the newest, `legacy` the older one."""

    def __post_init__(self) -> None:
        """Check the values; CallerError if no run can start with them."""
        _check_choice("backend", self.backend, NAMES)
        _check_choice("person", self.person, (None, *get_args(Says)))
        _check_choice("mode", self.mode, get_args(Mode))
        find_data(self.data)
        if self.start.tzinfo is None:
            raise _invalid("clock", self.clock, "a time with its offset, such as '2026-03-02T15:00:00Z'")

    @property
    def start(self) -> datetime:
        """The time at which the run starts."""
        if isinstance(self.clock, datetime):
            return self.clock
        try:
            return datetime.fromisoformat(self.clock)
        except (TypeError, ValueError):
            raise _invalid("clock", self.clock, "a time such as '2026-03-02T15:00:00Z'") from None

    @property
    def data_set(self) -> DataSet:
        """The data set with the planted tasks; CallerError if there is no such data set."""
        return find_data(self.data).with_tasks(self.planted)


def read_setup(options: Mapping[str, Any]) -> Setup:
    """The setup with these fields; CallerError for an unknown field.

    `reading` is the older name of `variants`.
    """
    options = {"variants" if name == "reading" else name: value for name, value in options.items()}
    known = [setup_field.name for setup_field in fields(Setup)]
    if unknown := [name for name in options if name not in known]:
        raise CallerError(
            f"There is no {', '.join(map(repr, unknown))}; the keywords are {', '.join(known)}.", code="invalid_setup"
        )
    return Setup(**options)


def _check_choice(name: str, value: object, allowed: Sequence[object]) -> None:
    if value not in allowed:
        raise _invalid(name, value, f"one of {', '.join(map(repr, allowed))}")


def _invalid(name: str, value: object, expected: str) -> CallerError:
    return CallerError(f"{name} is {value!r}; it must be {expected}.", code="invalid_setup")

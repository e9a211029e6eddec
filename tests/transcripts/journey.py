"""A journey: calls that an agent makes one after the other on a known backend."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from taskhand.sandbox.faults import Fault

__all__ = ["Call", "Journey", "Step", "call", "calls"]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool; its arguments may hold placeholders, which `Answers` fills in."""

    tool: str
    arguments: Mapping[str, Any]


Step = Call | Fault
"""A fault replaces the earlier ones; its route is a word that every CRM has, such as `update`."""


@dataclass(frozen=True, slots=True)
class Journey:
    """The steps, and the fields of `Setup` besides the backend."""

    steps: tuple[Step, ...]
    setup: Mapping[str, Any]

    @classmethod
    def of(cls, *steps: Step | Iterable[Step], **setup: Any) -> "Journey":
        """The journey of these steps in their order."""
        lists = [[one] if isinstance(one, Call | Fault) else one for one in steps]
        return cls(tuple(step for some in lists for step in some), setup)


def call(tool: str, /, **arguments: Any) -> Call:
    """The call of a tool with these arguments."""
    return Call(tool, arguments)


def calls(tool: str, /, *each: Mapping[str, Any], **all_have: Any) -> list[Call]:
    """A call of the tool with each of these arguments, and those that all calls have."""
    return [Call(tool, all_have | dict(one)) for one in each]

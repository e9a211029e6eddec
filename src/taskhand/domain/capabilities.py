"""What a backend can express, as a value: tool schemas and rules are narrowed by it; pure."""

from dataclasses import dataclass

from taskhand.domain.task import Priority

__all__ = ["UUID", "Capabilities"]

UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can express. Tool schemas and rules are narrowed by this, never by a backend's name.

    `absent` are documented request fields it does not have (`absent_on_update`: that only a new task can be given),
    `not_clearable` those that it has but cannot set to null, `required_on_create` what a new task needs besides the
    documented. `keeps_timezone` is whether a due time remembers its zone; where not, it is shown in the configured one.
    `lists_are_current` is whether a list shows at once what was written.
    """

    absent: frozenset[str] = _NONE
    absent_on_update: frozenset[str] = _NONE
    not_clearable: frozenset[str] = _NONE
    required_on_create: frozenset[str] = _NONE
    priorities: tuple[Priority, ...] = ("0", "1", "2")
    id_pattern: str = UUID
    member_id_pattern: str = UUID
    least_responsibles: int = 0
    most_responsibles: int = 50
    keeps_timezone: bool = True
    lists_are_current: bool = False

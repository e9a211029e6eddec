"""Who calls, with which scopes and by which rules; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from taskhand.domain.errors import NotAllowed
from taskhand.domain.policy import NO_RULES, Rules

__all__ = ["ANYONE", "MEMBER", "SCOPES", "Person", "Principal", "Scope"]

Scope = Literal["read", "write", "destructive"]
"""What a credential lets its holder do: see tasks, change them, or lose something. None of them implies another."""

SCOPES: Final[frozenset[Scope]] = frozenset(get_args(Scope))
"""Every scope."""


MEMBER: Final = "member"
"""In place of a connection's name, where there is only one."""


@dataclass(frozen=True, slots=True)
class Person:
    """A person by the `id` that keys, the policy and the journal have; `email` finds the member of a CRM."""

    id: str
    email: str | None = None

    @classmethod
    def named(cls, text: str) -> "Person":
        """The person with this id, which may be an e-mail address; the case of letters does not count."""
        name = text.strip().casefold()
        return cls(name, name if "@" in name else None)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: the person (None where nobody asked), the scopes of the credential, and the rules of the policy.

    `members` say who the person is in a connection, by its name (MEMBER for the only one): the id, e-mail or name of a
    member.
    """

    person: Person | None = None
    scopes: frozenset[Scope] = SCOPES
    rules: Rules = NO_RULES
    members: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def subject(self) -> str | None:
        """The person's id, as the journal has it."""
        return self.person.id if self.person else None

    def check_number(self, count: int) -> None:
        """NotAllowed where one change may not have so many tasks."""
        most = self.rules.most_tasks
        if most is not None and count > most:
            said = f"{count} tasks are more than the {most} that one change of yours may have; nothing was written."
            raise NotAllowed.by("most_tasks", said)

    def check_may_lose(self, what: str) -> None:
        """NotAllowed where no scope allows `what`, by which something is lost."""
        if "destructive" not in self.scopes:
            raise NotAllowed.by("scope", f"{what} needs the scope destructive, which you do not have.")


ANYONE: Final = Principal()
"""A caller whom nobody asked who it is, and who may do everything."""

"""Who calls, with which scopes and by which rules; pure."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from taskhand.domain.policy import NO_RULES, Rules

__all__ = ["ANYONE", "SCOPES", "Person", "Principal", "Scope"]

Scope = Literal["read", "write", "destructive"]
"""What a credential lets its holder do: see tasks, change them, or lose something. None of them implies another."""

SCOPES: Final[frozenset[Scope]] = frozenset(get_args(Scope))
"""Every scope."""


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
    """Who calls: the person (None where nobody asked), the scopes of the credential, and the rules of the policy."""

    person: Person | None = None
    scopes: frozenset[Scope] = SCOPES
    rules: Rules = NO_RULES

    @property
    def subject(self) -> str | None:
        """The person's id, as the journal has it."""
        return self.person.id if self.person else None


ANYONE: Final = Principal()
"""A caller whom nobody asked who it is, and who may do everything."""

"""The caller: the person, the scopes of the credential, and the rules of the policy; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar, get_args

from taskhand.domain.errors import NotAllowed
from taskhand.domain.policy import NO_RULES, Rules

__all__ = [
    "ANYONE",
    "MEMBER",
    "SCOPES",
    "Person",
    "Principal",
    "Scope",
    "fold_person",
    "is_token_person",
    "token_person",
]

_T = TypeVar("_T")

Scope = Literal["read", "write", "destructive"]
"""The permissions of a credential: see tasks, change them, or do what may lose something. No scope implies another."""

SCOPES: Final[frozenset[Scope]] = frozenset(get_args(Scope))
"""Every scope."""


MEMBER: Final = "member"
"""In place of a connection's name, if there is only one."""


_TOKEN_PERSON: Final = re.compile(r"https?://[!\"$-~]{1,500}#(?=.{1,255}$)[!-~](?:[ -~]*[!-~])?")
"""An issuer, which has no `#` in it, and a subject: visible ASCII, as RFC 8414 and OpenID Connect have them.

No space is at either end of the subject: files and commands lose it, and `ana ` would be `ana`."""


def token_person(issuer: str, subject: str) -> str:
    """The id of the person of a token, unique for the issuer and subject."""
    return f"{issuer}#{subject}"


def is_token_person(name: str) -> bool:
    """Whether a text is the id of the person of a token."""
    return _TOKEN_PERSON.fullmatch(name) is not None


def fold_person(text: str) -> str:
    """The id or e-mail address of a person in lower case, one letter for each.

    `str.casefold` makes one person of two: `groß@` and `gross@`, or a letter that only looks like one of ASCII.
    """
    return "".join(
        low if len(low := character.lower()) == 1 and low.isascii() == character.isascii() else character
        for character in text
    )


@dataclass(frozen=True, slots=True)
class Person:
    """A person by the `id` that keys, the policy and the journal have; `email` finds the member of a CRM.

    `groups` are those that the person's token names.
    """

    id: str
    email: str | None = None
    groups: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, text: str) -> "Person":
        """The person with this id, which may be an e-mail address; the case of letters does not count.

        It counts in the id of a token's person, ISSUER#SUBJECT: two subjects may differ in nothing else.
        """
        if is_token_person(text.strip()):
            return cls(text.strip())
        name = fold_person(text.strip())
        return cls(name, name if "@" in name else None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names that files may use for the person, the id first."""
        return (self.id,) if self.email in {None, self.id} else (self.id, self.email or "")

    @property
    def shown_name(self) -> str:
        """The name that is shown to others: the e-mail address, else the id."""
        return self.email or self.id

    def find_in(self, entries: Mapping[str, _T]) -> _T | None:
        """The entry of the person in a file, by name; None without one."""
        return next((entries[name] for name in self.names if name in entries), None)


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller: the person (None if not identified), the scopes of the credential, and the rules of the policy.

    `members` has the person's member (id, e-mail or name) by the name of the connection (MEMBER for the only one).
    `may_gain_scopes` is whether the caller can get a credential with further scopes; the caller is then shown the tools
    that these allow.
    """

    person: Person | None = None
    scopes: frozenset[Scope] = SCOPES
    rules: Rules = NO_RULES
    members: Mapping[str, str] = field(default_factory=dict, hash=False)
    may_gain_scopes: bool = False

    @property
    def subject(self) -> str | None:
        """The person's id, as the journal has it."""
        return self.person.id if self.person else None

    def check_may_lose(self, action: str) -> None:
        """NotAllowed without the scope `destructive`, which `action` needs."""
        if "destructive" not in self.scopes:
            raise NotAllowed.by("scope", f"{action} needs the scope destructive, which you do not have.")


ANYONE: Final = Principal()
"""A caller who was not identified, and who may do everything."""

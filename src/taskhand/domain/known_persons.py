"""Finds the other person to whom a member of a CRM belongs; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from taskhand.domain.people_lookup import find_members
from taskhand.domain.principal import Person, fold_person
from taskhand.domain.task import Member

__all__ = ["KnownPersons"]


@dataclass(frozen=True, slots=True)
class KnownPersons:
    """The known persons of one connection.

    `lines` are the members in people.toml by person, `named` are all persons in it, and `linked` are the persons with a
    linked credential, each with the member id if the CRM reported it.
    """

    lines: Mapping[str, str]
    named: Collection[str]
    linked: Sequence[tuple[Person, str | None]]

    def find_other(self, member: str, person: Person, team: Sequence[Member]) -> str | None:
        """The other person to whom the member with this id belongs; None if no evidence for another person is known.

        The member's e-mail address is evidence if the person has a different one, or if it belongs to a known person.
        """
        names = {fold_person(person.email or ""), *person.names}
        for name, line in self.lines.items():
            if name not in names and [match.id for match in find_members(line, team)] == [member]:
                return name
        for other, linked_as in self.linked:
            if linked_as == member and names.isdisjoint(other.names):
                return other.shown_name
        address = next((fold_person((teammate.email or "").strip()) for teammate in team if teammate.id == member), "")
        if not address or address in names:
            return None
        known = {*self.named, *(name for other, _ in self.linked for name in other.names)}
        return address if person.email or address in known else None

"""Which other person a member of a CRM is, by what is known of persons; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from taskhand.domain.people_lookup import find_members
from taskhand.domain.principal import Person, fold_person
from taskhand.domain.task import Member

__all__ = ["KnownPersons"]


@dataclass(frozen=True, slots=True)
class KnownPersons:
    """What is known of persons in one connection.

    `lines` are what people.toml says there, `named` are all whom it names, and `linked` are those who have linked,
    each with the member as far as the CRM has told.
    """

    lines: Mapping[str, str]
    named: Collection[str]
    linked: Sequence[tuple[Person, str | None]]

    def find_other(self, member: str, person: Person, team: Sequence[Member]) -> str | None:
        """Who the member with this id is, if that is another than this person; None if nothing says so.

        The member's e-mail address says it if the person has another, or it is that of somebody who is known.
        """
        names = {fold_person(person.email or ""), *person.names}
        for name, line in self.lines.items():
            if name not in names and [one.id for one in find_members(line, team)] == [member]:
                return name
        for other, linked_as in self.linked:
            if linked_as == member and names.isdisjoint(other.names):
                return other.shown_name
        address = next((fold_person((one.email or "").strip()) for one in team if one.id == member), "")
        if not address or address in names:
            return None
        known = {*self.named, *(name for other, _ in self.linked for name in other.names)}
        return address if person.email or address in known else None

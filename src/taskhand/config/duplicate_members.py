"""Persons of the people file who are entered as the same member of a CRM."""

from collections import defaultdict

from taskhand.config.people_file import PeopleFile
from taskhand.domain.principal import MEMBER

__all__ = ["describe_duplicates"]


def describe_duplicates(file: PeopleFile) -> tuple[str, ...]:
    """A sentence for each member that several persons share: one could approve for the other as a second person."""
    persons: dict[tuple[str, str], list[str]] = defaultdict(list)
    connections = {name for own in file.members.values() for name in own}
    for person, own in file.members.items():
        for name in connections:
            persons[name, own.get(name, person).casefold()].append(person)
    return tuple(
        f"{file.path} says that {' and '.join(several)} are one member" + (f" of {name}." if name != MEMBER else ".")
        for (name, _), several in persons.items()
        if len(several) > 1
    )

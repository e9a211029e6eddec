"""The policy: rules for everyone, for groups and for persons; pure.

A rule that is None, or False, allows everything. A person's own rule counts before that of a group, and that before the
rule for everyone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from taskhand.domain.errors import NotAllowed

__all__ = ["NO_POLICY", "NO_RULES", "Group", "Policy", "Rules"]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for one person.

    `connections` are the names of those that may be used (None: all). `tools` selects tools as TASKHAND_TOOLS does.
    `own_tasks_only` is whether only tasks of the person's own are seen and changed. `most_tasks` is how many tasks one
    change may have. `second_person` is whether a destructive plan must be applied by another person.
    `sees_all_changes` is whether the changes of other persons are listed, and may be undone. `own_credential` is
    whether a CRM is used with the person's own credential only, never with the shared one; names: on these connections.
    """

    connections: frozenset[str] | None = None
    tools: str | None = None
    own_tasks_only: bool = False
    most_tasks: int | None = None
    second_person: bool = False
    sees_all_changes: bool = False
    own_credential: bool | frozenset[str] = False

    def needs_own(self, connection: str) -> bool:
        """Whether the connection of this name is used with an own credential only."""
        rule = self.own_credential
        return rule if isinstance(rule, bool) else connection in rule

    def check_number(self, count: int) -> None:
        """NotAllowed if one change may not have this number of tasks."""
        limit = self.most_tasks
        if limit is not None and count > limit:
            message = f"{count} tasks are more than the {limit} that one change of yours may have; nothing was written."
            raise NotAllowed.by("most_tasks", message)

    @property
    def note_on_lists(self) -> str | None:
        """The note in a list, a count or an empty answer that has the person's own tasks only."""
        return "Only your own tasks are shown." if self.own_tasks_only else None


NO_RULES: Final = Rules()
"""Everything is allowed."""


@dataclass(frozen=True, slots=True)
class Group:
    """The ids of the persons in a group, and the rules that it sets, by the field of Rules."""

    people: frozenset[str]
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for everyone, for groups by name, and for persons by id; each only as far as it sets them."""

    everyone: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def rules_for(self, *names: str, groups: Collection[str] = ()) -> Rules:
        """The rules of the person with these names, the first of which counts most; without names, the rules for all.

        `groups` are those that the person's token names; they count as if the file had the person in them. The first
        group that sets a rule counts.
        """
        people = [self.people[name] for name in names if name in self.people]
        joined = [
            group.given for name, group in self.groups.items() if name in groups or not group.people.isdisjoint(names)
        ]
        sources = [*people, *joined, self.everyone]
        given: dict[str, Any] = {}
        for source in reversed(sources):
            given |= source
        if not given:
            return NO_RULES
        return Rules(**{rule.name: given[rule.name] for rule in fields(Rules) if rule.name in given})

    def needs_own(self, connection: str | None = None) -> bool:
        """Whether anybody may use the connection of this name with an own credential only; None: any connection."""
        groups = [group.given for group in self.groups.values()]
        rules = [given.get("own_credential", False) for given in (self.everyone, *groups, *self.people.values())]
        return any(
            rules if connection is None else (Rules(own_credential=rule).needs_own(connection) for rule in rules)
        )


NO_POLICY: Final = Policy()
"""Everyone may do everything."""

"""The permissions of a principal, the names of people, and the person to whom a member of a CRM belongs."""

import pytest

from builders import ANA, BEN, JUAN, JUAN_TOO, MEMBERS
from taskhand.domain.errors import NotAllowed
from taskhand.domain.known_persons import KnownPersons
from taskhand.domain.people_labels import people_names
from taskhand.domain.people_lookup import match_members
from taskhand.domain.policy import NO_RULES, Group, Policy, Rules
from taskhand.domain.principal import ANYONE, Person, Principal
from taskhand.domain.task import Member


def test_a_change_may_have_as_many_tasks_as_the_rule_says() -> None:
    principal = Principal(rules=Rules(most_tasks=2))
    principal.rules.check_number(2)
    ANYONE.rules.check_number(10**6)
    with pytest.raises(NotAllowed, match="3 tasks are more than the 2"):
        principal.rules.check_number(3)


def test_only_the_scope_destructive_allows_a_loss_of_data() -> None:
    Principal(scopes=frozenset({"destructive"})).check_may_lose("delete_task")
    assert ANYONE.scopes == {"read", "write", "destructive"}
    with pytest.raises(NotAllowed, match="delete_task needs the scope destructive"):
        Principal(scopes=frozenset({"read", "write"})).check_may_lose("delete_task")


def test_the_journal_and_others_know_a_person_by_id_and_by_address() -> None:
    ana = Person("https://login.x.test#1", "ana@x.test")
    assert (Principal(ana).subject, ana.names, ana.shown_name) == (ana.id, (ana.id, "ana@x.test"), "ana@x.test")
    ben = Person.parse("Ben@x.test")
    assert (ben.names, ben.shown_name) == (("ben@x.test",), "ben@x.test")
    assert Person.parse(" CI ") == Person("ci")
    assert (ANYONE.subject, Person("ci").names, Person("ci").shown_name) == (None, ("ci",), "ci")


def test_the_entry_of_a_person_in_a_file_is_found_by_id_before_the_address() -> None:
    ana = Person("https://login.x.test#1", "ana@x.test")
    assert ana.find_in({"ana@x.test": "by address", ana.id: "by id"}) == "by id"
    assert ana.find_in({"ana@x.test": "by address"}) == "by address"
    assert ana.find_in({"ben@x.test": "of another"}) is None


POLICY = Policy(
    {"most_tasks": 9, "tools": "read"},
    {
        "sales": Group(frozenset({"ana"}), {"most_tasks": 5, "own_tasks_only": True}),
        "support": Group(frozenset({"ana", "ben"}), {"most_tasks": 7, "own_credential": frozenset({"west"})}),
    },
    {"ana": {"second_person": True}, "ben": {"most_tasks": 1, "own_tasks_only": False}},
)


@pytest.mark.parametrize(
    ("names", "groups", "rules"),
    [
        ((), (), Rules(most_tasks=9, tools="read")),
        (
            ("ana",),
            (),
            Rules(
                tools="read",
                own_tasks_only=True,
                most_tasks=5,
                second_person=True,
                own_credential=frozenset({"west"}),
            ),
        ),
        (("ben",), (), Rules(tools="read", most_tasks=1, own_credential=frozenset({"west"}))),
        (("ben",), ("sales",), Rules(tools="read", most_tasks=1, own_credential=frozenset({"west"}))),
        (("eva",), ("sales", "other"), Rules(tools="read", most_tasks=5, own_tasks_only=True)),
    ],
)
def test_a_rule_of_the_person_counts_before_that_of_the_first_group_and_that_before_everyones(
    names: tuple[str, ...], groups: tuple[str, ...], rules: Rules
) -> None:
    assert POLICY.rules_for(*names, groups=groups) == rules
    assert Policy().rules_for(*names, groups=groups) == NO_RULES


def test_the_rules_under_the_id_of_a_person_count_before_those_under_the_address() -> None:
    policy = Policy(people={"ana@x.test": {"most_tasks": 2, "tools": "read"}, "https://x.test#1": {"most_tasks": 1}})
    assert policy.rules_for("https://x.test#1", "ana@x.test") == Rules(tools="read", most_tasks=1)


def test_an_own_credential_is_needed_if_any_rule_requires_it() -> None:
    assert (POLICY.needs_own(), POLICY.needs_own("west"), POLICY.needs_own("east")) == (True, True, False)
    assert not Policy().needs_own()
    for policy in (
        Policy({"own_credential": True}),
        Policy(people={"ana": {"own_credential": True}}),
        Policy(groups={"g": Group(frozenset(), {"own_credential": True})}),
    ):
        assert policy.needs_own()
        assert policy.needs_own("east")
    assert not Policy({"own_credential": False}, people={"ana": {"own_credential": False}}).needs_own()
    assert [Rules(own_credential=rule).needs_own("east") for rule in (True, False, frozenset({"east"}))] == [
        True,
        False,
        True,
    ]


def test_lists_have_a_note_only_for_a_person_limited_to_own_tasks() -> None:
    assert Rules(own_tasks_only=True).note_on_lists == "Only your own tasks are shown."
    assert NO_RULES.note_on_lists is None


NOT_NAMED = Member(id="n-1", name=" ", email=None)
ONLY_MAIL = Member(id="n-2", name="", email="only@example.cl")
CALLED_ME = Member(id="n-3", name="Me", email="me@example.cl")
LONG = Member(id="n-4", name="x" * 80, email=None)
GONE = Member(id="g-1", name="Eva Gone", email=None)


def test_people_are_shown_by_names_that_mean_them_alone_and_can_be_sent_back() -> None:
    team = [*MEMBERS, NOT_NAMED, ONLY_MAIL, CALLED_ME, LONG]
    shown = people_names(
        [*(one.id for one in team), GONE.id, "unknown"], {one.id: one for one in team}, {GONE.id: GONE}
    )
    assert shown == {
        ANA.id: "Ana Pérez",
        BEN.id: "Ben Núñez",
        JUAN.id: "Juan Soto <juan@example.cl>",
        JUAN_TOO.id: f"juan  soto ({JUAN_TOO.id})",
        "n-1": "n-1",
        "n-2": "only@example.cl",
        "n-3": "Me <me@example.cl>",
        "n-4": shown["n-4"],
        "g-1": "Eva Gone (not in the team)",
        "unknown": "unknown (not in the team)",
    }
    assert shown["n-4"].startswith(f"{'x' * 60}…")
    for one in team:
        assert match_members([shown[one.id]], team, ANA.id).ids == (one.id,)


def test_an_address_that_several_people_have_is_shown_for_none_of_them() -> None:
    twins = {n: Member(id=n, name="Ana", email="team@example.cl") for n in ("t-1", "t-2")}
    assert people_names(["t-1", "t-2"], twins, {}) == {"t-1": "Ana (t-1)", "t-2": "Ana (t-2)"}


def test_an_address_of_more_than_60_characters_is_shown_for_nobody() -> None:
    longest = f"{'a' * 49}@example.cl"
    team = {n: Member(id=n, name="Ana", email=email) for n, email in (("t-1", longest), ("t-2", f"a{longest}"))}
    assert people_names([*team], team, {}) == {"t-1": f"Ana <{longest}>", "t-2": "Ana (t-2)"}


EVA = Person("https://login.x.test#2", "eva@example.cl")
NOBODY_KNOWN = KnownPersons({}, (), ())


@pytest.mark.parametrize(
    ("known", "member", "person", "other"),
    [
        (NOBODY_KNOWN, ANA, Person("ana@example.cl", "ana@example.cl"), None),
        (NOBODY_KNOWN, ANA, EVA, "ana@example.cl"),
        (NOBODY_KNOWN, ANA, Person("ci"), None),
        (KnownPersons({}, ("ana@example.cl",), ()), ANA, Person("ci"), "ana@example.cl"),
        (KnownPersons({}, (), ((Person("x", "ana@example.cl"), None),)), ANA, Person("ci"), "ana@example.cl"),
        (KnownPersons({"ci": "Ana Pérez"}, (), ()), ANA, Person("ci"), None),
        (KnownPersons({"boss": "Ana Pérez"}, (), ()), ANA, Person("ci"), "boss"),
        (KnownPersons({"boss": "Ben Núñez"}, (), ()), ANA, Person("ci"), None),
        (KnownPersons({"boss": "Juan Soto"}, (), ()), JUAN_TOO, Person("ci"), None),
        (KnownPersons({"eva@example.cl": "Ana Pérez"}, (), ()), JUAN_TOO, EVA, None),
        (KnownPersons({}, (), ((EVA, JUAN_TOO.id),)), JUAN_TOO, Person("ci"), "eva@example.cl"),
        (KnownPersons({}, (), ((EVA, JUAN_TOO.id),)), JUAN_TOO, EVA, None),
        (KnownPersons({}, (), ((EVA, BEN.id),)), JUAN_TOO, Person("ci"), None),
    ],
)
def test_a_member_belongs_to_another_person_by_a_line_a_link_or_an_address(
    known: KnownPersons, member: Member, person: Person, other: str | None
) -> None:
    assert known.find_other(member.id, person, MEMBERS) == other

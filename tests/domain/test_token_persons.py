"""The person of a token: known by issuer and subject, and called by that or by a verified e-mail in files."""

import pytest

from taskhand.domain.person_id import flaw_of_person
from taskhand.domain.policy import Group, Policy
from taskhand.domain.principal import Person, token_person

ISSUER, OTHER = "https://login.x.test/one", "https://login.x.test/two"


def test_no_two_subjects_have_one_id() -> None:
    pairs = [(ISSUER, "ana"), (ISSUER, "Ana"), (OTHER, "ana"), (ISSUER, "ana#ana"), (f"{ISSUER}/", "ana")]
    ids = [Person.parse(f" {token_person(*pair)} ").id for pair in pairs]
    assert ids == [token_person(*pair) for pair in pairs]
    assert len({*ids}) == len(pairs)


def test_no_two_addresses_have_one_id_but_for_the_case_of_their_letters() -> None:
    one = {"ana@x.test": " Ana@X.TEST ", "josé@x.test": "JOSÉ@x.test", "groß@x.test": "Groß@x.test"}
    assert {Person.parse(text).id for text in one.values()} == {*one}
    two = [("groß@x.test", "gross@x.test"), ("mi\u212ae@x.test", "mike@x.test"), ("\u0130da@x.test", "ida@x.test")]
    assert [first for first, second in two if Person.parse(first).id == Person.parse(second).id] == []


def test_files_may_name_the_person_of_a_token() -> None:
    assert flaw_of_person(token_person(ISSUER, "00u1ab|c d")) is None
    assert Person.parse(token_person(ISSUER, "ana@x.test")).email is None
    for text in (
        f"{ISSUER}#",
        f"{ISSUER}#ana ",
        f"{ISSUER}# ana",
        "https://#ana",
        f"{ISSUER}#\x07",
        f"ftp://x#{ISSUER}",
    ):
        assert flaw_of_person(text) is not None


@pytest.mark.parametrize(
    ("email", "groups", "most"),
    [
        (None, (), 1),
        ("ana@x.test", (), 3),
        (None, ("sales",), 2),
        ("ana@x.test", ("sales",), 3),
        ("ben@x.test", (), 2),
        (None, ("Sales", "none"), 1),
    ],
)
def test_rules_are_found_by_verified_email_and_by_the_groups_of_a_token(
    email: str | None, groups: tuple[str, ...], most: int
) -> None:
    sales = Group(frozenset({"ben@x.test"}), {"most_tasks": 2})
    policy = Policy({"most_tasks": 1}, {"sales": sales}, {"ana@x.test": {"most_tasks": 3}})
    person = Person(token_person(ISSUER, "1"), email, frozenset(groups))
    assert policy.rules_for(*person.names, groups=person.groups).most_tasks == most


def test_a_rule_for_the_id_has_priority_over_a_rule_for_the_email() -> None:
    person = Person(token_person(ISSUER, "1"), "ana@x.test")
    policy = Policy(people={"ana@x.test": {"most_tasks": 3, "tools": "read"}, person.id: {"most_tasks": 4}})
    rules = policy.rules_for(*person.names)
    assert (rules.most_tasks, rules.tools) == (4, "read")


@pytest.mark.parametrize(
    ("name", "flaw"),
    [
        ("--", "it has neither a letter nor a digit"),
        ("a" * 201, "it has more than 200 characters"),
        ("a" * 200, None),
        ("ana\u200b@x.test", "it has characters that look like others, or are invisible"),
        ("ana,ben", "it has ',' in it"),
        ("-ana", "it begins like an option"),
        ("@x.test", "it is no e-mail address"),
        ("ana@x..test", "it is no e-mail address"),
        ("ana@x.test", None),
        ("u-7", None),
    ],
)
def test_a_text_that_names_no_person_has_a_flaw(name: str, flaw: str | None) -> None:
    assert flaw_of_person(name) == flaw

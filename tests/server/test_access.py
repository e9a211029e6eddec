"""The principal of a credential: the person, and the person's lines in people.toml."""

from mcp.server.auth.provider import AccessToken

from taskhand.domain.principal import Person
from taskhand.server.access import Access

LINES = {"ana@x.test": {"north": "Ana"}, "https://login.x.test#2": {"north": "Ben"}, "ben@x.test": {"north": "Eve"}}


def token(subject: str, email: str | None = None, resource: str | None = "https://tasks.x.test/mcp") -> AccessToken:
    claims = {"iss": "https://login.x.test", "email": email}
    return AccessToken(token="-", client_id="c", scopes=["read"], subject=subject, resource=resource, claims=claims)  # noqa: S106


def test_a_person_who_signs_in_has_the_line_of_the_id_or_else_that_of_the_verified_address() -> None:
    holder = Access(memberships=lambda: LINES).holder
    assert holder(token("https://login.x.test#1", "ana@x.test")).members == {"north": "Ana"}
    assert holder(token("https://login.x.test#2", "ben@x.test")).members == {"north": "Ben"}
    assert holder(token("https://login.x.test#3")).members == {}


def test_the_person_of_a_key_has_the_address_in_the_key_and_no_claims() -> None:
    principal = Access(memberships=lambda: LINES).holder(token("Ana@x.test", "ben@x.test", resource=None))
    assert (principal.person, principal.members) == (Person("ana@x.test", "ana@x.test"), {"north": "Ana"})
    assert not principal.may_gain_scopes

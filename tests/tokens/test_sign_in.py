"""A person signs in at an issuer in a browser: who that is, and every answer of the issuer that proves it not."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from backends.sandboxed_app import TRUST
from issuers import Issuer, issuing, make_key, pack
from taskhand.domain.errors import OperatorError
from taskhand.http.issuer_documents import JsonDocuments
from taskhand.tokens.issuer_keys import IssuerKeys
from taskhand.tokens.sign_in import SignIn
from taskhand.tokens.token_check import TokenCheck
from taskhand.tokens.token_claims import TokenRules

BACK, HERE = "https://tasks.example.com/link/signed-in", "https://tasks.example.com/mcp"
VERIFIER, NONCE = "v" * 64, "n" * 43


@dataclass
class Visit:
    """One browser at the issuer, on its way back."""

    issuer: Issuer
    sign_in: SignIn
    address: str = ""
    answer: dict[str, str] = field(default_factory=dict)
    email: str | None = None

    async def go(self) -> None:
        """Go to the issuer's page, where the person signs in, and back with its answer."""
        challenge = pack(sha256(VERIFIER.encode()).digest())
        self.address = await self.sign_in.authorize_url(BACK, HERE, "the-state", challenge, NONCE)
        async with httpx2.AsyncClient(verify=TRUST) as browser:
            sent = await browser.get(self.address)
        address, _, query = sent.headers["location"].partition("?")
        assert address == BACK
        self.answer = {name: one[0] for name, one in parse_qs(query).items()}

    async def find(self, **changed: str) -> str | None:
        """Who has signed in, with a part of what the server knows changed."""
        known = {"redirect_uri": BACK, "resource": HERE, "verifier": VERIFIER, "nonce": NONCE} | changed
        found = await self.sign_in.find_person(self.answer, **known)
        self.email = found.email if found else None
        return found.id if found else None


@asynccontextmanager
async def visiting(*trusted: Issuer, **given: Any) -> AsyncIterator[Visit]:
    """A server that trusts the issuer of this page, and further ones."""
    with issuing(**given) as issuer:
        documents = JsonDocuments(setting="TASKHAND_SIGN_IN_SECRET")
        keys = IssuerKeys(issuer.url, documents.get)
        check = TokenCheck([keys, *(IssuerKeys(one.url, documents.get) for one in trusted)], TokenRules())
        yield Visit(issuer, SignIn(keys, ("page", "a/secret"), documents.post_code, check))
        await documents.aclose()


async def test_signing_in_identifies_the_same_person_as_tokens_of_the_issuer() -> None:
    async with visiting() as visit:
        await visit.go()
        asked = {name: one[0] for name, one in parse_qs(urlsplit(visit.address).query).items()}
        assert asked["scope"] == "openid tasks:read"
        assert asked["code_challenge_method"] == "S256"
        assert (asked["state"], asked["resource"], asked["redirect_uri"]) == ("the-state", HERE, BACK)
        person = await visit.find()
        assert person == f"{visit.issuer.url}#ana"
        assert visit.sign_in.can_prove(person)
        assert not visit.sign_in.can_prove(f"{visit.issuer.url}1#ana")
        assert await visit.find() is None, "a code is good once"


async def test_the_address_of_a_sign_in_page_may_have_parameters_of_its_own() -> None:
    async with visiting() as visit:
        visit.issuer.metadata |= {"authorization_endpoint": f"{visit.issuer.url}/authorize?policy=staff"}
        await visit.go()
        asked = {name: one[0] for name, one in parse_qs(urlsplit(visit.address).query).items()}
        assert (asked["policy"], asked["response_type"]) == ("staff", "code")


async def test_the_subject_of_access_tokens_counts_where_that_of_id_tokens_is_another() -> None:
    async with visiting(signed_in={"sub": "pairwise-of-the-page"}) as visit:
        await visit.go()
        assert await visit.find() == f"{visit.issuer.url}#ana"
        for elsewhere in (None, "opaque", visit.issuer.token("https://other.example.com/mcp")):
            visit.issuer.given = {"access_token": elsewhere}
            await visit.go()
            assert await visit.find() == f"{visit.issuer.url}#pairwise-of-the-page"


async def test_an_access_token_of_another_trusted_issuer_does_not_identify_the_person() -> None:
    with issuing() as other:
        async with visiting(other, signed_in={"sub": "ben"}) as visit:
            visit.issuer.given = {"access_token": other.token(HERE)}
            await visit.go()
            assert await visit.find() == f"{visit.issuer.url}#ben"


async def test_the_e_mail_of_a_signed_in_person_must_be_verified_by_the_issuer() -> None:
    mail = {"email": "Ana@x.test", "email_verified": True}
    for of_id, of_access, email in (
        ({}, mail, "ana@x.test"),
        (mail, {}, "ana@x.test"),
        ({"email": "other@x.test", "email_verified": True}, mail, "ana@x.test"),
        (mail | {"email_verified": False}, {}, None),
        ({"email": "ana@x.test"}, {"email": "ana@x.test", "email_verified": "true"}, None),
    ):
        async with visiting(signed_in=of_id) as visit:
            visit.issuer.person |= of_access
            await visit.go()
            assert await visit.find() == f"{visit.issuer.url}#ana"
            assert visit.email == email


_NOW = int(time())
ID_TOKENS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "of another issuer": ({"iss": "https://login.example.com"}, "another issuer"),
    "of the same issuer with a slash": ({"iss": "/"}, "another issuer"),
    "without an issuer": ({"iss": None}, "another issuer"),
    "for another client": ({"aud": "desk"}, "audience"),
    "for this server, as an access token": ({"aud": HERE}, "audience"),
    "for several, and nobody has asked": ({"aud": ["page", "desk"]}, "for several clients"),
    "for several, and another has asked": ({"aud": ["page", "desk"], "azp": "desk"}, "another client requested it"),
    "for this client, and another has asked": ({"azp": "desk"}, "another client requested it"),
    "for nobody": ({"aud": None}, "audience"),
    "of another sign-in": ({"nonce": "m" * 43}, "nonce"),
    "of another sign-in, as no text": ({"nonce": [NONCE]}, "nonce"),
    "of no sign-in": ({"nonce": None}, "nonce"),
    "expired": ({"exp": _NOW - 60}, "has expired"),
    "without an end": ({"exp": None}, "never expires"),
    "made eleven minutes ago": ({"iat": _NOW - 660}, "just now"),
    "made nobody knows when": ({"iat": None}, "just now"),
    "of tomorrow": ({"iat": _NOW + 86_400}, "not valid yet"),
    "not valid yet": ({"nbf": _NOW + 3_600}, "not valid yet"),
    "without a subject": ({"sub": None}, "no subject"),
    "with a subject that is none": ({"sub": "a\nb"}, "no subject"),
    "beside another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
    "an access token by its type": ({"header": {"typ": "at+jwt"}}, "an access token"),
    "another kind by its type": ({"header": {"typ": "logout+jwt"}}, "another kind"),
    "signed with a key that nobody knows": ({"key": make_key("stranger")}, "no key of the issuer"),
    "signed with a key that it calls known": (
        {"key": make_key("stranger"), "header": {"kid": "first"}},
        "no key of the issuer",
    ),
}


async def test_no_other_id_token_proves_anything(caplog: pytest.LogCaptureFixture) -> None:
    async with visiting() as visit:
        for name, (changed, reason) in ID_TOKENS.items():
            issuer = visit.issuer.url
            visit.issuer.signed_in = {
                claim: one.replace("{issuer}", issuer) if isinstance(one, str) else one
                for claim, one in changed.items()
            }
            await visit.go()
            caplog.clear()
            assert await visit.find() is None, name
            [told] = [one.getMessage() for one in caplog.records if "was refused" in one.getMessage()]
            assert reason in told, name
        visit.issuer.signed_in = {"aud": ["page", "desk"], "azp": "page"}
        await visit.go()
        assert await visit.find() is not None


async def test_an_unsigned_or_missing_id_token_proves_nothing() -> None:
    async with visiting() as visit:
        claims = visit.issuer.claims("page", nonce=NONCE)
        bare = f"{pack({'alg': 'none'})}.{pack(claims)}."
        for given in (None, "", "opaque", bare, 17, ["a"]):
            visit.issuer.given = {"id_token": given}
            await visit.go()
            assert await visit.find() is None, given


@pytest.mark.parametrize(
    ("changed", "is_told"),
    [
        ({"iss": "https://login.example.com"}, True),
        ({"iss": ""}, True),
        ({"iss": None}, False),
        ({"code": ""}, True),
        ({"code": "code-of-nobody"}, True),
        ({"error": "access_denied"}, True),
    ],
)
async def test_an_answer_that_may_be_anothers_proves_nothing(changed: dict[str, str | None], *, is_told: bool) -> None:
    for names_itself in (True, False):  # an issuer that does not say whose its answers are need not
        async with visiting(metadata={"authorization_response_iss_parameter_supported": names_itself}) as visit:
            await visit.go()
            answer = visit.answer | changed
            visit.answer = {name: one for name, one in answer.items() if one is not None}
            assert (await visit.find() is None) is (names_itself or is_told)


@pytest.mark.parametrize(("length", "is_read"), [(4_096, True), (4_097, False)])
async def test_a_code_may_have_4096_characters(length: int, *, is_read: bool) -> None:
    async with visiting() as visit:
        await visit.go()
        code = visit.answer["code"].ljust(length, "c")
        visit.issuer.codes[code] = visit.issuer.codes.pop(visit.answer["code"])
        visit.answer["code"] = code
        assert (await visit.find() is not None) is is_read


@pytest.mark.parametrize("changed", [{"verifier": "w" * 64}, {"resource": "https://other/mcp"}, {"nonce": ""}])
async def test_a_sign_in_cannot_be_completed_with_other_values_than_it_began_with(changed: dict[str, str]) -> None:
    async with visiting() as visit:
        await visit.go()
        assert await visit.find(**changed) is None


async def test_an_issuer_that_cannot_be_asked_is_an_error_for_the_operator() -> None:
    async with visiting() as visit:
        await visit.go()
        visit.issuer.down = True
        with pytest.raises(OperatorError, match="could not be reached to check a sign-in"):
            await visit.find()
    for missing in ("authorization_endpoint", "token_endpoint"):
        async with visiting(metadata={missing: None}) as visit:
            visit.answer = {"code": "c", "iss": visit.issuer.url}
            with pytest.raises(OperatorError, match=missing):
                await (visit.find() if missing == "token_endpoint" else visit.go())

"""The limits of a token's claims: tolerated clock differences, the client's name, and the proof of an ID token."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from taskhand.tokens.id_token import check_access_hash, read_signed_in
from taskhand.tokens.signed_token import RefusedToken, SignedToken, read_signed_token
from taskhand.tokens.token_claims import TokenRules, check_is_access_token, read_holder

ISSUER, HERE, NOW = "https://login.x.test", "https://tasks.x.test/mcp", 1_800_000_000.0
GOOD = {"iss": ISSUER, "aud": HERE, "sub": "ana", "exp": NOW + 60, "scope": "tasks:read"}


def read(rules: TokenRules | None = None, *, must_expire: bool = True, **claims: Any) -> Any:
    """The holder of a token with these claims; None takes a claim away."""
    given = {name: one for name, one in (GOOD | claims).items() if one is not None}
    return read_holder(given, ISSUER, rules or TokenRules(), resource=HERE, now=NOW, must_expire=must_expire)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": NOW - 29.9}, None),
        ({"exp": NOW - 30}, "expired"),
        ({"nbf": NOW + 30}, None),
        ({"nbf": NOW + 30.1}, "not valid yet"),
        ({"iat": NOW + 30}, None),
        ({"iat": NOW + 30.1}, "not valid yet"),
        ({"nbf": NOW - 10**6, "iat": 0}, None),
        ({"exp": 10**11 - 1}, None),
        ({"exp": 10**11}, "its exp is no time"),
        ({"iat": -1}, "its iat is no time"),
        ({"nbf": True}, "its nbf is no time"),
        ({"exp": None}, "it never expires"),
        ({"sub": "a" * 255}, None),
        ({"groups": [str(one) for one in range(1_000)]}, None),
    ],
)
def test_the_clock_of_an_issuer_may_differ_by_half_a_minute(claims: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        assert read(**claims).issuer == ISSUER
    else:
        with pytest.raises(RefusedToken) as refused:
            read(**claims)
        assert reason in refused.value.reason


def test_an_introspected_token_may_lack_an_expiry_but_must_not_be_expired() -> None:
    assert read(must_expire=False, exp=None).expires_at is None
    assert read(must_expire=False).expires_at == NOW + 60
    with pytest.raises(RefusedToken, match="expired"):
        read(must_expire=False, exp=NOW - 30)


@pytest.mark.parametrize(
    ("claims", "client"),
    [
        ({"client_id": "a", "azp": "b", "cid": "c"}, "a"),
        ({"azp": "b", "cid": "c"}, "b"),
        ({"cid": "c"}, "c"),
        ({"client_id": 7, "cid": "c"}, "c"),
        ({}, "ana"),
    ],
)
def test_the_client_is_named_by_the_claim_that_the_issuer_has_for_it(claims: dict[str, Any], client: str) -> None:
    assert read(**claims).client_id == client


def test_groups_are_those_of_the_named_claim_each_once() -> None:
    assert read(groups=["a", "b", "a"]).groups == ("a", "b")
    assert read(groups="sales").groups == ("sales",)
    assert read().groups == ()
    named = TokenRules(groups_claim="roles")
    assert read(named, _claim_names={"groups": "src1"}).groups == ()
    assert read(named, _claim_names={"roles": "src1"}, roles=["a"]).groups == ("a",)


def test_an_audience_is_the_address_of_the_server_or_one_that_is_accepted_besides() -> None:
    rules = TokenRules(audiences=frozenset({"1234"}))
    assert read(rules, aud="1234").person == f"{ISSUER}#ana"
    assert read(rules, aud=[7, HERE]).person == f"{ISSUER}#ana"
    with pytest.raises(RefusedToken, match="is not 1234 or https"):
        read(rules, aud="12345")


def test_a_scope_is_requested_by_its_full_name() -> None:
    assert TokenRules(scope_prefix="api://1/").full_scope("write") == "api://1/tasks:write"


@pytest.mark.parametrize(
    ("header", "claims", "is_one"),
    [
        ({"typ": "at+jwt"}, {"nonce": "x", "typ": "ID"}, True),
        ({"typ": "application/AT+JWT"}, {"at_hash": "x"}, True),
        ({}, {}, True),
        ({}, {"nonce": "x", "scope": ""}, True),
        ({}, {"nonce": "x", "scp": []}, True),
        ({}, {"nonce": "x"}, False),
        ({}, {"at_hash": "x", "scope": "tasks:read"}, False),
        ({}, {"c_hash": "x", "scope": "tasks:read"}, False),
        ({}, {"events": {}, "scope": "tasks:read"}, False),
        ({}, {"typ": "Bearer"}, True),
        ({}, {"typ": "Logout"}, False),
        ({}, {"typ": "Offline"}, False),
    ],
)
def test_an_id_token_is_refused_as_an_access_token(
    header: dict[str, Any], claims: dict[str, Any], *, is_one: bool
) -> None:
    token = SignedToken(header, claims, b"", b"")
    if is_one:
        check_is_access_token(token)
    else:
        with pytest.raises(RefusedToken) as refused:
            check_is_access_token(token)
        assert refused.value.is_misconfigured


SIGNED_IN = {"iss": ISSUER, "aud": "desk", "sub": "ana", "exp": NOW + 60, "iat": NOW, "nonce": "n-1"}


def sign_in(header: dict[str, Any] | None = None, **claims: Any) -> str:
    """Who has signed in by an ID token with these claims; None takes a claim away."""
    given = {name: one for name, one in (SIGNED_IN | claims).items() if one is not None}
    token = SignedToken(header or {"alg": "RS256"}, given, b"", b"")
    return read_signed_in(token, ISSUER, client_id="desk", nonce="n-1", now=NOW)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, None),
        ({"azp": "desk"}, None),
        ({"aud": ["desk"]}, None),
        ({"aud": ["desk", "other"], "azp": "desk"}, None),
        ({"aud": ["desk", "other"]}, "for several clients"),
        ({"aud": ["desk", "other"], "azp": "other"}, "another client"),
        ({"azp": "other"}, "another client"),
        ({"aud": "other"}, "audience"),
        ({"iss": f"{ISSUER}/"}, "another issuer"),
        ({"nonce": "n-2"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["n-1"]}, "nonce"),
        ({"iat": NOW - 629.9}, None),
        ({"iat": NOW - 630}, "just now"),
        ({"iat": None}, "just now"),
        ({"exp": None}, "never expires"),
        ({"exp": NOW - 30}, "expired"),
        ({"sub": None}, "no subject"),
        ({"sub": "ana "}, "no subject"),
    ],
)
def test_an_id_token_identifies_the_person_of_a_recent_sign_in(claims: dict[str, Any], reason: str | None) -> None:
    if reason is None:
        assert sign_in(**claims) == f"{ISSUER}#ana"
    else:
        with pytest.raises(RefusedToken) as refused:
            sign_in(**claims)
        assert reason in refused.value.reason


def test_an_access_token_or_an_empty_nonce_does_not_prove_a_sign_in() -> None:
    with pytest.raises(RefusedToken, match="access token"):
        sign_in({"alg": "RS256", "typ": "at+jwt"})
    with pytest.raises(RefusedToken, match="nonce"):
        read_signed_in(
            SignedToken({"alg": "RS256"}, SIGNED_IN | {"nonce": ""}, b"", b""),
            ISSUER,
            client_id="desk",
            nonce="",
            now=NOW,
        )


@pytest.mark.parametrize(
    ("algorithm", "hashed"),
    [("RS256", "sha256"), ("ES384", "sha384"), ("PS512", "sha512"), ("EdDSA", "sha512")],
)
def test_the_access_token_beside_an_id_token_is_the_one_that_it_names(algorithm: str, hashed: str) -> None:
    digest = hashlib.new(hashed, b"opaque").digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    token = SignedToken({"alg": algorithm}, {"at_hash": half}, b"", b"")
    check_access_hash(token, "opaque")
    check_access_hash(SignedToken({"alg": algorithm}, {}, b"", b""), "opaque")
    with pytest.raises(RefusedToken):
        check_access_hash(token, "another")


def test_a_token_may_be_as_large_as_most_of_the_headers_of_a_request() -> None:
    for length, reason in ((12 * 1024, "it is no signed token"), (12 * 1024 + 1, "it is too large")):
        with pytest.raises(RefusedToken) as refused:
            read_signed_token("a" * length)
        assert (refused.value.reason, str(refused.value)) == (reason, reason)


def test_nothing_of_a_token_is_in_its_repr() -> None:
    assert repr(SignedToken({"kid": "k-1"}, {"sub": "ana"}, b"signed", b"signature")) == "SignedToken()"
    assert "ana@x.test" not in repr(read(email="ana@x.test", email_verified=True))

"""Tokens that are refused, each with a part of the reason in the log; an issuer and a foreign one make them."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from hmac import digest
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from issuers import Issuer, Key, make_key, pack

__all__ = ["BAD", "HERE", "OTHER_KEY"]

HERE = "https://tasks.x.test/mcp"
Bad = Callable[[Issuer, Issuer], str]


def tampered_token(token: str, **changed: Any) -> str:
    """A token with other claims and the signature from before."""
    header, body, signature = token.split(".")
    claims = json.loads(urlsafe_b64decode(body + "==")) | changed
    return f"{header}.{pack(claims)}.{signature}"


def unsigned_token(issuer: Issuer, algorithm: str) -> str:
    return f"{pack({'alg': algorithm, 'kid': 'first', 'typ': 'at+jwt'})}.{pack(issuer.claims(HERE))}."


def with_public_key_as_secret(issuer: Issuer) -> str:
    """HS256, where the secret is the public key, which everybody knows."""
    pem = issuer.keys[0].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{pack({'alg': 'HS256', 'kid': 'first', 'typ': 'at+jwt'})}.{pack(issuer.claims(HERE))}"
    return f"{signed}.{pack(digest(pem, signed.encode(), 'sha256'))}"


def signed_raw(issuer: Issuer, body: bytes, header: bytes | None = None) -> str:
    """A token with exactly this body, or with a header that no library writes, and a good signature."""
    key = issuer.keys[-1]
    head = header or json.dumps({"alg": key.algorithm, "kid": key.id, "typ": "at+jwt"}).encode()
    signed = f"{pack(head)}.{pack(body)}"
    return f"{signed}.{pack(get_default_algorithms()[key.algorithm].sign(signed.encode(), key.private))}"


def token_with_repeated_claim(issuer: Issuer) -> bytes:
    body = json.dumps(issuer.claims(HERE))
    return f'{body[:-1]}, "sub": "ben"}}'.encode()


OTHER_KEY = Key("first", "RS256", make_key("another").private)


def with_claims(**changed: Any) -> Bad:
    """A token with exactly these claims, even if no library writes them."""
    return lambda issuer, _: signed_raw(issuer, json.dumps(issuer.claims(HERE) | changed).encode())


def with_text(claim: str, text: bytes) -> Bad:
    """A token where one claim has this text, which need not be JSON."""

    def make(issuer: Issuer, _: Issuer) -> str:
        body = json.dumps(issuer.claims(HERE) | {claim: "?"}).encode()
        return signed_raw(issuer, body.replace(f'"{claim}": "?"'.encode(), f'"{claim}": '.encode() + text))

    return make


def with_header(**changed: Any) -> Bad:
    """A token with a good signature and this header."""
    header = {"alg": "RS256", "kid": "first", "typ": "at+jwt"} | changed
    kept = {name: value for name, value in header.items() if value is not None}
    return lambda issuer, _: signed_raw(issuer, json.dumps(issuer.claims(HERE)).encode(), json.dumps(kept).encode())


def with_jwk_as_secret(issuer: Issuer, _: Issuer) -> str:
    """HS256, where the secret is the public key as the issuer publishes it."""
    signed = f"{pack({'alg': 'HS256', 'kid': 'first', 'typ': 'at+jwt'})}.{pack(issuer.claims(HERE))}"
    secret = json.dumps(issuer.keys[0].public).encode()
    return f"{signed}.{pack(digest(secret, signed.encode(), 'sha256'))}"


def with_repeated_claim(name: str) -> Bad:
    """A token that has a claim twice: parsers differ in whether the first or the last one counts."""
    return lambda issuer, _: signed_raw(issuer, f'{{"{name}": "x", {json.dumps(issuer.claims(HERE))[1:]}'.encode())


BAD: dict[str, tuple[str, Bad]] = {
    "no token": ("no signed token", lambda *_: "nothing"),
    "empty": ("no signed token", lambda *_: ""),
    "forged claims": ("no key", lambda i, _: tampered_token(i.token(HERE), sub="ben")),
    "forged signature": ("no key", lambda i, _: i.token(HERE)[:-8] + "AAAAAAAA"),
    "no signature": ("no key", lambda i, _: i.token(HERE).rpartition(".")[0] + "."),
    "alg none": ("no key", lambda i, _: unsigned_token(i, "none")),
    "alg None": ("no key", lambda i, _: unsigned_token(i, "NoNe")),
    "alg is no text": ("no algorithm", lambda i, _: signed_raw(i, b"{}", b'{"alg": ["RS256"], "kid": "first"}')),
    "HS256 with the public key": ("no key", lambda i, _: with_public_key_as_secret(i)),
    "another algorithm of the key": (
        "no key",
        lambda i, _: jwt.encode(i.claims(HERE), i.keys[0].private, "RS512", {"kid": "first"}),
    ),
    "another key of this id": ("no key", lambda i, _: i.token(HERE, key=OTHER_KEY)),
    "unknown key id": ("no key", lambda i, _: i.token(HERE, header={"kid": "nobody"})),
    "wrong audience": ("audience", lambda i, _: i.token("https://crm.x.test")),
    "no audience": ("audience", lambda i, _: i.token(HERE, aud=None)),
    "audiences without this one": ("audience", lambda i, _: i.token(HERE, aud=["a", f"{HERE}/x", HERE.upper()])),
    "audience is an object": ("audience", lambda i, _: i.token(HERE, aud={HERE: 1})),
    "untrusted issuer": ("issuer", lambda _, f: f.token(HERE)),
    "signed by another issuer": ("no key", lambda i, f: f.token(HERE, iss=i.url)),
    "issuer with a slash": ("issuer", lambda i, _: i.token(HERE, iss=f"{i.url}/")),
    "no issuer": ("issuer", lambda i, _: i.token(HERE, iss=None)),
    "issuer is a list": ("issuer", lambda i, _: signed_raw(i, json.dumps(i.claims(HERE) | {"iss": [i.url]}).encode())),
    "expired": ("expired", lambda i, _: i.token(HERE, exp=int(time()) - 31)),
    "never expires": ("never expires", lambda i, _: i.token(HERE, exp=None)),
    "expires at a text": ("exp", lambda i, _: signed_raw(i, json.dumps(i.claims(HERE, exp="tomorrow")).encode())),
    "expires at infinity": (
        "exp",
        lambda i, _: signed_raw(i, json.dumps(i.claims(HERE, exp=0)).encode().replace(b'"exp": 0', b'"exp": 1e999')),
    ),
    "not yet valid": ("not valid yet", lambda i, _: i.token(HERE, nbf=int(time()) + 60)),
    "made in the future": ("not valid yet", lambda i, _: i.token(HERE, iat=int(time()) + 60)),
    "ID token by its header": ("another kind", lambda i, _: i.token(HERE, header={"typ": "id_token+jwt"})),
    "logout token": ("another kind", lambda i, _: i.token(HERE, header={"typ": "logout+jwt"})),
    "ID token by its hashes": ("no access token", lambda i, _: i.token(HERE, header={"typ": "JWT"}, at_hash="x")),
    "ID token by its nonce": (
        "no access token",
        lambda i, _: i.token(HERE, header={"typ": None}, nonce="x", scope=None),
    ),
    "ID token of Keycloak": ("no access token", lambda i, _: i.token(HERE, header={"typ": "JWT"}, typ="ID")),
    "bound to a key of its client": ("bound", lambda i, _: i.token(HERE, cnf={"jkt": "x"})),
    "too large": ("too large", lambda i, _: i.token(HERE, more="x" * 12_000)),
    "no subject": ("subject", lambda i, _: i.token(HERE, sub=None)),
    "empty subject": ("subject", lambda i, _: i.token(HERE, sub="")),
    "subject with a line break": ("subject", lambda i, _: i.token(HERE, sub="ana\nben")),
    "subject is a number": ("subject", lambda i, _: signed_raw(i, json.dumps(i.claims(HERE) | {"sub": 1}).encode())),
    "crit": ("critical extension", lambda i, _: i.token(HERE, header={"crit": ["exp"]})),
    "nested": ("another token", lambda i, _: signed_raw(i, b"{}", b'{"alg": "RS256", "kid": "first", "cty": "JWT"}')),
    "encrypted": ("no signed token", lambda *_: "a.b.c.d.e"),
    "claims twice": ("body is malformed", lambda i, _: signed_raw(i, token_with_repeated_claim(i))),
    "header twice": (
        "header is malformed",
        lambda i, _: signed_raw(i, b"{}", b'{"alg": "none", "alg": "RS256", "kid": "first"}'),
    ),
    "body is no object": ("body is malformed", lambda i, _: signed_raw(i, b'["sub"]')),
    "body is deep": ("body is malformed", lambda i, _: signed_raw(i, b"[" * 4_000 + b"]" * 4_000)),
    "padding": ("no signed token", lambda i, _: f"{i.token(HERE)}=="),
    "groups elsewhere": ("groups", lambda i, _: i.token(HERE, _claim_names={"groups": "src1"})),
    "groups are an object": ("groups", lambda i, _: i.token(HERE, groups={"a": 1})),
    "HS256 with the published key": ("no key", with_jwk_as_secret),
    "alg in small letters": ("no key", with_header(alg="rs256")),
    "alg with a space": ("no key", with_header(alg="RS256 ")),
    "no alg": ("no algorithm", with_header(alg=None)),
    "alg of another kind of key": ("no key", with_header(alg="ES256")),
    "the same hash, padded in another way": ("no key", with_header(alg="PS256")),
    "a path as the key's id": ("no key", with_header(kid="../../../../dev/null")),
    "a statement as the key's id": ("no key", with_header(kid="first' OR '1'='1")),
    "the key's id with a NUL": ("no key", with_header(kid="first\0")),
    "the key's id in capitals": ("no key", with_header(kid="FIRST")),
    "an empty key's id": ("no key", with_header(kid="")),
    "the key's id is a number": ("names no key", with_header(kid=1)),
    "the key's id is a list": ("names no key", with_header(kid=["first"])),
    "proof of a key": ("another kind", with_header(typ="dpop+jwt")),
    "typ is a number": ("another kind", with_header(typ=7)),
    "body as it is": ("critical extension", with_header(b64=False, crit=["b64"])),
    "nested in capitals": ("another token", with_header(cty="jwt")),
    "header is huge": ("too large", with_header(more="x" * 12_000)),
    "expires at NaN": ("body is malformed", with_text("exp", b"NaN")),
    "expires at minus infinity": ("body is malformed", with_text("exp", b"-Infinity")),
    "expires at true": ("exp", with_text("exp", b"true")),
    "expires at null": ("exp", with_text("exp", b"null")),
    "expires before 1970": ("exp", with_text("exp", b"-1")),
    "expires in milliseconds": ("exp", lambda i, _: i.token(HERE, exp=int(time()) * 1000)),
    "expires at 300 digits": ("exp", with_text("exp", b"9" * 300)),
    "expires at 5,000 digits": ("body is malformed", with_text("exp", b"9" * 5_000)),
    "valid from a text": ("nbf", with_claims(nbf="now")),
    "valid from NaN": ("body is malformed", with_text("nbf", b"NaN")),
    "made at a list": ("iat", with_claims(iat=[1])),
    "audience with a slash": ("audience", lambda i, _: i.token(f"{HERE}/")),
    "audience of the host": ("audience", lambda i, _: i.token(HERE.removesuffix("/mcp"))),
    "audience with a query": ("audience", lambda i, _: i.token(f"{HERE}?x=1")),
    "audience in a list in a list": ("audience", with_claims(aud=[[HERE]])),
    "audiences are none": ("audience", with_claims(aud=[])),
    "audience is true": ("audience", with_claims(aud=True)),
    "audience in two": ("audience", with_claims(aud=[HERE[:10], HERE[10:]])),
    "audience twice": ("body is malformed", with_repeated_claim("aud")),
    "issuer twice": ("body is malformed", with_repeated_claim("iss")),
    "expiry twice": ("body is malformed", with_repeated_claim("exp")),
    "a name twice inside": ("body is malformed", with_text("more", b'{"a": 1, "a": 2}')),
    "issuer in capitals": ("issuer", lambda i, _: i.token(HERE, iss=i.url.upper())),
    "issuer with a user": ("issuer", lambda i, _: i.token(HERE, iss=i.url.replace("//", "//x@"))),
    "issuer with more behind": ("issuer", lambda i, f: i.token(HERE, iss=f"{i.url}@{f.url}")),
    "subject in another alphabet": ("subject", with_claims(sub="\u0430na")),
    "subject with a hidden character": ("subject", with_claims(sub="ana\u200b")),
    "subject with half a character": ("subject", with_text("sub", b'"ana\\ud800"')),
    "subject with a NUL": ("subject", with_claims(sub="ana\0")),
    "subject with a space behind": ("subject", with_claims(sub="ana ")),
    "subject with a space before": ("subject", with_claims(sub=" ana")),
    "subject is too long": ("subject", with_claims(sub="a" * 256)),
    "subject is a list": ("subject", with_claims(sub=["ana"])),
    "subject is true": ("subject", with_claims(sub=True)),
    "too many groups": ("groups", with_claims(groups=[f"{number}" for number in range(1_001)])),
    "news of a session": ("no access token", lambda i, _: i.token(HERE, header={"typ": "JWT"}, events={})),
    "refresh token of Keycloak": ("no access token", lambda i, _: i.token(HERE, header={"typ": "JWT"}, typ="Refresh")),
    "not UTF-8": ("body is malformed", lambda i, _: signed_raw(i, b'{"sub": "\xff"}')),
    "empty body": ("body is malformed", lambda i, _: signed_raw(i, b"")),
    "two tokens": ("no signed token", lambda i, _: f"{i.token(HERE)}.{i.token(HERE)}"),
    "line break behind": ("no signed token", lambda i, _: f"{i.token(HERE)}\n"),
    "the scheme before": ("no signed token", lambda i, _: f"Bearer {i.token(HERE)}"),
    "in other digits": ("no signed token", lambda i, _: i.token(HERE).replace("e", "\uff45")),
}

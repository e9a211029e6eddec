"""Which tokens let somebody in: a table of bad ones, each refused for its own reason; and the issuer's keys."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from time import time
from typing import Any

import pytest
from anyio import create_task_group
from anyio.lowlevel import checkpoint
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from jwt.algorithms import RSAAlgorithm

from issuers import Issuer, Key, issuing, make_key, pack
from taskhand.domain.errors import OperatorError
from taskhand.http.issuer_documents import JsonDocuments
from taskhand.http.upstream import Runtime
from taskhand.tokens.introspection import Introspection
from taskhand.tokens.issuer_keys import IssuerKeys
from taskhand.tokens.key_set import KeySet
from taskhand.tokens.signed_token import SignedToken
from taskhand.tokens.token_check import TokenCheck
from taskhand.tokens.token_claims import TokenHolder, TokenRules
from tokens.bad_tokens import BAD, HERE, OTHER_KEY

NOW_S = 1_800_000_000.0


class Clock:
    """A monotonic clock that stands still but for those who sleep."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Move on instead of waiting."""
        await checkpoint()
        self.at += seconds


@pytest.fixture(scope="module")
def foreign() -> Iterator[Issuer]:
    """Another issuer, which this server does not trust, with a key of the same id."""
    with issuing(keys=[Key("first", "RS256", make_key("foreign").private)]) as one:
        yield one


@asynccontextmanager
async def checking(
    *issuers: Issuer, clock: Clock | None = None, asks: bool = False, rules: TokenRules | None = None
) -> AsyncIterator[TokenCheck]:
    """The check of the tokens of these issuers; `asks` is whether the first is asked about opaque ones."""
    waiting, clock = Clock(), clock or Clock()
    documents = JsonDocuments(Runtime(monotonic=waiting, sleep=waiting.sleep))
    keys = [IssuerKeys(one.url, documents.get, monotonic=clock) for one in issuers]
    client = ("taskhand", "a/secret")
    asking = Introspection(keys[0], client, documents.post_form, monotonic=clock) if asks else None
    try:
        yield TokenCheck(keys, rules or TokenRules(), asking, monotonic=clock)
    finally:
        await documents.aclose()


async def test_a_bad_token_is_refused(issuer: Issuer, foreign: Issuer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "taskhand.tokens")
    asked = len(foreign.asked)
    async with checking(issuer) as check:
        for name, (reason, make) in BAD.items():
            caplog.clear()
            token = make(issuer, foreign)
            assert await check.find_holder(token, HERE) is None, name
            told = [record.message for record in caplog.records if record.name.startswith("taskhand.tokens")]
            assert reason in told[0], name
            assert not token or token not in caplog.text, name
        assert await check.find_holder(issuer.token(HERE), HERE) is not None
    assert len(foreign.asked) == asked


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "x5c"])
async def test_a_key_or_an_address_in_a_token_is_never_used(header: str, issuer: Issuer, foreign: Issuer) -> None:
    value = {"jku": f"{foreign.url}/keys", "x5u": f"{foreign.url}/keys", "jwk": OTHER_KEY.public}.get(header, ["AAAA"])
    asked = len(foreign.asked)
    async with checking(issuer) as check:
        assert await check.find_holder(issuer.token(HERE, key=OTHER_KEY, header={header: value}), HERE) is None
    assert len(foreign.asked) == asked


EC_SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "zeros": lambda _: bytes(64),
    "only the first half is zero": lambda good: bytes(32) + good[32:],
    "only the second half is zero": lambda good: good[:32] + bytes(32),
    "halves the other way round": lambda good: good[32:] + good[:32],
    "one byte less": lambda good: good[:-1],
    "one byte more": lambda good: good + b"\0",
    "as ASN.1": lambda good: encode_dss_signature(int.from_bytes(good[:32]), int.from_bytes(good[32:])),
    "none": lambda _: b"",
}


@pytest.mark.parametrize("signature", EC_SIGNATURES)
async def test_a_malformed_signature_on_a_curve_is_refused(signature: str, issuer: Issuer) -> None:
    issuer.keys = [make_key("ec", "ES256")]
    head, body, good = issuer.token(HERE).split(".")
    async with checking(issuer) as check:
        assert await check.find_holder(f"{head}.{body}.{good}", HERE) is not None
        bad = pack(EC_SIGNATURES[signature](urlsafe_b64decode(good + "==")))
        assert await check.find_holder(f"{head}.{body}.{bad}", HERE) is None


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"])
async def test_a_valid_token_identifies_its_holder(algorithm: str, issuer: Issuer) -> None:
    issuer.keys.append(make_key("second", algorithm))
    async with checking(issuer) as check:
        holder = await check.find_holder(issuer.token(HERE, aud=["other", HERE], email="ana@x.test"), HERE)
    assert holder is not None
    assert (holder.person, holder.client_id, holder.email) == (f"{issuer.url}#ana", "desk", None)
    assert holder.scopes == {"read", "write"}


FORMS: list[tuple[dict[str, Any], set[str]]] = [
    ({"scope": "openid tasks:read tasks:all TASKS:WRITE"}, {"read"}),
    ({"scope": None, "scp": "tasks:write"}, {"write"}),
    ({"scope": None, "scp": ["tasks:read", "tasks:destructive", 1]}, {"read", "destructive"}),
    ({"scope": "api://1/tasks:read"}, {"read"}),
    ({"scope": "api://2/tasks:read"}, set()),
    ({"scope": None}, set()),
    ({"scope": 7}, set()),
]


@pytest.mark.parametrize(("claims", "scopes"), FORMS)
async def test_scopes_are_read_as_issuers_write_them(claims: dict[str, Any], scopes: set[str], issuer: Issuer) -> None:
    async with checking(issuer, rules=TokenRules(scope_prefix="api://1/")) as check:
        holder = await check.find_holder(issuer.token(HERE, header={"typ": "JWT"}, **claims), HERE)
    assert holder is not None
    assert holder.scopes == scopes


async def test_only_a_verified_email_counts_and_groups_come_from_the_named_claim(issuer: Issuer) -> None:
    shown: list[tuple[dict[str, Any], str | None]] = [
        ({"email": "Ana@X.test", "email_verified": True}, "ana@x.test"),
        ({"email": "ana@x.test", "email_verified": "true"}, None),
        ({"email": "ana@x.test", "email_verified": False}, None),
        ({"email": "ana", "email_verified": True}, None),
        ({"email": ["ana@x.test"], "email_verified": True}, None),
        ({"email": "José@x.test", "email_verified": True}, "josé@x.test"),
        ({"email": "groß@x.test", "email_verified": True}, "groß@x.test"),  # gross@x.test is somebody else
        ({"email": "mi\u212ae@x.test", "email_verified": True}, None),
        ({"email": "\uff41na@x.test", "email_verified": True}, None),
        ({"email": "ana@x.test\u200b", "email_verified": True}, None),
        ({"email": "ana@x.test,ben@x.test", "email_verified": True}, None),
        ({"email": "ana@x.test\nben@x.test", "email_verified": True}, None),
        ({"email": f"{'a' * 200}@x.test", "email_verified": True}, None),
        ({"email": "https://login.x.test#ana@x.test", "email_verified": True}, None),  # the id of a token's person
    ]
    async with checking(issuer, rules=TokenRules(groups_claim="roles", audiences=frozenset({"1234"}))) as check:
        for claims, email in shown:
            holder = await check.find_holder(issuer.token("1234", roles=["a", "b"], groups=["c"], **claims), HERE)
            assert holder is not None
            assert (holder.email, holder.groups) == (email, ("a", "b"))
    async with checking(issuer, rules=TokenRules(verified_emails=frozenset({issuer.url}))) as check:
        holder = await check.find_holder(issuer.token(HERE, email="ana@x.test", groups="sales"), HERE)
        assert holder is not None
        assert (holder.email, holder.groups) == ("ana@x.test", ("sales",))


async def test_a_misconfigured_audience_is_warned_of_at_most_once_a_minute(
    issuer: Issuer, foreign: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()

    async with checking(issuer, clock=clock) as check:

        async def warnings(token: str) -> list[str]:
            caplog.clear()
            assert await check.find_holder(token, HERE) is None
            ours = [one for one in caplog.records if one.name == "taskhand.tokens.token_check"]
            return [one.message for one in ours if one.levelname == "WARNING"]

        wrong, bound = issuer.token("https://crm.x.test"), issuer.token(HERE, cnf={"jkt": "x"})
        [warning] = await warnings(wrong)
        assert "genuine token was refused: its audience" in warning
        clock.at += 59.9
        assert await warnings(wrong) == []
        assert len(await warnings(bound)) == 1
        clock.at += 0.1
        assert await warnings(wrong) == [warning]
        assert await warnings(foreign.token(HERE)) == []


async def test_the_keys_of_each_issuer_are_counted_or_the_error_is_returned(issuer: Issuer, foreign: Issuer) -> None:
    issuer.keys.append(make_key("second"))
    async with checking(issuer, foreign) as check:
        assert check.issuers == (issuer.url, foreign.url)
        assert await check.count_keys() == {issuer.url: 2, foreign.url: 1}
        issuer.down = True
        counts = await check.count_keys()
    problem = counts[issuer.url]
    assert isinstance(problem, OperatorError)
    assert "cannot be read" in problem.message
    assert counts[foreign.url] == 1


async def test_a_new_key_is_fetched_once_and_unknown_ones_do_not_make_the_issuer_be_asked_again(
    issuer: Issuer,
) -> None:
    clock = Clock()
    async with checking(issuer, clock=clock) as check:
        old = issuer.token(HERE)
        assert await check.find_holder(old, HERE) is not None
        issuer.keys = [make_key("second", "ES256")]
        clock.at += 10
        asked = issuer.asked.count("/keys")
        assert await check.find_holder(issuer.token(HERE), HERE) is not None
        assert await check.find_holder(old, HERE) is None
        for number in range(5):
            assert await check.find_holder(issuer.token(HERE, header={"kid": str(number)}), HERE) is None
        assert issuer.asked.count("/keys") == asked + 1


async def test_calls_during_the_first_fetch_of_the_keys_wait_for_it(issuer: Issuer) -> None:
    found = list[TokenHolder | None]()

    async def call() -> None:
        found.append(await check.find_holder(issuer.token(HERE), HERE))

    async with checking(issuer) as check, create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)
    assert len(found) == 3
    assert None not in found
    assert issuer.asked.count("/keys") == 1


async def test_keys_are_valid_for_a_day_without_the_issuer_and_then_no_token_can_be_checked(issuer: Issuer) -> None:
    clock = Clock()
    async with checking(issuer, clock=clock) as check:
        assert await check.find_holder(issuer.token(HERE), HERE) is not None
        issuer.down = True
        clock.at += 86_000
        assert await check.find_holder(issuer.token(HERE), HERE) is not None
        assert await check.find_holder(issuer.token(HERE, header={"kid": "unknown"}), HERE) is None
        clock.at += 1_000
        with pytest.raises(OperatorError, match="cannot be read"):
            await check.find_holder(issuer.token(HERE), HERE)
        issuer.down = False
        clock.at += 10
        assert await check.find_holder(issuer.token(HERE), HERE) is not None


async def test_an_issuer_that_cannot_be_reached_is_asked_once_in_ten_seconds_however_many_call(
    issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    clock, asked = Clock(), list[int]()
    issuer.down = True
    async with checking(issuer, clock=clock) as check:
        for wait_s in (0, 9.9, 0.1):
            clock.at += wait_s
            with pytest.raises(OperatorError, match="cannot be read"):
                await check.find_holder(issuer.token(HERE), HERE)
            asked.append(len(issuer.asked))
    assert asked[0] == asked[1] < asked[2]
    assert [one.name for one in caplog.records if "cannot be read" in one.message] == ["taskhand.tokens.issuer_keys"]


async def test_keys_are_refreshed_in_the_background_and_a_withdrawn_key_is_refused(issuer: Issuer) -> None:
    clock, waits = Clock(), list[float]()
    issuer.keys = [make_key("first"), make_key("second")]
    documents = JsonDocuments(Runtime(monotonic=clock, sleep=clock.sleep))
    keys = IssuerKeys(issuer.url, documents.get, monotonic=clock)
    check = TokenCheck([keys], TokenRules(), monotonic=clock)
    withdrawn = issuer.token(HERE)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            assert await check.find_holder(withdrawn, HERE) is not None
            issuer.keys.pop()
        elif len(waits) == 2:
            assert await check.find_holder(withdrawn, HERE) is None
            issuer.down = True
        else:
            assert await check.find_holder(issuer.token(HERE), HERE) is not None
            tasks.cancel_scope.cancel()
            await checkpoint()

    async with create_task_group() as tasks:
        tasks.start_soon(keys.keep_fresh, sleep)
    await documents.aclose()
    assert waits == [600, 600, 30]


async def test_an_issuer_whose_metadata_is_of_another_is_not_believed(issuer: Issuer, foreign: Issuer) -> None:
    for changed in ({"issuer": f"{issuer.url}/"}, {"issuer": foreign.url}, {"jwks_uri": "http://keys.x.test/"}):
        issuer.metadata = changed
        async with checking(issuer) as check:
            with pytest.raises(OperatorError, match=r"of another|no allowed address"):
                await check.find_holder(issuer.token(HERE), HERE)


async def test_a_token_of_one_issuer_is_checked_with_the_keys_of_that_issuer_alone(
    issuer: Issuer, foreign: Issuer
) -> None:
    async with checking(issuer, foreign) as check:
        people = [await check.find_holder(one.token(HERE, email="a@x.test"), HERE) for one in (issuer, foreign)]
        assert [one and one.person for one in people] == [f"{issuer.url}#ana", f"{foreign.url}#ana"]
        assert await check.find_holder(foreign.token(HERE, iss=issuer.url), HERE) is None


async def test_an_opaque_token_is_asked_about_and_the_answer_is_kept_for_some_seconds(issuer: Issuer) -> None:
    clock, now = Clock(), int(time())
    good = issuer.claims(HERE, active=True, exp=now + 300)
    answers: dict[str, tuple[dict[str, Any], bool]] = {
        "good": (good, True),
        "x" * 12 * 1024: (good, True),
        "no expiry": (good | {"exp": None}, False),
        "inactive": (good | {"active": False}, False),
        "active in words": (good | {"active": "true"}, False),
        "for another": (good | {"aud": "https://crm.x.test"}, False),
        "for nobody": ({name: one for name, one in good.items() if name != "aud"}, False),
        "of another": (good | {"iss": "https://other.x.test"}, False),
        "expired": (good | {"exp": now - 31}, False),
        "of nobody": (good | {"sub": None}, False),
        "bound": (good | {"token_type": "DPoP"}, False),
        "bound to a key": (good | {"cnf": {"jkt": "x"}}, False),
        "of several kinds": (good | {"token_type": ["Bearer"]}, False),
        "active as a number": (good | {"active": 1}, False),
        "expires at a text": (good | {"exp": "tomorrow"}, False),
        "expires in milliseconds": (good | {"exp": now * 1000}, False),
        "not yet": (good | {"nbf": now + 60}, False),
        "of two": (good | {"iss": [issuer.url]}, False),
        "of another alphabet": (good | {"sub": "\u0430na"}, False),
        "with a space behind": (good | {"sub": "ana "}, False),
        "of odd groups": (good | {"groups": {"a": 1}}, False),
        "for several": (good | {"aud": ["https://crm.x.test", HERE]}, True),
        "for a list in a list": (good | {"aud": [[HERE]]}, False),
    }
    issuer.opaque = {name: said for name, (said, _) in answers.items()}
    async with checking(issuer, clock=clock, asks=True) as check:
        for name, (_, is_good) in answers.items():
            assert (await check.find_holder(name, HERE) is not None) is is_good, name
        assert await check.find_holder(issuer.token(HERE), HERE) is not None
        asked = issuer.asked.count("/introspect")
        issuer.opaque["good"] = {"active": False}
        clock.at += 9
        assert await check.find_holder("good", HERE) is not None
        assert issuer.asked.count("/introspect") == asked
        clock.at += 1
        for _ in range(2):
            assert await check.find_holder("good", HERE) is None
        assert issuer.asked.count("/introspect") == asked + 1, "a refusal is remembered too"
        issuer.down = True
        with pytest.raises(OperatorError, match="could not be reached to check a token"):
            await check.find_holder("another", HERE)


async def test_the_answers_about_the_newest_thousand_tokens_are_kept(issuer: Issuer) -> None:
    clock, asked = Clock(), list[str]()

    async def ask(_: str, form: Mapping[str, str], *__: str) -> dict[str, Any]:
        asked.append(form["token"])
        return issuer.claims(HERE, active=True)

    documents = JsonDocuments(Runtime(monotonic=clock, sleep=clock.sleep))
    asking = Introspection(
        IssuerKeys(issuer.url, documents.get, monotonic=clock), ("taskhand", "a"), ask, monotonic=clock
    )

    async def count_asked(*tokens: str) -> int:
        asked.clear()
        for one in tokens:
            await asking.find_holder(one, TokenRules(), HERE)
        return len(asked)

    tokens = [f"token {number}" for number in range(1_001)]
    assert await count_asked(*tokens) == 1_001
    assert await count_asked(*tokens[1:]) == 0
    assert await count_asked(tokens[0], *tokens[2:]) == 1
    assert await count_asked(tokens[1]) == 1
    clock.at += 10
    assert await count_asked(tokens[3], "another", tokens[3]) == 2, "an answer that was renewed is not the oldest"
    await documents.aclose()


@pytest.mark.parametrize("lasts_s", [6, 300])
async def test_an_answer_about_a_token_is_kept_from_the_moment_at_which_it_was_asked_for(
    issuer: Issuer, lasts_s: int
) -> None:
    clock, asked = Clock(), list[float]()

    async def ask(*_: object) -> dict[str, Any]:
        asked.append(clock.at)
        clock.at += 3  # the issuer takes its time
        return issuer.claims(HERE, active=True, exp=int(NOW_S) + lasts_s)

    documents = JsonDocuments(Runtime(monotonic=clock, sleep=clock.sleep))
    keys = IssuerKeys(issuer.url, documents.get, monotonic=clock)
    asking = Introspection(keys, ("taskhand", "a"), ask, now=lambda: NOW_S, monotonic=clock)
    kept_s = min(lasts_s, 10)
    for wait_s in (0, kept_s - 3.1, 0.1):
        clock.at += wait_s
        await asking.find_holder("token", TokenRules(), HERE)
    assert asked == [1_000.0, 1_000.0 + kept_s]
    await documents.aclose()


async def test_an_issuer_without_keys_or_without_an_address_to_ask_is_the_operators_to_mend(issuer: Issuer) -> None:
    issuer.metadata = {"introspection_endpoint": None}
    async with checking(issuer, asks=True) as check:
        with pytest.raises(OperatorError, match="has no address to ask about a token"):
            await check.find_holder("opaque", HERE)
    token, issuer.keys = issuer.token(HERE), []
    async with checking(issuer) as check:
        with pytest.raises(OperatorError, match="has no key that tokens can be checked with"):
            await check.find_holder(token, HERE)


async def test_an_introspection_is_cached_only_while_the_token_is_valid_and_skipped_for_huge_tokens(
    issuer: Issuer,
) -> None:
    clock, now = Clock(), int(time())
    brief = issuer.claims(HERE, active=True, exp=now + 5)
    issuer.opaque = {"brief": brief, "lasting": {name: one for name, one in brief.items() if name != "exp"}}
    async with checking(issuer, clock=clock, asks=True) as check:
        for name in issuer.opaque:
            assert await check.find_holder(name, HERE) is not None
        issuer.opaque = {}
        clock.at += 5.1
        assert await check.find_holder("brief", HERE) is None
        assert await check.find_holder("lasting", HERE) is not None
        clock.at += 4.9
        assert await check.find_holder("lasting", HERE) is None
        asked = issuer.asked.count("/introspect")
        assert await check.find_holder("x" * (12 * 1024 + 1), HERE) is None
        assert issuer.asked.count("/introspect") == asked


def test_keys_that_are_not_to_check_signatures_with_are_left_out() -> None:
    good = make_key("first").public
    small = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)  # noqa: S505  refused
    private = RSAAlgorithm.to_jwk(make_key("first").private, as_dict=True)
    secret = {"kty": "oct", "k": "AAAA", "kid": "x"}
    bad: list[Any] = [small, private, secret, good | {"use": "enc"}, good | {"key_ops": ["encrypt"]}, good | {"n": "!"}]
    bad += [
        good | {"alg": "HS256"},
        good | {"kid": 1},
        good | {"kty": ["RSA"]},
        {"kty": "EC", "crv": "secp256k1"},
        7,
        None,
    ]
    for one in bad:
        assert KeySet.of({"keys": [one]}).keys == (), one
    assert [key.id for key in KeySet.of({"keys": [*bad, good]}).keys] == ["first"]
    assert KeySet.of({"keys": "none"}).keys == ()


def test_a_token_that_names_no_key_is_checked_with_the_only_one_of_its_algorithm() -> None:
    one, other = make_key("first").public, make_key("second").public
    for listed, found in (([one], ["first"]), ([one, other], []), ([one, other | {"alg": "RS512"}], ["first"])):
        keys = KeySet.of({"keys": listed}).find(SignedToken({"alg": "RS256"}, {}, b"", b""))
        assert [key.id for key in keys] == found

"""The OAuth apps of the CRMs, against the sandboxes as their authorization servers.

What the log of a sandbox has of the token endpoint says how often it was asked.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from pydantic import SecretStr

from fixed_clock import NOW
from issuers import issuing
from sandbox.hubspot import served_sandbox as hubspot
from sandbox.oauth.served_sandbox import BACK, CHALLENGE, CRMS, VERIFIER, Signing, open_signing
from taskhand.backends.factory import OpenContext
from taskhand.backends.remote.oauth_client import OAuthEndpoints, open_app_client
from taskhand.config.connection_settings import ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.domain.errors import (
    CallerError,
    LinkRequired,
    OperatorError,
    OutcomeUnknown,
    TaskhandError,
    UpstreamError,
)
from taskhand.domain.own_credential import Granted, OwnCredential
from taskhand.http.upstream import Runtime
from taskhand.http.url_path import Path
from taskhand.sandbox.faults import Fault
from taskhand.wiring import open_oauth_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskhand.domain.own_credential import OAuthClient

TOKEN = {"close": "POST /oauth2/token", "hubspot": "POST /oauth/v3/token"}
REVOKE = {"close": "POST /oauth2/revoke", "hubspot": "POST /oauth/v3/token/revoke"}
MEMBER = {"close": "user_ana", "hubspot": hubspot.ANA}
PAGES = {"close": "https://app.close.com/oauth2/authorize/", "hubspot": "https://app.hubspot.com/oauth/authorize"}
APIS = {"close": "https://api.close.com/api/v1", "hubspot": "https://api.hubapi.com"}


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def app_settings(crm: str, url: str, sandbox: Any, **changed: Any) -> Settings:
    """A connection with the sandbox's app, and with the shared credential."""
    app = sandbox.authorization.app
    shared = {"close_api_key": "key_of_all"} if crm == "close" else {"hubspot_access_token": "pat-of-all"}
    given = {f"{crm}_base_url": url, f"{crm}_client_id": app.client_id, f"{crm}_client_secret": app.client_secret}
    return Settings(**(shared | given | changed))


async def _no_wait(_: float) -> None:
    """Let no time pass."""


@asynccontextmanager
async def open_app(
    crm: str, *spec_variant: str, changed: dict[str, Any] | None = None, base_end: str = ""
) -> AsyncIterator[tuple[Signing, OAuthClient]]:
    async with open_signing(crm, *spec_variant) as signing:
        base = str(signing.client.base_url).rstrip("/") + ("/api/v1" if crm == "close" else "") + base_end
        settings = app_settings(crm, base, signing.sandbox, **(changed or {}))
        runtime = Runtime(sleep=_no_wait)
        async with open_oauth_client(ConnectionSettings("default", settings), signing.clock, runtime) as client:
            assert client is not None
            yield signing, client


async def consent(signing: Signing, client: OAuthClient) -> dict[str, str]:
    """What the browser comes back with when the person has allowed it."""
    page = client.authorize_url(BACK, "s1", CHALLENGE)
    answer = await signing.client.post(page, data={"user": signing.crm.ana, "decision": "allow"})
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


async def sign_in(signing: Signing, client: OAuthClient) -> Granted:
    return await client.exchange((await consent(signing, client))["code"], BACK, VERIFIER)


@pytest.mark.parametrize("pkce", ["checked", "required", "ignored"])
async def test_consent_gives_a_credential_and_the_member_to_whom_it_belongs(crm: str, pkce: str) -> None:
    async with open_app(crm, f"oauth_pkce={pkce}") as (signing, client):
        back = await consent(signing, client)
        assert back["state"] == "s1"
        granted = await client.exchange(back["code"], BACK, VERIFIER)
        assert granted.member_id == MEMBER[crm]
        given = granted.credential
        assert given.expires_at == signing.clock() + timedelta(seconds=signing.crm.life)
        assert given.scopes
        assert await signing.status(given.access_token) == 200
        assert given.access_token not in repr(granted)
        assert str(given.refresh_token) not in repr(granted)


async def test_a_base_url_may_end_with_a_slash(crm: str) -> None:
    async with open_app(crm, base_end="/") as (signing, client):
        assert (await sign_in(signing, client)).member_id == MEMBER[crm]


async def test_a_renewal_answers_the_next_credential(crm: str) -> None:
    async with open_app(crm) as (signing, client):
        first = (await sign_in(signing, client)).credential
        signing.clock.now += timedelta(minutes=20)
        second = await client.renew(first)
        assert second.access_token != first.access_token
        assert second.expires_at == signing.clock() + timedelta(seconds=signing.crm.life)
        assert (second.refresh_token == first.refresh_token) == (crm == "hubspot")  # Close replaces it
        assert await signing.status(second.access_token) == 200


async def test_a_credential_with_a_lifetime_of_zero_has_no_expiry(crm: str) -> None:
    async with open_app(crm, "oauth_access_life=0") as (signing, client):
        assert (await client.renew((await _issue_grant(signing)).credential)).expires_at is None


async def test_a_code_is_good_once_and_for_its_own_browser(crm: str) -> None:
    async with open_app(crm) as (signing, client):
        code = (await consent(signing, client))["code"]
        with pytest.raises(CallerError, match="does not accept the consent") as refused:
            await client.exchange(code, BACK, "another-verifier" * 4)
        assert refused.value.next_step == "Begin to link again."
        await client.exchange(code, BACK, VERIFIER)
        with pytest.raises(CallerError):
            await client.exchange(code, BACK, VERIFIER)


@pytest.mark.parametrize("errors", ["both", "old"])
async def test_a_grant_that_is_gone_has_to_be_given_again(crm: str, errors: str) -> None:
    async with open_app(crm, *([f"oauth_errors={errors}"] if crm == "hubspot" else [])) as (signing, client):
        given = (await sign_in(signing, client)).credential
        signing.sandbox.authorization.grants.end()
        with pytest.raises(LinkRequired):
            await client.renew(given)
        with pytest.raises(LinkRequired):
            await client.renew(OwnCredential("access", None))


async def test_a_wrong_secret_is_the_operators_and_ends_nothing(crm: str, caplog: pytest.LogCaptureFixture) -> None:
    async with open_app(crm, changed={f"{crm}_client_secret": "another-secret"}) as (signing, client):
        with pytest.raises(OperatorError, match="does not accept the OAuth app") as refused:
            await client.renew(OwnCredential("access", "refresh"))
        assert refused.value.code == "unauthorized"
        names = f"{crm.upper()}_CLIENT_ID and {crm.upper()}_CLIENT_SECRET"
        assert refused.value.next_step == f"The operator of Taskhand should check {names}."
        assert "refused the OAuth app: " in caplog.text
        assert not await client.revoke((await _issue_grant(signing)).credential)


EXPIRY: list[tuple[Any, float | None]] = [
    (300, 300),
    (0.5, 0.5),
    (0, None),
    (-1, None),
    (True, None),
    ("300", None),
    (None, None),
    (10 * 365 * 86_400, 10 * 365 * 86_400),
    (10 * 365 * 86_400 + 1, None),
]
NO_TOKENS: list[Any] = ["", "a b", "a\nb", "é", "a" * 10_001, 7, None, ["a"]]


@asynccontextmanager
async def answered(body: dict[str, Any]) -> AsyncIterator[OAuthClient]:
    """The client of an app to whose requests for tokens the CRM gives this answer."""

    async def nobody(_: dict[str, Any]) -> None:
        return None

    paths = Path.of("/token"), Path.of("/revoke")
    async with AsyncExitStack() as stack:
        url = stack.enter_context(issuing(replies={"/token": body})).url
        context = OpenContext(lambda: NOW, None, FilePath(), stack=stack)
        server = OAuthEndpoints("Acme", url, f"{url}/authorize", *paths, nobody)
        client = await open_app_client(server, "app", SecretStr("secret"), context)
        assert client is not None
        yield client


@pytest.mark.parametrize("token", NO_TOKENS)
async def test_an_access_token_that_no_header_can_hold_is_refused_and_such_a_refresh_token_ignored(token: Any) -> None:
    async with answered({"access_token": token, "refresh_token": "r"}) as client:
        with pytest.raises(UpstreamError, match="has no access token") as failed:
            await client.exchange("code", BACK, VERIFIER)
        assert failed.value.code == "upstream_invalid"
    async with answered({"access_token": "a" * 10_000, "refresh_token": token}) as client:
        assert (await client.renew(OwnCredential("a", "r"))).refresh_token is None


@pytest.mark.parametrize(("expires_in", "life_s"), EXPIRY)
async def test_a_credential_expires_after_as_many_seconds_as_the_crm_says(
    expires_in: Any, life_s: float | None
) -> None:
    async with answered({"access_token": "a", "refresh_token": "r", "expires_in": expires_in}) as client:
        given = await client.renew(OwnCredential("b", "s"))
    expires_at = None if life_s is None else NOW + timedelta(seconds=life_s)
    assert given == OwnCredential("a", "r", expires_at, frozenset())


@pytest.mark.parametrize(
    ("body", "scopes"),
    [
        ({"scope": "tasks crm"}, {"tasks", "crm"}),
        ({"scopes": ["tasks", 7]}, {"tasks"}),
        ({"scope": "tasks", "scopes": ["crm"]}, {"tasks"}),
        ({"scope": 7}, set()),
    ],
)
async def test_the_scopes_of_a_credential_are_a_text_or_a_list(body: dict[str, Any], scopes: set[str]) -> None:
    async with answered({"access_token": "a"} | body) as client:
        granted = await client.exchange("code", BACK, VERIFIER)
    assert granted.credential.scopes == scopes
    assert granted.member_id is None


async def _issue_grant(signing: Signing) -> Granted:
    """A grant that was given without a page."""
    given = signing.sandbox.authorization.sign_in(signing.crm.ana, signing.clock())
    return Granted(OwnCredential(given["access_token"], given["refresh_token"]))


FAULTS: dict[str, tuple[Fault, type[TaskhandError], int]] = {
    "429": (Fault("status", status=429, retry_after=60), UpstreamError, 1),
    "500": (Fault("status", status=500), UpstreamError, 1),
    "502 after the work": (Fault("status", status=502, commit=True), UpstreamError, 1),
    "503": (Fault("status", status=503, nth="every"), UpstreamError, 3),
    "no answer": (Fault("reset_before"), UpstreamError, 1),
    "a lost answer": (Fault("reset_after"), UpstreamError, 1),
    "half of an answer": (Fault("truncated"), UpstreamError, 1),
    "a page": (Fault("html", status=403), UpstreamError, 1),
    "no JSON": (Fault("not_json"), UpstreamError, 1),
    "no token": (Fault("without_field", field="access_token"), UpstreamError, 1),
    "another host": (Fault("redirect"), UpstreamError, 1),
    "no such address": (Fault("status", status=404), OperatorError, 1),
}
LOST = {"502 after the work", "no answer", "a lost answer", "half of an answer", "no JSON"}


@pytest.mark.parametrize("status", [407, 511])
async def test_a_refusal_by_a_proxy_is_not_one_of_the_app(crm: str, status: int) -> None:
    async with open_app(crm) as (signing, client):
        given = (await _issue_grant(signing)).credential
        signing.sandbox.faults = [Fault("status", TOKEN[crm], status=status)]
        with pytest.raises(OperatorError) as failed:
            await client.renew(given)
    assert failed.value.code == "configuration"


@pytest.mark.parametrize("name", FAULTS)
async def test_other_faults_of_the_token_endpoint_are_temporary(crm: str, name: str) -> None:
    """Nothing that may have used up a refresh token is sent again, and no fault of the server's ends a grant."""
    fault, error, most = FAULTS[name]
    async with open_app(crm) as (signing, client):
        given = (await _issue_grant(signing)).credential
        signing.sandbox.faults = [Fault(**{**_fields(fault), "route": TOKEN[crm]})]
        with pytest.raises(error) as failed:
            await client.renew(given)
        assert not isinstance(failed.value, LinkRequired)
        assert failed.value.retry_after_s == fault.retry_after
        asked = [one for one in signing.sandbox.requests if one.route == TOKEN[crm]]
        assert len(asked) == most
        told = f"{failed.value.message} {failed.value.next_step}"
        assert ("was lost" in told) == (name in LOST)
        assert failed.value.code != OutcomeUnknown.default_code
        assert "the task" not in told
        assert given.access_token not in told
        assert str(given.refresh_token) not in told


def _fields(fault: Fault) -> dict[str, Any]:
    return {name: getattr(fault, name) for name in fault.__dataclass_fields__}


@pytest.mark.parametrize("kept", ["grant", "token"])
async def test_revoking_a_credential_ends_its_access_and_renewal(crm: str, kept: str) -> None:
    async with open_app(crm, f"oauth_revoke={kept}") as (signing, client):
        given = (await sign_in(signing, client)).credential
        assert await client.revoke(given)
        assert await signing.status(given.access_token) == 401
        with pytest.raises(LinkRequired):
            await client.renew(given)
        assert await client.revoke(given)  # an unknown token is revoked


async def test_a_revocation_that_is_not_confirmed_is_reported(crm: str) -> None:
    async with open_app(crm) as (signing, client):
        given = (await _issue_grant(signing)).credential
        signing.sandbox.faults = [Fault("status", route=REVOKE[crm], status=500, nth="every")]
        assert not await client.revoke(given)
    offline = app_settings(crm, "http://127.0.0.1:1", signing.sandbox)
    async with open_oauth_client(ConnectionSettings("default", offline), runtime=Runtime(sleep=_no_wait)) as client:
        assert client is not None
        assert not await client.revoke(given)


async def test_a_revocation_whose_response_is_lost_is_sent_again(crm: str) -> None:
    async with open_app(crm) as (signing, client):
        given = (await _issue_grant(signing)).credential
        signing.sandbox.faults = [Fault("reset_after", route=REVOKE[crm])]
        assert await client.revoke(given)


@pytest.mark.parametrize("refused", [1, 2])
async def test_a_grant_is_revoked_if_its_refresh_token_is_whatever_happens_to_the_access_token(
    crm: str, refused: int
) -> None:
    async with open_app(crm) as (signing, client):
        given = (await _issue_grant(signing)).credential
        signing.sandbox.faults = [Fault("status", route=REVOKE[crm], status=400, nth=refused)]
        assert await client.revoke(given) is (refused == 2)
        brief = (await _issue_grant(signing)).credential
        assert await client.revoke(OwnCredential(brief.access_token))
        kinds = [one.body["token_type_hint"] for one in signing.sandbox.requests if one.route == REVOKE[crm]]
        assert kinds == ["refresh_token", "access_token", "access_token"]


async def test_the_consent_page_is_at_the_address_of_the_crm(crm: str) -> None:
    changed = {f"{crm}_base_url": APIS[crm], f"{crm}_client_id": "id 1", f"{crm}_client_secret": "secret"}
    shared = {"close_api_key": "key"} if crm == "close" else {"hubspot_access_token": "pat"}
    settings = Settings(**(changed | shared))
    async with open_oauth_client(ConnectionSettings("default", settings)) as client:
        assert client is not None
        page = httpx2.URL(client.authorize_url("https://tasks.example.com/link/callback", "a b", CHALLENGE))
    assert str(page).partition("?")[0] == PAGES[crm]
    assert page.params["client_id"] == "id 1"
    assert page.params["state"] == "a b"
    assert (page.params.get("scope") is not None) == (crm == "hubspot")
    assert "secret" not in str(page)

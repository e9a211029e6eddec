"""A sandbox behind a real socket, and an app that signs its users in as a browser would."""

from __future__ import annotations

import base64
import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import httpx2

from sandbox.close import served_sandbox as close
from sandbox.hubspot import served_sandbox as hubspot
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.close import SpecVariant as CloseVariant
from taskhand.sandbox.hubspot import HubSpotSandbox
from taskhand.sandbox.hubspot import SpecVariant as HubSpotVariant
from taskhand.sandbox.server import serve_sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

BACK = "http://localhost:9/back?tab=1"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class OAuthCrm(NamedTuple):
    """What differs between the two."""

    sandbox: Any
    variant: Any
    stage: Any
    authorize: str
    token: str
    revoke: str
    tasks: str
    ana: str
    ben: str
    life: int
    bad_code: dict[str, str]
    bad_refresh: dict[str, str]


def _rfc(description: str) -> dict[str, str]:
    return {"error": "invalid_grant", "error_description": description}


_CODE, _REFRESH = "missing or unknown auth code", "missing or invalid refresh token"
CRMS = {
    "close": OAuthCrm(
        CloseSandbox,
        CloseVariant,
        close,
        "/oauth2/authorize/",
        "/oauth2/token/",
        "/oauth2/revoke/",
        "/api/v1/task/",
        close.ANA,
        close.BEN,
        3600,
        _rfc(_CODE),
        _rfc(_REFRESH),
    ),
    "hubspot": OAuthCrm(
        HubSpotSandbox,
        HubSpotVariant,
        hubspot,
        "/oauth/authorize",
        "/oauth/2026-03/token",
        "/oauth/2026-03/token/revoke",
        hubspot.TASKS,
        "11",
        "12",
        1800,
        {"status": "BAD_AUTH_CODE", "message": _CODE} | _rfc(_CODE),
        {"status": "BAD_REFRESH_TOKEN", "message": _REFRESH} | _rfc(_REFRESH),
    ),
}


@dataclass
class Signing:
    crm: OAuthCrm
    sandbox: Any
    client: httpx2.AsyncClient
    clock: Any

    def query(self, **changed: str | None) -> dict[str, str]:
        """The parameters of the page; None leaves one out."""
        sent = {
            "client_id": self.sandbox.authorization.app.client_id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "crm.objects.contacts.read crm.objects.contacts.write",
            "state": "s1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changed
        return {name: text for name, text in sent.items() if text is not None}

    async def consent(self, user: str = "", decision: str = "allow", **query: str | None) -> httpx2.Response:
        form = {"user": user or self.crm.ana, "decision": decision}
        return await self.client.post(self.crm.authorize, params=self.query(**query), data=form)

    async def sent_back(self, user: str = "", decision: str = "allow", **query: str | None) -> dict[str, str]:
        """The parameters with which the browser comes back to the app."""
        answer = await self.consent(user, decision, **query)
        assert answer.status_code == 302, answer.text
        where = urlsplit(answer.headers["location"])
        assert f"{where.scheme}://{where.netloc}{where.path}" == BACK.partition("?")[0]
        found = dict(parse_qsl(where.query))
        assert found.pop("tab") == "1"
        return found

    async def post_token(self, **changed: str | None) -> httpx2.Response:
        app = self.sandbox.authorization.app
        sent = {"client_id": app.client_id, "client_secret": app.client_secret} | changed
        form = {name: text for name, text in sent.items() if text is not None}
        return await self.client.post(self.crm.token, data=form)

    async def exchange(self, code: str, **changed: str | None) -> httpx2.Response:
        given: dict[str, str | None] = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
        return await self.post_token(**({"grant_type": "authorization_code"} | given | changed))

    async def refresh(self, token: str) -> httpx2.Response:
        return await self.post_token(grant_type="refresh_token", refresh_token=token)

    async def sign_in(self, user: str = "") -> dict[str, Any]:
        answer = await self.exchange((await self.sent_back(user))["code"])
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def read_tasks(self, access: str) -> httpx2.Response:
        return await self.client.get(self.crm.tasks, headers={"authorization": f"Bearer {access}"})

    async def status(self, access: str) -> int:
        return (await self.read_tasks(access)).status_code


@asynccontextmanager
async def open_signing(name: str, *spec_variant: str, **options: Any) -> AsyncIterator[Signing]:
    crm = CRMS[name]
    clock = crm.stage.Clock()
    sandbox = crm.sandbox(seed=crm.stage.SEED, clock=clock, spec_variant=crm.variant.parse(spec_variant), **options)
    async with serve_sandbox(sandbox) as url, httpx2.AsyncClient(base_url=url, verify=close.TRUST) as client:
        yield Signing(crm, sandbox, client, clock)

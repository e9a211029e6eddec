"""The operator's OAuth app at a CRM: consent, token exchange, renewal and revocation (RFC 6749, 7636 and 7009)."""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from pydantic import SecretStr

from taskhand.backends.factory import OpenContext
from taskhand.backends.remote.parsing import JsonObject
from taskhand.domain.errors import (
    CallerError,
    Explanation,
    LinkRequired,
    NotFound,
    OperatorError,
    OutcomeUnknown,
    TaskhandError,
    UpstreamError,
)
from taskhand.domain.own_credential import Granted, OAuthClient, OwnCredential
from taskhand.http.client import Client
from taskhand.http.request import Request
from taskhand.http.response_body import Json
from taskhand.http.retry import RequestKind, RetryPolicy
from taskhand.http.upstream import Limits, Runtime, Upstream
from taskhand.http.url_path import Path

__all__ = ["LIMITS", "POLICY", "AppClient", "OAuthEndpoints", "open_app_client"]

_log = logging.getLogger(__name__)

LIMITS: Final = Limits(connect_s=5.0, read_s=10.0, total_s=15.0, body_bytes=64 * 1024)
"""Short, because a person waits for the response."""
POLICY: Final = RetryPolicy(attempts=3, cap_s=2.0, retry_after_cap_s=5.0)
_TOKEN: Final = re.compile("[!-~]{1,10000}")
"""Visible ASCII (RFC 6750 §2.1)."""
_MAX_LIFE_S: Final = 10 * 365 * 86_400.0
"""Seconds; a longer `expires_in` counts as a credential without an expiry."""
_GONE: Final = Explanation("The code or the refresh token is not accepted.")
"""The explanation of a refused code or refresh token (RFC 6749 §5.2); any other refusal is about the app."""
_GONE_CODES: Final = frozenset({"invalid_grant", "BAD_REFRESH_TOKEN", "BAD_AUTH_CODE"})
"""The `error` of RFC 6749, and the values of HubSpot's own `status`."""
_ABOUT_APP: Final = frozenset({"unauthorized", "forbidden"})
"""The codes of an OperatorError that is the CRM's own response; any other is about this machine or its settings."""

FindMember = Callable[[JsonObject], Awaitable[str | None]]
"""Finds the member id of the person in the CRM, given the response with the tokens."""


@dataclass(frozen=True, slots=True)
class OAuthEndpoints:
    """The OAuth endpoints of the CRM called `name`.

    `authorize` is the address of the consent page, `asks` are its further parameters, such as scopes. `token`, `revoke`
    and `introspect` (None if the CRM has none) are paths below `root`.
    """

    name: str
    root: str
    authorize: str
    token: Path
    revoke: Path
    find_member: FindMember
    introspect: Path | None = None
    asks: Mapping[str, str] = field(default_factory=dict)


async def open_app_client(
    server: OAuthEndpoints, client_id: str | None, client_secret: SecretStr | None, context: OpenContext
) -> "AppClient | None":
    """Open the client of the operator's app, which `context.stack` closes; None without an id or a secret.

    OperatorError for a base URL that cannot be used.
    """
    if client_id is None or client_secret is None:
        return None
    prefix = server.name.upper()
    client_id_name, secret_name, base = (
        context.setting_names.get(name, name)
        for name in (f"{prefix}_CLIENT_ID", f"{prefix}_CLIENT_SECRET", f"{prefix}_BASE_URL")
    )
    upstream = Upstream(
        name=server.name,
        base_url=server.root,
        auth={},
        credential_name=f"{client_id_name} and {secret_name}",
        base_url_name=base,
        explain=_explain_refusal,
    )
    client = Client(upstream, policy=POLICY, runtime=replace(context.runtime or Runtime(), limits=LIMITS))
    own = {"client_id": client_id, "client_secret": client_secret.get_secret_value()}
    return AppClient(server, own, await context.stack.enter_async_context(client), context.clock)


class AppClient(OAuthClient):
    """Sends the requests of RFC 6749. `client_fields` are the app's id and secret, which are sent as form fields."""

    def __init__(
        self, server: OAuthEndpoints, client_fields: dict[str, str], client: Client, clock: Callable[[], datetime]
    ) -> None:
        self._server = server
        self._own = client_fields
        self._client = client
        self._clock = clock

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        """The address of the consent page. A CRM without PKCE ignores the `code_challenge` parameters."""
        sent = {
            "client_id": self._own["client_id"],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **self._server.asks,
        }
        return f"{self._server.authorize}?{urlencode(sent)}"

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Granted:
        """Exchange a code for a credential; CallerError if the code is too old or used."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        body = await self._ask(form | {"code_verifier": verifier})
        if body is None:
            raise CallerError(
                f"{self._server.name} does not accept the consent: it is too old, or was used already.",
                code="upstream_refused",
                next_step="Begin to link again.",
            )
        return Granted(self._read(body), await self._server.find_member(body))

    async def renew(self, credential: OwnCredential) -> OwnCredential:
        """Exchange a refresh token, which may be used up by that; LinkRequired if it is missing or refused."""
        token = credential.refresh_token
        body = await self._ask({"grant_type": "refresh_token", "refresh_token": token}) if token else None
        if body is None:
            raise LinkRequired.again(self._server.name)
        return self._read(body)

    async def revoke(self, credential: OwnCredential) -> bool:
        """Revoke both tokens, because an access token may stay valid after its refresh token is revoked.

        Returns whether the refresh token was revoked: not every CRM revokes access tokens, which expire soon.
        """
        if credential.refresh_token is None:
            return await self._revoke(credential.access_token, "access_token")
        is_revoked = await self._revoke(credential.refresh_token, "refresh_token")
        await self._revoke(credential.access_token, "access_token")
        return is_revoked

    async def introspect(self, token: str) -> JsonObject:
        """The CRM's description of a token (RFC 7662); empty if it has no such endpoint."""
        if self._server.introspect is None:
            return {}
        form = {"token": token, "token_type_hint": "access_token"} | self._own
        return (await self._client.send(Request.of_form(self._server.introspect, form, RequestKind.READ))).object

    async def _revoke(self, token: str, kind: str) -> bool:
        form = {"token": token, "token_type_hint": kind} | self._own
        try:
            await self._client.send(Request.of_form(self._server.revoke, form, RequestKind.REPLAY, expect="nothing"))
        except TaskhandError as error:
            _log.warning("the %s was not revoked at %s: %s", kind.replace("_", " "), self._server.name, error.message)
            return False
        return True

    async def _ask(self, form: dict[str, str]) -> JsonObject | None:
        """Request tokens: returns the response, or None if the code or the refresh token is not accepted."""
        try:
            return (
                await self._client.send(Request.of_form(self._server.token, form | self._own, RequestKind.WRITE))
            ).object
        except UpstreamError as error:
            lost = f"the response of {self._server.name} was lost."
            raise UpstreamError(
                f"No credential was issued: {lost if isinstance(error, OutcomeUnknown) else error.message}",
                code=None if isinstance(error, OutcomeUnknown) else error.code,
                next_step="Try again in a moment.",
                retryable=True,
                retry_after_s=error.retry_after_s,
            ) from None
        except (CallerError, OperatorError) as error:
            if error.explanation is _GONE:
                return None
            if isinstance(error, OperatorError) and error.code not in _ABOUT_APP:
                raise
            raise _app_refused_error(error, self._client.upstream) from None

    def _read(self, body: JsonObject) -> OwnCredential:
        access_token = _token_in(body, "access_token")
        if access_token is None:
            raise UpstreamError(
                f"No credential was issued: the response of {self._server.name} has no access token.",
                code="upstream_invalid",
                next_step="Try again in a moment.",
            )
        life, scopes = body.get("expires_in"), body.get("scope", body.get("scopes"))
        names = scopes.split() if isinstance(scopes, str) else scopes if isinstance(scopes, list) else []
        expires_at = None
        if isinstance(life, int | float) and not isinstance(life, bool) and 0 < life <= _MAX_LIFE_S:
            expires_at = self._clock() + timedelta(seconds=life)
        granted = frozenset(name for name in names if isinstance(name, str))
        return OwnCredential(access_token, _token_in(body, "refresh_token"), expires_at, granted)


def _token_in(body: JsonObject, name: str) -> str | None:
    """The token in a field, if it can be sent in a header; else None."""
    text = body.get(name)
    return text if isinstance(text, str) and _TOKEN.fullmatch(text) else None


def _explain_refusal(_: int, json: Json) -> Explanation | None:
    """`_GONE` if a refusal is about the code or the refresh token, by its `error` or else its `status`."""
    code = json.get("error", json.get("status")) if isinstance(json, dict) else None
    return _GONE if isinstance(code, str) and code in _GONE_CODES else None


def _app_refused_error(error: TaskhandError, upstream: Upstream) -> OperatorError:
    """The error for a refusal that is about the operator's app, which is logged too."""
    _log.warning("%s refused the OAuth app: %s", upstream.name, error.message)
    return OperatorError(
        f"{upstream.name} does not accept the OAuth app of this server.",
        code="unauthorized",
        next_step="The operator of Taskhand should check "
        f"{upstream.base_url_name if isinstance(error, NotFound) else upstream.credential_name}.",
    )

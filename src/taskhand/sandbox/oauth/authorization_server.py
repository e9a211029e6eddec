"""The endpoints of an authorization server; a CRM's subclass gives its paths, bodies and errors."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

from taskhand.sandbox.messages import Response
from taskhand.sandbox.oauth.grants import App, Grant, Grants, Issued
from taskhand.sandbox.oauth.page import consent_page, message_page
from taskhand.sandbox.oauth.spec_variant import OAuthSwitches
from taskhand.sandbox.request_log import NOBODY, Holder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskhand.sandbox.messages import ReceivedRequest
    from taskhand.sandbox.oauth.grants import Kind, OAuthUser
    from taskhand.sandbox.routing import RouteMatch

V = TypeVar("V", bound=OAuthSwitches)
NO_STORE = (("cache-control", "no-store"), ("pragma", "no-cache"))  # RFC 6749 §5.1
CHALLENGE = 43  # the length of a SHA-256 in base64url
FOUND = 302
KINDS = {"access_token": "oauth"}  # in the log, where `access_token` means the fixed token of Close's sandbox


class OAuthError(Exception):
    """An error of RFC 6749 §5.2; `about` is the kind of the code or token that caused an `invalid_grant`."""

    def __init__(self, code: str, description: str, about: Kind | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.about = about

    @property
    def status(self) -> int:
        """The status of the response."""
        return 401 if self.code == "invalid_client" else 400


class PageError(Exception):
    """An authorization request that is answered with a page of the CRM, because its redirect cannot be trusted."""


@dataclass(frozen=True)
class EndpointRequest:
    """One request to an endpoint; `form` is its body."""

    query: Mapping[str, str]
    form: Mapping[str, str]
    values: Mapping[str, str]
    now: dt.datetime


@dataclass(frozen=True)
class Asked:
    """An authorization request that can be shown to a person."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None

    def redirect(self, spec_variant: OAuthSwitches, **answer: str) -> Response:
        """Send the browser back to the app."""
        if self.state is not None and spec_variant.oauth_state == "returned":
            answer["state"] = self.state
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return Response(FOUND, b"", (("location", f"{self.redirect_uri}{joint}{urlencode(answer)}"), *NO_STORE))


class AuthorizationServer(ABC, Generic[V]):
    """Signs in the people of a sandbox; `endpoints` has its routes.

    `users` returns the people who can sign in, `spec_variant` the present spec variant.
    """

    title = ""
    access_bytes = 32  # the size of an access token
    needs_response_type = True

    def __init__(self, app: App, users: Callable[[], Sequence[OAuthUser]], spec_variant: Callable[[], V]) -> None:
        self.app = app
        self._users = users
        self._spec_variant = spec_variant
        self.grants = Grants()
        self.endpoints = self.build_endpoints()

    @property
    def spec_variant(self) -> V:
        """The present spec variant."""
        return self._spec_variant()

    @abstractmethod
    def build_endpoints(self) -> dict[str, Callable[[EndpointRequest], Response]]:
        """Return the endpoint of each route."""

    @abstractmethod
    def all_scopes(self) -> tuple[str, ...]:
        """Return the scopes that the CRM can grant."""

    def read_scopes(self, call: EndpointRequest) -> tuple[str, ...]:  # noqa: ARG002  # overridden for a CRM whose apps name scopes
        """Return the requested scopes; PageError if they cannot be granted."""
        return self.all_scopes()

    @abstractmethod
    def allows_redirect(self, scheme: str, host: str) -> bool:
        """Whether the documentation permits redirect addresses with this scheme and host."""

    @abstractmethod
    def token_body(self, grant: Grant, access: str, refresh: str, life: int) -> dict[str, Any]:
        """Return the body of an issued pair of tokens."""

    @abstractmethod
    def error_body(self, error: OAuthError) -> dict[str, Any]:
        """Return the body of an error."""

    def answer(self, request: ReceivedRequest, route: RouteMatch, now: dt.datetime) -> Response:
        """Call the endpoint of a route."""
        call = EndpointRequest(dict(request.pairs), request.form or {}, route.values, now)
        try:
            return self.endpoints[route.key](call)
        except PageError as error:
            return message_page(self.title, str(error), 400)
        except OAuthError as error:
            return self.error(error)

    def error(self, error: OAuthError) -> Response:
        """Return the response of an error."""
        return Response.of_json(error.status, self.error_body(error), *NO_STORE)

    def failure(self, status: int) -> Response | None:
        """Return the body of a scripted 400 or 401; None for other statuses, which have the CRM's body."""
        errors = {
            400: OAuthError("invalid_grant", "missing or invalid refresh token", "refresh_token"),
            401: OAuthError("invalid_client", "client_id or client_secret is wrong"),
        }
        return self.error(errors[status]) if status in errors else None

    def sign_in(self, user_id: str, now: dt.datetime) -> dict[str, Any]:
        """Issue a pair of tokens for a user without a page; ValueError for an unknown user."""
        user = self._find_user(user_id)
        if user is None:
            raise ValueError(f"no user {user_id!r} can sign in here")
        return self._issue_pair(Grant(user, self.app.client_id, self.all_scopes()), now)

    def find_holder(self, request: ReceivedRequest) -> Holder | None:
        """Return the holder of the code or token in a form, valid or not."""
        form = request.form or {}
        for text in [form[name] for name in ("refresh_token", "code", "token") if form.get(name)]:
            token = self.grants.find(text, "access_token", "refresh_token", "code")
            return Holder(KINDS.get(token.kind, token.kind), token.grant.user.id) if token else NOBODY
        return None

    def find_access(self, text: str) -> Issued | None:
        """Return an issued access token, valid or not."""
        return self.grants.find(text, "access_token")

    def show_consent(self, call: EndpointRequest) -> Response:
        """Show the page on which a person signs in and allows or denies the app."""
        asked = self._read_asked(call)
        refusal = self._find_refusal(call, asked)
        return refusal or consent_page(self.title, asked.app.client_id, asked.scopes, self._users())

    def take_consent(self, call: EndpointRequest) -> Response:
        """Handle the form of that page: `user`, and `decision`, which is `allow` or `deny`."""
        asked = self._read_asked(call)
        refusal = self._find_refusal(call, asked)
        if refusal is not None:
            return refusal
        user = self._find_user(call.form.get("user", ""))
        if user is None or call.form.get("decision") not in {"allow", "deny"}:
            raise PageError("Choose who signs in, and allow or deny.")
        if call.form["decision"] == "deny":
            if self.spec_variant.oauth_denied == "silent":
                return message_page(self.title, "The app was not allowed.")
            return asked.redirect(self.spec_variant, error="access_denied", error_description="The user denied access")
        grant = Grant(user, asked.app.client_id, asked.scopes, asked.redirect_uri, asked.challenge)
        code = self.grants.issue("code", grant, call.now + dt.timedelta(seconds=self.spec_variant.oauth_code_life))
        return asked.redirect(self.spec_variant, code=code)

    def issue_token(self, call: EndpointRequest) -> Response:
        """Exchange a code or a refresh token."""
        self.check_client(call)
        match call.form.get("grant_type"):
            case "authorization_code":
                grant = self._exchange_code(call)
            case "refresh_token":
                return self._refresh(call)
            case _:
                raise OAuthError("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
        return self._answer_pair(self._issue_pair(grant, call.now))

    def revoke(self, call: EndpointRequest) -> Response:
        """Revoke a token; an unknown token is not an error (RFC 7009 §2.2)."""
        self.check_client(call)
        self.revoke_token(call.form.get("token", ""))
        return Response(200, b"", NO_STORE)

    def revoke_token(self, text: str) -> None:
        """Revoke a token, and with a refresh token the whole grant if the spec variant says so."""
        token = self.grants.find(text, "access_token", "refresh_token")
        if token is None:
            return
        token.is_revoked = True
        if token.kind == "refresh_token" and self.spec_variant.oauth_revoke == "grant":
            token.grant.is_ended = True

    def _read_asked(self, call: EndpointRequest) -> Asked:
        sent = call.query
        if sent.get("client_id") != self.app.client_id:
            raise PageError("There is no app with this client_id.")
        known = self.app.redirect_uris
        redirect_uri = sent.get("redirect_uri") or (known[0] if len(known) == 1 else "")
        if not self._may_redirect(redirect_uri):
            raise PageError("The redirect_uri is not one of the app's.")
        return Asked(
            self.app, redirect_uri, self.read_scopes(call), sent.get("state"), sent.get("code_challenge") or None
        )

    def _may_redirect(self, uri: str) -> bool:
        try:
            parts = urlsplit(uri)
        except ValueError:
            return False
        if not (uri.isascii() and uri.isprintable()) or " " in uri:
            return False
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
            return False
        if self.app.redirect_uris and uri not in self.app.redirect_uris:
            return False
        return self.spec_variant.oauth_redirects == "any" or self.allows_redirect(parts.scheme, parts.hostname)

    def _find_refusal(self, call: EndpointRequest, asked: Asked) -> Response | None:
        """Return the redirect for a request that cannot be shown to a person (RFC 6749 §4.1.2.1), or None."""
        if call.query.get("response_type", "" if self.needs_response_type else "code") != "code":
            return asked.redirect(self.spec_variant, error="unsupported_response_type")
        pkce = self.spec_variant.oauth_pkce
        is_right = asked.challenge is not None and len(asked.challenge) == CHALLENGE
        is_right = is_right and call.query.get("code_challenge_method") == "S256"
        if pkce != "ignored" and not is_right and (asked.challenge is not None or pkce == "required"):
            text = "code_challenge with the method S256 is required"
            return asked.redirect(self.spec_variant, error="invalid_request", error_description=text)
        return None

    def check_client(self, call: EndpointRequest) -> None:
        """Refuse a wrong id or secret of the app; both are documented as form fields."""
        own = (self.app.client_id, self.app.client_secret)
        sent = (call.form.get("client_id", ""), call.form.get("client_secret", ""))
        if not all(secrets.compare_digest(one.encode(), other.encode()) for one, other in zip(sent, own, strict=True)):
            raise OAuthError("invalid_client", "client_id or client_secret is wrong")

    def _exchange_code(self, call: EndpointRequest) -> Grant:
        """Use up a code."""
        token = self.grants.find(call.form.get("code", ""), "code")
        if token is None or token.is_used or not token.is_good(call.now):
            raise OAuthError("invalid_grant", "missing or unknown auth code", "code")
        sent = call.form.get("redirect_uri")
        may_lack = sent is None and self.spec_variant.oauth_code_redirect == "optional"
        if not may_lack and sent != token.grant.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri does not match the one of the code", "code")
        if self.spec_variant.oauth_pkce != "ignored" and not _verifies(call.form, token.grant.challenge):
            raise OAuthError("invalid_grant", "code_verifier does not match the code challenge", "code")
        token.is_used = True
        return token.grant

    def _refresh(self, call: EndpointRequest) -> Response:
        sent, spec_variant = call.form.get("refresh_token", ""), self.spec_variant
        token = self.grants.find(sent, "refresh_token")
        if token is not None and token.is_used and spec_variant.oauth_reuse == "ends_grant":
            token.grant.is_ended = True
        is_reused = token is not None and token.is_used and spec_variant.oauth_reuse != "accepted"
        if token is None or is_reused or not token.is_good(call.now):
            raise OAuthError("invalid_grant", "missing or invalid refresh token", "refresh_token")
        token.is_used = spec_variant.oauth_refresh == "rotated"
        kept = None if token.is_used else sent
        return self._answer_pair(self._issue_pair(token.grant, call.now, kept))

    def _issue_pair(self, grant: Grant, now: dt.datetime, refresh_token: str | None = None) -> dict[str, Any]:
        life, refresh_life = self.spec_variant.oauth_access_life, self.spec_variant.oauth_refresh_life
        access = self.grants.issue("access_token", grant, now + dt.timedelta(seconds=life), self.access_bytes)
        ends = now + dt.timedelta(seconds=refresh_life) if refresh_life else None
        return self.token_body(grant, access, refresh_token or self.grants.issue("refresh_token", grant, ends), life)

    def _answer_pair(self, body: dict[str, Any]) -> Response:
        return Response.of_json(200, body, *NO_STORE)

    def _find_user(self, user_id: str) -> OAuthUser | None:
        return next((user for user in self._users() if user.id == user_id), None)


def _verifies(form: Mapping[str, str], challenge: str | None) -> bool:
    """Whether the code verifier matches (RFC 7636 §4.6); without a challenge it does not (RFC 9700 §4.8.2)."""
    verifier = form.get("code_verifier")
    if verifier is None or challenge is None:
        return verifier is None and challenge is None
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return secrets.compare_digest(digest, challenge.encode())

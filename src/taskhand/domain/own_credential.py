"""A person's own credential for a CRM, and the OAuth app by which the CRM gives it out; pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from taskhand.domain.errors import TaskhandError

__all__ = ["Granted", "OAuthClient", "OwnCredential", "OwnToken"]


@dataclass(frozen=True, slots=True)
class OwnCredential:
    """A person's credential: requests carry `access_token`, and `refresh_token` gets the next one.

    `expires_at` None: it is valid until it is revoked. A pasted key is an `access_token`.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Granted:
    """The consent of a person. `member_id` is the person's member id in the CRM, if the CRM reports it."""

    credential: OwnCredential
    member_id: str | None = None


class OwnToken(Protocol):
    """The credential of an open backend, and its replacement."""

    @property
    def renewed(self) -> OwnCredential | None:
        """The credential that replaced the one at opening; None if it was not replaced."""
        ...

    async def reject(self, sent: OwnCredential | None, *, again: bool) -> TaskhandError | None:
        """Report that the CRM did not accept the credential `sent`, which is None for the one at opening.

        Returns the error for the caller, or None if a new credential is available, with which the request is sent once
        more. `again` is whether the request was already repeated.
        """
        ...


class OAuthClient(Protocol):
    """An app of the operator's at a CRM's authorization server."""

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        """The CRM's page on which a person consents; `challenge` is the S256 hash of the code verifier."""
        ...

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Granted:
        """The credential for a code that the CRM has sent back, which is used up.

        CallerError for a code that the CRM does not accept, OperatorError for the app, UpstreamError for no answer.
        """
        ...

    async def renew(self, credential: OwnCredential) -> OwnCredential:
        """The next credential. If it has no refresh token, the previous one stays valid.

        LinkRequired if the grant has ended; any other TaskhandError if the renewal failed and may be tried again.
        """
        ...

    async def revoke(self, credential: OwnCredential) -> bool:
        """Revoke a credential at the CRM; returns whether the CRM confirmed it. Raises no TaskhandError."""
        ...

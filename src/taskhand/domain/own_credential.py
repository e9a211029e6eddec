"""A person's own credential for a CRM, and the OAuth app by which the CRM gives it out; pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from taskhand.domain.errors import TaskhandError

__all__ = ["Granted", "OAuthClient", "OwnCredential", "OwnToken"]


@dataclass(frozen=True, slots=True)
class OwnCredential:
    """What a CRM has given a person: `access_token` goes on requests, `refresh_token` gets the next one.

    `expires_at` None: it is good until it is revoked. A pasted key is an `access_token`.
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
    """The credential with which something is open, and what took its place since."""

    @property
    def renewed(self) -> OwnCredential | None:
        """What took the place of the credential that it was opened with; None as long as nothing has."""
        ...

    async def reject(self, sent: OwnCredential | None, *, again: bool) -> TaskhandError | None:
        """Tell that the CRM does not accept what was `renewed` when it was sent.

        The error for the caller, or None if there is another now, with which the request is sent once more. `again`:
        that was done already.
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
        """The next credential. A refresh token that it does not have stays the one before.

        LinkRequired if the grant is gone for good; any other TaskhandError: not at this moment.
        """
        ...

    async def revoke(self, credential: OwnCredential) -> bool:
        """Revoke a credential at the CRM; whether the CRM has confirmed it. It raises nothing of ours."""
        ...

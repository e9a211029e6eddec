"""How a credential of one's own is linked for a connection, and what the pages are given for it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from taskhand.backends.base import Backend
from taskhand.service.app_context import AppContext
from taskhand.vault.link import OwnCredential

__all__ = ["Consent", "Granted", "Way"]


class Granted(Protocol):
    """What a CRM has given out to a person's consent."""

    @property
    def credential(self) -> OwnCredential:
        """The credential."""
        ...

    @property
    def member_id(self) -> str | None:
        """Whose it is, where the CRM has told."""
        ...


class Consent(Protocol):
    """The operator's app at a CRM: the CRM's pages ask the person, and the browser comes back with a code."""

    def authorize_url(self, redirect_uri: str, state: str, challenge: str) -> str:
        """Where the browser is sent; `challenge` is that of PKCE (S256)."""
        ...

    async def exchange(self, code: str, redirect_uri: str, verifier: str) -> Granted:
        """What the CRM gives for the code; TaskhandError where it gives nothing."""
        ...

    async def revoke(self, credential: OwnCredential) -> bool:
        """Withdraw a credential at the CRM; whether that was done."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How a credential is linked for one connection: by `consent`, else by a key that is pasted.

    `crm` names it in sentences. `tells_who` is whether the CRM says whose a credential is. `read_key` returns a pasted
    text as it is sent, None for one that can be no key. `open_as` opens the connection with another credential.
    """

    app: AppContext
    crm: str
    open_as: Callable[[str], AbstractAsyncContextManager[Backend]]
    read_key: Callable[[str], str | None]
    tells_who: bool
    consent: Consent | None = None

"""How a credential of one's own is linked for a connection, and what the pages are given for it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from taskhand.backends.base import Backend
from taskhand.domain.own_credential import OAuthClient
from taskhand.domain.principal import Person
from taskhand.service.app_context import AppContext

__all__ = ["BrowserSignIn", "Way"]


class BrowserSignIn(Protocol):
    """Signs a person in at the issuer of tokens, in the browser that is in front of the page."""

    def can_prove(self, person: str) -> bool:
        """Whether a person with this id signs in there."""
        ...

    async def authorize_url(self, redirect_uri: str, resource: str, state: str, challenge: str, nonce: str) -> str:
        """Where the browser is sent; `resource` is the address of this server for its callers."""
        ...

    async def find_person(
        self, answer: Mapping[str, str], redirect_uri: str, resource: str, verifier: str, nonce: str
    ) -> Person | None:
        """The person who has signed in, by a verified e-mail too; None where the answer does not prove it."""
        ...


@dataclass(frozen=True, slots=True)
class Way:
    """How a credential is linked for one connection: by `consent` at the CRM, else by a key that is pasted.

    `crm` names it in sentences. `tells_who` is whether the CRM says whose a credential is. `read_key` returns a pasted
    text as it is sent, None for one that can be no key, and `is_shared` tells whether it is the connection's shared
    credential. `open_as` opens the connection with another credential.
    """

    app: AppContext
    crm: str
    open_as: Callable[[str], AbstractAsyncContextManager[Backend]]
    read_key: Callable[[str], str | None]
    is_shared: Callable[[str], bool]
    tells_who: bool
    consent: OAuthClient | None = None

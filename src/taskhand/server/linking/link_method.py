"""The method of linking a person's credential for one connection."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from taskhand.backends.base import Backend
from taskhand.domain.own_credential import OAuthClient
from taskhand.domain.principal import Person
from taskhand.service.app_context import AppContext

__all__ = ["BrowserSignIn", "LinkMethod"]


class BrowserSignIn(Protocol):
    """Signs a person in at the issuer of tokens, in the browser that shows the page."""

    def can_prove(self, person: str) -> bool:
        """Whether a person with this id can sign in there."""
        ...

    async def authorize_url(self, redirect_uri: str, resource: str, state: str, challenge: str, nonce: str) -> str:
        """The URL to which the browser is redirected; `resource` is this server's URL for its callers."""
        ...

    async def find_person(
        self, answer: Mapping[str, str], redirect_uri: str, resource: str, verifier: str, nonce: str
    ) -> Person | None:
        """The person who signed in, with their verified e-mail; None if the answer does not prove it."""
        ...


@dataclass(frozen=True, slots=True)
class LinkMethod:
    """The method of linking for one connection: OAuth `consent` at the CRM, or else a pasted key.

    `crm` is its name in sentences. `names_holder` is whether the CRM names the holder of a credential. `read_key`
    returns a pasted text in the form that is sent, None if it cannot be a key. `is_shared` is whether a text is the
    connection's shared credential. `open_as` opens the connection with another credential.
    """

    app: AppContext
    crm: str
    open_as: Callable[[str], AbstractAsyncContextManager[Backend]]
    read_key: Callable[[str], str | None]
    is_shared: Callable[[str], bool]
    names_holder: bool
    consent: OAuthClient | None = None

"""How a credential of one's own is linked for a connection, and what the pages are given for it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from taskhand.backends.base import Backend
from taskhand.domain.own_credential import OAuthClient
from taskhand.service.app_context import AppContext

__all__ = ["Way"]


@dataclass(frozen=True, slots=True)
class Way:
    """How a credential is linked for one connection: by `consent` at the CRM, else by a key that is pasted.

    `crm` names it in sentences. `tells_who` is whether the CRM says whose a credential is. `read_key` returns a pasted
    text as it is sent, None for one that can be no key. `open_as` opens the connection with another credential.
    """

    app: AppContext
    crm: str
    open_as: Callable[[str], AbstractAsyncContextManager[Backend]]
    read_key: Callable[[str], str | None]
    tells_who: bool
    consent: OAuthClient | None = None

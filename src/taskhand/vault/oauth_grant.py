"""The OAuth grant of a person through the operator's app: renewed while linked, revoked once unlinked."""

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from taskhand.domain.errors import OperatorError
from taskhand.domain.own_credential import OAuthClient, OwnCredential
from taskhand.vault.credential_link import Link

__all__ = ["OpenClient", "renew_link", "revoke_link"]

_log = logging.getLogger(__name__)

OpenClient = Callable[[], AbstractAsyncContextManager[OAuthClient | None]]
"""Opens the client of a connection's app; None if there is no app."""


async def renew_link(link: Link, open_client: OpenClient) -> OwnCredential:
    """The next credential of a link; raises the errors of `vault.token_refresh.Renew`."""
    async with open_client() as client:
        if client is None:
            raise OperatorError(
                f"Your own credential for {link.connection} cannot be renewed: there is no OAuth app for it any more.",
                next_step=f"The operator of Taskhand should set the client id and secret of {link.connection}.",
            )
        return await client.renew(link.credential)


async def revoke_link(link: Link, open_client: OpenClient) -> bool:
    """Revoke the tokens of a removed or replaced link at the CRM; return whether the CRM confirmed it.

    A pasted key is not revoked: its person has to withdraw it.
    """
    if link.kind != "oauth":
        return False
    try:
        async with open_client() as client:
            return client is not None and await client.revoke(link.credential)
    except OperatorError as error:
        _log.warning("the credential that %s had linked for %s was not revoked: %s", *link.name, error.message)
        return False

"""The sign-in of persons at their issuer in a browser, from the settings."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from taskhand.cli.issuer_settings import open_token_check, read_client

if TYPE_CHECKING:
    from taskhand.config.settings import Settings
    from taskhand.tokens.sign_in import SignIn

__all__ = ["open_sign_in"]


def open_sign_in(settings: "Settings", issuers: Sequence[str], stack: AsyncExitStack) -> "SignIn | None":
    """The sign-in at the first of these issuers, until the stack is closed; None if the settings have no client.

    OperatorError if only half of the client is set.
    """
    client = read_client(settings, "sign_in", "nobody can sign in on the pages")
    if client is None or not issuers:
        return None
    from taskhand.http.issuer_documents import JsonDocuments
    from taskhand.state import clock_of
    from taskhand.tokens.issuer_keys import IssuerKeys
    from taskhand.tokens.sign_in import SignIn

    clock = clock_of(settings)
    check, close = open_token_check(settings, issuers, clock)
    documents = JsonDocuments(credential="TASKHAND_SIGN_IN_SECRET")
    stack.push_async_callback(close)
    stack.push_async_callback(documents.aclose)
    keys = IssuerKeys(issuers[0], documents.get)
    return SignIn(keys, client, documents.post_code, check, now=lambda: clock().timestamp())

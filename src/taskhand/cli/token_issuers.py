"""The check of callers' tokens and the sign-in of persons in a browser, by the issuers of the settings."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.state import clock_of

if TYPE_CHECKING:
    from taskhand.backends.factory import Clock
    from taskhand.tokens.sign_in import SignIn
    from taskhand.tokens.token_check import TokenCheck

__all__ = ["open_sign_in", "open_token_check", "split_list"]


def open_token_check(
    settings: Settings, issuers: Sequence[str], clock: "Clock | None" = None
) -> "tuple[TokenCheck, Callable[[], Awaitable[None]]]":
    """The check of tokens of these issuers, and a function that closes it. OperatorError for an invalid address."""
    from taskhand.http.issuer_documents import JsonDocuments
    from taskhand.tokens.introspection import Introspection
    from taskhand.tokens.issuer_keys import IssuerKeys
    from taskhand.tokens.issuer_metadata import check_issuer
    from taskhand.tokens.token_check import TokenCheck
    from taskhand.tokens.token_claims import TokenRules

    for issuer in issuers:
        check_issuer(issuer)
    tell, documents = clock or clock_of(settings), JsonDocuments()

    def now() -> float:
        return tell().timestamp()

    keys = [IssuerKeys(issuer, documents.get) for issuer in dict.fromkeys(issuers)]
    rules = TokenRules(
        frozenset(split_list(settings.audiences)),
        settings.scope_prefix or "",
        settings.groups_claim,
        frozenset(split_list(settings.verified_emails)),
    )
    client = _read_client(settings, "introspection", "opaque tokens are refused")
    introspection = Introspection(keys[0], client, documents.post_form, now=now) if client else None
    return TokenCheck(keys, rules, introspection, now=now), documents.aclose


def open_sign_in(settings: Settings, issuers: Sequence[str], stack: AsyncExitStack) -> "SignIn | None":
    """The sign-in at the first of these issuers, until the stack is closed; None if the settings have no client.

    OperatorError if only half of the client is set.
    """
    client = _read_client(settings, "sign_in", "nobody can sign in on the pages")
    if client is None or not issuers:
        return None
    from taskhand.http.issuer_documents import JsonDocuments
    from taskhand.tokens.issuer_keys import IssuerKeys
    from taskhand.tokens.sign_in import SignIn

    clock = clock_of(settings)
    check, close = open_token_check(settings, issuers, clock)
    documents = JsonDocuments(setting="TASKHAND_SIGN_IN_SECRET")
    stack.push_async_callback(close)
    stack.push_async_callback(documents.aclose)
    keys = IssuerKeys(issuers[0], documents.get)
    return SignIn(keys, client, documents.post_code, check, now=lambda: clock().timestamp())


def _read_client(settings: Settings, name: str, without: str) -> tuple[str, str] | None:
    """The id and the secret of the client of this name at the first issuer; None if the settings have none.

    OperatorError if only half of it is set; `without` describes the effect of having no client.
    """
    settings.check_own_secrets()
    client, secret = getattr(settings, f"{name}_client"), getattr(settings, f"{name}_secret")
    if bool(client) != bool(secret):
        variable = f"TASKHAND_{name.upper()}"
        raise OperatorError(
            f"Of {variable}_CLIENT and {variable}_SECRET one is set without the other.",
            next_step=f"Set both, or neither: then {without}.",
        )
    return (client, secret.get_secret_value()) if client and secret else None


def split_list(text: str | None) -> tuple[str, ...]:
    """The values of a comma-separated setting."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())

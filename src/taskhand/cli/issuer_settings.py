"""The check of callers' tokens, from the settings."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.state import clock_of

if TYPE_CHECKING:
    from taskhand.backends.factory import Clock
    from taskhand.tokens.token_check import TokenCheck

__all__ = ["open_token_check", "read_client", "split_list"]


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
    client = read_client(settings, "introspection", "opaque tokens are refused")
    introspection = Introspection(keys[0], client, documents.post_form, now=now) if client else None
    return TokenCheck(keys, rules, introspection, now=now), documents.aclose


def read_client(settings: Settings, name: str, without: str) -> tuple[str, str] | None:
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
    return tuple(one.strip() for one in (text or "").split(",") if one.strip())

"""The check of the tokens of callers, as the settings have it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.wiring import clock_of

if TYPE_CHECKING:
    from taskhand.backends.factory import Clock
    from taskhand.tokens.token_check import TokenCheck

__all__ = ["open_token_check", "split_list"]


def open_token_check(
    settings: Settings, issuers: Sequence[str], clock: "Clock | None" = None
) -> "tuple[TokenCheck, Callable[[], Awaitable[None]]]":
    """The check of the tokens of these issuers, and what closes its connections. OperatorError for a wrong address."""
    from taskhand.http.documents import JsonDocuments
    from taskhand.tokens.introspection import Introspection
    from taskhand.tokens.issuer_keys import IssuerKeys
    from taskhand.tokens.issuer_metadata import check_address
    from taskhand.tokens.token_check import TokenCheck
    from taskhand.tokens.token_holder import TokenRules

    for issuer in issuers:
        check_address(issuer, "The issuer")
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
    client = _introspection_client(settings)
    introspection = Introspection(keys[0], client, documents.post_form, now=now) if client else None
    return TokenCheck(keys, rules, introspection, now=now), documents.aclose


def _introspection_client(settings: Settings) -> tuple[str, str] | None:
    """As whom the first issuer is asked about opaque tokens; OperatorError where only half of it is set."""
    settings.check_own_secrets()
    client, secret = settings.introspection_client, settings.introspection_secret
    if bool(client) != bool(secret):
        raise OperatorError(
            "Of TASKHAND_INTROSPECTION_CLIENT and TASKHAND_INTROSPECTION_SECRET one is set without the other.",
            next_step="Set both, or neither: then opaque tokens are refused.",
        )
    return (client, secret.get_secret_value()) if client and secret else None


def split_list(text: str | None) -> tuple[str, ...]:
    """The values of a setting that has commas between them."""
    return tuple(one.strip() for one in (text or "").split(",") if one.strip())

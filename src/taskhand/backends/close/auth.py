"""Credentials of Close: an API key or an OAuth access token."""

from base64 import b64encode

from pydantic import SecretStr

from taskhand.domain.errors import OperatorError

__all__ = ["credential"]


def credential(api_key: SecretStr | None, access_token: SecretStr | None) -> tuple[str, dict[str, str]]:
    """The variable that holds the credential, and the header that carries it; OperatorError unless exactly one is set.

    A key is a user name without a password: https://developer.close.com/api/overview/api-key-authentication.
    """
    if api_key and access_token:
        found = "CLOSE_API_KEY and CLOSE_ACCESS_TOKEN are both set, and may not belong to the same person."
        raise OperatorError(found, code="unauthorized", next_step="Set one of them.")
    if api_key:
        encoded = b64encode(f"{api_key.get_secret_value()}:".encode()).decode()
        return "CLOSE_API_KEY", {"authorization": f"Basic {encoded}"}
    if access_token:
        return "CLOSE_ACCESS_TOKEN", {"authorization": f"Bearer {access_token.get_secret_value()}"}
    raise OperatorError(
        "Close is chosen, and neither CLOSE_API_KEY nor CLOSE_ACCESS_TOKEN is set.",
        code="unauthorized",
        next_step="Set CLOSE_API_KEY (Close shows it under Settings, Developer), or TASKHAND_BACKEND to local.",
    )

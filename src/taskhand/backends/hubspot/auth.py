"""The credential of HubSpot: an access token of a private app, a service key or an OAuth token, all sent alike."""

from pydantic import SecretStr

from taskhand.domain.errors import OperatorError

__all__ = ["credential"]


def credential(access_token: SecretStr | None) -> tuple[str, dict[str, str]]:
    """The variable that holds the credential, and the header that carries it; OperatorError without one."""
    if not access_token:
        raise OperatorError(
            "HubSpot is chosen and HUBSPOT_ACCESS_TOKEN is not set.",
            code="unauthorized",
            next_step="Set HUBSPOT_ACCESS_TOKEN, or TASKHAND_BACKEND to local.",
        )
    return "HUBSPOT_ACCESS_TOKEN", {"authorization": f"Bearer {access_token.get_secret_value()}"}

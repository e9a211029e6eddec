"""The credential of Vambe: an API key in a header (https://docs.vambe.me)."""

from pydantic import SecretStr

from taskhand.domain.errors import OperatorError

__all__ = ["credential"]


def credential(api_key: SecretStr | None) -> tuple[str, dict[str, str]]:
    """The variable that holds the key, and the header that carries it; OperatorError if no key is set."""
    if not api_key:
        raise OperatorError(
            "Vambe is chosen and VAMBE_API_KEY is not set.",
            code="unauthorized",
            next_step="Set VAMBE_API_KEY (Vambe's developer section shows it), or TASKHAND_BACKEND to local.",
        )
    return "VAMBE_API_KEY", {"x-api-key": api_key.get_secret_value()}

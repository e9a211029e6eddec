"""The address of a database, and the password in it."""

from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr
from pydantic_core import PydanticCustomError

__all__ = ["check_address", "split_passwords"]


def check_address(given: SecretStr | None) -> SecretStr | None:
    """The address of a database, whose password has no character that would end it."""
    if given is not None and not _is_address(given.get_secret_value()):
        raise PydanticCustomError(
            "state",
            "it must be postgresql://USER:PASSWORD@HOST/DATABASE, with @ : / ? # % in the password as %40 %3A %2F %3F "
            "%23 %25",
        )
    return given


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"postgresql", "postgres"} and parts.netloc.count("@") <= 1 and parts.port != 0
    except ValueError:
        return False


def split_passwords(given: SecretStr | None) -> tuple[str, ...]:
    """The password in the address of a database, as it is there and as it is meant."""
    if given is None:
        return ()
    parts = urlsplit(given.get_secret_value())
    found = (parts.password, *parse_qs(parts.query).get("password", ()))
    return tuple(dict.fromkeys(spelled for one in found if one for spelled in (one, unquote(one))))

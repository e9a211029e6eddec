"""The secrets that several servers share: the keys of the answers to questions, and those of the vault."""

import re
from typing import Final

from pydantic import SecretStr
from pydantic_core import PydanticCustomError

__all__ = ["check_state_keys", "check_vault_keys", "split_state_keys", "split_vault_keys"]

_MIN_KEY_LENGTH: Final = 32
"""Minimum characters, as the SDK requires."""


def check_state_keys(secret: SecretStr | None) -> SecretStr | None:
    """Check that no key is too short or a duplicate."""
    keys = split_state_keys(secret)
    if secret is not None and (
        not keys
        or min(map(len, keys)) < _MIN_KEY_LENGTH
        or not all(key.isascii() for key in keys)
        or len({*keys}) < len(keys)
    ):
        raise PydanticCustomError(
            "state_key",
            "each key needs at least 32 ASCII characters, and no key may appear twice; "
            "make one with `python -c 'import secrets; print(secrets.token_hex(32))'`",
        )
    return secret


def split_state_keys(secret: SecretStr | None) -> tuple[str, ...]:
    """The keys in a comma-separated setting."""
    keys = secret.get_secret_value().split(",") if secret else ()
    return tuple(key.strip() for key in keys if key.strip())


def check_vault_keys(secret: SecretStr | None) -> SecretStr | None:
    """Check that each key has the form of `taskhand vault new-key` and is no duplicate."""
    keys = split_vault_keys(secret)
    form = re.compile("thv_[0-9a-f]{64}")
    if secret is not None and (not keys or not all(map(form.fullmatch, keys)) or len({*keys}) < len(keys)):
        raise PydanticCustomError(
            "vault_key", "each key is as `taskhand vault new-key` prints it, and no key may appear twice"
        )
    return secret


def split_vault_keys(secret: SecretStr | None) -> tuple[str, ...]:
    """The keys of the vault in a setting or file, separated by commas or line ends."""
    return tuple(secret.get_secret_value().replace(",", " ").split()) if secret else ()

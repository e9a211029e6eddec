"""Credentials in the operating system's keyring, in place of a file that other programs read.

A setting's value `keyring:NAME` stands for the password NAME of the service `taskhand`. The library is optional
(`pip install '.[keyring]'`) and imported when such a value is met: https://keyring.readthedocs.io .
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from types import ModuleType

# Loading a keyring takes longer than all the rest of a start that has no use for it.
# ruff: noqa: PLC0415

__all__ = ["MARK", "SERVICE", "is_keyring_available", "keyring_reference", "resolve_credential", "store_credential"]

SERVICE = "taskhand"
"""Under which the keyring keeps the credentials."""

MARK = "keyring:"
"""How a value begins that stands for one in the keyring."""

_LEAST_PRIORITY = 1
"""What keyring itself recommends: below it are the backends that keep nothing, or keep it in the open."""


def resolve_credential(value: str) -> str:
    """What a setting's value stands for: itself, or what the keyring keeps under its name.

    OperatorError where the library is missing, the keyring refuses, or it has nothing under that name.
    """
    if not value.startswith(MARK):
        return value
    name, library = value.removeprefix(MARK), _library()
    if library is None:
        raise OperatorError(
            f"{name} is kept in the system keyring, and the library that reads it is not installed.",
            next_step="pip install '.[keyring]'",
        )
    try:
        found: str | None = library.get_password(SERVICE, name)
    except library.errors.KeyringError as error:
        raise OperatorError(f"The system keyring did not give {name}: {error}.") from None
    if found is None:
        raise OperatorError(
            f"The system keyring keeps no {name} for Taskhand.",
            next_step=f"keyring set {SERVICE} {name}",
        )
    return found


def is_keyring_available() -> bool:
    """Whether there is a keyring on this machine that keeps what it is given, safely."""
    library = _library()
    return library is not None and library.get_keyring().priority >= _LEAST_PRIORITY


def keyring_reference(name: str) -> str:
    """The value that stands for a credential in the keyring."""
    return f"{MARK}{name}"


def store_credential(name: str, secret: str) -> None:
    """Put a credential into the keyring, over the one that is there. OperatorError where it refuses."""
    library = _library()
    if library is None:
        raise OperatorError("The library for the system keyring is not installed.")
    try:
        library.set_password(SERVICE, name, secret)
    except library.errors.KeyringError as error:
        raise OperatorError(
            f"The system keyring does not take {name}: {error}.",
            next_step="Unlock it, or choose another place with --keys.",
        ) from None


def _library() -> "ModuleType | None":
    _find_the_bus()
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    return keyring


def _find_the_bus() -> None:
    """Say where the user's message bus is, for Linux keyrings to be found on: hosts hand on a few variables only.

    https://www.freedesktop.org/software/systemd/man/latest/pam_systemd.html
    """
    if sys.platform == "linux":
        bus = Path(f"/run/user/{os.getuid()}/bus")
        if bus.exists():
            os.environ.setdefault("DBUS_SESSION_BUS_ADDRESS", f"unix:path={bus}")

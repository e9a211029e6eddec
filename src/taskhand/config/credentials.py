"""Credentials stored outside of the settings: in the system's keyring, in a variable, or in a file.

The value `keyring:NAME` of a secret refers to the password NAME of the service `taskhand`, `env:NAME` to a variable of
the environment, and `file:PATH` to a file. The library keyring is optional (the extra `keyring`) and is imported when a
setting refers to it: https://keyring.readthedocs.io .
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from taskhand.config.paths import expand_path
from taskhand.config.placeholders import clean_value
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from types import ModuleType

# The import of keyring takes longer than the rest of the start.
# ruff: noqa: PLC0415

__all__ = [
    "FILE_SUFFIX",
    "INSTALL_KEYRING",
    "MARK",
    "REFERENCES",
    "SERVICE",
    "VARIABLE_MARK",
    "Credential",
    "KeyringState",
    "find_credential",
    "find_keyring",
    "keep_credentials",
    "keyring_reference",
    "no_keyring",
    "read_credential_file",
    "remove_credential",
    "resolve_credential",
    "store_credential",
]

SERVICE = "taskhand"
"""The keyring's service name for our credentials."""

MARK = "keyring:"
"""The prefix of a value that refers to the keyring."""

VARIABLE_MARK: Final = "env:"
"""The prefix of a value that refers to a variable of the environment."""

REFERENCES: Final = (MARK, VARIABLE_MARK, "file:")
"""The prefixes of references to a credential."""

FILE_SUFFIX = "_FILE"
"""The suffix of variables whose value is the path of a credential's file.

Container platforms provide secrets as files: https://docs.docker.com/compose/how-tos/use-secrets/
"""

INSTALL_KEYRING = "Install Taskhand with the extra `keyring`."

KeyringState = Literal["usable", "none", "not_installed"]
"""The keyring can be used; this machine has none; its library is not installed."""

_MAX_BYTES = 16_384

_LOCKED = frozenset({"LockedException", "PromptDismissedException"})
"""Exceptions of the library on Linux for a keyring that its owner did not unlock."""

_MIN_PRIORITY = 1
"""The minimum that keyring recommends: backends below it store nothing, or plain text."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential, and the `variable` or `file` that its reference named."""

    text: str = field(repr=False)
    variable: str | None = None
    file: Path | None = None


def resolve_credential(value: str, called: str, environ: Mapping[str, str] | None = None) -> Credential:
    """The credential that a setting's value refers to, or is; `called` is the setting's name in errors.

    A reference to a reference is not followed. OperatorError if the password, variable or file does not exist or is
    unusable, or if the keyring is locked, unreachable, refuses, or lacks its library.
    """
    kind, _, name = value.partition(":")
    match f"{kind}:":
        case _ if not value.startswith(REFERENCES):
            return Credential(value)
        case "env:":
            given = os.environ if environ is None else environ
            if not (text := clean_value(given.get(name.strip(), ""))):
                raise OperatorError(
                    f"{called} refers to the variable {name.strip()[:60]!r}, which is not set.",
                    next_step="Set it where Taskhand is started, or correct the reference.",
                )
            return Credential(text, variable=name.strip())
        case "file:":
            return Credential(read_credential_file(called, name), file=expand_path(called, name))
    try:
        password = find_credential(name)
    except OperatorError as error:
        if name == called:
            raise
        raise error.but(message=f"{called} cannot be read. {error.message}") from None
    if password is None:
        raise OperatorError(
            f"The system keyring has no {name} for Taskhand, and {called} refers to it.",
            next_step=f"keyring set {SERVICE} {name}",
        )
    return Credential(password)


def read_credential_file(name: str, path: str) -> str:
    """The credential in the file that the variable `name` names, without its final line end.

    OperatorError if the file is unreadable, empty, or larger than any credential.
    """
    file = expand_path(name, path)
    try:
        if not file.is_file():
            raise _unreadable(name, "is not there" if not file.exists() else "is not a file")
        raw = file.read_bytes() if file.stat().st_size <= _MAX_BYTES else b""
        text = clean_value(raw.decode("utf-8"))
    except OSError as error:
        raise _unreadable(name, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _unreadable(name, "is not text in UTF-8") from None
    if not text:
        raise _unreadable(name, "is larger than a credential" if not raw and file.stat().st_size else "is empty")
    return text


def _unreadable(name: str, why: str) -> OperatorError:
    return OperatorError(
        f"The file that {name} names {why}.", next_step=f"Set {name} to a file that holds the key alone, or unset it."
    )


def find_keyring() -> KeyringState:
    """Whether this machine has a keyring that stores passwords safely, and its library."""
    if (library := _import_keyring()) is None:
        return "not_installed"
    try:
        return "usable" if library.get_keyring().priority >= _MIN_PRIORITY else "none"
    except _list_failures(library):
        return "none"


def no_keyring(state: KeyringState) -> OperatorError:
    """The error for a keyring that cannot be used, with its remedy."""
    if state == "not_installed":
        return OperatorError("The keyring library is not installed.", next_step=INSTALL_KEYRING)
    return OperatorError("This system has no usable keyring.", next_step=f"{_how_to_reach()}.")


def keyring_reference(name: str) -> str:
    """The value of a setting whose credential is in the keyring."""
    return f"{MARK}{name}"


def find_credential(name: str) -> str | None:
    """The credential of this name in the keyring; None if it does not exist. OperatorError if it cannot be read."""
    if (library := _import_keyring()) is None:
        raise OperatorError(
            f"{name} is in the system keyring, and the keyring library is not installed.",
            next_step=INSTALL_KEYRING,
        )
    try:
        password: str | None = library.get_password(SERVICE, name)
    except _list_failures(library) as error:
        raise _explain(library, error, f"read {name}") from None
    return password


def store_credential(name: str, secret: str) -> None:
    """Store a credential in the keyring, replacing the one of this name. OperatorError if the keyring refuses."""
    library = _usable_library()
    try:
        library.set_password(SERVICE, name, secret)
    except _list_failures(library) as error:
        raise _explain(library, error, f"store {name}") from None


def remove_credential(name: str) -> None:
    """Remove a credential from the keyring. OperatorError if the keyring refuses."""
    library = _usable_library()
    try:
        library.delete_password(SERVICE, name)
    except _list_failures(library) as error:
        raise _explain(library, error, f"remove {name}") from None


@contextmanager
def keep_credentials(secrets: Mapping[str, str]) -> Iterator[Mapping[str, str | None]]:
    """Store credentials in the keyring by name; restore the previous ones if the body raises.

    Yields the previous ones.
    """
    before: dict[str, str | None] = {}
    with ExitStack() as undoing:
        undoing.callback(_put_back, before)
        for name, secret in secrets.items():
            before[name] = find_credential(name)
            store_credential(name, secret)
        yield before
        undoing.pop_all()


def _put_back(before: Mapping[str, str | None]) -> None:
    for name, former in before.items():
        if former is not None:
            store_credential(name, former)
        elif find_credential(name) is not None:
            remove_credential(name)


def _usable_library() -> "ModuleType":
    if (library := _import_keyring()) is None:
        raise no_keyring("not_installed")
    return library


def _list_failures(library: "ModuleType") -> tuple[type[Exception], ...]:
    """The exceptions of a keyring: its own, those of the message bus, and those of the library on Linux."""
    linux = sys.modules.get("secretstorage.exceptions")
    more = (linux.SecretStorageException,) if linux else ()
    return (library.errors.KeyringError, OSError, RuntimeError, ImportError, *more)


def _explain(library: "ModuleType", error: Exception, verb: str) -> OperatorError:
    """The error for a keyring that failed to do `verb`: locked, unreachable, or refusing."""
    if isinstance(error, library.errors.KeyringLocked) or type(error).__name__ in _LOCKED:
        return OperatorError(
            f"The system keyring is locked, so it did not {verb}.",
            next_step="Unlock it: log in to the desktop, or open its own app. Then try again.",
        )
    refused = isinstance(error, library.errors.KeyringError)
    if not refused or isinstance(error, library.errors.InitError | library.errors.NoKeyringError):
        return OperatorError(
            f"The system keyring cannot be reached from here, so it did not {verb}.",
            next_step=f"{_how_to_reach()}, or put the key into a file and write file:PATH in place of the reference.",
        )
    return OperatorError(
        f"The system keyring refused to {verb}: {error}.",
        next_step="Unlock it and allow Taskhand to use it, or choose another place with `taskhand install --keys`.",
    )


def _how_to_reach() -> str:
    """The steps that make the keyring reachable; on Linux it needs the message bus of a desktop session."""
    if sys.platform == "linux" and "DBUS_SESSION_BUS_ADDRESS" not in os.environ:
        return "Run it in a desktop session: over SSH, in a container and in cron there is no message bus"
    return "Start one (a Secret Service on Linux)"


def _import_keyring() -> "ModuleType | None":
    _set_bus_address()
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    return keyring


def _set_bus_address() -> None:
    """Set the address of the user's message bus, which Linux keyrings need and hosts do not pass on.

    https://www.freedesktop.org/software/systemd/man/latest/pam_systemd.html
    """
    if sys.platform == "linux":
        bus = Path(f"/run/user/{os.getuid()}/bus")
        if bus.exists():
            os.environ.setdefault("DBUS_SESSION_BUS_ADDRESS", f"unix:path={bus}")

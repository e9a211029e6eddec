"""Keyrings of keyring's own making, for tests: `keyring.backend.KeyringBackend` is its place for others."""

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError, PasswordSetError

__all__ = ["FailingKeyring", "LockedKeyring", "MemoryKeyring"]


class MemoryKeyring(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class FailingKeyring(MemoryKeyring):
    """A keyring whose passwords cannot be read, for a reason."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self._failure = failure

    def get_password(self, service: str, username: str) -> str | None:  # noqa: ARG002
        raise self._failure


class LockedKeyring(MemoryKeyring):
    """A keyring that its owner does not open."""

    def set_password(self, service: str, username: str, password: str) -> None:  # noqa: ARG002
        raise PasswordSetError("it is locked")

    def delete_password(self, service: str, username: str) -> None:  # noqa: ARG002
        raise PasswordDeleteError("it is locked")

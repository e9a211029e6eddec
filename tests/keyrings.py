"""Keyrings of keyring's own making, for tests: `keyring.backend.KeyringBackend` is its place for others."""

from keyring.backend import KeyringBackend
from keyring.errors import PasswordSetError

__all__ = ["InMemory", "Locked"]


class InMemory(KeyringBackend):
    """A keyring that lasts as long as the test."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


class Locked(InMemory):
    """A keyring that its owner does not open."""

    def set_password(self, service: str, username: str, password: str) -> None:  # noqa: ARG002
        raise PasswordSetError("it is locked")

"""The subscriptions of a connection at its CRM and the key that signs their deliveries, for commands."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from taskhand.backends.registry import find_factory
from taskhand.cli.settings_edit import open_settings_file, uneditable_error, write_settings_file
from taskhand.config import credentials
from taskhand.config.connection_settings import TABLES, ConnectionSettings
from taskhand.config.settings import Settings
from taskhand.config.settings_file import setting_key
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.install import toml_edit
from taskhand.install.file_format import Unparsable, Unsuitable

if TYPE_CHECKING:
    from taskhand.backends.factory import WebhookSupport
    from taskhand.cli.new_connection import SecretStorage
    from taskhand.domain.webhook import WebhookAdmin

__all__ = ["KeyKeeper", "current_key", "find_webhook_support", "with_admin"]

_T = TypeVar("_T")


def find_webhook_support(connection: ConnectionSettings) -> "WebhookSupport[Any]":
    """The CRM's webhook support. CallerError if it has none."""
    factory = find_factory(connection.settings.backend)
    support: WebhookSupport[Any] | None = factory.webhooks
    if support is None:
        raise CallerError(
            f"{factory.title} has no webhooks.",
            next_step="Nothing needs to be done: Taskhand polls its log of changes.",
        )
    return support


def current_key(connection: ConnectionSettings) -> str | None:
    """The configured webhook key. OperatorError if it is a reference that cannot be read."""
    settings, factory = connection.settings, find_factory(connection.settings.backend)
    variable = Settings.variable(factory.webhook_key)
    for note in settings.notes:
        if note.variable == variable and note.kind in {"malformed", "unread"}:
            raise OperatorError(connection.in_own_words(note.found), next_step=note.remedy or None)
    kept = settings.value(factory.webhook_key)
    return None if kept is None else kept.get_secret_value()


async def with_admin(connection: ConnectionSettings, work: Callable[["WebhookAdmin"], Awaitable[_T]]) -> _T | None:
    """Run work with the subscriptions; None if the settings do not let Taskhand manage them."""
    from taskhand.wiring import open_webhook_admin

    try:
        async with open_webhook_admin(connection, find_webhook_support(connection)) as admin:
            return None if admin is None else await work(admin)
    except OperatorError as error:
        raise connection.reword(error) from None


@dataclass(frozen=True, slots=True)
class KeyKeeper:
    """The storage of a connection's webhook key: the keyring, or the configuration file."""

    connection: ConnectionSettings
    storage: "SecretStorage"

    @classmethod
    def choose(cls, connection: ConnectionSettings, storage: "SecretStorage | None") -> "KeyKeeper":
        """The requested storage, else the safest available. OperatorError, before any change, if it cannot be used."""
        state = credentials.find_keyring()
        if storage == "keyring" and state != "usable":
            raise credentials.no_keyring(state)
        keeper = cls(connection, storage or ("keyring" if state == "usable" else "file"))
        keeper.text_with("unused")
        return keeper

    @property
    def path(self) -> tuple[str, ...]:
        """The path of the key in the file, with its tables."""
        factory = find_factory(self.connection.settings.backend)
        variable = Settings.variable(factory.webhook_key)
        if self.connection.keys:
            return (TABLES, self.connection.name, variable.removeprefix(factory.prefix).lower())
        return tuple(setting_key(variable).split("."))

    @property
    def keyring_name(self) -> str:
        """The key's name in the keyring."""
        return f"{TABLES}/{self.connection.name}/webhook_key"

    def text_with(self, value: str) -> str:
        """The text of the file with this value. OperatorError if the file cannot be written."""
        file = open_settings_file()
        try:
            return toml_edit.put_value(file.text, self.path, value)
        except (Unparsable, Unsuitable) as error:
            raise uneditable_error(file, error) from None

    def keep(self, key: str) -> list[str]:
        """Store the key; returns sentences on where it is."""
        file = open_settings_file()
        if self.storage == "file":
            write_settings_file(file, self.text_with(key), holds_secret=True)
            return [f"The key of the deliveries is kept in {file.path}: everyone who can read it can forge deliveries."]
        with credentials.keep_credentials({self.keyring_name: key}):
            write_settings_file(
                file, self.text_with(credentials.keyring_reference(self.keyring_name)), holds_secret=False
            )
        sentence = f"The key of the deliveries is kept in the system keyring (service {credentials.SERVICE}) as "
        return [f"{sentence}{self.keyring_name}; {file.path} refers to it."]

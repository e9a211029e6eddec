"""The description of a backend: its name, its settings, and how it is opened.

Each backend has one in `backends/<name>/factory.py`, called `FACTORY`. The command line, the settings, the installer
and the documents read it. A factory module is imported at every start, so it imports its adapter and the HTTP client
inside `open`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

    from taskhand.backends.base import Backend
    from taskhand.domain.own_credential import OAuthClient, OwnToken
    from taskhand.domain.webhook import WebhookAdmin, WebhookCheck
    from taskhand.http.rate_limiter import Limiter, Rate
    from taskhand.http.upstream import Runtime
    from taskhand.sql.store_address import StoreAddress

__all__ = [
    "BackendFactory",
    "BackendSettings",
    "Budgets",
    "Clock",
    "OpenContext",
    "S",
    "SettingKind",
    "WebhookSupport",
    "account_id",
    "is_secret",
    "rate_setting",
]

Clock = Callable[[], datetime]
"""Returns the current time as a datetime with a zone."""
Forget = Callable[[Collection[str] | None], None]
"""Forgets the tasks with these ids, which may be case-folded, or all tasks (None)."""
OnForeignWrite = Callable[[Forget], Callable[[], None]]
"""Adds a listener for tasks that another process has written; the returned function removes it."""


class SettingKind(Enum):
    """A property of a setting that its type does not show; it is written in the field's `Annotated`."""

    TIME_ZONE = auto()
    """An IANA time zone; such a setting of a backend is the default zone of its due times."""
    COMMA_LIST = auto()
    """A comma-separated text; the configuration file may give an array."""
    GUARD = auto()
    """A limit or an address; a placeholder as its value is refused, since the default may allow or reach more."""
    APP = auto()
    """Belongs to the operator's OAuth app at the CRM; a secret of this kind is not a credential of requests."""
    WEBHOOK = auto()
    """Belongs to webhooks; a secret of this kind is not a credential of requests."""
    REQUIRED = auto()
    """Needed besides the credential, and no secret, such as the account's subdomain; its default is None."""


def rate_setting(title: str, most: int, per: str) -> Any:
    """The setting of the maximum number of requests to the CRM called `title`, `most` by default, `per` a period."""
    named = f"if {title} names a limit, that applies instead"
    return Field(most, ge=1, le=1_000, description=f"Maximum requests {per}; {named}; default {most}.")


class BackendSettings(BaseModel):
    """The settings of one backend; `config.settings.Settings` has an object of each backend's class.

    In the backend `acme` each field is named `acme_*` and has a description; its environment variable is its name in
    capitals. The value of a SecretStr field is never shown. The field is a credential unless its kind is APP or
    WEBHOOK; setting a credential chooses the backend.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=str.upper,
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )


S = TypeVar("S", bound=BackendSettings)


class Budgets(Protocol):
    """The rate budgets of one connection that all replicas share."""

    def of_person(self, whose: str) -> "Budgets":
        """The budgets of requests with this person's own credential."""
        ...

    def open_limiter(self, rate: "Rate", in_flight: int, runtime: "Runtime", *, of_account: bool) -> "Limiter":
        """The limiter that spends from one budget; with `of_account` all credentials share that budget."""
        ...

    async def aclose(self) -> None:
        """Close the connections to the store of the budgets."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class OpenContext:
    """What a backend is opened with besides its own settings."""

    clock: Clock
    timezone: str | None
    store: "Path | StoreAddress"
    """The file or database of the built-in store; `user`, `language` and `sequential_ids` are for that store too."""
    user: str | None = None
    """The first member of a new store."""
    language: Literal["es", "en"] = "es"
    """The language of its statuses."""
    sequential_ids: bool = False
    runtime: "Runtime | None" = None
    """The clock and the sleep of HTTP requests; None for the real ones."""
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    """Closes everything that a backend opens and registers here."""
    setting_names: Mapping[str, str] = field(default_factory=dict)
    """The names that a configuration file gives to this connection's settings, by variable."""
    uses_own_credential: bool = False
    """Whether the backend is opened with a person's own credential."""
    own_token: "OwnToken | None" = None
    """Provides the credential that replaces that of the settings."""
    limiters: "dict[tuple[Rate, int], Limiter]" = field(default_factory=dict)
    """The rate budgets of the whole account, which all credentials share."""
    people_may_link: bool = False
    """Whether people may link credentials of their own."""
    budgets: "Budgets | None" = None
    """The budgets that all replicas share; None if there are none."""
    on_foreign_write: OnForeignWrite | None = None
    """Registers a function that is called each time another process has written tasks."""

    def forget_with(self, forget: Forget) -> None:
        """Call `forget` with the tasks that another process has written, until the backend is closed."""
        if self.on_foreign_write is not None:
            self.stack.callback(self.on_foreign_write(forget))


@dataclass(frozen=True, slots=True, eq=False)
class WebhookSupport(Generic[S]):
    """The webhooks of a CRM."""

    check: "Callable[[S, str], WebhookCheck | None]"
    """Makes the check of deliveries from the settings and the name of the key's setting; None without a key."""
    open: "Callable[[S, OpenContext], Awaitable[WebhookAdmin | None]]"
    """Opens the admin of subscriptions; None if the settings do not let Taskhand manage them."""
    steps: Callable[[str], Sequence[str]] = lambda _: ()
    """The manual steps for a delivery address, if there is no admin."""
    unmanaged: str | None = None
    """Where to look at the subscriptions, if there is no admin."""
    has_secret_address: bool = False
    """Whether the key is the last part of the address."""
    signs_address: bool = False
    """Whether the signature covers the address."""
    key_step: str | None = None
    """How to set the key, if the CRM gives none with the subscriptions."""
    limit: str | None = None
    """When no subscription is needed."""


@dataclass(frozen=True, slots=True, eq=False)
class BackendFactory(Generic[S]):
    """One backend."""

    title: str
    """The name in sentences."""
    settings: type[S]
    """A secret of kind WEBHOOK among them, the first, is the key of deliveries."""
    open: Callable[[S, OpenContext], "Awaitable[Backend]"]
    account: Callable[[S], str] | None = None
    """Returns the account of the settings, in which alone the ids of a journal are valid; None: the store's own id."""
    questions: Sequence[str] = ()
    """The variables that `taskhand install` asks for, in this order; it requires credentials and what is REQUIRED."""
    me_variable: str | None = None
    """The variable that says who `me` is."""
    privacy_policy: str | None = None
    misnomers: Sequence[str] = ()
    """Variables in which other programs expect the same credential: only named if it is missing."""
    is_token: Callable[[str], bool] | None = None
    """Whether a pasted credential is of the second of two kinds."""
    oauth_client: "Callable[[S, OpenContext], Awaitable[OAuthClient | None]] | None" = None
    """Makes the client of the operator's OAuth app, which the context closes; None without the settings of kind APP."""
    has_personal_keys: bool = False
    """Whether each user of the CRM can make a key."""
    counts_by_app: bool = False
    """Whether the CRM has one limit for an OAuth app in an account, shared by all people who consented."""
    webhooks: "WebhookSupport[S] | None" = None

    @property
    def name(self) -> str:
        """The value of TASKHAND_BACKEND: the name of the folder in which the module of `open` is."""
        return self.open.__module__.split(".")[-2]

    @property
    def prefix(self) -> str:
        """The prefix of this backend's environment variables, such as `VAMBE_`."""
        return f"{self.name.upper()}_"

    @property
    def credentials(self) -> tuple[str, ...]:
        """The names of the fields that hold a credential."""
        others = {*self.app, *self.of_kind(SettingKind.WEBHOOK)}
        return tuple(name for name in self.secrets if name not in others)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the fields whose values are never shown: credentials, and the secrets of app and webhooks."""
        return _secrets_in(self.settings)

    @property
    def app(self) -> tuple[str, ...]:
        """The names of the fields for the OAuth app's id and secret; empty if the CRM has no OAuth."""
        return self.of_kind(SettingKind.APP)

    @property
    def webhook_key(self) -> str:
        """The name of the field with the key of webhook deliveries."""
        return next(name for name in self.of_kind(SettingKind.WEBHOOK) if name in self.secrets)

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the fields that are needed besides the credential."""
        return self.of_kind(SettingKind.REQUIRED)

    def of_kind(self, kind: SettingKind) -> tuple[str, ...]:
        """The names of the fields of a kind."""
        return _fields_of_kind(self.settings, kind)

    @property
    def me_field(self) -> str | None:
        """The name of the field that says who `me` is."""
        fields = self.settings.model_fields.items()
        return next((name for name, field in fields if field.alias == self.me_variable), None)

    def with_credential(self, settings: S, text: str) -> S:
        """The settings with the credential `text` in place of their own, and without the value of `me_field`."""
        names = [*self.credentials, *([self.me_field] if self.me_field else [])]
        chosen = self.credentials[1 if self.is_token and self.is_token(text) else 0]
        return settings.model_copy(update={**dict.fromkeys(names), chosen: SecretStr(text)})


@cache
def _fields_of_kind(settings: type[BaseModel], kind: SettingKind) -> tuple[str, ...]:
    return tuple(name for name, field in settings.model_fields.items() if kind in field.metadata)


@cache
def _secrets_in(settings: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, field in settings.model_fields.items() if is_secret(field))


def is_secret(setting: "FieldInfo") -> bool:
    """Whether the value of a setting must never be shown."""
    return SecretStr in (setting.annotation, *get_args(setting.annotation))


def account_id(base_url: str, key: SecretStr | None) -> str:
    """The id of the account behind a base URL and a lasting API key; it holds only a short hash of the key.

    An OAuth token changes by the hour and identifies no account: pass None for it. Accounts that are reached with
    OAuth tokens need a journal each.
    """
    if key is None:
        return f"{base_url} oauth"
    return f"{base_url} {blake2b(key.get_secret_value().encode(), digest_size=6, person=b'taskhand').hexdigest()}"

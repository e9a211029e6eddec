"""The description of a backend: its name, its settings, and how it is opened.

Each backend has one in `backends/<name>/factory.py`, called `FACTORY`. The command line, the settings, the installer
and the documents read it there. A factory module is imported at every start, so it imports its adapter and the HTTP
client inside `open`.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, Protocol, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, SecretStr

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic.fields import FieldInfo

    from taskhand.backends.base import Backend
    from taskhand.domain.own_credential import OAuthClient, OwnToken
    from taskhand.domain.store_address import StoreAddress
    from taskhand.domain.webhook import WebhookAdmin, WebhookCheck
    from taskhand.http.rate_limiter import Limiter, Rate
    from taskhand.http.upstream import Runtime

__all__ = [
    "BackendFactory",
    "BackendSettings",
    "Budgets",
    "Clock",
    "OpenContext",
    "SettingKind",
    "WebhookSupport",
    "account_id",
    "is_secret",
    "with_credential",
]

Clock = Callable[[], datetime]
"""Returns the current time, aware of its zone."""
Forget = Callable[[Collection[str] | None], None]
"""Forgets the tasks with these ids, whose letters may be folded, or all tasks (None)."""
Remember = Callable[[Forget], Callable[[], None]]
"""Calls the given one where another process has written tasks, until what it returns is called."""


class SettingKind(Enum):
    """A property of a setting that its type does not show; it stands in the field's `Annotated`."""

    TIME_ZONE = auto()
    """An IANA time zone. One among a backend's settings is the default zone of its due times."""
    COMMA_LIST = auto()
    """Text with commas between its parts; the configuration file may give an array."""
    GUARD = auto()
    """A limit, or where requests go: a placeholder here is refused, since the default may allow or reach more."""
    APP = auto()
    """Belongs to the operator's OAuth app at the CRM; a secret among these is no credential that requests bear."""
    WEBHOOK = auto()
    """Belongs to webhooks; a secret among these is no credential that requests for tasks bear."""


class BackendSettings(BaseModel):
    """The settings of one backend; `config.settings.Settings` inherits them all.

    In the backend `acme` each field is named `acme_*` and has a description; its environment variable is its name in
    capitals. A field of type SecretStr is a credential, unless it is an APP or a WEBHOOK: it is never shown, and
    setting it chooses the backend.
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
        """The budgets of requests that bear a credential of this person's own."""
        ...

    def open_limiter(self, rate: "Rate", in_flight: int, runtime: "Runtime", *, of_account: bool) -> "Limiter":
        """The queue that spends from one budget; `of_account`: it is that of all credentials together."""
        ...

    async def aclose(self) -> None:
        """Close the connections to where they are kept."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class OpenContext:
    """What a backend is opened with besides its own settings.

    `store`, `user` and `language` are the embedded store's file or database, first member and statuses' language.
    `runtime` is how HTTP requests wait, None for the real one. What a backend opens is registered with `stack`,
    which closes it. `keys` are what settings are called, by their variables, where a file has them for one
    connection. `is_own` is whether it is opened with a person's own credential, of which `own`, where it is kept,
    has the one that takes its place. `limiters` are the rate budgets of the whole account, which all credentials
    share; `people_link` is whether there may be several. `budgets` are those that all replicas share, None where there
    are none. `remember` is given what makes a backend forget tasks, or all of them: it is called where another process
    has written them, until the end of what `remember` answers.
    """

    clock: Clock
    timezone: str | None
    store: "Path | StoreAddress"
    user: str | None = None
    language: Literal["es", "en"] = "es"
    sequential_ids: bool = False
    runtime: "Runtime | None" = None
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    keys: Mapping[str, str] = field(default_factory=dict)
    is_own: bool = False
    own: "OwnToken | None" = None
    limiters: "dict[tuple[Rate, int], Limiter]" = field(default_factory=dict)
    people_link: bool = False
    budgets: "Budgets | None" = None
    remember: Remember | None = None

    def forget_with(self, forget: Forget) -> None:
        """Have this called with the tasks that another process has written, until the backend is closed."""
        if self.remember is not None:
            self.stack.callback(self.remember(forget))


class WebhookSupport(NamedTuple, Generic[S]):
    """How a CRM tells of changes by webhooks.

    `check` makes the check of deliveries, given what the setting of their key is called; None where there is no key.
    `open` opens the subscriptions, None where the settings do not let Taskhand manage them: then `steps` are what to do
    by hand, for deliveries to an address, and `unmanaged` says where else to look. `has_secret_address` is whether the
    key is the last part of the address; `signs_address` whether the address is signed. `key_step` is how the key is set
    where making the subscriptions gives none; `limit` a sentence on when there is nothing to make.
    """

    check: "Callable[[S, str], WebhookCheck | None]"
    open: "Callable[[S, OpenContext], Awaitable[WebhookAdmin | None]]"
    steps: Callable[[str], Sequence[str]] = lambda _: ()
    unmanaged: str | None = None
    has_secret_address: bool = False
    signs_address: bool = False
    key_step: str | None = None
    limit: str | None = None


class BackendFactory(NamedTuple, Generic[S]):
    """One backend.

    `name` is the value of TASKHAND_BACKEND and the folder's name; `title` is the name in sentences. `account` returns
    the account that the settings lead to: the ids in a journal are valid in that account only. None stands for the
    embedded store, where the file takes its place. `questions` are the variables that `taskhand install` asks for, in
    this order: it requires the credentials among them. `me_variable` is the one that says who `me` is. `misnomers` are
    variables in which other programs expect the same credential: they are not read, and named where the credential is
    missing. `is_token` is whether a pasted credential is the second of two kinds. `oauth_client` makes the client of
    the operator's OAuth app from the settings of kind APP, its id and secret, and None without them; `context` closes
    it. `has_personal_keys` is whether each user of the CRM can make a key. `counts_by_app` is whether the CRM has one
    limit for the requests of an OAuth app in an account, whoever has consented to it. `webhooks` is how the CRM tells
    of changes; None where it does not. The first secret of kind WEBHOOK among the settings is the key of deliveries.
    """

    name: str
    title: str
    settings: type[S]
    open: Callable[[S, OpenContext], "Awaitable[Backend]"]
    account: Callable[[S], str] | None = None
    questions: Sequence[str] = ()
    me_variable: str | None = None
    privacy_policy: str | None = None
    misnomers: Sequence[str] = ()
    is_token: Callable[[str], bool] | None = None
    oauth_client: "Callable[[S, OpenContext], Awaitable[OAuthClient | None]] | None" = None
    has_personal_keys: bool = False
    counts_by_app: bool = False
    webhooks: "WebhookSupport[S] | None" = None

    @property
    def prefix(self) -> str:
        """How the environment variables of this backend begin, such as `VAMBE_`."""
        return f"{self.name.upper()}_"

    @property
    def credentials(self) -> tuple[str, ...]:
        """The names of the fields that hold a credential."""
        return _credential_fields(self.settings)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The names of the fields that are never shown: the credentials, and the secret of the app."""
        return _secret_fields(self.settings)

    @property
    def app(self) -> tuple[str, ...]:
        """The names of the fields of the OAuth app, its id and its secret; none where the CRM has no OAuth."""
        return self.of_kind(SettingKind.APP)

    @property
    def webhook_key(self) -> str:
        """The name of the field with the key of deliveries."""
        return next(name for name in self.of_kind(SettingKind.WEBHOOK) if name in self.secrets)

    def of_kind(self, kind: SettingKind) -> tuple[str, ...]:
        """The names of the fields of a kind."""
        return _fields_of_kind(self.settings, kind)


# A start asks for these dozens of times, and they never change.


@cache
def _credential_fields(settings: type[BackendSettings]) -> tuple[str, ...]:
    others = {*_fields_of_kind(settings, SettingKind.APP), *_fields_of_kind(settings, SettingKind.WEBHOOK)}
    return tuple(name for name in _secret_fields(settings) if name not in others)


@cache
def _secret_fields(settings: type[BackendSettings]) -> tuple[str, ...]:
    return tuple(name for name, field in settings.model_fields.items() if is_secret(field))


@cache
def _fields_of_kind(settings: type[BackendSettings], kind: SettingKind) -> tuple[str, ...]:
    return tuple(name for name, field in settings.model_fields.items() if kind in field.metadata)


def with_credential(settings: S, factory: BackendFactory[S], text: str) -> S:
    """The settings with this credential in the place of theirs, and without whom they say that `me` is."""
    fields = factory.settings.model_fields
    own = {*factory.credentials, *(name for name in fields if fields[name].alias == factory.me_variable)}
    chosen = factory.credentials[1 if factory.is_token and factory.is_token(text) else 0]
    return settings.model_copy(update={**dict.fromkeys(own), chosen: SecretStr(text)})


def is_secret(setting: "FieldInfo") -> bool:
    """Whether the value of a setting must never be shown."""
    return SecretStr in (setting.annotation, *get_args(setting.annotation))


def account_id(base_url: str, key: SecretStr | None) -> str:
    """The account behind a base URL and a lasting API key, of which only a short hash is kept.

    An OAuth token changes by the hour and identifies nothing: pass None for it. Accounts that are reached with such
    tokens need a journal each.
    """
    if key is None:
        return f"{base_url} oauth"
    return f"{base_url} {blake2b(key.get_secret_value().encode(), digest_size=6, person=b'taskhand').hexdigest()}"

"""The settings that every backend shares."""

import re
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

from taskhand.backends.factory import SettingKind
from taskhand.backends.registry import NAMES, BackendName
from taskhand.config.database_address import check_address
from taskhand.domain.store_address import StoreAddress, is_address

__all__ = ["DEFAULT_PORT", "ServerSettings", "split_keys", "split_vault_keys"]

DEFAULT_PORT: Final = 8000
"""Where HTTP is served."""

_CRMS = " or ".join(", ".join(f"`{name}`" for name in NAMES if name != "local").rsplit(", ", 1))

_SHORTEST_KEY: Final = 32
"""Characters, as the SDK requires."""


def _checked(given: SecretStr | None) -> SecretStr | None:
    """The keys, none of them too short or there twice."""
    keys = split_keys(given)
    if given is not None and (
        not keys
        or min(map(len, keys)) < _SHORTEST_KEY
        or not all(key.isascii() for key in keys)
        or len({*keys}) < len(keys)
    ):
        raise PydanticCustomError(
            "state_key",
            "each key needs at least 32 ASCII characters, and none may be there twice; "
            "make one with `python -c 'import secrets; print(secrets.token_hex(32))'`",
        )
    return given


def split_keys(given: SecretStr | None) -> tuple[str, ...]:
    """The keys in a setting that has commas between them."""
    keys = given.get_secret_value().split(",") if given else ()
    return tuple(key.strip() for key in keys if key.strip())


def _checked_vault_key(given: SecretStr | None) -> SecretStr | None:
    """The keys of the vault, each as `taskhand vault new-key` prints it, none there twice."""
    keys = split_vault_keys(given)
    form = re.compile("thv_[0-9a-f]{64}")
    if given is not None and (not keys or not all(map(form.fullmatch, keys)) or len({*keys}) < len(keys)):
        raise PydanticCustomError(
            "vault_key", "each key is as `taskhand vault new-key` prints it, and none may be there twice"
        )
    return given


def split_vault_keys(given: SecretStr | None) -> tuple[str, ...]:
    """The keys of the vault in a setting, or in a file, that has commas or line ends between them."""
    return tuple(given.get_secret_value().replace(",", " ").split()) if given else ()


def _read_store(given: object) -> Path | StoreAddress | None:
    """A path, or the address of a database: `//` would be lost in a path."""
    if given is None or isinstance(given, Path | StoreAddress):
        return given
    if not isinstance(given, str):
        raise PydanticCustomError("db", "it must be a path, or the address of a database")
    if not is_address(given):
        return Path(given)
    check_address(SecretStr(given.strip()))
    return StoreAddress(given.strip())


class ServerSettings(BaseModel):
    """What can be configured whatever the backend is; each field's alias is its environment variable."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True, defer_build=True
    )

    chosen_backend: Annotated[
        BackendName | None,
        Field(
            alias="TASKHAND_BACKEND",
            description=f"Where tasks live: `local` (the embedded store), {_CRMS}; default: the one whose credential "
            "is set, else `local`.",
        ),
        SettingKind.GUARD,
    ] = None
    db: Annotated[
        Path | StoreAddress | None,
        PlainValidator(_read_store),
        Field(
            alias="TASKHAND_DB",
            description="The embedded store's file, or `postgresql://USER:PASSWORD@HOST/DATABASE` (extra `postgres`); "
            "default: a file in the user's data folder.",
        ),
    ] = None
    timezone: Annotated[
        str | None,
        Field(
            alias="TASKHAND_TIMEZONE",
            description="IANA zone of dates in words and of a dueTime without one; default: none.",
        ),
        SettingKind.TIME_ZONE,
    ] = None
    clock: Annotated[
        AwareDatetime | None,
        Field(alias="TASKHAND_CLOCK", description="Freeze time at this ISO 8601 instant, for repeatable runs."),
    ] = None
    ids: Annotated[
        Literal["random", "sequential"],
        Field(alias="TASKHAND_IDS", description="`sequential` makes new ids repeatable; default `random`."),
    ] = "random"
    user: Annotated[
        str | None,
        Field(
            alias="TASKHAND_USER", description="Name of a new store's first member, you; default: the system's user."
        ),
    ] = None
    language: Annotated[
        Literal["es", "en"],
        Field(
            alias="TASKHAND_LANGUAGE",
            description="Names of a new store's statuses: `es` (Pendiente, En Progreso, Completado) or `en` (To Do, "
            "In Progress, Done); default `es`.",
        ),
    ] = "es"
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(alias="TASKHAND_LOG_LEVEL", description="How much Taskhand logs to stderr; default `WARNING`."),
    ] = "WARNING"
    library_log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(
            alias="TASKHAND_LIBRARY_LOG_LEVEL",
            description="How much the libraries log (HTTP, MCP); `DEBUG` shows text of tasks; default `WARNING`.",
        ),
    ] = "WARNING"
    log_format: Annotated[
        Literal["text", "json"],
        Field(
            alias="TASKHAND_LOG_FORMAT",
            description="How the log is written: `text`, or `json` with an object a line; default `text`.",
        ),
    ] = "text"
    journal: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_JOURNAL",
            description="The journal's file; default: beside the embedded store's, `tasks.journal.sqlite`.",
        ),
    ] = None
    journal_days: Annotated[
        int,
        Field(
            alias="TASKHAND_JOURNAL_DAYS",
            ge=0,
            le=36_500,
            description="Days that a change stays in the journal, 0 for ever; default 365.",
        ),
    ] = 365
    plan_over: Annotated[
        int,
        Field(
            alias="TASKHAND_PLAN_OVER",
            ge=0,
            le=10_000,
            description="A change of more tasks than this, or create_tasks with more, stops at a plan; default 10.",
        ),
        SettingKind.GUARD,
    ] = 10
    duplicate_s: Annotated[
        int,
        Field(
            alias="TASKHAND_DUPLICATE_S",
            ge=0,
            le=86_400,
            description="An identical create within so many seconds is answered with the first one, 0 never; default "
            "120.",
        ),
    ] = 120
    call_s: Annotated[
        int,
        Field(
            alias="TASKHAND_CALL_S",
            ge=5,
            le=3_600,
            description="Seconds within which every call is answered, 5 to 3600; more only where the host waits longer "
            "(many give up after 60); default 45.",
        ),
    ] = 45
    ask: Annotated[
        Literal["auto", "never"],
        Field(
            alias="TASKHAND_ASK",
            description="Whether a person is asked before a guarded change, where the client can ask: `auto` or "
            "`never` (it stops at a plan); default `auto`.",
        ),
        SettingKind.GUARD,
    ] = "auto"
    read_only: Annotated[
        bool,
        Field(
            alias="TASKHAND_READ_ONLY",
            description="`true` offers only the tools that read, and refuses calls of the others; default `false`.",
        ),
        SettingKind.GUARD,
    ] = False
    tools: Annotated[
        str | None,
        Field(
            alias="TASKHAND_TOOLS",
            description="The tools that are offered: names and the groups `read`, `write`, `all` with commas between, "
            "`-` before what to leave out, such as `all,-delete_task`; default: all.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    answers: Annotated[
        Literal["lean", "whole"],
        Field(
            alias="TASKHAND_ANSWERS",
            description="What a write answers: `lean` (the task as a row, and what changed), or for programs `whole` "
            "(the documented task object); default `lean`.",
        ),
    ] = "lean"
    port: Annotated[
        int,
        Field(
            alias="TASKHAND_PORT",
            ge=0,
            le=65_535,
            description="Port of `taskhand serve --http`, which `--port` overrides; default 8000.",
        ),
    ] = DEFAULT_PORT
    requests_s: Annotated[
        int | None,
        Field(
            alias="TASKHAND_REQUESTS_S",
            ge=0,
            le=100_000,
            description="Requests a second of one caller over HTTP, twice as many at once; more get 429; 0: any "
            "number; default 300, or 0 where only programs of this machine call and nobody asks who they are.",
        ),
    ] = None
    body_kb: Annotated[
        int,
        Field(
            alias="TASKHAND_BODY_KB",
            ge=64,
            le=65_536,
            description="Size of a request over HTTP in KiB, 64 to 65536; a larger one gets 413; default 4096.",
        ),
    ] = 4_096
    metrics_port: Annotated[
        int | None,
        Field(
            alias="TASKHAND_METRICS_PORT",
            ge=0,
            le=65_535,
            description="Port of `/metrics` for Prometheus on this machine (extra `metrics`), which `--metrics-port` "
            "overrides; default: none is served.",
        ),
    ] = None
    state: Annotated[
        SecretStr | None,
        AfterValidator(check_address),
        Field(
            alias="TASKHAND_STATE",
            description="`postgresql://USER:PASSWORD@HOST/DATABASE`: the database that several HTTP servers share for "
            "the journal with its plans and claims, keys, linked credentials and tickets (extra `postgres`); default: "
            "files.",
        ),
        SettingKind.GUARD,
    ] = None
    state_key: Annotated[
        SecretStr | None,
        AfterValidator(_checked),
        Field(
            alias="TASKHAND_STATE_KEY",
            description="Key of at least 32 characters that several HTTP servers share, so that each can act on an "
            "answer to a question of another's; several with a comma between: the first encrypts, all are accepted; "
            "default: one for each process.",
        ),
        SettingKind.GUARD,
    ] = None
    person: Annotated[
        str | None,
        Field(
            alias="TASKHAND_PERSON",
            description="Who calls where no caller is asked, as over standard input and output: the e-mail address or "
            "id that the policy and the journal know; default: nobody.",
        ),
    ] = None
    people: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_PEOPLE",
            description="The file that says which member of a CRM a person is; default: `people.toml` beside the "
            "configuration file.",
        ),
    ] = None
    policy: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_POLICY",
            description="The file with the rules for persons and groups; default: `policy.toml` beside the "
            "configuration file.",
        ),
    ] = None
    keys: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_KEYS",
            description="The file with the hashes of callers' keys; default: `keys.sqlite` in the user's data folder.",
        ),
    ] = None
    issuers: Annotated[
        str | None,
        Field(
            alias="TASKHAND_ISSUERS",
            description="With `--auth oauth`: the issuers whose tokens are accepted, as they call themselves, with "
            "commas between; `--issuer` overrides it.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    resource: Annotated[
        str | None,
        Field(
            alias="TASKHAND_RESOURCE",
            description="The address by which callers know the server, such as `https://tasks.example.com/mcp`: tokens "
            "must be for it, and persons link credentials at its host; `--resource` overrides it; default on this "
            "machine: the address that is served.",
        ),
    ] = None
    audiences: Annotated[
        str | None,
        Field(
            alias="TASKHAND_AUDIENCES",
            description="Further audiences (`aud`) of tokens for this server, with commas between, where an issuer "
            "knows it by another name than its address.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    scope_prefix: Annotated[
        str | None,
        Field(
            alias="TASKHAND_SCOPE_PREFIX",
            description="What an issuer has before the scopes, such as `api://1234/` of Entra; default: nothing.",
        ),
    ] = None
    groups_claim: Annotated[
        str,
        Field(
            alias="TASKHAND_GROUPS_CLAIM",
            description="The claim of tokens with the groups of `policy.toml` that a person is in; default `groups`.",
        ),
    ] = "groups"
    verified_emails: Annotated[
        str | None,
        Field(
            alias="TASKHAND_VERIFIED_EMAILS",
            description="The issuers all of whose e-mail addresses are verified, with commas between, though their "
            "tokens do not say so (`email_verified`); default: none.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    introspection_client: Annotated[
        str | None,
        Field(
            alias="TASKHAND_INTROSPECTION_CLIENT",
            description="The client that asks the first issuer about opaque tokens; default: these are refused.",
        ),
    ] = None
    introspection_secret: Annotated[
        SecretStr | None,
        Field(alias="TASKHAND_INTROSPECTION_SECRET", description="The secret of that client."),
    ] = None
    sign_in_client: Annotated[
        str | None,
        Field(alias="TASKHAND_SIGN_IN_CLIENT", description="The client for the sign-in on the page; default: none."),
    ] = None
    sign_in_secret: Annotated[
        SecretStr | None,
        Field(alias="TASKHAND_SIGN_IN_SECRET", description="The secret of that client."),
    ] = None
    vault_key: Annotated[
        SecretStr | None,
        AfterValidator(_checked_vault_key),
        Field(
            alias="TASKHAND_VAULT_KEY",
            description="Key that encrypts the credentials that persons link, made with `taskhand vault new-key`; "
            "several with a comma between: the first encrypts, all decrypt; default: nobody can link one.",
        ),
        SettingKind.GUARD,
    ] = None
    links: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_LINKS",
            description="The file that holds the encrypted credentials that persons have linked; default: "
            "`links.sqlite` beside the file of `TASKHAND_KEYS`.",
        ),
    ] = None
    config: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_CONFIG",
            description="The configuration file; default: `taskhand.toml` in the user's configuration folder.",
        ),
    ] = None

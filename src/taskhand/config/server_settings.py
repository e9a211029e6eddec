"""The settings that do not depend on the backend."""

from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

from taskhand.backends.factory import SettingKind
from taskhand.backends.registry import NAMES, BackendName
from taskhand.sql.store_address import StoreAddress, is_address, is_whole_address

__all__ = ["DEFAULT_PORT", "ServerSettings", "check_database_address"]

DEFAULT_PORT: Final = 8000
"""The default port for HTTP."""

_CRMS = " or ".join(", ".join(f"`{name}`" for name in NAMES if name != "local").rsplit(", ", 1))


def check_database_address(address: SecretStr | None) -> SecretStr | None:
    """Check the address of a database: its password must not contain a character that would end it."""
    if address is not None and not is_whole_address(address.get_secret_value()):
        raise PydanticCustomError(
            "state",
            "it must be postgresql://USER:PASSWORD@HOST/DATABASE, with @ : / ? # % in the password as %40 %3A %2F %3F "
            "%23 %25, and a space as %20",
        )
    return address


def _read_store(value: object) -> Path | StoreAddress | None:
    """A path, or the address of a database, which Path would change (`//`)."""
    if value is None or isinstance(value, Path | StoreAddress):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("db", "it must be a path, or the address of a database")
    if not is_address(value):
        return Path(value)
    check_database_address(SecretStr(value.strip()))
    return StoreAddress(value.strip())


class ServerSettings(BaseModel):
    """The settings of every backend; each field's alias is its environment variable."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True, defer_build=True
    )

    chosen_backend: Annotated[
        BackendName | None,
        Field(
            alias="TASKHAND_BACKEND",
            description=f"Where tasks live: `local` (the built-in store), {_CRMS}; default: the one whose credential "
            "is set, else `local`.",
        ),
        SettingKind.GUARD,
    ] = None
    db: Annotated[
        Path | StoreAddress | None,
        PlainValidator(_read_store),
        Field(
            alias="TASKHAND_DB",
            description="The built-in store's file, or `postgresql://USER:PASSWORD@HOST/DATABASE` (extra `postgres`); "
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
            description="How much the libraries log (HTTP, MCP); `DEBUG` shows texts of tasks; default `WARNING`.",
        ),
    ] = "WARNING"
    log_format: Annotated[
        Literal["text", "json"],
        Field(
            alias="TASKHAND_LOG_FORMAT",
            description="Format of the log: `text`, or `json` with an object on each line; default `text`.",
        ),
    ] = "text"
    journal: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_JOURNAL",
            description="The journal's file; default: beside the built-in store's, `tasks.journal.sqlite`.",
        ),
    ] = None
    journal_days: Annotated[
        int,
        Field(
            alias="TASKHAND_JOURNAL_DAYS",
            ge=0,
            le=36_500,
            description="Days that a change stays in the journal, and an event in its feed; 0: for ever; default 365.",
        ),
    ] = 365
    events: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_EVENTS",
            description="The file of changes in the CRM; default: beside the journal, `tasks.events.sqlite`.",
        ),
    ] = None
    plan_over: Annotated[
        int,
        Field(
            alias="TASKHAND_PLAN_OVER",
            ge=0,
            le=10_000,
            description="Changes of more tasks than this, and create_tasks with more, stop at a plan; default 10.",
        ),
        SettingKind.GUARD,
    ] = 10
    duplicate_s: Annotated[
        int,
        Field(
            alias="TASKHAND_DUPLICATE_S",
            ge=0,
            le=86_400,
            description="Seconds within which an identical create returns the first task; 0: never; default 120.",
        ),
    ] = 120
    call_s: Annotated[
        int,
        Field(
            alias="TASKHAND_CALL_S",
            ge=5,
            le=3_600,
            description="Seconds within which every call is answered, 5 to 3600; many hosts give up after 60; default "
            "45.",
        ),
    ] = 45
    ask: Annotated[
        Literal["auto", "never"],
        Field(
            alias="TASKHAND_ASK",
            description="Whether a person is asked before a guarded change, if the client can ask: `auto` or `never` "
            "(the change stops at a plan); default `auto`.",
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
            description="The tools that are offered: names and the groups `read`, `write`, `all`, separated by commas, "
            "with `-` before a tool to leave out, such as `all,-delete_task`; default: all.",
        ),
        SettingKind.COMMA_LIST,
        SettingKind.GUARD,
    ] = None
    answers: Annotated[
        Literal["lean", "whole"],
        Field(
            alias="TASKHAND_ANSWERS",
            description="Answers of writes: `lean` (the task as a row, and its changes), or for programs `whole` (the "
            "documented task object); default `lean`.",
        ),
    ] = "lean"
    ui: Annotated[
        Literal["auto", "off"],
        Field(
            alias="TASKHAND_UI",
            description="Whether hosts that can show a page beside an answer get the board: `auto` or `off`; default "
            "`auto`.",
        ),
    ] = "auto"
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
            "number; default 300, or 0 without `--auth` on loopback.",
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
    drain_delay_s: Annotated[
        int,
        Field(
            alias="TASKHAND_DRAIN_DELAY_S",
            ge=0,
            le=300,
            description="Seconds after SIGTERM in which `/ready` answers 503 and calls over HTTP are still served, so "
            "that a proxy notices; default 0.",
        ),
    ] = 0
    drain_s: Annotated[
        int | None,
        Field(
            alias="TASKHAND_DRAIN_S",
            ge=0,
            le=3_600,
            description="Seconds that running calls over HTTP then have to end; default: 5 more than "
            "`TASKHAND_CALL_S`, so that none is cut.",
        ),
    ] = None
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
    config: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_CONFIG",
            description="The configuration file; default: `taskhand.toml` in the user's configuration folder.",
        ),
    ] = None

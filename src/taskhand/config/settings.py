"""The settings: what can be configured, and the values that an environment gives."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from taskhand.config.credentials import opened
from taskhand.domain.due import known_zone
from taskhand.domain.errors import CallerError, OperatorError

__all__ = ["BackendName", "Settings", "in_environment"]

BackendName = Literal["local", "vambe", "close", "hubspot"]

_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_ZONES = ("timezone", "vambe_timezone")


class Settings(BaseModel):
    """What can be configured; each field's alias is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    chosen_backend: Annotated[
        BackendName | None,
        Field(
            alias="TASKHAND_BACKEND",
            description="Where tasks live: `local` (the embedded store), `vambe`, `close` or `hubspot`; default: the "
            "one whose credential is set, else `local`.",
        ),
    ] = None
    db: Annotated[
        Path | None,
        Field(alias="TASKHAND_DB", description="The embedded store's file; default: in the user's data folder."),
    ] = None
    timezone: Annotated[
        str | None,
        Field(alias="TASKHAND_TIMEZONE", description="IANA zone of a dueTime that comes without one; default: none."),
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
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"],
        Field(alias="TASKHAND_LOG_LEVEL", description="How much is logged to stderr; default `WARNING`."),
    ] = "WARNING"

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
            description="A bulk change of more tasks than this stops at a plan; default 10.",
        ),
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
    ask: Annotated[
        Literal["auto", "never"],
        Field(
            alias="TASKHAND_ASK",
            description="Whether a person is asked before a guarded change, where the client can ask: `auto` or "
            "`never` (it stops at a plan); default `auto`.",
        ),
    ] = "auto"
    read_only: Annotated[
        bool,
        Field(
            alias="TASKHAND_READ_ONLY",
            description="`true` offers only the tools that read, and refuses calls of the others; default `false`.",
        ),
    ] = False
    tools: Annotated[
        str | None,
        Field(
            alias="TASKHAND_TOOLS",
            description="The tools that are offered: names and the groups `read`, `write`, `all` with commas between, "
            "`-` before what to leave out, such as `all,-delete_task`; default: all.",
        ),
    ] = None
    config: Annotated[
        Path | None,
        Field(
            alias="TASKHAND_CONFIG",
            description="The configuration file; default: `taskhand.toml` in the user's configuration folder.",
        ),
    ] = None

    vambe_api_key: Annotated[
        SecretStr | None, Field(alias="VAMBE_API_KEY", description="Key from the developer section of Vambe.")
    ] = None
    vambe_base_url: Annotated[
        str,
        Field(alias="VAMBE_BASE_URL", description="Where Vambe's API is; default `https://api.vambe.me`."),
    ] = "https://api.vambe.me"
    vambe_user_id: Annotated[
        str | None, Field(alias="VAMBE_USER_ID", description="Id of the Vambe user that `me` stands for.")
    ] = None
    vambe_statuses: Annotated[
        str | None,
        Field(
            alias="VAMBE_STATUSES",
            description="All statuses in their order, with types: `Pendiente:initial,Completado:done`.",
        ),
    ] = None
    vambe_timezone: Annotated[
        str | None, Field(alias="VAMBE_TIMEZONE", description="IANA zone of the organisation; default: none.")
    ] = None
    vambe_due_at: Annotated[
        Literal["utc", "wall"] | None,
        Field(
            alias="VAMBE_DUE_AT",
            description="How Vambe writes due times: `utc` or `wall` (local time with a Z); default: learned.",
        ),
    ] = None
    vambe_array_query: Annotated[
        Literal["repeat", "brackets", "comma", "json"],
        Field(alias="VAMBE_ARRAY_QUERY", description="How a query's array is written; default `repeat`."),
    ] = "repeat"
    vambe_cache_s: Annotated[
        float,
        Field(alias="VAMBE_CACHE_S", ge=0, le=300, description="Seconds that a fetched list is good for; default 5."),
    ] = 5.0
    vambe_rate: Annotated[
        int, Field(alias="VAMBE_RATE", ge=1, le=1_000, description="Most requests a second to Vambe; default 10.")
    ] = 10
    vambe_in_flight: Annotated[
        int, Field(alias="VAMBE_IN_FLIGHT", ge=1, le=64, description="Most requests under way to Vambe; default 8.")
    ] = 8

    close_api_key: Annotated[
        SecretStr | None, Field(alias="CLOSE_API_KEY", description="API key from Close's developer settings.")
    ] = None
    close_access_token: Annotated[
        SecretStr | None, Field(alias="CLOSE_ACCESS_TOKEN", description="OAuth access token, instead of the API key.")
    ] = None
    close_base_url: Annotated[
        str,
        Field(alias="CLOSE_BASE_URL", description="Where Close's API is; default `https://api.close.com/api/v1`."),
    ] = "https://api.close.com/api/v1"
    close_task_types: Annotated[
        str,
        Field(
            alias="CLOSE_TASK_TYPES",
            description="Types that are listed: `inbox` (the nine documented ones), `all`, or names with commas "
            "between; default `inbox`.",
        ),
    ] = "inbox"
    close_new_task_type: Annotated[
        Literal["lead", "outgoing_call"],
        Field(
            alias="CLOSE_NEW_TASK_TYPE",
            description="What create_task makes: `lead` (a to-do) or `outgoing_call`; default `lead`.",
        ),
    ] = "lead"
    close_rate: Annotated[
        int, Field(alias="CLOSE_RATE", ge=1, le=1_000, description="Most requests a second to Close; default 10.")
    ] = 10
    close_in_flight: Annotated[
        int, Field(alias="CLOSE_IN_FLIGHT", ge=1, le=64, description="Most requests under way to Close; default 8.")
    ] = 8

    hubspot_access_token: Annotated[
        SecretStr | None,
        Field(alias="HUBSPOT_ACCESS_TOKEN", description="Token of a private app, a service key or an OAuth app."),
    ] = None
    hubspot_base_url: Annotated[
        str,
        Field(alias="HUBSPOT_BASE_URL", description="Where HubSpot's API is; default `https://api.hubapi.com`."),
    ] = "https://api.hubapi.com"
    hubspot_api_version: Annotated[
        str, Field(alias="HUBSPOT_API_VERSION", description="`v3`, or dated such as `2026-03`; default `v3`.")
    ] = "v3"
    hubspot_user_id: Annotated[
        str | None,
        Field(
            alias="HUBSPOT_USER_ID",
            description="Who `me` is: an owner's id, a user's id or an e-mail; default: who made the private app.",
        ),
    ] = None
    hubspot_id_property: Annotated[
        str | None,
        Field(
            alias="HUBSPOT_ID_PROPERTY",
            description="A unique task property whose values ids are; default: HubSpot's own ids.",
        ),
    ] = None
    hubspot_rate: Annotated[
        int, Field(alias="HUBSPOT_RATE", ge=1, le=1_000, description="Most requests in ten seconds; default 100.")
    ] = 100

    @property
    def backend(self) -> BackendName:
        """The backend chosen, else the one whose credential is set, else the embedded store.

        OperatorError names the candidates where several credentials are set and none is chosen.
        """
        if self.chosen_backend:
            return self.chosen_backend
        found = [name for name, given in self._credentials().items() if given]
        if len(found) > 1:
            raise OperatorError(
                f"Credentials of several CRMs are set: {', '.join(found)}.",
                next_step="Set TASKHAND_BACKEND to the one to work with.",
            )
        return found[0] if found else "local"

    @property
    def hubspot_private_token(self) -> SecretStr | None:
        """The token of a private app, which stays; that of an OAuth app changes by the hour."""
        token = self.hubspot_access_token
        return token if token is not None and token.get_secret_value().startswith("pat-") else None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials that are set, to be masked wherever text is kept."""
        given = (getattr(self, name) for name in type(self).model_fields)
        return tuple(one.get_secret_value() for one in given if isinstance(one, SecretStr))

    def _credentials(self) -> dict[BackendName, bool]:
        return {
            "vambe": bool(self.vambe_api_key),
            "close": bool(self.close_api_key or self.close_access_token),
            "hubspot": bool(self.hubspot_access_token),
        }

    @property
    def default_timezone(self) -> str | None:
        """The zone of a dueTime that comes without one."""
        return (self.vambe_timezone if self.backend == "vambe" else None) or self.timezone

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **flags: object) -> "Settings":
        """The settings of an environment; `flags` that are not None win. OperatorError names the variable at fault."""
        over = {cls.variable(name): value for name, value in flags.items() if value is not None}
        return cls.of({**in_environment(environ), **over})

    @classmethod
    def of(cls, given: Mapping[str, object], called: Mapping[str, str] | None = None) -> "Settings":
        """The settings with these values, by variable; what is not given has its default.

        A secret that stands for one in the system's keyring is read from there. OperatorError names the one at fault
        as `called` does, else by its variable; a value is never quoted but a zone.
        """
        names = called or {}
        secrets = {cls.variable(name) for name in cls.model_fields if cls.is_secret(name)}
        kept = {name: opened(value) for name, value in given.items() if name in secrets and isinstance(value, str)}
        try:
            settings = cls.model_validate({**given, **kept})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            at_fault = str(first["loc"][0])
            raise OperatorError(f"{names.get(at_fault, at_fault)} is not usable: {first['msg']}.") from None
        zones = {name: _zone(getattr(settings, name), cls.variable(name), names) for name in _ZONES}
        _check_clock(settings.clock, names)
        return settings.model_copy(update=zones)

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a setting."""
        return cls.model_fields[name].alias or name

    @classmethod
    def is_secret(cls, name: str) -> bool:
        """Whether the value of a setting is never shown."""
        annotation = cls.model_fields[name].annotation
        return SecretStr in (annotation, *get_args(annotation))


def in_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """The values that an environment gives, by variable, blanks around them left out; a blank one gives nothing."""
    names = {Settings.variable(name) for name in Settings.model_fields}
    return {name: value.strip() for name, value in environ.items() if name in names and value.strip()}


def _check_clock(clock: datetime | None, names: Mapping[str, str]) -> None:
    """Leave room around the clock for due dates to be reckoned."""
    if clock is not None and not _FIRST_YEAR <= clock.year <= _LAST_YEAR:
        called = names.get("TASKHAND_CLOCK", "TASKHAND_CLOCK")
        raise OperatorError(f"{called} is not usable: its year is not from {_FIRST_YEAR} to {_LAST_YEAR}.")


def _zone(zone: str | None, variable: str, names: Mapping[str, str]) -> str | None:
    """The configured zone in its official spelling."""
    if zone is None:
        return None
    try:
        return known_zone(zone)
    except CallerError as error:
        near = ", ".join(candidate.value for candidate in error.candidates)
        raise OperatorError(
            f"{names.get(variable, variable)} {zone[:60]!r} is not an IANA time zone. Nearest: {near or 'none'}."
        ) from None

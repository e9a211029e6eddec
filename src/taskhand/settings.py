"""The configuration, read from the environment once and handed on; nothing else reads it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from taskhand.due import known_zone
from taskhand.errors import CallerError, OperatorError

__all__ = ["Settings"]


class Settings(BaseModel):
    """What can be configured; each field's alias is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)

    backend: Annotated[
        Literal["local"],
        Field(alias="TASKHAND_BACKEND", description="Where tasks live: `local`, the embedded store."),
    ] = "local"
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

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **flags: object) -> "Settings":
        """The settings of an environment; `flags` that are not None win. OperatorError names the variable at fault."""
        names = {field.alias or name for name, field in cls.model_fields.items()}
        given = {name: value.strip() for name, value in environ.items() if name in names and value.strip()}
        over = {cls.model_fields[name].alias: value for name, value in flags.items() if value is not None}
        try:
            settings = cls.model_validate({**given, **over})
            return settings.model_copy(update={"timezone": _zone(settings.timezone)})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise OperatorError(f"{first['loc'][0]} is not usable: {first['msg']}.") from None


def _zone(name: str | None) -> str | None:
    """The configured zone in its official spelling."""
    if name is None:
        return None
    try:
        return known_zone(name)
    except CallerError as error:
        near = ", ".join(candidate.value for candidate in error.candidates)
        raise OperatorError(
            f"TASKHAND_TIMEZONE {name!r} is not an IANA time zone. Nearest: {near or 'none'}."
        ) from None

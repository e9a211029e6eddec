"""The settings: all that can be configured, and their values in an environment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, SecretStr, ValidationError

from taskhand.backends.factory import BackendFactory, SettingKind, is_secret
from taskhand.backends.registry import FACTORIES, BackendName, find_factory
from taskhand.config.credentials import resolve_credential
from taskhand.config.server_settings import ServerSettings
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.zones import is_offset, known_zone

__all__ = ["BackendName", "Settings", "read_environment"]

_FIRST_YEAR, _LAST_YEAR = 1900, 2999


# pydantic orders inherited fields from the last base to the first: the server's first, then each backend's.
class Settings(*(factory.settings for factory in reversed(FACTORIES)), ServerSettings):  # type: ignore[misc]
    """What can be configured; each field's alias is its environment variable.

    A backend's factory is given these settings as an object of its own settings class.
    """

    model_config = ConfigDict(defer_build=False)

    @property
    def backend(self) -> BackendName:
        """The chosen backend, else the one whose credential is set, else the embedded store.

        OperatorError names the candidates where several credentials are set and none is chosen.
        """
        if self.chosen_backend:
            return self.chosen_backend
        found = [factory.name for factory in FACTORIES if self._has_credential(factory)]
        if len(found) > 1:
            raise OperatorError(
                f"Credentials of several CRMs are set: {', '.join(found)}.",
                next_step="Set TASKHAND_BACKEND to the one to work with.",
            )
        return found[0] if found else "local"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials that are set; they are masked in every text that is stored."""
        given = (getattr(self, name) for name in type(self).model_fields)
        return tuple(one.get_secret_value() for one in given if isinstance(one, SecretStr))

    @property
    def default_timezone(self) -> str | None:
        """The time zone of a dueTime that is sent without one."""
        own = find_factory(self.backend).settings.model_fields
        zones = [getattr(self, name) for name in own if self.is_kind(name, SettingKind.TIME_ZONE)]
        return next(filter(None, zones), self.timezone)

    def _has_credential(self, factory: BackendFactory[Any]) -> bool:
        return any(getattr(self, name) for name in factory.credentials)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **flags: object) -> "Settings":
        """The settings of an environment; `flags` that are not None override it.

        OperatorError names the variable of an invalid value.
        """
        over = {cls.variable(name): value for name, value in flags.items() if value is not None}
        return cls.of({**read_environment(environ), **over})

    @classmethod
    def of(cls, given: Mapping[str, object], called: Mapping[str, str] | None = None) -> "Settings":
        """The settings with these values, by variable; the others have their defaults.

        A secret that refers to the system's keyring is read from there. OperatorError names the invalid setting as
        `called` does, else by its variable. It quotes no value but a time zone.
        """
        names = called or {}
        secrets = {cls.variable(name) for name in cls.model_fields if cls.is_secret(name)}
        kept = {
            name: resolve_credential(value)
            for name, value in given.items()
            if name in secrets and isinstance(value, str)
        }
        try:
            settings = cls.model_validate({**given, **kept})
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            at_fault = str(first["loc"][0])
            raise OperatorError(f"{names.get(at_fault, at_fault)} is not usable: {first['msg']}.") from None
        zones = {
            name: _zone(getattr(settings, name), cls.variable(name), names)
            for name in cls.model_fields
            if cls.is_kind(name, SettingKind.TIME_ZONE)
        }
        _check_clock(settings.clock, names)
        return settings.model_copy(update=zones)

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a setting."""
        return cls.model_fields[name].alias or name

    @classmethod
    def is_secret(cls, name: str) -> bool:
        """Whether the value of a setting must never be shown."""
        return is_secret(cls.model_fields[name])

    @classmethod
    def is_kind(cls, name: str, kind: SettingKind) -> bool:
        """Whether a setting is of that kind."""
        return kind in cls.model_fields[name].metadata


def read_environment(environ: Mapping[str, str]) -> dict[str, object]:
    """The settings in an environment, by variable, stripped; a blank variable counts as not set."""
    names = {Settings.variable(name) for name in Settings.model_fields}
    return {name: value.strip() for name, value in environ.items() if name in names and value.strip()}


def _check_clock(clock: datetime | None, names: Mapping[str, str]) -> None:
    """Refuse a clock so near the ends of the calendar that due dates around it cannot be computed."""
    if clock is not None and not _FIRST_YEAR <= clock.year <= _LAST_YEAR:
        called = names.get("TASKHAND_CLOCK", "TASKHAND_CLOCK")
        raise OperatorError(f"{called} is not usable: its year must be from {_FIRST_YEAR} to {_LAST_YEAR}.")


def _zone(zone: str | None, variable: str, names: Mapping[str, str]) -> str | None:
    """The configured zone in its official spelling."""
    if zone is None:
        return None
    try:
        return known_zone(zone)
    except CallerError as error:
        called = f"{names.get(variable, variable)} {zone[:60]!r}"
        near = ", ".join(candidate.value for candidate in error.candidates)
        if is_offset(zone):
            city = near or "its city, e.g. America/Santiago"
            raise OperatorError(f"{called} is an offset, not an IANA time zone. Write {city}.") from None
        raise OperatorError(f"{called} is not an IANA time zone. Nearest: {near or 'none'}.") from None

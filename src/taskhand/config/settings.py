"""All settings, and their values in an environment."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, cast, get_args

from pydantic import ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, create_model, model_validator
from pydantic.fields import FieldInfo

from taskhand.backends.factory import BackendFactory, BackendSettings, S, SettingKind, is_secret
from taskhand.backends.registry import FACTORIES, NAMES, BackendName, find_factory
from taskhand.config.credentials import REFERENCES, Credential, resolve_credential
from taskhand.config.multi_user_settings import TeamSettings
from taskhand.config.placeholders import find_flaw
from taskhand.config.shared_secrets import split_state_keys, split_vault_keys
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.domain.time_zones import is_offset, known_zone
from taskhand.sql.store_address import StoreAddress, split_passwords

__all__ = ["FIELDS", "BackendName", "SettingNote", "Settings", "Usable", "find_usable_values", "reference_in"]

_BACKENDS: Final = {name: factory.name for factory in FACTORIES for name in factory.settings.model_fields}
"""The backend of each setting of one backend."""

FIELDS: Final[Mapping[str, FieldInfo]] = TeamSettings.model_fields | {
    name: field for factory in FACTORIES for name, field in factory.settings.model_fields.items()
}
"""The server's settings, then those of each backend, by field name."""

_FIRST_YEAR, _LAST_YEAR = 1900, 2999
_GIVEN = ConfigDict(extra="ignore", validate_by_name=True, validate_by_alias=True)
_MORE_THAN_CALL_S = 5
"""Seconds beyond TASKHAND_CALL_S in which the answer of a call is sent."""


class SettingNote(NamedTuple):
    """A setting whose given value is not used: what was `found`, as a sentence, and a remedy.

    An `unusable` value counts as not set. A `malformed` one counts as set and is refused when it is needed; so is an
    `unread` one, a reference to a secret that cannot be read. A `misnomer` is an unknown variable that is probably this
    setting.
    """

    variable: str
    found: str
    remedy: str
    kind: Literal["unusable", "malformed", "unread", "misnomer"] = "unusable"


@dataclass(slots=True)
class Usable:
    """The usable values by variable, and a note on each value that counts as not set.

    `files` are the files that values were read from, `referenced` the variables to which values refer.
    """

    values: dict[str, object] = field(default_factory=dict, repr=False)
    notes: list[SettingNote] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    referenced: set[str] = field(default_factory=set)


class Settings(TeamSettings):
    """All settings: the server's, and by its name those of each backend.

    The alias of each field is its environment variable.
    """

    by_backend: Mapping[str, BackendSettings] = Field(default_factory=dict)
    _notes: tuple[SettingNote, ...] = PrivateAttr(())
    _further_secrets: tuple[str, ...] = PrivateAttr(())

    @model_validator(mode="before")
    @classmethod
    def _validate_backends(cls, values: Mapping[str, object]) -> Mapping[str, object]:
        return {
            **values,
            "by_backend": {factory.name: factory.settings.model_validate(values) for factory in FACTORIES},
        }

    def of_backend(self, factory: BackendFactory[S]) -> S:
        """The settings of a backend."""
        return cast("S", self.by_backend[factory.name])

    def value(self, name: str) -> Any:
        """The value of a setting by its field name."""
        backend = _BACKENDS.get(name)
        return getattr(self.by_backend[backend] if backend else self, name)

    @property
    def notes(self) -> tuple[SettingNote, ...]:
        """The notes on given values that are not used."""
        return self._notes

    @property
    def backend(self) -> BackendName:
        """The chosen backend, else the one whose credential is set, else the built-in store.

        OperatorError names the candidates if several credentials are set and none is chosen.
        """
        if self.chosen_backend:
            return self.chosen_backend
        backends = [name for name in NAMES if self._has_credential(find_factory(name))]
        if len(backends) > 1:
            raise OperatorError(
                f"Credentials of several CRMs are set: {', '.join(backends)}.",
                next_step="Set TASKHAND_BACKEND to the one to work with, or make each a connection of its own: "
                "`taskhand connections add NAME`.",
            )
        return backends[0] if backends else "local"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The credentials of this and other connections, which are masked in every stored text."""
        unread = self._unread
        given = (self.value(name) for name in FIELDS if name not in unread)
        texts = (secret.get_secret_value() for secret in given if isinstance(secret, SecretStr))
        addresses = [self.state.get_secret_value()] if self.state else []
        addresses += [self.db.url] if isinstance(self.db, StoreAddress) else []
        passwords = (password for address in addresses for password in split_passwords(address))
        secrets = (*texts, *self.state_keys, *self.vault_keys, *passwords)
        return tuple(dict.fromkeys((*secrets, *self._further_secrets)))

    @property
    def state_keys(self) -> tuple[str, ...]:
        """The keys of state that a client carries between calls: the first one seals, all open."""
        return split_state_keys(self.state_key)

    @property
    def calls_end_s(self) -> int:
        """Seconds that running calls get to end at shutdown."""
        return self.call_s + _MORE_THAN_CALL_S if self.drain_s is None else self.drain_s

    @property
    def vault_keys(self) -> tuple[str, ...]:
        """The keys of the vault: the first one encrypts, all decrypt."""
        return split_vault_keys(self.vault_key)

    @property
    def default_timezone(self) -> str | None:
        """The time zone of a dueTime without a timezone."""
        zones = map(self.value, find_factory(self.backend).of_kind(SettingKind.TIME_ZONE))
        return next(filter(None, zones), self.timezone)

    def lacks_credential(self, factory: BackendFactory[Any]) -> bool:
        """Whether the backend needs a credential and none is set."""
        return bool(factory.credentials) and not self._has_credential(factory)

    def check_backend(self) -> None:
        """OperatorError if the chosen backend lacks a required setting or has a credential that cannot be used.

        The backend reports a credential that is simply missing; it does not know the notes on it.
        """
        factory = find_factory(self.backend)
        for name in factory.required:
            if self.value(name) is None:
                raise OperatorError(
                    f"{factory.title} is chosen and {self.variable(name)} is not set.",
                    next_step=f"Set {self.variable(name)}: {FIELDS[name].description}",
                )
        notes = self._notes_about(factory)
        if refused := [note for note in notes if note.kind in {"malformed", "unread"}]:
            raise OperatorError(refused[0].found, next_step=refused[0].remedy or None)
        if notes and self.lacks_credential(factory):
            raise OperatorError(
                f"{factory.title} is chosen and has no credential: {' '.join(note.found for note in notes)}",
                code="unauthorized",
                next_step=" ".join(dict.fromkeys(note.remedy for note in notes)),
            )

    def check_own_secrets(self) -> None:
        """OperatorError if a secret of the server's own cannot be read: it must not run without that protection."""
        for note in self._notes:
            name = _FIELDS[note.variable]
            if note.kind == "unread" and self.value(name) is None:
                raise OperatorError(note.found, next_step=note.remedy or None)

    @property
    def _unread(self) -> frozenset[str]:
        """The credentials of CRMs that cannot be read."""
        return frozenset(
            _FIELDS[note.variable] for note in self._notes if note.kind == "unread" and note.variable in _CREDENTIALS
        )

    @property
    def remark(self) -> str | None:
        """A note for people if the built-in store is used because a CRM's credential is invalid."""
        if self.chosen_backend or self.backend != "local":
            return None
        notes = [note for factory in FACTORIES for note in self._notes_about(factory) if note.kind == "unusable"]
        sentences = " ".join(f"{note.found} {note.remedy}" for note in notes)
        return f"Tell the person: tasks are in the built-in store, not in a CRM. {sentences}" if sentences else None

    def _notes_about(self, factory: BackendFactory[Any]) -> list[SettingNote]:
        """The notes on the credentials of a backend."""
        wanted = {self.variable(name) for name in factory.credentials}
        return [note for note in self._notes if note.variable in wanted]

    def with_notes(self, notes: Sequence[SettingNote]) -> "Settings":
        """These settings with further notes."""
        copy = self.model_copy()
        copy._notes = tuple(dict.fromkeys((*self._notes, *notes)))  # noqa: SLF001  a copy of its own
        return copy

    def with_credential(self, text: str) -> "Settings":
        """These settings with another credential of the chosen backend, and without the person that `me` stands for."""
        factory = find_factory(self.backend)
        backend_settings = factory.with_credential(self.of_backend(factory), text)
        return self.model_copy(update={"by_backend": {**self.by_backend, factory.name: backend_settings}})

    def with_secrets(self, secrets: Sequence[str]) -> "Settings":
        """These settings, which also mask these secrets: a text of one connection may contain another's credential."""
        copy = self.model_copy()
        copy._further_secrets = tuple(secrets)  # noqa: SLF001  a copy of its own
        return copy

    def _has_credential(self, factory: BackendFactory[Any]) -> bool:
        return any(map(self.value, factory.credentials))

    def display_value(self, name: str) -> str | None:
        """The value of a setting as text to show; "set" or "unread" for a secret, None if there is no value."""
        value = self.value(name)
        if value is None:
            return None
        if name in self._unread:
            return "unread"
        if isinstance(value, SecretStr):
            return "set"
        if isinstance(value, bool):
            return str(value).lower()
        return re.sub(r"://.*@", "://***@", str(value))  # an address may contain a user and a password

    @classmethod
    def from_env(cls, environ: Mapping[str, str], **flags: object) -> "Settings":
        """The settings of an environment; `flags` that are not None override it.

        OperatorError names the variable of an invalid value.
        """
        over = {cls.variable(name): value for name, value in flags.items() if value is not None}
        from taskhand.config.environment_variables import read_variables  # noqa: PLC0415  which reads this module

        given = read_variables(environ)
        return cls.of({**given.values, **over}, given.names, environ)

    @classmethod
    def of(
        cls,
        values: Mapping[str, object],
        called: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> "Settings":
        """The settings with these values, by variable, and defaults for the others.

        References to the keyring, a variable of `environ` or a file are resolved; an unreadable secret gets a note. An
        invalid secret or a placeholder counts as not set and gets a note; a placeholder in a GUARD is refused.
        OperatorError names an invalid setting by `called`, else by its variable, and quotes no value except a time
        zone.
        """
        names = called or {}
        usable = find_usable_values(values, names, environ)
        try:
            given = _check_given(usable.values)
        except ValidationError as error:
            from taskhand.domain.invalid_value import describe_invalid  # noqa: PLC0415  no start waits for it

            first = error.errors(include_url=False, include_input=False)[0]
            at_fault = str(first["loc"][0])
            raise OperatorError(f"{names.get(at_fault, at_fault)} is not usable: {describe_invalid(first)}.") from None
        given |= {
            name: _zone(zone, cls.variable(name), names)
            for name, zone in given.items()
            if cls.is_kind(name, SettingKind.TIME_ZONE)
        }
        by_backend = {factory.name: factory.settings.model_construct(**given) for factory in FACTORIES}
        settings = cls.model_construct(**given, by_backend=by_backend)
        _check_clock(settings.clock, names)
        return settings.with_notes(usable.notes)

    @classmethod
    def variable(cls, name: str) -> str:
        """The environment variable of a setting."""
        return FIELDS[name].alias or name

    @classmethod
    def is_secret(cls, name: str) -> bool:
        """Whether the value of a setting must never be shown."""
        return is_secret(FIELDS[name])

    @classmethod
    def is_path(cls, name: str) -> bool:
        """Whether a setting names a file."""
        return Path in get_args(FIELDS[name].annotation)

    @classmethod
    def is_kind(cls, name: str, kind: SettingKind) -> bool:
        """Whether a setting is of this kind."""
        return kind in FIELDS[name].metadata


_FIELDS = {Settings.variable(name): name for name in FIELDS}
_SECRETS = frozenset(variable for variable, name in _FIELDS.items() if Settings.is_secret(name))
_CREDENTIALS = frozenset(Settings.variable(name) for factory in FACTORIES for name in factory.secrets)
"""The secrets that CRMs issue; the operator's own secrets may be any text."""


def reference_in(variable: str, value: object) -> str | None:
    """The value of a secret if it is a reference; None for any other value."""
    return value if variable in _SECRETS and isinstance(value, str) and value.startswith(REFERENCES) else None


def find_usable_values(
    values: Mapping[str, object], names: Mapping[str, str], environ: Mapping[str, str] | None = None
) -> Usable:
    """The usable values of these.

    OperatorError for a refused one. A CRM's credential whose reference cannot be resolved stays that reference, with a
    note; another secret is left out.
    """
    usable = Usable()
    for variable, value in values.items():
        called = names.get(variable, variable)
        reference = reference_in(variable, value)
        try:
            kept = resolve_credential(reference, called, environ) if reference else None
        except OperatorError as error:
            usable.notes.append(SettingNote(variable, error.message, error.next_step or "", "unread"))
            if variable in _CREDENTIALS:
                usable.values[variable] = SecretStr(reference or "")
            continue
        text = kept.text if kept else value
        if kept and kept.variable:
            usable.referenced.add(kept.variable)
        note = _note_on_flaw(variable, text, called, kept)
        if note is not None:
            usable.notes.append(note)
        if note is None or note.kind == "malformed":
            usable.values[variable] = text
            if kept and kept.file:
                usable.files[variable] = kept.file
    return usable


def _note_on_flaw(variable: str, value: object, called: str, credential: Credential | None) -> SettingNote | None:
    """The note on a value that cannot be used; OperatorError for a refused one, None for a value without a flaw.

    `credential` is the credential that a reference resolved to.
    """
    if not isinstance(value, str) or not value or Settings.is_path(_FIELDS[variable]):
        return None
    is_credential = variable in _CREDENTIALS
    flaw = find_flaw(value, called, is_secret=is_credential)
    if flaw is None:
        return None
    what = f"{credential.variable}, to which {called} refers," if credential and credential.variable else called
    if flaw.is_malformed:
        return SettingNote(variable, f"{what} {flaw.found}.", flaw.remedy, "malformed")
    if (is_credential or flaw.is_blank) and not Settings.is_kind(_FIELDS[variable], SettingKind.GUARD):
        noun = "key" if is_credential else "value"
        return SettingNote(variable, f"{what} {flaw.found}, so the {noun} counts as not set.", flaw.remedy)
    raise OperatorError(f"{what} {flaw.found}.", next_step=flaw.remedy)


def _check_given(values: Mapping[str, object]) -> dict[str, Any]:
    """The validated values by field name, of the given fields only; each is given by its alias or its name.

    A validator of all settings would slow down the start.

    ValidationError names the invalid ones in the order of FIELDS.
    """
    given = {name: field for name, field in FIELDS.items() if field.alias in values or name in values}
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in given.items()}
    checked = create_model("Given", __config__=_GIVEN, **fields).model_validate(values)
    return {name: getattr(checked, name) for name in given}


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

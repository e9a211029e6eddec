"""The people file, which maps persons to members; read at start, and again on SIGHUP."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from taskhand.cli.loaded_policy import warn_of_writers
from taskhand.config.effective_settings import Configuration
from taskhand.config.paths import expand_path
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

# Imported only if a people file exists.

if TYPE_CHECKING:
    from taskhand.config.people_file import PeopleFile

__all__ = ["PeopleSource", "check_people", "people_path"]

_OF_THEIR_OWN = (
    "The rule second_person counts them as two people: give each a member of their own, or one of them no key."
)

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class PeopleSource:
    """The `current` memberships by person and connection, and whether the file `existed`."""

    found: Configuration
    current: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    existed: bool = False
    noun: str = "list of people"
    if_missing: str | None = None

    @classmethod
    def open(cls, configuration: Configuration) -> "PeopleSource":
        """Read the file of this configuration; OperatorError if it cannot be used."""
        source = cls(configuration)
        if configuration.settings.people is not None or os.path.lexists(source.path):
            source.read()()
        return source

    @property
    def path(self) -> Path:
        """The people file, which may be missing."""
        return people_path(self.found)

    def read(self) -> Callable[[], None]:
        """Read the file again; returns a function that puts it in force. OperatorError if it cannot be used."""
        file = _read_people(self.found, must_exist=self.existed)
        if file.writable_by_others:
            _log.warning("%s %s", *warn_of_writers(file.path))
        for sentence in file.shared_members():
            _log.warning("%s %s", sentence, _OF_THEIR_OWN)

        def put_in_force() -> None:
            self.current, self.existed = file.members, file.exists

        return put_in_force


def people_path(configuration: Configuration) -> Path:
    """The people file, which may be missing."""
    named = configuration.settings.people
    return expand_path("TASKHAND_PEOPLE", named) if named else configuration.file.path.with_name("people.toml")


def _read_people(configuration: Configuration, *, must_exist: bool = False) -> "PeopleFile":
    """The people file. OperatorError if it cannot be used, or if the configuration names it and it does not exist."""
    from taskhand.config.people_file import read_people_file

    is_named = configuration.settings.people is not None
    names = configuration.connection_names
    file = read_people_file(people_path(configuration), must_exist=is_named or must_exist, connections=names)
    return file if configuration.chosen is None or len(names) == 1 else file.of_connection(configuration.chosen)


def check_people(configuration: Configuration) -> tuple[CheckResult, ...]:
    """A summary of the people file, or its error; no result if it does not exist."""
    try:
        file = _read_people(configuration)
    except OperatorError as error:
        return (CheckResult("people", "failed", error.message, error.next_step or "Correct the people file."),)
    if file.writable_by_others:
        return (CheckResult("people", "warning", *warn_of_writers(file.path)),)
    if duplicates := file.shared_members():
        return tuple(CheckResult("people", "warning", sentence, _OF_THEIR_OWN) for sentence in duplicates)
    count = len(file.members)
    sentence = f"{file.path} says who {count} {'person is' if count == 1 else 'persons are'}."
    return (CheckResult("people", "ok", sentence),) if file.exists else ()

"""Unknown variables that look like a credential of a CRM (`HUBSPOT_TOKEN`), or like a mistyped setting."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from taskhand.backends.factory import BackendFactory
from taskhand.backends.registry import FACTORIES, find_factory
from taskhand.config.environment_variables import FILE_VARIABLES, VARIABLES
from taskhand.config.settings import SettingNote, Settings
from taskhand.domain.check_result import CheckResult

__all__ = ["find_misnomers", "find_typos"]

_PREFIXES: Final = tuple(factory.prefix for factory in FACTORIES if factory.settings.model_fields)
_MIN_SIMILARITY: Final = 0.85
"""Similarity from which a CRM variable is reported as a mistyped setting; other programs have CRM variables too."""
_CREDENTIAL: Final = r"(?:KEY|TOKEN|SECRET|PAT|CREDENTIAL|PASSWORD|BEARER|AUTH)S?"


def find_misnomers(environ: Mapping[str, str], settings: Settings, referenced: Collection[str]) -> list[SettingNote]:
    """Notes on variables that look like the missing credential of the chosen CRM, or of any CRM if none is chosen."""
    known = VARIABLES | FILE_VARIABLES | {*referenced}
    chosen = [find_factory(settings.chosen_backend)] if settings.chosen_backend else FACTORIES
    needing = [factory for factory in chosen if factory.credentials]
    if not all(map(settings.lacks_credential, needing)):
        return []
    return [note for factory in needing for note in _look_alikes(environ, factory, known)]


def find_typos(
    environ: Mapping[str, str], notes: Iterable[CheckResult], referenced: Collection[str]
) -> Iterable[CheckResult]:
    """Warnings about unknown variables that look like settings and that no setting refers to.

    Their values are not shown.
    """
    text = " ".join(note.found for note in notes).split()
    for name in sorted(environ):
        ours = name.upper().startswith("TASKHAND_")
        if name in VARIABLES | FILE_VARIABLES or name in text or name in referenced or not environ[name].strip():
            continue
        if not ours and not name.startswith(_PREFIXES):
            continue
        near = get_close_matches(name.upper(), sorted(VARIABLES), n=1, cutoff=0.6 if ours else _MIN_SIMILARITY)
        if ours or near:
            remedy = f"Rename it to {near[0]}" if near else "Correct its name"
            yield CheckResult(
                "configuration", "warning", f"{name[:60]} is an unknown setting.", f"{remedy}, or unset it."
            )


def _look_alikes(
    environ: Mapping[str, str], factory: BackendFactory[Any], variables: frozenset[str]
) -> Iterator[SettingNote]:
    """A note for each variable that is probably the backend's credential; `variables` are the settings' variables.

    Values are neither shown nor used: the variable may belong to another program.
    """
    right = [Settings.variable(name) for name in factory.credentials]
    for name in sorted(environ):
        if name in variables or not environ[name].strip() or not _is_like(name.upper(), factory):
            continue
        intended = next((variable for variable in right if variable.rpartition("_")[2] in name.upper()), right[0])
        found = f"{name[:60]} is set, and Taskhand does not read it."
        yield SettingNote(
            intended, found, f"If it is the credential of {factory.title}, rename it to {intended}.", "misnomer"
        )


def _is_like(name: str, factory: BackendFactory[Any]) -> bool:
    """Whether a name, in upper case, has the CRM's name and a word for a credential in it."""
    if factory.name.upper() not in name:
        return name in factory.misnomers
    crm = rf"(?:^|_){factory.name.upper()}(?:CRM|IO|APP|COM)?"
    words = r"(?:_|API|ACCESS|OAUTH|PRIVATE|APP|SERVICE)*"
    shapes = rf"{crm}{words}{_CREDENTIAL}(?:_|$)|{crm}_(?:\w+_)?{_CREDENTIAL}(?:_|$)"
    return re.search(shapes, name) is not None

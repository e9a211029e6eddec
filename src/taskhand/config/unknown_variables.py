"""Unknown variables that look like a credential of a CRM: `HUBSPOT_TOKEN`, `VAMBE_APIKEY`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from taskhand.backends.factory import BackendFactory
from taskhand.config.settings import Note, Settings

__all__ = ["find_misnomers"]

_CREDENTIAL: Final = r"(?:KEY|TOKEN|SECRET|PAT|CREDENTIAL|PASSWORD|BEARER|AUTH)S?"


def find_misnomers(environ: Mapping[str, str], factory: BackendFactory[Any], known: frozenset[str]) -> Iterator[Note]:
    """A note for each variable that is probably the backend's credential; `known` are the settings' variables.

    Values are neither shown nor used: the variable may belong to another program.
    """
    right = [Settings.variable(name) for name in factory.credentials]
    for name in sorted(environ):
        if name in known or not environ[name].strip() or not _is_like(name.upper(), factory):
            continue
        intended = next((one for one in right if one.rpartition("_")[2] in name.upper()), right[0])
        found = f"{name[:60]} is set, and Taskhand does not read it."
        yield Note(intended, found, f"If it is the credential of {factory.title}, rename it to {intended}.", "misnomer")


def _is_like(name: str, factory: BackendFactory[Any]) -> bool:
    """Whether a name, in upper case, has the CRM's name and a word for a credential in it."""
    if factory.name.upper() not in name:
        return name in factory.misnomers
    crm = rf"(?:^|_){factory.name.upper()}(?:CRM|IO|APP|COM)?"
    words = r"(?:_|API|ACCESS|OAUTH|PRIVATE|APP|SERVICE)*"
    shapes = rf"{crm}{words}{_CREDENTIAL}(?:_|$)|{crm}_(?:\w+_)?{_CREDENTIAL}(?:_|$)"
    return re.search(shapes, name) is not None

"""The time zone of this machine, to be offered to the person who installs."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from taskhand.domain.errors import CallerError
from taskhand.domain.time_zones import known_zone

__all__ = ["find_machine_zone"]

_UTC: Final = frozenset({"UTC", "UCT", "GMT", "Zulu", "Universal", "Greenwich", "GMT0", "GMT+0", "GMT-0"})
_ETC: Final = Path("/etc")


def find_machine_zone(environ: Mapping[str, str], etc: Path = _ETC) -> str | None:
    """The IANA name of the zone; None if it is not known, and for UTC: servers and containers have it by default.

    The variable TZ comes before the system's own zone, which is a link in `etc`, or a name in a file there.
    """
    for name in _candidates(environ, etc):
        try:
            zone = known_zone(name)
        except CallerError:
            continue
        return None if zone.removeprefix("Etc/") in _UTC else zone
    return None


def _candidates(environ: Mapping[str, str], etc: Path) -> Iterator[str]:
    """Names that may be the zone's, best first."""
    if given := environ.get("TZ", "").removeprefix(":"):
        yield _after_zoneinfo(given)
    yield _after_zoneinfo(os.path.realpath(etc / "localtime"))
    try:
        yield (etc / "timezone").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return


def _after_zoneinfo(path: str) -> str:
    """The name in the path of a zone's file: `America/Santiago` of `/usr/share/zoneinfo/America/Santiago`."""
    return path.rpartition("/zoneinfo/")[2]

"""The names of time zones: validation, and suggestions for an unknown name; pure.

An offset is not a zone. The only IANA names with an offset are those such as `Etc/GMT-3`, whose sign is reversed:
`Etc/GMT-3` is UTC+03:00 (https://data.iana.org/time-zones/tzdb/etcetera). They are never suggested.
"""

import re
import unicodedata
from difflib import get_close_matches
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from taskhand.domain.display_text import strip_hidden
from taskhand.domain.errors import CallerError, Candidate
from taskhand.domain.name_matching import fold

__all__ = ["is_offset", "known_zone", "offset_of_reversed", "zone_of_city"]

_NOT_ZONES: Final = frozenset({"localtime", "Factory", "posixrules"})
_REVERSED: Final = re.compile(r"Etc/GMT([+-])([1-9]\d?)")
_DASHES: Final = re.compile("[\u2010-\u2015\u2212\ufe58]")
_OFFSET: Final = re.compile(r".*[+-]\s*\d.*|(?:etc/)?[a-z_\s]*\d[\d:.h\s]*|z", re.ASCII | re.DOTALL)
_NUMBER: Final = re.compile(r"[+-]?\s*\d[\d:.h]*", re.ASCII)
_NO_PLACE: Final = re.compile(r"\b(?:(?:etc/)?(?:utc|gmt|ut|z)|etc|hrs|minus|plus)\b", re.ASCII)
_MAX_LENGTH: Final = 100
"""Characters that are looked at if a name is no zone's."""


@lru_cache(maxsize=256)
def known_zone(name: str) -> str:
    """The official spelling of an IANA zone name; CallerError with the nearest names if there is no such zone."""
    names = _official_names()
    if found := names.get(strip_hidden(name).strip().replace(" ", "_").casefold()):
        return found
    candidates = [Candidate(zone) for zone in _similar_zones(name)]
    if is_offset(name):
        raise CallerError(
            f"timezone {name[:60]!r} is an offset, not an IANA time zone.",
            code="unknown_timezone",
            candidates=candidates,
            next_step="Leave timezone and dueTime out and send dueDate as ISO 8601 with time and offset, e.g. "
            "2026-03-01T15:00:00-03:00; or send the zone's city as timezone, e.g. America/Santiago.",
        )
    raise CallerError(
        f"timezone {name[:60]!r} is not an IANA time zone.",
        code="unknown_timezone",
        candidates=candidates,
        next_step="Send an IANA name such as America/Santiago.",
    )


def is_offset(name: str) -> bool:
    """Whether a text that is no zone names an offset from UTC, in any spelling."""
    return _OFFSET.fullmatch(_normalize_name(name)) is not None


def zone_of_city(city: str) -> str | None:
    """The one zone that is named by this city, in any case and with its accents; None if none or several are."""
    wanted = f"/{fold(city).replace(' ', '_')}"
    zones = [zone for key, zone in _official_names().items() if key.endswith(wanted)]
    return zones[0] if len(zones) == 1 else None


def offset_of_reversed(zone: str) -> str | None:
    """The offset of a zone whose name has the other sign, `UTC+03:00` for `Etc/GMT-3`; None for every other zone."""
    match = _REVERSED.fullmatch(zone)
    return match and f"UTC{'-' if match[1] == '+' else '+'}{int(match[2]):02}:00"


@lru_cache(maxsize=1)
def _official_names() -> dict[str, str]:
    return {zone.casefold(): zone for zone in sorted(available_timezones() - _NOT_ZONES)}


def _similar_zones(name: str) -> list[str]:
    """The zones with the most similar names, or cities; for an offset those of the words beside it."""
    wanted, cutoff = _normalize_name(name), 0.75
    if is_offset(name):
        is_zero = not re.search("[1-9]", wanted)
        wanted, cutoff = _NO_PLACE.sub(" ", _NUMBER.sub(" ", wanted.replace("_", " "))).strip(" +-()[],;/<>"), 0.9
        if is_zero and not wanted:
            return ["UTC"]
    wanted = "_".join(wanted.split())
    offered = {key: zone for key, zone in _official_names().items() if offset_of_reversed(zone) is None}
    tails = {key.rpartition("/")[2]: zone for key, zone in reversed(offered.items())}
    near = [offered[key] for key in get_close_matches(wanted, offered, n=3, cutoff=cutoff)]
    near += [tails[tail] for tail in get_close_matches(wanted.rpartition("/")[2], tails, n=3, cutoff=cutoff)]
    return list(dict.fromkeys(near))


def _normalize_name(name: str) -> str:
    """The name in lower case, with any dash as `-` and full-width characters as plain ones."""
    return _DASHES.sub("-", unicodedata.normalize("NFKC", strip_hidden(name[:_MAX_LENGTH]))).strip().casefold()

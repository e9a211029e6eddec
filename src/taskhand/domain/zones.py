"""The names of time zones; pure."""

from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import available_timezones

from taskhand.domain.errors import CallerError, Candidate

__all__ = ["known_zone"]

_NOT_ZONES = frozenset({"localtime", "Factory", "posixrules"})


@lru_cache(maxsize=256)
def known_zone(name: str) -> str:
    """The official spelling of an IANA zone name; CallerError with the nearest names where there is no such zone."""
    names = {zone.casefold(): zone for zone in available_timezones() - _NOT_ZONES}
    wanted = name.strip().replace(" ", "_")
    if found := names.get(wanted.casefold()):
        return found
    tails = {zone.rpartition("/")[2]: official for zone, official in names.items()}
    near = [names[zone] for zone in get_close_matches(wanted.casefold(), names, n=3, cutoff=0.75)]
    near += [tails[tail] for tail in get_close_matches(wanted.casefold().rpartition("/")[2], tails, n=3, cutoff=0.75)]
    raise CallerError(
        f"timezone {name[:60]!r} is not an IANA time zone.",
        code="unknown_timezone",
        candidates=[Candidate(zone) for zone in dict.fromkeys(near)],
        next_step="Send an IANA name such as America/Santiago.",
    )

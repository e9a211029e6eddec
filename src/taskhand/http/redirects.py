"""Redirects: one to the same origin is followed, any other is an error; pure."""

import re
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from taskhand.domain.errors import UpstreamError
from taskhand.http.origin import origin_of

__all__ = ["check_redirect"]

_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_LOCATION: Final = re.compile(r"[!-\[\]-~]{1,2048}")  # visible ASCII without the backslash, on which parsers disagree


def check_redirect(url: str, location: str | None, *, name: str) -> str:
    """The URL of a redirect to the same origin; UpstreamError `upstream_redirect` for any other redirect."""
    parts = _target(url, location)
    if parts is None:
        raise _redirect_error(name, "an address that is not followed")
    if parts.username is None and origin_of(parts) == origin_of(urlsplit(url)):
        return parts._replace(fragment="").geturl()
    host = parts.hostname or ""
    raise _redirect_error(name, host if _HOST.fullmatch(host) else "another host")


def _target(url: str, location: str | None) -> SplitResult | None:
    if location is None or not _LOCATION.fullmatch(location):
        return None
    try:
        parts = urlsplit(urljoin(url, location))
        origin_of(parts)
    except ValueError:
        return None
    return parts


def _redirect_error(name: str, where: str) -> UpstreamError:
    return UpstreamError(
        f"{name} redirected the request to {where}; it was not followed.",
        code="upstream_redirect",
        next_step="Ask the operator of Taskhand to check the base URL.",
    )

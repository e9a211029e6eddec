"""The rate limit in the headers of a response; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["RateHeaders", "parse_ietf_headers"]

_PAIR: Final = re.compile(r"[a-z]+=(\d{1,9}(?:\.\d{1,9})?)")


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """The limit in a response's headers: `remaining` requests until the window ends in `reset_s` seconds.

    `rolling_limit` is the maximum of requests if any `reset_s` seconds are a window. `limit` is that of a window that
    begins at a moment chosen by the upstream.
    """

    remaining: int
    reset_s: float
    rolling_limit: int | None = None
    limit: int | None = None


def parse_ietf_headers(headers: Mapping[str, str]) -> RateHeaders | None:
    """Parse `RateLimit: limit=100, remaining=50, reset=5`, or its newer form `"default";r=50;t=5`.

    draft-ietf-httpapi-ratelimit-headers, versions 07 and 08 on; Close sends the former, with a decimal `reset`.
    """
    value = headers.get("ratelimit", "").lower()
    pairs = {pair[0].split("=")[0]: pair[1] for pair in _PAIR.finditer(value)}
    remaining, reset = pairs.get("remaining", pairs.get("r")), pairs.get("reset", pairs.get("t"))
    if remaining is None or reset is None:
        return None
    limit = int(float(pairs["limit"])) if "limit" in pairs else None
    return RateHeaders(remaining=int(float(remaining)), reset_s=float(reset), limit=limit)

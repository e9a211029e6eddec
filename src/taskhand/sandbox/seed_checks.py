"""Checks of a seed, the plain data from which a sandbox's store is made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.messages import read_json

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

NAMES = ("demo", "empty")


def seed_data(
    seed: str | Mapping[str, Any],
    keys: AbstractSet[str],
    demo: Callable[[dt.datetime], dict[str, Any]],
    now: dt.datetime,
) -> dict[str, Any]:
    """Return the data of the seed "demo", of "empty" (nothing), or of the given mapping with some of `keys`.

    ValueError for another name or an unknown key.
    """
    if isinstance(seed, str):
        if seed not in NAMES:
            raise ValueError(f"seed must be one of {', '.join(NAMES)} or a mapping, not {seed!r}")
        return demo(now) if seed == "demo" else {}
    check_row_keys("a seed", seed, keys)
    return dict(seed)


def load_seed(path: str) -> dict[str, Any]:
    """Read a seed from a JSON file; ValueError if it is not JSON, TypeError if it is not an object."""
    try:
        data = read_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"seed {path} must be one of {', '.join(NAMES)} or a JSON file of data: {error}") from error
    if not isinstance(data, dict):
        raise TypeError("it is not an object")
    return data


def check_row_keys(what: str, row: Mapping[str, Any], allowed: AbstractSet[str]) -> None:
    """Check that a mapping has no unknown key; ValueError names the unknown and the allowed ones."""
    unknown = sorted(set(row) - allowed)
    if unknown:
        raise ValueError(f"{what} has no {', '.join(unknown)}; it takes {', '.join(sorted(allowed))}")

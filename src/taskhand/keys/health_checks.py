"""The health check of the keys."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.keys.key import Key
from taskhand.keys.sql_key_store import SqlKeyStore
from taskhand.sqlite.connection import is_open_to_others

__all__ = ["check_keys"]

_SOON: Final = timedelta(days=7)
_MAX_NAMED: Final = 3


async def check_keys(location: Path | str, store: SqlKeyStore, now: datetime) -> CheckResult:
    """Check that the keys can be read, that only their owner can change them, and that none expires soon.

    `location` is the file, or the name of the database. A missing file is not a failure, and is not created.
    """
    try:
        if not await store.exists():
            return CheckResult(
                "keys", "ok", f"There is no {_describe_location(location)} yet: no key for callers over HTTP exists."
            )
        keys = await store.list_keys()
    except OperatorError as error:
        return CheckResult("keys", "failed", error.message, error.next_step or "Restore the file, or make new keys.")
    finally:
        await store.aclose()
    states = Counter(key.state(now) for key in keys)
    found = f"{location}: {states['active']} active, {states['expired']} expired, {states['revoked']} revoked."
    if isinstance(location, Path) and is_open_to_others(location):
        found = f"{location} is open to other users of this machine, who could change or read it."
        return CheckResult("keys", "warning", found, f"Run: chmod 600 {location}*")
    if soon := _expiring(keys, now):
        named = ", ".join(f"{key.id} of {key.person}" for key in soon[:_MAX_NAMED])
        more = f" and {len(soon) - _MAX_NAMED} more" if len(soon) > _MAX_NAMED else ""
        found = f"{found} Within {_SOON.days} days these expire: {named}{more}."
        return CheckResult("keys", "warning", found, "Give their holders new ones: `taskhand keys create`.")
    return CheckResult("keys", "ok", found)


def _describe_location(location: Path | str) -> str:
    return f"file {location}" if isinstance(location, Path) else f"list of keys in {location}"


def _expiring(keys: Sequence[Key], now: datetime) -> list[Key]:
    """The active keys that expire soon, without those that were made for a shorter time."""
    return [
        key
        for key in keys
        if key.state(now) == "active"
        and key.expires_at is not None
        and key.expires_at - now < _SOON < key.expires_at - key.created_at
    ]

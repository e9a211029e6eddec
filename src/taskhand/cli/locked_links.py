"""The links of a server, even if it has no TASKHAND_VAULT_KEY to decrypt them."""

import logging
import time
from typing import Final

from taskhand.call.deadline import call_deadline
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.state import locate_links, open_link_store, open_links
from taskhand.vault.links_of_persons import Links

__all__ = ["open_served_links"]

_log = logging.getLogger(__name__)

_LOOKS_S: Final = 5.0
"""Seconds that a start waits for the database."""


async def open_served_links(settings: Settings) -> Links | None:
    """The linked credentials; None if there is no vault key and nobody has linked.

    Without the vault's key every link is broken. Calls of its person are refused: they never use the shared credential.
    """
    return open_links(settings) if settings.vault_keys or await _has_locked_links(settings) else None


async def _has_locked_links(settings: Settings) -> bool:
    """Whether linked credentials exist; True also if the database does not answer. The log reports both."""
    store = open_link_store(settings)
    try:
        with call_deadline(_LOOKS_S, time.monotonic):
            count = len(await store.list_links()) if await store.exists() else 0
    except OperatorError as error:
        _log.warning("linked credentials could not be read: %s", error.message)
        return True
    finally:
        await store.aclose()
    if count:
        _log.warning(
            "%s has %s %s of people, and TASKHAND_VAULT_KEY is not set: calls of these people are refused "
            "(link_broken). Set it to the key that encrypted the credentials.",
            locate_links(settings),
            count,
            "credential" if count == 1 else "credentials",
        )
    return count > 0

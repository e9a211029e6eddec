"""The health check of the vault."""

import shlex
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.sqlite.connection import is_open_to_others
from taskhand.vault.cipher import Cipher, no_key
from taskhand.vault.credential_link import ListedLink
from taskhand.vault.link_store import LinkStore
from taskhand.vault.links_of_persons import Links

__all__ = ["check_vault"]

_MAX_NAMED: Final = 3


async def check_vault(location: Path | str, store: LinkStore, cipher: Cipher, now: datetime) -> CheckResult:
    """Check that the first key decrypts every link, and that only its owner can read the file.

    `location` is the file, or the name of the database. A missing file is not a failure, and is not created.
    """
    links = Links(store, cipher, lambda: now)
    try:
        if not await store.exists():
            return CheckResult(
                "vault", "ok", f"There is no {_describe_location(location)} yet: nobody has linked a credential."
            )
        listed = await links.list()
        kept = await store.list_links()
    except OperatorError as error:
        return CheckResult("vault", "failed", error.message, error.next_step or "Restore the file.")
    finally:
        await store.aclose()
    states = Counter(link.state for link in listed)
    found = f"{location}: {states['linked']} linked, {states['ended']} to be linked again, {states['broken']} broken."
    if states["locked"]:
        found = f"{location} has {states['locked']} links, and there is no TASKHAND_VAULT_KEY to decrypt them."
        return CheckResult("vault", "failed", found, no_key().next_step)
    if isinstance(location, Path) and is_open_to_others(location):
        found = f"{location} is open to other users of this machine."
        return CheckResult("vault", "warning", found, f"Run: chmod 600 {shlex.quote(str(location))}")
    if broken := [link for link in listed if link.state == "broken"]:
        named = "; ".join(f"{link.person} for {link.connection}: it {link.flaw}" for link in broken[:_MAX_NAMED])
        remedy = "Add the missing key to TASKHAND_VAULT_KEY, or let the persons link again."
        return CheckResult("vault", "warning" if states["linked"] else "failed", f"{found} {named}.", remedy)
    if doubled := _find_doubled(listed):
        remedy = "The rule second_person counts them as two. `taskhand people unlink` removes the link of one of them."
        return CheckResult("vault", "warning", f"{found} {doubled}.", remedy)
    sealed = [
        kept_link.row.sealed for kept_link in kept if kept_link.row is not None and kept_link.row.sealed is not None
    ]
    if former := sum(secret.key_id != cipher.key_id for secret in sealed):
        found = f"{found} {former} of them are encrypted with an earlier key."
        return CheckResult("vault", "warning", found, "Run: taskhand vault rotate")
    return CheckResult("vault", "ok", found)


def _find_doubled(listed: Sequence[ListedLink]) -> str | None:
    """A clause that names two persons who have linked as the same member; None without any."""
    first: dict[tuple[str, str | None], ListedLink] = {}
    for other in listed:
        if other.state != "linked" or other.member.id is None:
            continue
        earlier = first.setdefault((other.connection, other.member.id), other)
        if {*earlier.owner.names}.isdisjoint(other.owner.names):
            both = f"{earlier.owner.shown_name} and {other.owner.shown_name}"
            return f"{both} are both {earlier.member.shown_name} in {earlier.connection}"
    return None


def _describe_location(location: Path | str) -> str:
    return f"file {location}" if isinstance(location, Path) else f"list of links in {location}"

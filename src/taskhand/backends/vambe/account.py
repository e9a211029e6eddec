"""The Vambe organisation of the tasks: team, contacts and health checks."""

import re
from collections.abc import Sequence

from taskhand.backends.remote.account import CrmAccount
from taskhand.backends.remote.parsing import id_of, objects
from taskhand.backends.remote.timing import Timing
from taskhand.backends.remote.ttl_cache import CachedValue
from taskhand.backends.vambe.client import VambeClient, Window
from taskhand.backends.vambe.mapping import contact_of, member_of
from taskhand.domain.capabilities import UUID
from taskhand.domain.check_result import CheckResult
from taskhand.domain.name_matching import has_words
from taskhand.domain.task import Contact, Member
from taskhand.http.health_checks import check_by_reading, check_upstream
from taskhand.http.response_body import Json, Reply

__all__ = ["Account"]


class Account(CrmAccount):
    """Reads the team and the contacts of an organisation."""

    def __init__(self, client: VambeClient, user_id: str | None, keep_s: float, timing: Timing) -> None:
        self._client = client
        self._user_id = user_id
        self._clock = timing.clock
        self._members = CachedValue(self._read_members, keep_s, timing.monotonic)

    async def members(self) -> tuple[Member, ...]:
        """The active members of the organisation."""
        return await self._members.get()

    async def _read_members(self) -> tuple[Member, ...]:
        return tuple(member_of(row) for row in objects((await self._client.members()).array) if id_of(row))

    async def me(self) -> str | None:
        """The configured user; Vambe has no request that gives the owner of a key."""
        return self._user_id

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by e-mail or phone, searched by Vambe; or by name or id, or an e-mail that Vambe does not find.

        Taskhand searches for the latter among the contacts who wrote within a year.
        """
        digits = "".join(filter(str.isdigit, query))
        if "@" in query and (rows := await self._client.search_contacts(email=query)):
            return _contacts(rows)[:limit]
        is_id = re.fullmatch(UUID, query) is not None
        if "@" not in query and len(digits) > len(query) / 2 and not is_id:
            return _contacts(await self._client.search_contacts(phone=digits))[:limit]
        recent = _contacts(await self._client.recent_contacts(days=365))
        of_id = [contact for contact in recent if query in (contact.id, contact.customer_id)]
        return tuple((of_id or [contact for contact in recent if has_words(contact.words, query)])[:limit])

    async def probe(self) -> Reply:
        """GET the team."""
        return await self._client.members()

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """The health checks, in two requests. Vambe documents neither scopes of a key nor rate headers."""
        client, today = self._client, self._clock().date().isoformat()
        reads = {"tasks": lambda: client.tasks(Window(today, today, dateless=False))}
        scopes = check_by_reading("Vambe", reads, writes=writes)
        return await check_upstream(client.http, self.probe, scopes, rate="VAMBE_RATE")


def _contacts(rows: Sequence[Json]) -> tuple[Contact, ...]:
    return tuple(contact_of(row) for row in objects(rows) if id_of(row))

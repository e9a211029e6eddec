"""A Close organization: its users, leads with their contacts, and health checks.

A lead is the contract's customer. A lead without contacts is returned as a contact without an id.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from taskhand.backends.close.client import CloseClient
from taskhand.backends.close.contact_search import ContactSearch, contact_of, lead_alone, name_of
from taskhand.backends.close.fields.task_types import INBOX, LEAD, label_of
from taskhand.backends.close.mapping import former_member_of, is_former_member, member_of
from taskhand.backends.close.offset_paging import read_all_pages
from taskhand.backends.remote.account import CrmAccount
from taskhand.backends.remote.parsing import JsonObject, id_of, objects, text_or_none
from taskhand.backends.remote.timing import Timing
from taskhand.backends.remote.ttl_cache import CachedValue
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import CallerError, OperatorError, TaskhandError
from taskhand.domain.task import Contact, Deal, Member
from taskhand.domain.task_type_lookup import KnownType
from taskhand.http.health_checks import check_by_reading, check_upstream
from taskhand.http.response_body import Reply

__all__ = ["Account"]

_MEMBERS_KEPT_S: Final = 30.0
_FORMER_KEPT_S: Final = 300.0
_MAX_LINKED: Final = 5
"""Maximum contacts or leads that `find_linked` reads, one request each."""


class Account(CrmAccount):
    """Reads the organization of a credential."""

    def __init__(self, client: CloseClient, timing: Timing) -> None:
        self._client = client
        self._users = CachedValue(lambda: read_all_pages(client.users), _MEMBERS_KEPT_S, timing.monotonic)
        self._timing = timing
        self._former = CachedValue(self._read_former, _FORMER_KEPT_S, timing.monotonic)
        self._contact_search = ContactSearch(client)
        self._user: JsonObject = {}
        """The credential's user; empty until it is read."""

    async def members(self) -> tuple[Member, ...]:
        """The users of the organization, without former ones."""
        return _members(row for row in await self._read_users() if not is_former_member(row))

    async def former_members(self) -> tuple[Member, ...]:
        """The users who left the organization, from the list of users and from the inactive memberships."""
        return await self._former.get()

    async def me(self) -> str:
        """The id of the credential's user; InvalidAnswer if the response has none."""
        if not self._user:
            reply = await self._client.me()
            if not id_of(reply.object):
                raise self._client.http.invalid(reply, "with a user without an id")
            self._user = reply.object
        return id_of(self._user)

    async def me_if_known(self) -> str | None:
        """The id of the credential's user; None if the request fails."""
        with suppress(TaskhandError):
            return await self.me()
        return None

    async def upstream_account(self) -> str | None:
        """The id of the credential's organization; None if Close lists several for its user, or none."""
        ids = await self._organization_ids()
        return ids[0] if len(ids) == 1 else None

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by their own name, e-mail or phone, or by the name of their lead; each word matches a beginning.

        If Close finds none, one page of all leads is filtered here: Close compares letters exactly as they are stored,
        hidden characters included. CallerError `query_too_wide` if too many leads match.
        """
        return await self._contact_search.find(query, limit)

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:
        """Contacts or leads by their ids, one request each; at most the first 5."""
        is_contact = field == "ai_contact_id"
        linked: dict[str, Contact | Deal] = {}
        wanted = [linked_id for linked_id in ids if linked_id.startswith("cont_" if is_contact else "lead_")]
        for linked_id in wanted[:_MAX_LINKED]:
            with suppress(CallerError):
                if is_contact:
                    row = await self._client.contact(linked_id)
                    linked[linked_id] = contact_of(row, text_or_none(row.get("lead_id")) or "", "")[0]
                else:
                    linked[linked_id] = lead_alone(linked_id, name_of(await self._client.lead(linked_id)))
        return linked

    async def task_types(self) -> tuple[KnownType, ...]:
        """The documented types, with their labels."""
        return tuple(KnownType(kind, label_of(kind)) for kind in INBOX)

    async def probe(self) -> Reply:
        """GET /me/, without a cache."""
        return await self._client.me()

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """Health checks, in three requests; Close has no endpoint for the scopes of a credential."""
        client, today = self._client, self._timing.clock().date()
        open_tasks = {"_type": LEAD, "is_complete": "false"}
        reads = {"tasks": lambda: client.tasks(open_tasks, today), "users": lambda: client.users(0)}
        scopes = check_by_reading("Close", reads, writes=writes, more="A key may do what its user may.")
        return await check_upstream(client.http, self.probe, scopes, rate="CLOSE_RATE")

    async def _read_former(self) -> tuple[Member, ...]:
        listed = _members(row for row in await self._read_users() if is_former_member(row))
        former = {member.id: member for member in listed}
        for organization_id in (await self._organization_ids())[:1]:
            with suppress(CallerError, OperatorError):
                ended = objects((await self._client.organization(organization_id)).get("inactive_memberships"))
                former |= {member.id: member for member in map(former_member_of, ended) if member}
        active = {member.id for member in await self.members()}
        return tuple(member for member in former.values() if member.id not in active)

    async def _organization_ids(self) -> Sequence[str]:
        await self.me()
        return list(filter(None, map(id_of, objects(self._user.get("organizations")))))

    async def _read_users(self) -> tuple[JsonObject, ...]:
        return (await self._users.get()).rows


def _members(rows: Iterable[JsonObject]) -> tuple[Member, ...]:
    return tuple(filter(None, map(member_of, rows)))

"""The data of a CRM account besides its tasks: people, contacts, deals, task types and health."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime

from taskhand.backends.remote.parsing import response_date
from taskhand.domain.check_result import CheckResult
from taskhand.domain.task import Contact, Deal, DealList, Member
from taskhand.domain.task_types import KnownType
from taskhand.http.response_body import Reply

__all__ = ["CrmAccount"]


class CrmAccount(ABC):
    """Reads the people and the contacts; a CRM with more data overrides the methods that return nothing here."""

    accessed = "credential"

    @abstractmethod
    async def probe(self) -> Reply:
        """Send one read that any credential may send, not from a cache."""

    @abstractmethod
    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:
        """Check the CRM's address, the credential, its scopes and the rate; never raises."""

    @abstractmethod
    async def members(self) -> tuple[Member, ...]:
        """The people who can be responsible for a task."""

    @abstractmethod
    async def me(self) -> str | None:
        """The member id that the credential or the settings name; None if unknown."""

    @abstractmethod
    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by name, phone or e-mail, up to `limit`."""

    async def former_members(self) -> tuple[Member, ...]:
        """The people who left the team."""
        return ()

    async def find_deals(self, query: str | None, limit: int) -> DealList:  # noqa: ARG002
        """Deals by a part of their names; without a query the deals that were changed last."""
        return DealList(())

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:  # noqa: ARG002
        """Contacts, customers or deals by their ids, as `Backend.find_linked` returns them."""
        return {}

    async def task_types(self) -> tuple[KnownType, ...]:
        """The types that tasks can have."""
        return ()

    async def upstream_time(self) -> datetime | None:
        """The time in the `Date` header of a response; None without one."""
        return response_date(await self.probe())

    async def check_access(self) -> None:
        """Send one read that any credential may send."""
        await self.probe()

    async def upstream_account(self) -> str | None:
        """The id of the account that the credential is for; None if the CRM does not tell it."""
        return None

"""What belongs to an account of a CRM besides its tasks."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime

from taskhand.domain.check_result import CheckResult
from taskhand.domain.task import Contact, Deal, DealList, Member
from taskhand.domain.task_types import KnownType
from taskhand.http.response_body import Reply

__all__ = ["CrmAccount"]


class CrmAccount(ABC):
    """Reads the people and the contacts; a CRM that has more than these overrides what answers none here."""

    @abstractmethod
    async def probe(self) -> Reply:
        """Read what any credential may read, not from a cache."""

    @abstractmethod
    async def check_health(self, now: datetime, *, writes: bool) -> tuple[CheckResult, ...]:
        """The way there, the credential, its scopes and the rate; never raises."""

    @abstractmethod
    async def members(self) -> tuple[Member, ...]:
        """The people who can be responsible for a task."""

    @abstractmethod
    async def me(self) -> str | None:
        """The member id of whoever the credential or the settings name."""

    @abstractmethod
    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by name, phone or e-mail, up to `limit`."""

    async def former_members(self) -> tuple[Member, ...]:
        """The people who left the team."""
        return ()

    async def find_deals(self, query: str | None, limit: int) -> DealList:  # noqa: ARG002
        """Deals by a part of their names; without a query those that were changed last."""
        return DealList(())

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact | Deal]:  # noqa: ARG002
        """Contacts, customers or deals by their ids, as `Backend.find_linked` wants them."""
        return {}

    async def task_types(self) -> tuple[KnownType, ...]:
        """The types that tasks can have."""
        return ()

    async def upstream_account(self) -> str | None:
        """The id of the account that the credential is for."""
        return None

"""The data of a CRM account besides its tasks: people, contacts, deals, task types and health."""

from abc import abstractmethod
from datetime import datetime

from taskhand.backends.base import Account
from taskhand.backends.remote.parsing import response_date
from taskhand.http.response_body import Reply

__all__ = ["CrmAccount"]


class CrmAccount(Account):
    """The account of a credential; a CRM with more data overrides the methods that return nothing in `Account`."""

    accessed = "credential"

    @abstractmethod
    async def probe(self) -> Reply:
        """Send one read that any credential may send, not from a cache."""

    async def upstream_time(self) -> datetime | None:
        """The time in the `Date` header of a response; None without one."""
        return response_date(await self.probe())

    async def check_access(self) -> None:
        """Send one read that any credential may send."""
        await self.probe()

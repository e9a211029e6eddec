"""The people and the contacts of an account of the example CRM."""

from collections.abc import Mapping, Sequence

from backends.example.client import ExampleClient
from backends.example.mapping import contact_of, member_of
from taskhand.backends.base import Account
from taskhand.domain.check_result import CheckResult
from taskhand.domain.name_matching import fold
from taskhand.domain.task import Contact, Member

__all__ = ["ExampleAccount"]


class ExampleAccount(Account):
    """The account of a client; one behind HTTP is a `CrmAccount`."""

    accessed = "credential"

    def __init__(self, client: ExampleClient) -> None:
        self._client = client

    async def check_access(self) -> None:
        """Nothing: the account is in this process."""

    async def check_health(self, *, writes: bool) -> tuple[CheckResult, ...]:  # noqa: ARG002  nothing can be wrong
        """The account itself."""
        return (CheckResult("reachability", "ok", "Example is in this process."),)

    async def members(self) -> tuple[Member, ...]:
        """The people of the account."""
        return tuple(map(member_of, self._client.people))

    async def me(self) -> str | None:
        """The owner of the key."""
        return self._client.people[0]["id"] if self._client.people else None

    async def find_contacts(self, query: str, limit: int) -> tuple[Contact, ...]:
        """Contacts by name, phone or e-mail; spaces do not count."""
        text = fold(query).replace(" ", "")
        found = map(contact_of, self._client.contacts)
        return tuple(
            contact
            for contact in found
            if text in fold(f"{contact.name}{contact.phone}{contact.email}").replace(" ", "")
        )[:limit]

    async def find_linked(self, field: str, ids: Sequence[str]) -> Mapping[str, Contact]:
        """Contacts by their ids, or those of customers by theirs."""
        found = map(contact_of, self._client.contacts)
        with_ids = [(contact.id if field == "ai_contact_id" else contact.customer_id, contact) for contact in found]
        return {key: contact for key, contact in with_ids if key is not None and key in ids}

"""Find contacts."""

from taskhand.domain.address import split_address
from taskhand.domain.errors import CallerError
from taskhand.domain.names import fold
from taskhand.domain.task import Contact
from taskhand.domain.text import strip_hidden, without_cut
from taskhand.service.app_context import AppContext

__all__ = ["find_contacts"]

_SHORTEST_QUERY = 2


async def find_contacts(app: AppContext, query: str, limit: int) -> tuple[Contact, ...]:
    """At most `limit` contacts by a part of their name, phone or e-mail; CallerError for a query that is too short."""
    address = split_address(query)
    query = address.of if address and "@" in address.of else without_cut(strip_hidden(query)).strip()
    if len(fold(query)) < _SHORTEST_QUERY:
        raise CallerError(
            "query is too short.", code="invalid_query", next_step=f"Send at least {_SHORTEST_QUERY} characters."
        )
    return await app.backend.find_contacts(query, limit)

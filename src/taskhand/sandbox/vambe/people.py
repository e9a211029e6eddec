"""Team members, and `GET /api/public/team-members/all`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskhand.sandbox.vambe.context import RequestContext


@dataclass(frozen=True)
class Member:
    """A user of the organisation; one who is not active is kept but not listed."""

    id: str
    name: str
    first_name: str
    last_name: str
    email: str
    phone: str | None = None
    active: bool = True


def list_members(ctx: RequestContext) -> list[dict[str, Any]]:
    """Give the active members: a plain array in the order of the database."""
    return [_shown(member) for member in ctx.store.members if member.active]


def _shown(member: Member) -> dict[str, Any]:
    row = asdict(member)
    del row["active"]
    return row

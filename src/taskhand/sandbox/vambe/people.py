"""Team members and their endpoint: https://docs.vambe.me/reference/team-members/get-all-team-members."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskhand.sandbox.vambe.context import RequestContext


@dataclass(frozen=True)
class TeamMember:
    """A user of the organisation; an inactive one is stored but not listed."""

    id: str
    name: str
    first_name: str
    last_name: str
    email: str
    phone: str | None = None
    active: bool = True


def list_members(ctx: RequestContext) -> list[dict[str, Any]]:
    """`GET /api/public/team-members/all`: a plain array of the active members, in stored order."""
    return [_render(member) for member in ctx.store.members if member.active]


def _render(member: TeamMember) -> dict[str, Any]:
    row = asdict(member)
    del row["active"]
    return row

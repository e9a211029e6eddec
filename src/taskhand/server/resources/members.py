"""The resource `taskhand://members`."""

from taskhand.server.resource import Resource
from taskhand.server.view import TeamAnswer
from taskhand.service.desk import Desk
from taskhand.service.look_up import list_team_members

__all__ = ["MEMBERS"]


async def _read(desk: Desk, _: str) -> TeamAnswer:
    return TeamAnswer.of(await list_team_members(desk))


MEMBERS = Resource(
    uri="taskhand://members",
    name="members",
    title="Team members",
    description="Who can be responsible for tasks, and who 'me' is. As list_team_members answers.",
    like="list_team_members",
    read=_read,
)

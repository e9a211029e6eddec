"""The resource `taskhand://members`."""

from taskhand.server.render.read_answers import TeamAnswer
from taskhand.server.resource import Resource
from taskhand.service.app_context import AppContext

__all__ = ["MEMBERS"]


async def _read(app: AppContext, _: str) -> TeamAnswer:
    from taskhand.service.list_team_members import list_team_members

    return TeamAnswer.of(await list_team_members(app))


MEMBERS = Resource(
    uri="taskhand://members",
    name="members",
    title="Team members",
    description="The people who can be responsible for tasks, and who 'me' is; the same as list_team_members returns.",
    like="list_team_members",
    read=_read,
)

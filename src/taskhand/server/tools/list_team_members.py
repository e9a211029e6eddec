"""The tool `list_team_members`."""

from typing import TYPE_CHECKING

from taskhand.domain.task import Body
from taskhand.server.render.read_answers import TeamAnswer
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["LIST_TEAM_MEMBERS"]


class ListTeamMembers(Body):
    """No arguments."""


async def _run(call: "Call", _: ListTeamMembers) -> TeamAnswer:
    from taskhand.service.list_team_members import list_team_members

    return TeamAnswer.of(await list_team_members(call.app))


LIST_TEAM_MEMBERS = Tool(
    name="list_team_members",
    title="List team members",
    description=(
        "List the people who can be responsible for tasks, and who 'me' is. Not needed before a write: writes take "
        "names and e-mails."
    ),
    kind="read",
    arguments=ListTeamMembers,
    answer=TeamAnswer,
    run=_run,
    is_called_by_board=True,
)

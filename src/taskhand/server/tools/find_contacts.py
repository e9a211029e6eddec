"""The tool `find_contacts`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from taskhand.domain.capability_notes import field_notes
from taskhand.domain.task import Body
from taskhand.server.render.read_answers import ContactsAnswer
from taskhand.server.tool import Tool

if TYPE_CHECKING:
    from taskhand.service.write_call import Call

__all__ = ["FIND_CONTACTS"]

_MAX_CONTACTS = 20


class FindContacts(Body):
    """The search for a contact."""

    query: Annotated[
        str,
        Field(
            description="Part of a name, phone number or e-mail, or an id; 2 characters or more",
            json_schema_extra=field_notes(deals="a deal is found by its name, for dealId"),
        ),
    ]


async def _run(call: "Call", arguments: FindContacts) -> ContactsAnswer:
    from taskhand.service.find_contacts import find_contacts

    matches = await find_contacts(call.app, arguments.query, _MAX_CONTACTS + 1)
    return ContactsAnswer.of(matches.contacts, _MAX_CONTACTS, matches.deals)


FIND_CONTACTS = Tool(
    name="find_contacts",
    title="Find contacts",
    description=(
        "Find outside contacts by name, phone or e-mail, to get the aiContactId and aiCustomerId that link a task to "
        "them. For colleagues use list_team_members."
    ),
    kind="read",
    arguments=FindContacts,
    answer=ContactsAnswer,
    run=_run,
)

"""The table of CRM requests agrees with what the sandboxes receive."""

import pytest

from requests_table.counted import SANDBOXED_CRMS, count_requests
from requests_table.table import CRMS, ROWS, Requests
from taskhand.domain.principal import Person, Principal
from taskhand.server.tools import TOOLS


@pytest.mark.parametrize("crm", CRMS)
async def test_every_tool_makes_the_number_of_requests_in_the_table(crm: str) -> None:
    assert await count_requests(SANDBOXED_CRMS[crm]) == {row.tool: getattr(row, crm) for row in ROWS}


NO_CREDENTIAL_NEEDED = {"list_team_members", "create_task", "create_tasks", "reassign_task", "bulk_update_tasks"}
"""Whose user the credential of Close is does not matter where it is known who calls: one request less."""


@pytest.mark.parametrize("crm", CRMS)
async def test_no_tool_makes_more_requests_for_a_known_person(crm: str) -> None:
    counts = await count_requests(SANDBOXED_CRMS[crm], Principal(Person.parse("ana@example.com")))
    table = {row.tool: getattr(row, crm) for row in ROWS}
    for tool in NO_CREDENTIAL_NEEDED if crm == "close" else ():
        table[tool] = table[tool]._replace(cold=table[tool].cold - 1)
    if crm == "close":
        # The first call looks among the users for whom an own change was made, the second for their names alone.
        cold, warm = table["list_events"]
        table["list_events"] = Requests(cold + 1, warm - 1)
    assert counts == table


def test_the_table_has_a_row_for_every_tool() -> None:
    assert [row.tool for row in ROWS] == [tool.name for tool in TOOLS]

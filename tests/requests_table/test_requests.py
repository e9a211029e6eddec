"""The table of CRM requests agrees with what the sandboxes receive."""

import pytest

from requests_table.counted import SANDBOXED_CRMS, count_requests
from requests_table.table import CRMS, ROWS
from taskhand.server.tools import TOOLS


@pytest.mark.parametrize("crm", CRMS)
async def test_every_tool_makes_the_number_of_requests_in_the_table(crm: str) -> None:
    assert await count_requests(SANDBOXED_CRMS[crm]) == {row.tool: getattr(row, crm) for row in ROWS}


def test_the_table_has_a_row_for_every_tool() -> None:
    assert [row.tool for row in ROWS] == [tool.name for tool in TOOLS]

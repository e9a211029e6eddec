"""The README's table of upstream requests is what the CRMs are really asked."""

import pytest

from requests_table.counted import PLACES, counted
from requests_table.table import CALLS, REQUESTS
from taskhand.server.tools import TOOLS


@pytest.mark.parametrize("backend", PLACES)
async def test_every_tool_makes_as_many_requests_as_the_table_says(backend: str) -> None:
    assert await counted(PLACES[backend]) == REQUESTS[backend]


def test_the_table_has_every_tool() -> None:
    assert [*CALLS] == [tool.name for tool in TOOLS]

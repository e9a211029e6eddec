"""The table of CRM requests agrees with what the sandboxes receive."""

from dataclasses import replace

import pytest

from requests_table.counted import COUNTED_CRMS, WrongExample, count_requests
from requests_table.table import COUNTS
from taskhand.domain.principal import Person, Principal


@pytest.mark.parametrize("crm", COUNTED_CRMS)
async def test_every_tool_makes_the_number_of_requests_in_the_table(crm: str) -> None:
    assert await count_requests(COUNTED_CRMS[crm]) == COUNTS[crm]


@pytest.mark.parametrize("crm", COUNTED_CRMS)
async def test_no_tool_makes_more_requests_for_a_known_person(crm: str) -> None:
    counts = await count_requests(COUNTED_CRMS[crm], Principal(Person.parse("ana@example.com")))
    assert counts.keys() == COUNTS[crm].keys()
    more = {tool: (made, COUNTS[crm][tool]) for tool, made in counts.items() if sum(made) > sum(COUNTS[crm][tool])}
    assert more == {}


async def test_the_user_of_a_credential_is_not_read_for_a_known_person() -> None:
    counts = await count_requests(COUNTED_CRMS["close"], Principal(Person.parse("ana@example.com")))
    assert counts["list_team_members"].cold == COUNTS["close"]["list_team_members"].cold - 1


async def test_an_example_that_a_crm_refuses_is_named_with_its_tool_and_the_crm() -> None:
    crm = replace(COUNTED_CRMS["close"], required={"aiCustomerId": ""})
    with pytest.raises(
        WrongExample, match=r"^create_task: Close refuses its example\. \S.* in tests/server/example_calls\.py"
    ):
        await count_requests(crm)

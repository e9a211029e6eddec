"""Arguments that cost the server more than the caller: each is refused or answered at once."""

from collections.abc import AsyncIterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from mcp import Client

from behaviour.agent import Refused
from safety.account import Agent
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.server.arguments.coercion import coerce
from taskhand.server.arguments.refused_values import refused_value
from taskhand.wiring import open_app

MANY = [f"00000000-0000-4000-8000-{number:012d}" for number in range(40_000)]
LONG = "Ana Pérez " * 400_000
AT_ONCE_S = 1.0


@pytest.fixture
async def agent(store_file: Path) -> AsyncIterator[Agent]:
    async with (
        open_app(Settings.from_env({"TASKHAND_DB": str(store_file)})) as app,
        Client(create_server(app)) as client,
    ):
        yield Agent(client)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_tasks", {"responsibleIds": MANY}),
        ("list_tasks", {"status": MANY}),
        ("list_tasks", {"fields": ["title"] * 40_000}),
        ("list_tasks", {"text": LONG}),
        ("list_tasks", {"responsibleIds": [LONG]}),
        ("list_tasks", {"cursor": LONG}),
        ("find_contacts", {"query": LONG}),
        ("create_task", {"title": "Call", "responsibleIds": MANY, "priority": "1"}),
        ("bulk_update_tasks", {"filter": {"responsibleIds": MANY}, "changes": {"priority": "1"}}),
        ("bulk_update_tasks", {"taskIds": MANY, "changes": {"priority": "1"}}),
        ("update_task", {"id": MANY[0], "newStatusName": LONG}),
        ("get_task", {"id": LONG}),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
async def test_a_list_or_a_text_without_measure_is_refused_at_once(
    agent: Agent, tool: str, arguments: dict[str, Any]
) -> None:
    began = process_time()
    with pytest.raises(Refused) as caught:
        await agent(tool, **arguments)
    assert process_time() - began < AT_ONCE_S
    assert caught.value.code in {"invalid_arguments", "invalid_id", "too_many_responsibles", "invalid_cursor"}


async def test_as_many_people_as_a_list_may_have_are_answered_at_once(agent: Agent) -> None:
    began = process_time()
    with pytest.raises(Refused) as caught:
        await agent("list_tasks", responsibleIds=MANY[:2_000])
    assert caught.value.code == "unknown_member"
    assert process_time() - began < 2 * AT_ONCE_S


@pytest.mark.parametrize("cursor", ["9223372036854775808", "9999999999999999999", "9" * 5_000, "-1", "٣"])
async def test_a_cursor_of_the_journal_that_no_list_gave_is_refused(agent: Agent, cursor: str) -> None:
    with pytest.raises(Refused) as caught:
        await agent("list_changes", cursor=cursor)
    assert caught.value.code == "invalid_cursor"


async def test_the_largest_cursor_is_answered(agent: Agent) -> None:
    assert (await agent("list_changes", cursor=str(2**63 - 1)))["changes"] == []


def test_a_list_or_text_may_be_as_long_as_any_that_has_a_meaning_and_no_longer() -> None:
    texts: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
    for value, schema, is_refused in (
        (("x",) * 2_000, texts, False),
        (("x",) * 2_001, texts, True),
        ("x" * 10_000, {"type": "string"}, False),
        ("x" * 10_001, {"type": "string"}, True),
    ):
        assert (refused_value("query", value, schema, optional=True) is not None) is is_refused
    assert refused_value("query", 10**15 - 1, {"type": "string"}, optional=True) is None
    for number in (10**15, -(10**15)):
        as_sent = coerce("query", number, {"type": "string"})
        assert refused_value("query", as_sent, {"type": "string"}, optional=True) == "query is too large a number."
        assert refused_value("limit", number, {"type": "integer"}, optional=True) is None  # its bounds refuse it


@pytest.mark.parametrize("name", ["title", "description", "changes.description", "cursor"])
def test_the_length_of_a_text_with_a_rule_of_its_own_is_left_to_that_rule(name: str) -> None:
    assert refused_value(name, "x" * 10_001, {"type": "string"}, optional=True) is None

"""A server that is not configured: it opens, lists what it would offer, and answers every call with the error."""

import json

import pytest
from mcp import Client, MCPError
from mcp.types import INTERNAL_ERROR, TextContent

from server.example_calls import VALID
from taskhand.domain.errors import OperatorError
from taskhand.server.app import create_not_configured_server
from taskhand.server.prompts import PROMPTS
from taskhand.server.tools import TOOLS

ERAS = ("legacy", "auto")
CAUSE = OperatorError("VAMBE_API_KEY is not set.", next_step="Set VAMBE_API_KEY.")


@pytest.mark.parametrize("era", ERAS)
async def test_every_call_of_every_tool_is_answered_with_the_error_of_the_configuration(era: str) -> None:
    async with Client(create_not_configured_server(CAUSE), mode=era) as client:
        listed = [tool.name for tool in (await client.list_tools()).tools]
        assert listed == [tool.name for tool in TOOLS]
        for tool in [*listed, "make_coffee"]:
            for arguments in (VALID.get(tool, {}), {"nonsense": [None]}):
                result = await client.call_tool(tool, arguments)
                assert result.is_error
                [text] = [part.text for part in result.content if isinstance(part, TextContent)]
                error = json.loads(text)["error"]
                assert error["code"] == "not_configured"
                assert error["retryable"] is False
                assert "VAMBE_API_KEY is not set." in error["message"]
                assert "Set VAMBE_API_KEY." in error["next"]


@pytest.mark.parametrize("era", ERAS)
async def test_instructions_prompts_and_resources_report_the_missing_configuration(era: str) -> None:
    async with Client(create_not_configured_server(CAUSE), mode=era) as client:
        assert "VAMBE_API_KEY is not set." in (client.instructions or "")
        assert len((await client.list_prompts()).prompts) == len(PROMPTS)
        addresses = [one.uri for one in (await client.list_resources()).resources]
        assert len((await client.list_resource_templates()).resource_templates) == 1
        for uri in (*addresses, "task://1"):
            with pytest.raises(MCPError, match="VAMBE_API_KEY is not set"):
                await client.read_resource(uri)
        with pytest.raises(MCPError, match="VAMBE_API_KEY is not set") as refused:
            await client.get_prompt(PROMPTS[0].name)
        assert refused.value.code == INTERNAL_ERROR


@pytest.mark.parametrize("era", ERAS)
async def test_an_unconfigured_server_offers_no_subscriptions_or_completions(era: str) -> None:
    async with Client(create_not_configured_server(CAUSE), mode=era) as client:
        capabilities = client.server_capabilities
        assert capabilities.resources is not None
        assert not capabilities.resources.subscribe
        assert not capabilities.resources.list_changed
        assert capabilities.completions is None


async def test_a_configuration_error_without_a_remedy_still_has_a_next_step() -> None:
    async with Client(create_not_configured_server(OperatorError("TASKHAND_IDS is not usable."))) as client:
        result = await client.call_tool("list_tasks", {})
    assert "has to be corrected" in "".join(part.text for part in result.content if isinstance(part, TextContent))

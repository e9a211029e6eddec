from typing import Any

import pytest

from taskhand.domain.capabilities import Capabilities
from taskhand.server.arguments.host_keys import HOST_KEYS, without_host_keys
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.schemas.portable import fields_of
from taskhand.server.tools import TOOLS

ARGUMENTS = {tool.name: fields_of(input_schema(tool.arguments, Capabilities())) for tool in TOOLS}


@pytest.mark.parametrize("name", HOST_KEYS)
def test_every_key_has_a_public_source_and_is_no_misspelt_argument(name: str) -> None:
    assert HOST_KEYS[name].startswith("https://")
    taken = {tool for tool, arguments in ARGUMENTS.items() if name in arguments}
    assert taken <= {"list_changes"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"tool": "update_task"}, {"tool": "update_task"}),
        ({"tool": "list_tasks"}, {"tool": "list_tasks"}),
        ({"tool": "list_changes", "toolCallId": "call_1", "limit": 5}, {"limit": 5}),
        ({"tool": {"name": "list_changes"}, "toolCallId": "call_1"}, {}),
        ({"tool": "update_task", "toolCallId": "call_1"}, {"tool": "update_task"}),
        ({"toolcallid": "x"}, {"toolcallid": "x"}),
    ],
)
def test_an_argument_of_the_tool_is_kept_unless_it_is_surely_the_hosts(
    sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert without_host_keys(sent, ARGUMENTS["list_changes"]) == kept

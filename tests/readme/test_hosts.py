"""docs/hosts.md has the configuration of every host, and that configuration starts the server."""

import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from documents import ROOT
from taskhand.install import HOSTS, Host, Launch

PAGE = (ROOT / "docs" / "hosts.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent


async def test_the_blocks_of_all_hosts_start_the_server(environment: dict[str, str]) -> None:
    commands = set()
    for host in HOSTS:
        block = host.block(Launch())
        assert f"```{host.format.LANGUAGE}\n{block}\n```" in PAGE
        entry = host.format.find_value(block, (host.key, "taskhand"))
        commands.add((entry["command"], *entry["args"]))
    for command, *arguments in commands:
        server = StdioServerParameters(command=str(BIN / command), args=arguments, env=environment)
        async with Client(stdio_client(server), mode="legacy") as client:
            assert (await client.list_tools()).tools


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.name)
def test_the_table_has_every_host(host: Host) -> None:
    assert f"| `{host.slug}` |" in PAGE

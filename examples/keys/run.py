"""A server that asks callers for keys: a key that only reads is offered the tools that read, until it is revoked.

Usage: python run.py STORE_FILE
"""

import os
import subprocess
import sys
from pathlib import Path

import anyio
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

TASKHAND = [sys.executable, "-m", "taskhand"]


def taskhand(*arguments: str) -> str:
    """The output of a command."""
    return subprocess.run([*TASKHAND, *arguments], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


async def tools_of(url: str, key: str) -> list[str]:
    """The tools that the holder of a key is offered."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        return [tool.name for tool in (await client.list_tools()).tools]


async def main(store: str) -> None:
    """Make a key, use it, and revoke it."""
    os.environ |= {"TASKHAND_DB": store, "TASKHAND_KEYS": str(Path(store).with_name("keys.sqlite"))}
    server = [*TASKHAND, "serve", "--http", "--port", "0", "--auth", "keys"]
    with subprocess.Popen(server, stderr=subprocess.PIPE, text=True) as serving:  # noqa: ASYNC220, S603  our own command
        assert serving.stderr
        url = serving.stderr.readline().split()[-1]
        key = taskhand("keys", "create", "--person", "nightly-report", "--scopes", "read", "--expires", "12h")
        print("The report is offered", ", ".join(await tools_of(url, key)))
        taskhand("keys", "revoke", "--person", "nightly-report")
        async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http:
            print("The report now gets", (await http.post(url)).status_code)
        serving.terminate()


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its argument
        sys.exit("Usage: python run.py STORE_FILE")
    anyio.run(main, sys.argv[1])

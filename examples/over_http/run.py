"""Several agents on one server: serve over HTTP, and connect two clients, one of each protocol era.

Usage: python run.py STORE_FILE
"""

import subprocess
import sys

import anyio
from mcp import Client


async def main(store: str) -> None:
    """Let one client create a task and the other complete it."""
    command = [sys.executable, "-m", "taskhand", "--db", store, "serve", "--http", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:  # noqa: ASYNC220, S603  our own command
        assert server.stderr
        url = server.stderr.readline().split()[-1]
        async with Client(url) as new, Client(url, mode="legacy") as old:
            body = {"title": "Call Acme", "responsibleIds": ["me"], "priority": "1"}
            created = await new.call_tool("create_task", body)
            assert created.structured_content
            done = await old.call_tool("complete_task", {"id": created.structured_content["task"]["id"]})
            assert done.structured_content
            print(new.protocol_version, "created it,", old.protocol_version, "completed it:")
            print(done.structured_content["changed"])
        server.terminate()


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004  the program and its argument
        sys.exit("Usage: python run.py STORE_FILE")
    anyio.run(main, sys.argv[1])

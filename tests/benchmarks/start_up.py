"""Start-up: from spawn to the answer of tools/list over stdio, against a bare one-tool server in the same run.

Run it with `make bench`. The two are started in turn, so that whatever else the machine does hits both; the best round
of each is compared, because noise only ever adds.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

GOAL = 1.25
ROUNDS = 15

BARE = """
from mcp.server import MCPServer
server = MCPServer("bare")
@server.tool()
def hello(name: str) -> str:
    return name
server.run("stdio")
"""

MESSAGES = (
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "bench", "version": "1"},
        },
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
)


def started(command: Sequence[str], environment: dict[str, str]) -> float:
    """Seconds from spawn to the tool list."""
    begin = time.perf_counter()
    with subprocess.Popen(  # noqa: S603  our own commands
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        assert process.stdin
        assert process.stdout
        for message in MESSAGES:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            if "id" in message:
                assert b'"result"' in process.stdout.readline()
        took = time.perf_counter() - begin
        process.stdin.close()
        process.wait(5)
    return took


def ratio(rounds: int = ROUNDS) -> tuple[float, float, float]:
    """The best round of ours and of the bare server in seconds, and ours over bare."""
    with TemporaryDirectory() as folder:
        environment = os.environ | {"TASKHAND_DB": str(Path(folder) / "tasks.sqlite")}
        ours, bare = [], []
        for _ in range(rounds):
            bare.append(started([sys.executable, "-c", BARE], environment))
            ours.append(started([sys.executable, "-m", "taskhand"], environment))
    return min(ours), min(bare), min(ours) / min(bare)


def main() -> int:
    """Print the figures; fail when the goal is missed."""
    ours, bare, times = ratio()
    sys.stdout.write("| figure | ours | bare server | ratio | goal |\n| --- | --- | --- | --- | --- |\n")
    sys.stdout.write(
        f"| spawn to tools/list | {ours * 1000:.0f} ms | {bare * 1000:.0f} ms | {times:.2f} | <= {GOAL} |\n"
    )
    return 0 if times <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())

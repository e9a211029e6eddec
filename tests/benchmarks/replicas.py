"""Calls a second of 1 to 4 replicas on one PostgreSQL database, and one write against a bare tool with the same SQL.

Reads are `get_task` and writes `update_task`, of the built-in store in the same database. 16 clients are spread over
the replicas; each sends its next call after an answer. Replicas, PostgreSQL and clients share the processors of this
machine: with two of them a second replica gains little, and a third nothing. The server is one of our own without
fsync, or the one that TASKHAND_TEST_POSTGRES names.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Measurement, median_ratio
from benchmarks.host import BARE, Host, plain_environment, taskhand
from benchmarks.http_calls import open_server, rate, request_bytes
from postgres_server import open_database

__all__ = ["measure"]

REPLICAS = 4
ROUNDS = 6
UPDATES = 200
_FIRST = 20
"""Updates that are not counted."""
_CLIENTS = 16
_SECONDS = 1.5
"""Seconds of each turn."""
_KEY = "0123456789abcdef0123456789abcdef"


def measure(rounds: int = ROUNDS, updates: int = UPDATES) -> Measurement:
    """Ratios to one replica; absolute numbers beside them, as a disk and a network decide them."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        database = stack.enter_context(open_database())
        environment = plain_environment(
            TASKHAND_DB=database.url,
            TASKHAND_STATE=database.url,
            TASKHAND_STATE_KEY=_KEY,
            TASKHAND_KEYS=str(Path(folder) / "keys.sqlite"),
            TASKHAND_CONFIG=os.devnull,
            TASKHAND_REQUESTS_S="0",
            BENCH_POSTGRES=database.url,
        )
        with Host(taskhand(), environment) as host:
            ids = [_create_task(host, f"Call {number}") for number in range(_CLIENTS)]
        write = _time_update(environment, ids[:2], updates)
        serve = taskhand("serve", "--http", "--stateless", "--port", "0")
        ports = [stack.enter_context(open_server(serve, environment)) for _ in range(REPLICAS)]
        reads, writes = {}, {}
        for count in range(1, REPLICAS + 1):
            reads[count] = _measure_rate(ports[:count], "get_task", ids, rounds)
            writes[count] = _measure_rate(ports[:count], "update_task", ids, rounds)
    rows = [
        f"| {count} | {reads[count]:.0f} ({reads[count] / reads[1]:.2f} x) | "
        f"{writes[count]:.0f} ({writes[count] / writes[1]:.2f} x) |"
        for count in reads
    ]
    head = [
        f"Processors: {os.cpu_count()}. One `update_task` against a bare tool with the same SQL: {write:.2f} x.",
        "",
        "| replicas | `get_task` a second | `update_task` a second |",
        "| --- | --- | --- |",
    ]
    return Measurement({}, "\n".join([*head, *rows]))


def _time_update(environment: dict[str, str], ids: Sequence[str], updates: int) -> float:
    """The median turn of one `update_task` against the bare tool."""
    mine, theirs = ids
    with Host(taskhand(), environment) as ours, Host([sys.executable, str(BARE / "postgres.py")], environment) as bare:
        turns = [
            (
                ours.timed(ours.line("update_task", {"id": mine, "title": f"Call Acme {number}"})),
                bare.timed(bare.line("update_task", {"id": theirs, "title": f"Call Globex {number}"})),
            )
            for number in range(updates + _FIRST)
        ]
    return median_ratio(turns[_FIRST:])


def _measure_rate(ports: Sequence[int], tool: str, ids: Sequence[str], rounds: int) -> float:
    """Calls a second of all replicas together; the first turn is not counted."""
    found = []
    for turn in range(rounds + 1):
        more = {"title": f"Call {turn} of {len(ports)}"} if tool == "update_task" else {}
        calls = [
            (ports[number % len(ports)], request_bytes(ports[number % len(ports)], tool, {"id": task_id} | more))
            for number, task_id in enumerate(ids)
        ]
        found.append(asyncio.run(rate(calls, _SECONDS)))
    return sum(found[1:]) / rounds


def _create_task(host: Host, title: str) -> str:
    return str(host.call("create_task", title=title, responsibleIds=["me"], priority="1")["task"]["id"])

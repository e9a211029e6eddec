"""Tokens: the tool list, a page of 25 tasks, a write's answer; text and structured twin both, against typed peers."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figure import Found
from benchmarks.host import Host, plain_environment, taskhand
from benchmarks.peers import PEERS, tokens

__all__ = ["measure"]

_ROWS = 26
"""One more than a page has: it ends with a cursor, as theirs do."""
_TITLES = (
    "Call Acme about the renewal",
    "Send the offer to Globex",
    "Ask Carolina Vega for the signed contract",
    "Prepare the demo for Initech on Thursday",
    "Follow up on invoice 4711",
)


def measure() -> Found:
    """The answers as they go over the wire."""
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"), TASKHAND_USER="Elisa Mora")
        with Host(taskhand(), environment) as host:
            tools = tokens(_compact(host.ask("tools/list")["tools"]))
            for number in range(_ROWS):
                made = host.call("create_task", title=f"{_TITLES[number % 5]} ({number})", **_BODY)
            page = host.ask("tools/call", name="list_tasks", arguments={})
            sent = {"id": made["task"]["id"], "title": "Call Acme about the renewal", "priority": "2"}
            write = host.ask("tools/call", name="update_task", arguments=sent)
    rows = page["structuredContent"]["tasks"]
    updated = next(row for row in rows if row["id"] == sent["id"]) | {"title": sent["title"]}
    ours = {"tools": tools, "page": _said(page), "write": _said(write)}
    theirs = {
        peer.name: {"tools": float(peer.tool_list), "page": peer.page(rows), "write": peer.write(updated)}
        for peer in PEERS
    }
    least = {kind: min(peer[kind] for peer in theirs.values()) for kind in ours}
    values = {f"tokens {kind}": ours[kind] / least[kind] for kind in ours}
    task = 2 * tokens(_compact(write["structuredContent"]["task"]))
    told = f"Of ours, {task:,.0f} are the whole task, which every write of ours answers, and the two smallest never do."
    return Found(values, f"{_table({'Taskhand': ours} | theirs)}\n\n{told}")


_BODY: dict[str, Any] = {"responsibleIds": ["me"], "priority": "1", "dueDate": "2026-03-06"}


def _said(result: Mapping[str, Any]) -> float:
    """An answer's text and its structured twin."""
    return tokens(*(part["text"] for part in result["content"]), _compact(result["structuredContent"]))


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _table(servers: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        f"| {name} | {told['tools']:,.0f} | {told['page']:,.0f} | {told['write']:,.0f} |"
        for name, told in servers.items()
    ]
    head = ["| tokens | tool list | a page of 25 tasks | an update's answer |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])

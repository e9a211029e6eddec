"""Tokens of the tool list, a page of 25 tasks and a write's answer (text and structured copy), against peers."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figure import Measurement
from benchmarks.host import Host, plain_environment, taskhand
from benchmarks.peers import PEERS, compact_json, tokens

__all__ = ["measure"]

_ROWS = 26
"""One more than a page, so that the page ends with a cursor like those of the peers."""
_TITLES = (
    "Call Acme about the renewal",
    "Send the offer to Globex",
    "Ask Carolina Vega for the signed contract",
    "Prepare the demo for Initech on Thursday",
    "Follow up on invoice 4711",
)


def measure() -> Measurement:
    """The answers as they are sent."""
    with TemporaryDirectory() as folder:
        environment = plain_environment(
            TASKHAND_DB=str(Path(folder) / "tasks.sqlite"),
            TASKHAND_USER="Elisa Mora",
            TASKHAND_CLOCK=_NOW,  # later the tasks would be overdue, and their rows longer
        )
        with Host(taskhand(), environment) as host:
            listed = host.ask("tools/list")["tools"]
            tools = tokens(compact_json(listed))
            core = tokens(compact_json([{key: tool[key] for key in _CORE} for tool in listed]))
            for number in range(_ROWS):
                created = host.call("create_task", title=f"{_TITLES[number % 5]} ({number})", **_BODY)
            page = host.ask("tools/call", name="list_tasks", arguments={})
            arguments = {"id": created["task"]["id"], "title": "Call Acme about the renewal", "priority": "2"}
            write = host.ask("tools/call", name="update_task", arguments=arguments)
    rows = page["structuredContent"]["tasks"]
    updated = next(row for row in rows if row["id"] == arguments["id"]) | {"title": arguments["title"]}
    ours = {"tools": tools, "page": _answer_tokens(page), "write": _answer_tokens(write)}
    theirs = {
        peer.name: {"tools": float(peer.tool_list), "page": peer.page(rows), "write": peer.write(updated)}
        for peer in PEERS
    }
    least = {kind: min(peer[kind] for peer in theirs.values()) for kind in ours}
    values = {f"tokens {kind}": ours[kind] / least[kind] for kind in ours}
    values |= {"tokens core": core, "tokens whole list": tools}
    values |= {"tokens whole page": ours["page"], "tokens whole write": ours["write"]}
    details = "Our answer to an update has the row of the task, and each value that changed as it was before and after."
    return Measurement(values, f"{_table({'Taskhand': ours} | theirs)}\n\n{details}")


_NOW = "2026-03-02T12:00:00Z"
_CORE = ("name", "description", "inputSchema")
_BODY: dict[str, Any] = {"responsibleIds": ["me"], "priority": "1", "dueDate": "2026-03-06"}


def _answer_tokens(result: Mapping[str, Any]) -> float:
    """The tokens of an answer's text and of its structured copy."""
    return tokens(*(part["text"] for part in result["content"]), compact_json(result["structuredContent"]))


def _table(servers: Mapping[str, Mapping[str, float]]) -> str:
    rows = [
        f"| {name} | {details['tools']:,.0f} | {details['page']:,.0f} | {details['write']:,.0f} |"
        for name, details in servers.items()
    ]
    head = ["| tokens | tool list | a page of 25 tasks | an update's answer |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])

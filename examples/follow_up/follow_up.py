"""A follow-up: what a customer's owner has completed becomes a new task for the same customer, three days later.

Usage, in the folder of the source, in one line:
    taskhand events --follow --kind completed --bookmark follow-up
    --exec "python examples/follow_up/follow_up.py 'Ana Soto'"

Each completed task comes on standard input, as a row of `list_events`. Whoever completed it must be the owner that the
command names, and it must be a task of a customer. After a crash an event may come twice: the key makes one task of it.
"""

import json
import os
import sys
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import TextContent


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a tool; RuntimeError where it refuses, and this program is run again."""
    result = await client.call_tool(tool, arguments)
    answer: dict[str, Any] = json.loads("".join(one.text for one in result.content if isinstance(one, TextContent)))
    if result.is_error:
        raise RuntimeError(answer["error"]["message"])
    return answer


def is_wanted(event: dict[str, Any], owner: str) -> bool:
    """Whether the owner has completed a task."""
    return event["kind"] == "completed" and event.get("by") == owner


async def follow_up(client: Client, event: dict[str, Any], owner: str) -> str | None:
    """The id of the new task; None where the completed one is of no customer."""
    done = (await call(client, "get_task", id=event["id"]))["task"]
    customer = {"aiContactId": done["ai_contact_id"], "aiCustomerId": done["ai_customer_id"]}
    if not any(customer.values()):
        return None
    made = await call(
        client,
        "create_task",
        title=f"Follow up: {done['title']}",
        responsibleIds=[owner],
        dueDate="in 3 days",
        priority="1",
        idempotencyKey=f"follow-up {event['id']} {event.get('at') or event.get('between')}",
        **{name: value for name, value in customer.items() if value},
    )
    return str(made["task"]["id"])


async def main(event: dict[str, Any], owner: str) -> None:
    """Start Taskhand as a host would, with the settings of this environment."""
    made = None
    if is_wanted(event, owner):
        server = StdioServerParameters(command=sys.executable, args=["-m", "taskhand"], env=dict(os.environ))
        async with Client(server) as client:
            made = await follow_up(client, event, owner)
    print(f"Made {made}." if made else "Nothing to follow up.")


if __name__ == "__main__":
    if not sys.argv[1:] or sys.argv[2:]:
        sys.exit("Usage: python follow_up.py OWNER, with an event on standard input")
    anyio.run(main, json.load(sys.stdin), sys.argv[1])

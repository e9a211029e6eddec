"""A daily sweep: what is late is shown, planned to move to another day, and moved once a person says yes.

Usage: python run.py STORE_FILE [--yes]

It needs no webhook and no model: run it by cron, or by hand with the question on the terminal. Nothing is written
before the yes, what is written is exactly what was shown, and the last line says how to take it back.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import TextContent


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer of a tool; RuntimeError with what the tool says when it refuses."""
    result = await client.call_tool(tool, arguments)
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    answer: dict[str, Any] = json.loads(text)
    if result.is_error:
        raise RuntimeError(answer["error"]["message"])
    return answer


async def sweep(client: Client, to_day: str, confirm: Callable[[], Awaitable[bool]]) -> None:
    """Move what is late to `to_day`, if `confirm` says yes after the difference was shown."""
    late = (await call(client, "list_tasks", overdue=True, limit=1))["tasks"]
    if not late:
        print("Nothing is late.")
        return
    changes = {"dueDate": to_day}
    plan = await call(client, "bulk_update_tasks", filter={"overdue": True}, changes=changes, reason="daily sweep")
    print(f"{plan['count']} late tasks would move to {to_day}:")
    for row in plan["difference"]:
        print(f"- {row['title']}: {row['changed']['due']['from']} → {row['changed']['due']['to']}")
    if not await confirm():
        print("Left as it is.")
        return
    done = await call(client, "apply_plan", planId=plan["planId"])
    print(f"Moved: {done['totals'].get('applied', 0)} of {done['count']}.")
    print(f'To take it back: taskhand call undo_change \'{{"changeId": "{done["changeId"]}"}}\'')


async def on_the_terminal() -> bool:
    """Ask whoever sits there."""
    said = await anyio.to_thread.run_sync(input, "Carry it out? [y/N] ")
    return said.strip().lower() in {"y", "yes"}


async def always() -> bool:
    """Do not ask: for a scheduler, whose owner has said yes once and for all."""
    return True


async def main(store: str, *, yes: bool) -> None:
    """Start Taskhand as a host would, and sweep."""
    server = StdioServerParameters(command=sys.executable, args=["-m", "taskhand", "--db", store])
    tomorrow = date.today() + timedelta(days=1)  # noqa: DTZ011  the day of whoever runs it
    async with Client(server) as client:
        await sweep(client, tomorrow.isoformat(), always if yes else on_the_terminal)


if __name__ == "__main__":
    files = [one for one in sys.argv[1:] if one != "--yes"]
    if len(files) != 1:
        sys.exit("Usage: python run.py STORE_FILE [--yes]")
    anyio.run(partial(main, files[0], yes="--yes" in sys.argv))

"""An agent in an environment of its own: `python other_agent.py URL "Finish: welcome kit"`.

It imports nothing of Taskhand, so it may use any version of any MCP library.
"""

import asyncio
import sys

from mcp import Client


async def main(url: str, said: str) -> None:
    """Finish the task whose words the person said."""
    async with Client(url) as client:
        found = await client.call_tool("list_tasks", {"text": said.removeprefix("Finish: ")})
        task = (found.structured_content or {})["tasks"][0]
        await client.call_tool("complete_task", {"id": task["id"]})
        print(f"Finished {task['title']}.")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

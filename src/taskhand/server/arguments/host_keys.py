"""Arguments that hosts add to every call on their own; pure.

They are not about tasks, so they are ignored if the tool has no argument of that name. The list is short and has a
public source for each name: any other unknown argument is refused, because it may be a typo.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

__all__ = ["HOST_KEYS", "without_host_keys"]

_N8N: Final = "https://github.com/n8n-io/n8n/issues/21500"

HOST_KEYS: Final[Mapping[str, str]] = {
    # n8n sends the item that triggered the workflow along with the arguments.
    "toolCallId": _N8N,
    "tool": _N8N,
    "sessionId": "https://github.com/n8n-io/n8n/issues/22787",
    "action": "https://github.com/n8n-io/n8n/issues/22787",
    "chatInput": "https://github.com/n8n-io/n8n/issues/22787",
    # Cline's list of steps.
    "task_progress": "https://github.com/cline/cline/issues/8256",
    # The order of calls in Gemini CLI.
    "wait_for_previous": "https://github.com/MemPalace/mempalace/pull/322",
    # Frameworks that put the request's metadata among the arguments.
    "_meta": "https://github.com/langchain-ai/langchain-mcp-adapters/pull/412",
    # What models send if a host shows a tool without arguments as one with a dummy argument.
    "random_string": "https://github.com/mondaycom/mcp/pull/15",
}
"""The public page that reports each name."""


def without_host_keys(sent: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without those that hosts add; `arguments` are the schemas of the tool's own arguments."""
    names: Collection[str] = arguments.keys()
    kept = {name: value for name, value in sent.items() if name in names or name not in HOST_KEYS}
    if "toolCallId" in sent and "tool" in kept and not _is_choice(kept["tool"], arguments["tool"]):
        # n8n's `tool` is the name of the called tool, even if the tool has an argument of that name.
        del kept["tool"]
    return kept


def _is_choice(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether the value is in the enum of the argument."""
    return any(value in branch.get("enum", ()) for branch in schema.get("anyOf", [schema]))

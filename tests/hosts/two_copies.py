"""An MCP server over stdio whose answer says one thing in its text and another in its structure.

A host's model shows which of the two it was given. Run as a program; it ends with its input.
"""

import json
import sys
from typing import Any

__all__ = ["COPIES"]

COPIES = {"text": "this-is-the-text", "structure": "this-is-the-structure"}

_TOOL = {
    "name": "list_tasks",
    "description": "Say something.",
    "inputSchema": {"type": "object", "properties": {}},
    "outputSchema": {"type": "object", "properties": {"said": {"type": "string"}}},
}


def _result(method: str, params: Any) -> Any:
    match method:
        case "initialize":
            version = params["protocolVersion"]
            server = {"name": "two-copies", "version": "1"}
            return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
        case "tools/list":
            return {"tools": [_TOOL]}
        case "tools/call":
            text = json.dumps({"said": COPIES["text"]})
            return {"content": [{"type": "text", "text": text}], "structuredContent": {"said": COPIES["structure"]}}
        case "ping":
            return {}
        case _:
            return None


def _main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request or "method" not in request:
            continue
        result = _result(request["method"], request.get("params"))
        answer = {"result": result} if result is not None else {"error": {"code": -32601, "message": "Unknown method"}}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()

"""The board: the bytes of its page, and what it adds to the list of tools, for a model and for a host."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.figure import Measurement
from benchmarks.host import Host, plain_environment, taskhand
from benchmarks.peers import compact_json, tokens

__all__ = ["measure"]

_READ_BY_MODELS: Final = ("name", "description", "inputSchema", "outputSchema")
_PAGES: Final = {"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}}
_ENVELOPE: Final = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": _PAGES,
}
"""What a request carries of a host that shows pages."""


def measure() -> Measurement:
    """The list as it is sent to a host that shows no pages, and to one that does."""
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"))
        with Host(taskhand(), environment) as host:
            plain = host.ask("tools/list")["tools"]
            rich = host.ask("tools/list", _meta=_ENVELOPE)["tools"]
            address = next(tool["_meta"]["ui"]["resourceUri"] for tool in rich if tool["name"] == "list_tasks")
            [page] = host.ask("resources/read", uri=address, _meta=_ENVELOPE)["contents"]
    read = [
        tokens(compact_json([{key: tool[key] for key in _READ_BY_MODELS} for tool in one])) for one in (plain, rich)
    ]
    size, sent = len(page["text"].encode()), [len(compact_json(one).encode()) for one in (plain, rich)]
    rows = [
        "| | without the board | with it |",
        "| --- | --- | --- |",
        f"| the page, bytes | | {size:,} |",
        f"| what models read of the tool list, tokens | {read[0]:,.0f} | {read[1]:,.0f} |",
        f"| the tool list as it is sent, bytes | {sent[0]:,} | {sent[1]:,} |",
    ]
    return Measurement({"board page": size, "board tokens": read[1] / read[0]}, "\n".join(rows))

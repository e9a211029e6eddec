"""Links on a web page that add the server to a host with one click; pure."""

import base64
import json
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from taskhand.install.hosts import Host
from taskhand.install.launch_command import Launch

__all__ = ["install_link"]


def install_link(host: Host, launch: Launch, inputs: Sequence[Mapping[str, object]] = ()) -> str | None:
    """The link for a host; None for a host without such links.

    They are https links to a page that opens the program: a README viewer allows no other scheme.
    """
    match host.slug:
        case "cursor":
            # https://cursor.com/docs/mcp/install-links
            encoded = base64.b64encode(_json(host.entry(launch)).encode()).decode()
            return f"https://cursor.com/en/install-mcp?name={host.server}&config={quote(encoded, safe='')}"
        case "vscode":
            # https://code.visualstudio.com/api/extension-guides/ai/mcp#create-an-mcp-installation-url
            asked = f"&inputs={quote(_json(list(inputs)), safe='')}" if inputs else ""
            config = quote(_json(host.entry(launch)), safe="")
            return f"https://vscode.dev/redirect/mcp/install?name={host.server}{asked}&config={config}"
        case _:
            return None


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

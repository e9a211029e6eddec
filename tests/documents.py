"""What is generated: the README's tables, the tool snapshots, server.json. `--check` only says what is out of date.

Run from anywhere: `python tests/documents.py [--check]`.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from server.surface import SNAPSHOTS, snapshot, tools_of
from taskhand import __version__
from taskhand.hosts import HOSTS, Host, Launch
from taskhand.settings import Settings

ROOT = Path(__file__).parent.parent
_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def documents() -> dict[Path, str]:
    """Every generated file with what it should hold."""
    tools = tools_of()
    files = {SNAPSHOTS / f"{tool['name']}.json": snapshot(tool) for tool in tools}
    readme = ROOT / "README.md"
    parts = {"tools": _tool_table(tools), "configuration": _settings_table(), "hosts": _host_blocks(HOSTS, Launch())}
    with_key = Launch(env={"VAMBE_API_KEY": "your key", "VAMBE_USER_ID": "your user id"})
    parts["vambe"] = _host_blocks(HOSTS[:1], with_key)
    files[readme] = _filled(readme.read_text(encoding="utf-8"), parts)
    files[ROOT / "server.json"] = json.dumps(_server_json(), indent=2) + "\n"
    return files


def stale() -> list[Path]:
    """The generated files that do not hold what they should, those that should not be there included."""
    wanted = documents()
    wrong = [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    return wrong + [file for file in SNAPSHOTS.glob("*") if file not in wanted]


def _filled(text: str, parts: Mapping[str, str]) -> str:
    return _MARKED.sub(lambda mark: f"{mark[1]}\n{parts[mark[2]]}\n\n{mark[3]}", text)


def _tool_table(tools: list[dict[str, Any]]) -> str:
    rows = ["| tool | does | arguments |", "| --- | --- | --- |"]
    for tool in tools:
        required = tool["inputSchema"].get("required", [])
        names = [f"**{name}**" if name in required else name for name in tool["inputSchema"]["properties"]]
        first = tool["description"].split(". ")[0].split(": ")[0].rstrip(".")
        rows.append(f"| `{tool['name']}` | {first} | {', '.join(names) or 'none'} |")
    return "\n".join(rows)


def _settings_table() -> str:
    rows = ["| variable | meaning |", "| --- | --- |"]
    rows += [f"| `{field.alias}` | {field.description} |" for field in Settings.model_fields.values()]
    return "\n".join(rows)


def _host_blocks(hosts: Sequence[Host], launch: Launch) -> str:
    return "\n\n".join(f"**{host.name}**: {host.place}\n\n```json\n{host.block(launch)}\n```" for host in hosts)


def _server_json() -> dict[str, Any]:
    """The entry for the MCP registry, schema 2025-12-11."""
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": "io.github.taskhand/taskhand",
        "title": "Taskhand",
        "description": "Hands for AI agents on CRM tasks, or on an embedded task store that needs no account.",
        "version": __version__,
        "repository": {"url": "https://github.com/taskhand/taskhand", "source": "github"},
        "packages": [
            {
                "registryType": "pypi",
                "identifier": "taskhand",
                "version": __version__,
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "environmentVariables": [_variable(field) for field in Settings.model_fields.values()],
            }
        ],
    }


def _variable(field: FieldInfo) -> dict[str, Any]:
    return {
        "name": field.alias,
        "description": (field.description or "").replace("`", ""),
        "isRequired": field.is_required(),
        "isSecret": SecretStr in (field.annotation, *get_args(field.annotation)),
    }


def main() -> int:
    """Write what is out of date, or with --check name it and fail."""
    if "--check" in sys.argv:
        wrong = stale()
        for file in wrong:
            sys.stderr.write(f"{file.relative_to(ROOT)} is out of date: run `python tests/documents.py`.\n")
        return 1 if wrong else 0
    SNAPSHOTS.mkdir(exist_ok=True)
    for file in stale():
        text = documents().get(file)
        file.write_text(text, encoding="utf-8") if text is not None else file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

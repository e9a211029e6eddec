"""What is generated: the README's tables, snapshots, host blocks, server.json. `--check` says what is out of date.

Run from anywhere: `python tests/documents.py [--check]`.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from behaviour.gaps import CLOSE_GAPS, HUBSPOT_GAPS
from picture import picture
from requests_table.table import requests_table
from server.as_listed import offer_files
from server.surface import BACKENDS, SNAPSHOTS, capabilities_of, snapshot, tools_of
from taskhand import __version__
from taskhand.backends.factory import BackendFactory
from taskhand.backends.registry import FACTORIES
from taskhand.config.settings import Settings
from taskhand.config.variables import describe_variable, is_secret_variable
from taskhand.domain.capabilities import Capabilities
from taskhand.install import HOSTS, Host, Launch
from taskhand.install.launch import LAUNCH_FROM_INDEX
from taskhand.install.links import install_link

ROOT = Path(__file__).parent.parent
_BLOCKS = ROOT / "examples" / "hosts"
_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def documents() -> dict[Path, str]:
    """Every generated file with what it should hold."""
    tools = tools_of()
    files = {SNAPSHOTS / f"{tool['name']}.json": snapshot(tool) for tool in tools} | offer_files()
    readme = ROOT / "README.md"
    parts = {"tools": _tool_table(tools), "configuration": _settings_table(), "hosts": _host_blocks(HOSTS, Launch())}
    with_key = Launch(env={"VAMBE_API_KEY": "your key", "VAMBE_USER_ID": "your user id"})
    parts["vambe"] = _host_blocks(HOSTS[:1], with_key)
    parts["close"] = _host_blocks(HOSTS[:1], Launch(env={"CLOSE_API_KEY": "your key", **_ZONE}))
    parts["hubspot"] = _host_blocks(HOSTS[:1], Launch(env={"HUBSPOT_ACCESS_TOKEN": "your token", **_ZONE}))
    parts["links"] = _link_table()
    parts["backends"] = _backend_table()
    parts["requests"] = requests_table()
    files[readme] = _filled(readme.read_text(encoding="utf-8"), parts)
    files[ROOT / "docs" / "demo.svg"] = picture()
    files |= {_BLOCKS / f"{host.slug}.json": f"{host.block(Launch())}\n" for host in HOSTS}
    files[ROOT / "server.json"] = json.dumps(_server_json(), indent=2) + "\n"
    return files


def stale() -> list[Path]:
    """The generated files that do not hold what they should, those that should not be there included."""
    wanted = documents()
    wrong = [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    there = [*SNAPSHOTS.rglob("*"), *_BLOCKS.glob("*")]
    return wrong + [file for file in there if file.is_file() and file not in wanted]


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


def _backend_table() -> str:
    """Feature by backend, from what each says it can express; below it, each gap's reason."""
    can = {name: capabilities_of(name) for name in BACKENDS}
    rows = ["| | " + " | ".join(can) + " |", "| --- " * (len(can) + 1) + "|"]
    rows += [f"| {said} | " + " | ".join(tell(one) for one in can.values()) + " |" for said, tell in _FEATURES.items()]
    reasons = [
        f"- {name}: {'; '.join(dict.fromkeys(gaps.values()))}."
        for name, gaps in (("close", CLOSE_GAPS), ("hubspot", HUBSPOT_GAPS))
    ]
    return "\n".join([*rows, "", *reasons])


def _yes(*, holds: bool) -> str:
    return "yes" if holds else "no"


def _people(can: Capabilities) -> str:
    least, most = can.least_responsibles, can.most_responsibles
    return f"exactly {most}" if least == most else f"up to {most}"


_FEATURES: dict[str, Callable[[Capabilities], str]] = {
    "description": lambda can: _yes(holds="description" not in can.absent),
    "a task may have no due date": lambda can: _yes(holds="dueDate" not in can.not_clearable),
    "a due time remembers its zone": lambda can: _yes(holds=can.keeps_timezone),
    "priorities": lambda can: ", ".join(can.priorities),
    "responsibles": _people,
    "contact and customer can change": lambda can: _yes(holds="aiContactId" not in can.absent_on_update),
    "a new task also needs": lambda can: ", ".join(sorted(can.required_on_create)) or "nothing",
}

_ZONE = {"TASKHAND_TIMEZONE": "America/Santiago"}


def _settings_table() -> str:
    rows = ["| variable | meaning |", "| --- | --- |"]
    rows += [f"| `{field.alias}` | {field.description} |" for field in Settings.model_fields.values()]
    return "\n".join(rows)


def _host_blocks(hosts: Sequence[Host], launch: Launch) -> str:
    """The block of each host; those whose blocks are the same share one."""
    sharing: dict[str, list[Host]] = {}
    for host in hosts:
        sharing.setdefault(host.block(launch), []).append(host)
    return "\n\n".join(
        "\\\n".join(f"**{host.name}**: {host.place}" for host in same) + f"\n\n```json\n{block}\n```"
        for block, same in sharing.items()
    )


def _link_table() -> str:
    """One-click links by backend; VS Code asks for the keys, Cursor shows where they go."""
    linked = [host for host in HOSTS if install_link(host, LAUNCH_FROM_INDEX)]
    rows = ["| | " + " | ".join(host.name for host in linked) + " |", "| --- " * (len(linked) + 1) + "|"]
    for factory in FACTORIES:
        cells = [f"[Add to {host.name}]({_link(host, factory)})" for host in linked]
        rows.append(f"| {factory.name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _link(host: Host, factory: BackendFactory[Any]) -> str | None:
    keys = [question.variable for question in factory.questions if is_secret_variable(question.variable)]
    env = {"TASKHAND_BACKEND": factory.name} | {key: host.asked(key) if host.asks else "your key" for key in keys}
    inputs = [host.asking(key, describe_variable(key)) for key in keys] if host.asks else []
    return install_link(host, replace(LAUNCH_FROM_INDEX, env=env if keys else {}), inputs)


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
                "runtimeHint": LAUNCH_FROM_INDEX.command,
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
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8") if text is not None else file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

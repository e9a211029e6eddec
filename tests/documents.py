"""Write the generated files: tables in README.md, docs/ and BENCHMARKS.md, tool snapshots, host blocks, server.json.

Run from anywhere: `python tests/documents.py` writes what is out of date; `--check` lists it and fails.
"""

import ast
import json
import logging
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import anyio
from mcp import Client
from mcp.types import TextContent
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import taskhand
from architecture.test_imports import MAY_IMPORT, OWNERS
from backends import every_request
from benchmarks.figure import read_table, render_table
from benchmarks.goals import GOALS
from domain.date_phrases import CANDIDATES, DUE, WINDOWS
from harness_tables import harness_tables
from picture import render_demo
from requests_table.counted import WrongExample, count_all_requests
from requests_table.table import COUNTS, FILE, Counts, counts_text, requests_table
from server.listings import snapshot_files
from server.mixes import MIXED, open_mixed
from server.surface import BACKENDS, SNAPSHOTS, capabilities_of, feed_remark_of, snapshot, tools_of
from server.token_limits import CORE, WITH_OUTPUT
from taskhand import __version__
from taskhand.backends.factory import BackendFactory
from taskhand.backends.registry import FACTORIES
from taskhand.config.environment_variables import describe_variable, is_required_variable, is_secret_variable
from taskhand.config.settings import FIELDS
from taskhand.domain.capabilities import Capabilities
from taskhand.install import HOSTS, Host, Launch
from taskhand.install.install_links import install_link
from taskhand.install.launch_command import LAUNCH_FROM_INDEX
from taskhand.server.app import create_server
from taskhand.server.arguments.host_keys import HOST_KEYS
from taskhand.server.in_process_client import list_tools
from transcripts.record import record_all

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
"""The pages that people read. The text between two marks is generated."""

_DESCRIPTION = "Lets AI agents manage tasks in Vambe, Close, HubSpot or a built-in store, with undo for every write."
_CRMS = [factory for factory in FACTORIES if factory.credentials]
_BENCHMARKS = ROOT / "BENCHMARKS.md"
_BLOCKS = ROOT / "examples" / "hosts"
_PACKAGE = Path(taskhand.__file__).parent
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LIMITS = re.compile(r"(at most )[\d,]+( tokens,(?: or)? )[\d,]+( with)")
_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def documents(requests: Counts = COUNTS) -> dict[Path, str]:
    """Every generated file with the text that it should have, but the transcripts and the sent requests.

    Tests and `main` count the requests, and record these, because that takes seconds.
    """
    tools = tools_of()
    files = {SNAPSHOTS / f"{tool['name']}.json": snapshot(tool) for tool in tools} | snapshot_files()
    files[SNAPSHOTS / "several" / "tools.json"] = snapshot(anyio.run(_tools_of_several))
    parts = _parts(tools) | {"requests": requests_table(requests)}
    files[FILE] = counts_text(requests)
    files |= {page: _filled(page.read_text(encoding="utf-8"), parts) for page in PAGES}
    files[PAGES[0]] = _LIMITS.sub(rf"\g<1>{CORE:,}\g<2>{WITH_OUTPUT:,}\g<3>", files[PAGES[0]])
    files[_BENCHMARKS] = _with_goals(_BENCHMARKS.read_text(encoding="utf-8"))
    files[ROOT / "docs" / "demo.svg"] = render_demo()
    files |= {_BLOCKS / f"{host.slug}.{host.format.LANGUAGE}": f"{host.block(Launch())}\n" for host in HOSTS}
    files[ROOT / "server.json"] = json.dumps(_server_json(), indent=2) + "\n"
    return files


async def _tools_of_several() -> list[dict[str, Any]]:
    with TemporaryDirectory() as folder:
        async with open_mixed(Path(folder), *MIXED) as connections:
            return await list_tools(connections)


def stale(wanted: Mapping[Path, str] | None = None) -> list[Path]:
    """The generated files whose text is out of date, and the files in generated folders that should not exist."""
    wanted = wanted or documents()
    wrong = [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    found = [*SNAPSHOTS.rglob("*"), *_BLOCKS.glob("*")]
    return wrong + [file for file in found if file.is_file() and file not in wanted]


def _parts(tools: list[dict[str, Any]]) -> dict[str, str]:
    """The generated parts of the pages, by the name in their mark."""
    return {
        "tools": _tool_table(tools),
        "backends": _backend_table(),
        "gaps": _gap_list(),
        "feeds": _feed_list(),
        "host_keys": _host_keys(),
        "dates": _date_tables(),
        "error": anyio.run(_error_example),
        "configuration": _settings_table(),
        "credentials": _credential_table(),
        "hosts": _host_blocks(HOSTS, Launch()),
        "crms": _crm_blocks(),
        "links": _link_table(),
        "imports": _import_table(),
        "libraries": _library_table(),
        **harness_tables(),
    }


def _filled(text: str, parts: Mapping[str, str]) -> str:
    return _MARKED.sub(lambda mark: f"{mark[1]}\n{parts[mark[2]]}\n\n{mark[3]}", text)


def _with_goals(text: str) -> str:
    """The page of benchmarks with today's goals beside the values that it has."""
    head, mark, sections = text.partition("\n## ")
    before, title, table = head.partition("| figure |")
    return f"{before}{render_table(GOALS, read_table(GOALS, title + table))}\n{mark}{sections}"


def _tool_table(tools: list[dict[str, Any]]) -> str:
    rows = ["| tool | does | arguments |", "| --- | --- | --- |"]
    for tool in tools:
        required = tool["inputSchema"].get("required", [])
        names = [f"**{name}**" if name in required else name for name in tool["inputSchema"]["properties"]]
        first = tool["description"].split(". ")[0].split(": ")[0].rstrip(".")
        rows.append(f"| `{tool['name']}` | {first} | {', '.join(names) or 'none'} |")
    return "\n".join(rows)


def _host_keys() -> str:
    """The arguments that hosts add, by the page that reports them."""
    pages = dict.fromkeys(HOST_KEYS.values())
    names = {page: [f"`{name}`" for name, reported in HOST_KEYS.items() if reported == page] for page in pages}
    return "\n" + "\n".join(f"- {', '.join(names[page])} ([reported]({page}))" for page in pages)


def _date_tables() -> str:
    """The phrases that the tests check, by how they are read."""
    due = {phrases: f"`{due}`" for phrases, due in DUE.items()}
    several = {phrases: ", ".join(f"`{one}`" for one in days) for phrases, days in CANDIDATES.items()}
    windows = {phrases: f"`{first}`, `{last}`" for phrases, (first, last) in WINDOWS.items()}
    return "\n\n".join(
        [
            _table("phrases", "`dueDate`", due),
            _table("phrases", "refused, with these candidates", several),
            _table("phrases", "`fromDate`, `toDate`", windows),
        ]
    )


def _table(left: str, right: str, rows: Mapping[str, str]) -> str:
    return "\n".join(
        [f"| {left} | {right} |", "| --- | --- |", *(f"| {one} | {other} |" for one, other in rows.items())]
    )


def _backend_table() -> str:
    """The features of each backend, from its capabilities."""
    capabilities = {name: capabilities_of(name) for name in BACKENDS}
    rows = ["| | " + " | ".join(capabilities) + " |", "| --- " * (len(capabilities) + 1) + "|"]
    for feature, render in _FEATURES.items():
        rows.append(f"| {feature} | " + " | ".join(map(render, capabilities.values())) + " |")
    return "\n".join(rows)


def _gap_list() -> str:
    """The reasons why a backend cannot express a field."""
    from behaviour.backend_cases import BACKEND_CASES  # noqa: PLC0415  the other documents list a backend without an backend too

    titles = {factory.name: factory.title for factory in FACTORIES}
    reasons = {titles[backend.name]: dict.fromkeys(backend.gaps.values()) for backend in BACKEND_CASES if backend.gaps}
    return "\n".join(f"- {title}: {'; '.join(ones)}." for title, ones in reasons.items())


def _feed_list() -> str:
    """What the feed of each CRM does not tell."""
    return "\n".join(f"- {remark}" for name in BACKENDS if (remark := feed_remark_of(name)))


def _yes_or_no(*, holds: bool) -> str:
    return "yes" if holds else "no"


def _responsibles(can: Capabilities) -> str:
    least, most = can.least_responsibles, can.most_responsibles
    return f"exactly {most}" if least == most else f"up to {most}"


def _links_that_can_change(can: Capabilities) -> str:
    """Which of the two links of an existing task can change."""
    links = {"contact": "aiContactId", "customer": "aiCustomerId"}
    changing = [link for link, name in links.items() if name not in can.absent | can.absent_on_update]
    if len(changing) == len(links):
        return "yes"
    return f"{changing[0]} only" if changing else "no"


_FEATURES: dict[str, Callable[[Capabilities], str]] = {
    "description": lambda can: _yes_or_no(holds="description" not in can.absent),
    "a task may have no due date": lambda can: _yes_or_no(holds="dueDate" not in can.not_clearable),
    "a due time remembers its zone": lambda can: _yes_or_no(holds=can.keeps_timezone),
    "priorities": lambda can: ", ".join(can.priorities),
    "responsibles": _responsibles,
    "contact and customer can change": _links_that_can_change,
    "a new task also needs": lambda can: ", ".join(sorted(can.required_on_create)) or "nothing",
}


def _credential_table() -> str:
    """What each CRM needs, and what it should be given besides."""
    rows = ["| CRM | needs | should have |", "| --- | --- | --- |"]
    for factory in _CRMS:
        needed = ", ".join(f"`{variable}`" for variable in factory.questions if _is_needed(variable))
        wished = "; ".join(
            f"`{variable}`: {str(_setting(variable).description).rstrip('.')}"
            for variable in factory.questions
            if not _is_needed(variable)
        )
        rows.append(f"| {factory.title} | {needed} | {wished} |")
    return "\n".join(rows)


def _is_needed(variable: str) -> bool:
    return is_secret_variable(variable) or is_required_variable(variable)


def _crm_blocks() -> str:
    """The configuration of one host for each CRM."""
    parts: list[str] = []
    for factory in _CRMS:
        env = {variable: _placeholder(factory, variable) for variable in factory.questions}
        env = {"TASKHAND_BACKEND": factory.name} | env  # a mistyped key must not lead to the built-in store
        parts += [f"### {factory.title}", _host_blocks(HOSTS[:1], Launch(env=env))]
    return "\n\n".join(parts)


def _placeholder(factory: BackendFactory[Any], variable: str) -> str:
    """An example value of a variable."""
    if variable.endswith("TIMEZONE"):
        return "America/Santiago"
    return f"your {variable.removeprefix(factory.prefix).replace('_', ' ').lower()}"


def _setting(variable: str) -> FieldInfo:
    return next(field for field in FIELDS.values() if field.alias == variable)


async def _error_example() -> str:
    """The answer to a name that two people have, with short ids."""
    from behaviour.backend_cases import BACKEND_CASES  # noqa: PLC0415  the other documents list a backend without an backend too

    [local] = [backend for backend in BACKEND_CASES if backend.name == "local"]
    with TemporaryDirectory() as folder:
        async with local.open(Path(folder)) as app, Client(create_server(app)) as client:
            arguments = {"title": "Call Acme", "responsibleIds": ["Maria Rodriguez"], "priority": "1"}
            [content] = (await client.call_tool("create_task", arguments)).content
    assert isinstance(content, TextContent)
    ids = {found: f"id-{number}" for number, found in enumerate(_UUID.findall(content.text), start=1)}
    text = _UUID.sub(lambda found: ids[found[0]], content.text)
    return f"```json\n{json.dumps(json.loads(text), indent=2, ensure_ascii=False)}\n```"


def _settings_table() -> str:
    rows = ["| variable | meaning |", "| --- | --- |"]
    rows += [f"| `{field.alias}` | {field.description} |" for field in FIELDS.values()]
    return "\n".join(rows)


def _host_blocks(hosts: Sequence[Host], launch: Launch) -> str:
    """The configuration of each host; hosts with the same text share one block."""
    sharing: dict[str, list[Host]] = {}
    for host in hosts:
        sharing.setdefault(f"```{host.format.LANGUAGE}\n{host.block(launch)}\n```", []).append(host)
    return "\n\n".join(
        "\\\n".join(f"**{host.name}**: {host.file_location}" for host in same) + f"\n\n{block}"
        for block, same in sharing.items()
    )


def _link_table() -> str:
    """One-click links by backend. VS Code asks for the keys; Cursor shows placeholders for them."""
    linked = [host for host in HOSTS if install_link(host, LAUNCH_FROM_INDEX)]
    rows = ["| | " + " | ".join(host.name for host in linked) + " |", "| --- " * (len(linked) + 1) + "|"]
    for factory in FACTORIES:
        cells = [f"[Add to {host.name}]({_link(host, factory)})" for host in linked]
        rows.append(f"| {factory.name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _link(host: Host, factory: BackendFactory[Any]) -> str | None:
    keys = [variable for variable in factory.questions if _is_needed(variable)]
    env = {"TASKHAND_BACKEND": factory.name} | {
        key: host.input_reference(key)
        if host.asks
        else "your key"
        if is_secret_variable(key)
        else _placeholder(factory, key)
        for key in keys
    }
    inputs = [host.input_for(key, describe_variable(key)) for key in keys] if host.asks else []
    return install_link(host, replace(LAUNCH_FROM_INDEX, env=env if factory is not FACTORIES[0] else {}), inputs)


def _import_table() -> str:
    """The parts of the package: what each holds, and what else it may import."""
    rows = ["| part of `src/taskhand` | holds | may import |", "| --- | --- | --- |"]
    rows += [f"| `{part}` | {_summary(part)} | {_code(allowed)} |" for part, allowed in MAY_IMPORT.items()]
    rows += [f"| `{part}` | {_summary(part)} | everything |" for part in sorted(_top_level() - MAY_IMPORT.keys())]
    return "\n".join(rows)


def _library_table() -> str:
    rows = ["| library | imported only by |", "| --- | --- |"]
    return "\n".join([*rows, *(f"| `{library}` | {_code(owners)} |" for library, owners in OWNERS.items())])


def _top_level() -> set[str]:
    """The folders and modules of the package that hold code of their own."""
    found = {path.stem for path in _PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    return found - {"__init__", "__main__"}


def _summary(part: str) -> str:
    """The first sentence of a part's docstring, without the full stop."""
    folder = _PACKAGE / part / "__init__.py"
    source = folder if folder.exists() else _PACKAGE / f"{part}.py"
    docstring = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return docstring.split("\n")[0].rstrip(".")


def _code(names: set[str]) -> str:
    shown = sorted(name.replace("__init__", "the version") for name in names)
    return ", ".join(name if " " in name else f"`{name}`" for name in shown) or "nothing else"


def _server_json() -> dict[str, Any]:
    """The entry for the MCP registry, schema 2025-12-11."""
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": "io.github.taskhand/taskhand",
        "title": "Taskhand",
        "description": _DESCRIPTION,
        "version": __version__,
        "repository": {"url": "https://github.com/taskhand/taskhand", "source": "github"},
        "packages": [
            {
                "registryType": "pypi",
                "identifier": "taskhand",
                "version": __version__,
                "runtimeHint": LAUNCH_FROM_INDEX.command,
                "transport": {"type": "stdio"},
                "environmentVariables": [_variable(field) for field in FIELDS.values()],
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
    """Write the files that are out of date; with --check, list them and return 1."""
    if "--check" in sys.argv:
        wrong = stale()
        for file in wrong:
            sys.stderr.write(f"{file.relative_to(ROOT)} is out of date: run `make generate`.\n")
        return 1 if wrong else 0
    SNAPSHOTS.mkdir(exist_ok=True)
    logging.disable()  # the journeys log the faults that they script
    try:
        requests = anyio.run(count_all_requests)
    except WrongExample as error:
        sys.stderr.write(f"{error}\n")
        return 1
    wanted = documents(requests) | anyio.run(record_all)
    wanted[every_request.FILE] = every_request.sent_requests_text()
    for file in stale(wanted):
        text = wanted.get(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8") if text is not None else file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())

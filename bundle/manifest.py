"""The manifest of the bundle, generated from the program's settings and tools.

Version 0.4 of https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md is the first with the server type
`uv`: the host fetches Python and the dependencies of pyproject.toml for the machine it is on. The older type `python`
would have to contain them, and pydantic is compiled for each platform.
"""

from collections.abc import Mapping
from typing import Any

from taskhand.backends.registry import FACTORIES
from taskhand.config.environment_variables import describe_variable, is_secret_variable
from taskhand.server.tools import TOOLS

__all__ = ["ENTRY", "manifest", "project_file"]

ENTRY = "src/start.py"

_WORDS = {"api": "API", "id": "ID", "taskhand": "Taskhand"} | {factory.name: factory.title for factory in FACTORIES}
"""How a word of a variable's name is written in a field's title."""


def manifest(project: Mapping[str, Any], repository: str) -> dict[str, Any]:
    """The manifest of this version of the project; `project` is the table of pyproject.toml."""
    questions = (variable for factory in FACTORIES for variable in factory.questions)
    asked = list(dict.fromkeys(["TASKHAND_BACKEND", *questions]))
    return {
        "manifest_version": "0.4",
        "name": project["name"],
        "display_name": project["name"].capitalize(),
        "version": project["version"],
        "description": project["description"],
        "author": project["authors"][0],
        "repository": {"type": "git", "url": repository},
        "license": project["license"],
        "keywords": project["keywords"],
        "privacy_policies": [factory.privacy_policy for factory in FACTORIES if factory.privacy_policy],
        "server": {
            "type": "uv",
            "entry_point": ENTRY,
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", ENTRY],
                "env": {variable: f"${{user_config.{variable.lower()}}}" for variable in asked},
            },
        },
        "compatibility": {
            "platforms": ["darwin", "win32", "linux"],
            "runtimes": {"python": project["requires-python"]},
        },
        "user_config": {variable.lower(): _field(variable) for variable in asked},
        "tools": [{"name": tool.name, "description": tool.description.split(". ")[0].rstrip(".")} for tool in TOOLS],
        "prompts_generated": True,
    }


def _field(variable: str) -> dict[str, Any]:
    """One field of the host's form. Its default is empty text: without it, hosts pass on the placeholder."""
    field = {
        "type": "string",
        "title": " ".join(_WORDS.get(word, word) for word in variable.lower().split("_")),
        "description": describe_variable(variable),
        "required": False,
        "default": "",
    }
    return field | ({"sensitive": True} if is_secret_variable(variable) else {})


def project_file(project: Mapping[str, Any]) -> str:
    """The bundle's own pyproject.toml: the dependencies, and nothing to build."""
    dependencies = "".join(f"  {_quoted(one)},\n" for one in project["dependencies"])
    return (
        "[project]\n"
        f"name = {_quoted(project['name'])}\n"
        f"version = {_quoted(project['version'])}\n"
        f"requires-python = {_quoted(project['requires-python'])}\n"
        f"dependencies = [\n{dependencies}]\n\n"
        "[tool.uv]\npackage = false\n"
    )


def _quoted(text: str) -> str:
    """A basic string of TOML, for text without quotes in it: `; sys_platform == 'win32'` has apostrophes only."""
    if '"' in text or "\\" in text:
        raise ValueError(f"{text} needs more than quotes around it.")
    return f'"{text}"'

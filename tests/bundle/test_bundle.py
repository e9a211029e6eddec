"""The bundle for desktop hosts: it says what the program says, and what is in it starts."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from documents import ROOT
from taskhand.config.environment_variables import SECRETS, VARIABLES
from taskhand.server.tools import TOOLS

MCPB, UV = os.environ.get("MCPB"), os.environ.get("UV")
"""The tool from npm, and uv, where `make bundle` has them."""


def _built(folder: Path) -> Path:
    subprocess.run([sys.executable, ROOT / "bundle" / "build.py", folder], check=True, capture_output=True)  # noqa: S603
    return folder / "taskhand.mcpb"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, made once."""
    return _built(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def manifest(built: Path) -> dict[str, Any]:
    """What the bundle says of itself."""
    loaded: dict[str, Any] = json.loads((built.parent / "bundle" / "manifest.json").read_text(encoding="utf-8"))
    return loaded


def _unpacked(archive: Path, folder: Path) -> Path:
    """The archive as a host unpacks it."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def marked(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a host unpacked, told from what is installed here by its version."""
    folder = _unpacked(built, tmp_path_factory.mktemp("unpacked"))
    [about] = folder.glob("src/*.dist-info/METADATA")
    about.write_text("Metadata-Version: 2.4\nName: taskhand\nVersion: 9.9.9\n", encoding="utf-8")
    return folder


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _environment(manifest: Mapping[str, Any], **filled_in: str) -> dict[str, str]:
    """The variables of the server once a person has filled in the form, as the host's own code makes them."""
    values = {name: field["default"] for name, field in manifest["user_config"].items()} | filled_in
    config = manifest["server"]["mcp_config"]["env"]
    return {
        name: re.sub(r"\$\{user_config\.(\w+)\}", lambda one: values[one[1]], text) for name, text in config.items()
    }


def test_the_same_sources_make_the_same_archive(built: Path, tmp_path: Path) -> None:
    assert _built(tmp_path).read_bytes() == built.read_bytes()
    assert _tree(_unpacked(built, tmp_path / "unpacked")) == _tree(built.parent / "bundle")


def test_the_bundle_holds_the_package_and_no_stray_files(built: Path) -> None:
    names = zipfile.ZipFile(built).namelist()
    assert {"manifest.json", "pyproject.toml", "src/start.py", "src/taskhand/cli/main.py", "LICENSE"} <= set(names)
    assert any(name.endswith(".sql") for name in names)
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "server/", "lib/", "."))]


def test_the_bundle_declares_the_project_s_dependencies_and_builds_nothing(built: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bundled = tomllib.loads((built.parent / "bundle" / "pyproject.toml").read_text(encoding="utf-8"))
    for name in ("name", "version", "requires-python", "dependencies"):
        assert bundled["project"][name] == project[name]
    assert bundled["tool"]["uv"] == {"package": False}
    assert "build-system" not in bundled


def test_the_form_has_a_field_for_each_variable_and_hides_secrets(manifest: dict[str, Any]) -> None:
    env = manifest["server"]["mcp_config"]["env"]
    assert set(env) <= VARIABLES
    assert [re.fullmatch(r"\$\{user_config\.(\w+)\}", text) is not None for text in env.values()] == [True] * len(env)
    assert sorted(env.values()) == sorted(f"${{user_config.{name}}}" for name in manifest["user_config"])
    hidden = {name.upper() for name, field in manifest["user_config"].items() if field.get("sensitive")}
    assert hidden == SECRETS & set(env)
    assert {"VAMBE_API_KEY", "CLOSE_API_KEY", "HUBSPOT_ACCESS_TOKEN"} <= hidden


def test_the_manifest_lists_every_tool(manifest: dict[str, Any]) -> None:
    assert [tool["name"] for tool in manifest["tools"]] == [tool.name for tool in TOOLS]


@pytest.mark.parametrize("fills_in_defaults", [True, False])
async def test_an_unpacked_bundle_starts_its_own_code_with_an_empty_form(
    marked: Path, tmp_path: Path, manifest: dict[str, Any], *, fills_in_defaults: bool
) -> None:
    given = _environment(manifest) if fills_in_defaults else manifest["server"]["mcp_config"]["env"]
    server = StdioServerParameters(
        command=sys.executable,
        args=[manifest["server"]["entry_point"]],
        env={**given, "HOME": str(tmp_path), "TASKHAND_CONFIG": os.devnull},
        cwd=marked,
    )
    async with Client(stdio_client(server), mode="legacy") as client:
        assert client.server_info
        assert client.server_info.version == "9.9.9"
        assert {tool.name for tool in (await client.list_tools()).tools} == {tool.name for tool in TOOLS}


def test_a_key_that_is_filled_in_reaches_the_server(manifest: dict[str, Any]) -> None:
    given = _environment(manifest, vambe_api_key="sk-1")
    assert {name: value for name, value in given.items() if value} == {"VAMBE_API_KEY": "sk-1"}


@pytest.mark.skipif(not MCPB, reason="`make bundle` brings the tool from npm")
def test_the_mcpb_tool_validates_packs_and_unpacks_the_bundle(built: Path, tmp_path: Path) -> None:
    folder = built.parent / "bundle"
    commands: tuple[list[str | Path], ...] = (
        ["validate", folder / "manifest.json"],
        ["pack", folder, tmp_path / "packed.mcpb"],
        ["unpack", tmp_path / "packed.mcpb", tmp_path / "theirs"],
        ["unpack", built, tmp_path / "ours"],
    )
    for arguments in commands:
        subprocess.run([str(MCPB), *arguments], check=True, capture_output=True, timeout=60)  # noqa: S603
    assert _tree(tmp_path / "theirs") == _tree(tmp_path / "ours") == _tree(folder)


@pytest.mark.skipif(not UV, reason="`make bundle` starts it by uv, where there is uv")
async def test_uv_installs_the_dependencies_and_starts_the_bundle(
    built: Path, tmp_path: Path, manifest: dict[str, Any]
) -> None:
    unpacked = _unpacked(built, tmp_path / "unpacked")
    arguments = [one.replace("${__dirname}", str(unpacked)) for one in manifest["server"]["mcp_config"]["args"]]
    given = _environment(manifest) | {"HOME": str(tmp_path), "TASKHAND_CONFIG": os.devnull}
    passed_on = {name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_", "PATH"))}
    server = StdioServerParameters(command=str(UV), args=arguments, env=passed_on | given)
    async with Client(stdio_client(server), mode="legacy") as client:
        assert (await client.list_tools()).tools

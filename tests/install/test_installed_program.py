"""Where Taskhand runs from decides whether an entry may name its interpreter."""

import json
import tempfile
from pathlib import Path

import pytest

from documents import ROOT
from taskhand.domain.errors import OperatorError
from taskhand.install.installed_program import Installation, check_lasting, find_installation


def _environment(folder: Path, *, tag: Path | None = None, pipx: bool = False) -> Path:
    folder.mkdir(parents=True)
    if tag:
        (tag / "CACHEDIR.TAG").touch()
    if pipx:
        (folder / "pipx_metadata.json").touch()
    return folder


@pytest.mark.parametrize("source", ["/src/taskhand", "git+https://git.example.com/taskhand.git@v1", None])
@pytest.mark.parametrize(("tool", "program"), [("uv", "uv tool"), ("pipx", "pipx")])
def test_a_program_in_a_cache_must_be_installed_first_from_its_source(
    tmp_path: Path, source: str | None, tool: str, program: str
) -> None:
    prefix = _environment(
        tmp_path / tool / "archive-v0" / "x", tag=tmp_path / "uv" if tool == "uv" else None, pipx=tool == "pipx"
    )
    with pytest.raises(OperatorError, match="Nothing is written") as refused:
        check_lasting(Installation(prefix, source), tmp_path / "mcp.json", "")
    assert refused.value.next_step
    assert f"{program} install {source or 'taskhand'}, then" in refused.value.next_step


def test_a_folder_that_is_emptied_holds_no_program_for_a_file_elsewhere() -> None:
    here = Installation(Path(tempfile.gettempdir()) / "venv", None)
    assert str(here.why_temporary(Path("/home/ana/.cursor/mcp.json"))).startswith("the temporary folder ")
    assert here.why_temporary(Path(tempfile.gettempdir()) / "home" / "mcp.json") is None


def test_a_link_in_the_temporary_folder_to_a_file_elsewhere_outlives_the_program(tmp_path: Path) -> None:
    here = Installation(Path(tempfile.gettempdir()) / "venv", None)
    (tmp_path / "mcp.json").symlink_to("/home/ana/.cursor/mcp.json")
    assert str(here.why_temporary(tmp_path / "mcp.json")).startswith("the temporary folder ")


def test_an_installation_by_a_tool_or_in_an_environment_is_permanent(tmp_path: Path) -> None:
    # uv and pipx mark each environment, as every virtual environment of uv is marked.
    for folder in (
        tmp_path / "uv" / "tools" / "taskhand",
        tmp_path / "pipx" / "venvs" / "taskhand",
        tmp_path / ".venv",
    ):
        prefix = _environment(folder, pipx="pipx" in str(folder))
        (prefix / "CACHEDIR.TAG").touch()
        assert Installation(prefix, None).why_temporary(tmp_path / "mcp.json") is None


def test_the_command_keeps_the_source_and_the_extra() -> None:
    assert Installation(Path("/x"), "/a b").install_command("[keyring]") == "uv tool install '/a b[keyring]'"
    git = Installation(Path("/x"), "git+https://git.example.com/t.git")
    assert git.install_command("[keyring]") == "uv tool install 'taskhand[keyring] @ git+https://git.example.com/t.git'"
    assert find_installation().source == str(ROOT)


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        ({"url": "https://git.x.test/t.git", "vcs_info": {"vcs": "git"}}, "git+https://git.x.test/t.git"),
        (
            {
                "url": "https://git.x.test/t.git",
                "vcs_info": {"vcs": "git", "requested_revision": "v1"},
                "subdirectory": "server",
            },
            "git+https://git.x.test/t.git@v1#subdirectory=server",
        ),
        ({"url": "file:///src/my%20taskhand", "dir_info": {}}, "/src/my taskhand"),
        ({"url": "https://x.test/taskhand.whl", "archive_info": {}}, "https://x.test/taskhand.whl"),
    ],
)
def test_the_source_is_what_the_installer_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct_url: dict[str, object], source: str
) -> None:
    about = tmp_path / "taskhand-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: taskhand\nVersion: 1.0\n", encoding="utf-8")
    (about / "direct_url.json").write_text(json.dumps(direct_url), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_installation().source == source

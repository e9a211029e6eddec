"""Who may import whom: the layout is enforced, so that a file's place says what it can know."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskhand

ROOT = Path(taskhand.__file__).parent

COMMAND = {"__main__", "cli", "cli_config", "cli_doctor", "cli_install", "cli_journal", "cli_sandbox", "cli_scenario"}
TOGETHER = COMMAND | {"__init__", "configuration", "needs", "settings", "settings_file", "vault", "wiring"}
LANGUAGE = {file.stem for file in ROOT.glob("*.py")} - TOGETHER
"""The values and rules that everybody speaks: every top-level file but those that put parts together."""

MAY_IMPORT = {
    "language": LANGUAGE,
    "settings": LANGUAGE | {"vault"},
    "needs": {"settings"},
    "vault": LANGUAGE,
    "hosts": {"hosts"},
    "install": LANGUAGE | {"hosts", "needs", "settings", "vault"},
    "settings_file": LANGUAGE | {"settings"},
    "configuration": LANGUAGE | {"settings", "settings_file", "vault"},
    "http": LANGUAGE | {"__init__"},
    "sqlite": LANGUAGE,
    "backends": LANGUAGE | {"backends", "http", "sqlite"},
    "journal": LANGUAGE | {"sqlite"},
    "service": LANGUAGE | {"service", "journal"},
    "server": LANGUAGE | {"service", "server", "journal", "hosts", "__init__"},
    "sandbox": {"sandbox"},
    "wiring": LANGUAGE | {"settings", "service", "backends", "http", "journal", "wiring"},
    "testing": LANGUAGE | {"backends", "http", "journal", "sandbox", "server", "service", "settings", "wiring"},
}
"""What a part may import of ours; a part may always import itself."""

OWNERS = {
    "mcp": {"server", "testing"},
    "starlette": {"server", "sandbox"},
    "uvicorn": {"server", "sandbox"},
    "httpx2": {"http"},
    "sqlite3": {"sqlite", "backends/local", "journal"},
    "click": {"cli"},
    "platformdirs": {"wiring.py", "configuration.py"},
    "filelock": {"journal"},
    "keyring": {"vault.py"},
}
"""The one place where each library is at home."""


def _part(file: Path) -> str:
    """The part of the layout that a file belongs to."""
    first = file.relative_to(ROOT).parts[0]
    stem = first.removesuffix(".py")
    return "language" if stem in LANGUAGE else stem


def _imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: a relative import hides what is imported"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from named if node.module == "taskhand" else [node.module]


FILES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_imports_only_what_its_place_allows(file: Path) -> None:
    part = _part(file)
    if part in COMMAND | {"__init__"}:
        return
    for name in _imports(file):
        if name.startswith("taskhand."):
            target = name.split(".")[1].replace("__version__", "__init__")
            assert target in MAY_IMPORT[part] | {part}, f"{part} must not know {name}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_library_is_imported_only_where_it_is_at_home(file: Path) -> None:
    place = file.relative_to(ROOT).as_posix()
    for name in _imports(file):
        homes = OWNERS.get(name.split(".", maxsplit=1)[0])
        assert homes is None or any(place.startswith(home) for home in homes), f"{place} must not import {name}"


def test_only_the_boundary_catches_whatever_comes() -> None:
    broad = {
        file.relative_to(ROOT).as_posix()
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    }
    # The worker hands on whatever comes: it is raised again where it is waited for.
    assert broad <= {"server/boundary.py", "sqlite/worker.py"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_files_and_functions_stay_small(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name

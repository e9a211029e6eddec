"""Builds a release: wheel, sdist, SBOM and checksums, by default in `dist`; checks both files in clean environments.

Run by `make dist`. Only the package index that pip is configured for is needed. Of the ways to install that the README
has, those of pip are always tried with the built files, those of pipx and uv where these programs are installed.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent

_NEEDED = (
    "journal/migrations",
    "keys/migrations",
    "vault/migrations",
    "backends/local/migrations",
    "testing/scenarios",
    "py.typed",
)
"""What the package has besides its modules: a wheel without it starts and fails later."""
_PACKAGES = """
import json
from importlib.metadata import distributions
print(json.dumps([{"name": one.metadata["Name"], "version": one.version,
    "license": one.metadata.get("License-Expression") or ""} for one in distributions()]))
"""


def main(folder: Path) -> None:
    """Build into the folder, which is emptied of earlier releases, check, and say what was made."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("taskhand-*"), *folder.glob("SHA256SUMS")]:
        old.unlink()
    wheel, sdist = build(folder)
    check_content(wheel, sdist)
    with TemporaryDirectory() as name:
        packages = check_installations(wheel, sdist, Path(name))
    sbom = folder / f"{wheel.name.partition('-py3')[0]}.cdx.json"
    sbom.write_text(json.dumps(bill_of_materials(packages), indent=2) + "\n", encoding="utf-8")
    made = (wheel, sdist, sbom)
    (folder / "SHA256SUMS").write_text("".join(f"{_sha256(one)}  {one.name}\n" for one in made), encoding="utf-8")
    for one in (*made, folder / "SHA256SUMS"):
        sys.stdout.write(f"{one}\n")


def version() -> str:
    """The version; it is written in pyproject.toml only."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def build(folder: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of the checkout."""
    _run([sys.executable, "-m", "hatchling", "build", "--directory", str(folder)], cwd=ROOT)
    name = f"taskhand-{version()}"
    return folder / f"{name}-py3-none-any.whl", folder / f"{name}.tar.gz"


def check_content(wheel: Path, sdist: Path) -> None:
    """Refuse a wheel or an sdist that lacks files of the program, or has a file of the checkout that is nobody's."""
    modules = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    with ZipFile(wheel) as packed:
        names = packed.namelist()
    missing = sorted(modules - {*names})
    missing += [one for one in _NEEDED if not any(name.startswith(f"taskhand/{one}") for name in names)]
    with tarfile.open(sdist) as packed_source:
        sources = {name.partition("/")[2] for name in packed_source.getnames()}
    missing += sorted({f"src/{one}" for one in modules} - sources)
    stray = [name for name in (*names, *sources) if re.search(r"__pycache__|\.sqlite|\.env|tests/", name)]
    if missing or stray:
        raise SystemExit(f"The wheel or the sdist lacks {missing} and has {stray} too much.")


def check_installations(wheel: Path, sdist: Path, folder: Path) -> list[dict[str, str]]:
    """Install both files in each way, and use what was installed; the packages of the clean environment."""
    programs = folder / "venv" / "bin"
    venv.create(programs.parent, with_pip=True)
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, "--constraint", str(ROOT / "requirements" / "runtime.txt"), str(wheel)])
    check_program(programs / "taskhand", folder)
    packages = json.loads(_run([str(programs / "python"), "-c", _PACKAGES]))
    _run([str(programs / "python"), "-m", "pip", "check", "--disable-pip-version-check"])
    _run([*pip, "--no-deps", "--force-reinstall", str(sdist)])
    check_program(programs / "taskhand", folder)
    for tool, command in (("pipx", ["pipx", "install", "--force"]), ("uv", ["uv", "tool", "install", "--force"])):
        if shutil.which(tool) is None:
            sys.stdout.write(f"{tool} is not installed here, so installing with it is not tried.\n")
            continue
        own = folder / tool
        places = {name: str(own) for name in ("PIPX_HOME", "UV_TOOL_DIR")}
        places |= dict.fromkeys(("PIPX_BIN_DIR", "UV_TOOL_BIN_DIR"), str(own / "bin"))
        for file in (wheel, sdist):
            _run([*command, str(file)], places)
            check_program(own / "bin" / "taskhand", folder)
    return [one for one in packages if one["name"] not in {"pip", "setuptools", "wheel"}]


def check_program(program: Path, folder: Path) -> None:
    """Start the installed program: it names its version, and serves a call on a store of its own."""
    shown = _run([str(program), "--version"])
    if version() not in shown:
        raise SystemExit(f"{program} says {shown.strip()!r} of version {version()}.")
    store = folder / "check.sqlite"
    _run([str(program), "--db", str(store), "call", "list_tasks"])


def bill_of_materials(packages: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The packages of an installation as CycloneDX JSON; the same packages give the same text."""
    components = [_component(one) for one in sorted(packages, key=lambda package: package["name"].lower())]
    own = next(one for one in components if one["name"] == "taskhand")
    others = [one for one in components if one is not own]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own},
        "components": others,
        "dependencies": [{"ref": own["purl"], "dependsOn": [one["purl"] for one in others]}],
    }


def _component(package: Mapping[str, str]) -> dict[str, Any]:
    name = re.sub(r"[-_.]+", "-", package["name"].lower())
    purl = f"pkg:pypi/{name}@{package['version']}"
    kind = "application" if name == "taskhand" else "library"
    licenses = {"licenses": [{"expression": package["license"]}]} if package["license"] else {}
    return {"type": kind, "bom-ref": purl, "name": name, "version": package["version"], "purl": purl} | licenses


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _run(command: Sequence[str], variables: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """What the command prints; its errors are shown, and end the release."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TASKHAND_"))}
    done = subprocess.run(  # noqa: S603  our own commands
        command,
        cwd=cwd,
        env=clean | {"PIP_NO_COMPILE": "1"} | dict(variables or {}),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}")
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")

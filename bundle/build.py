"""Builds the bundle for desktop hosts: the folder `bundle` and the archive `taskhand.mcpb`, by default in `dist`.

Run from anywhere: `python bundle/build.py [FOLDER]`.
"""

import json
import shutil
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from manifest import ENTRY, manifest, project_file

ROOT = Path(__file__).parent.parent

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""A fixed time stamp, so that the same files make the same archive."""


def build(into: Path) -> Path:
    """Build the folder, pack it, and return the archive's path."""
    folder = into / "bundle"
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in _files():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    archive = into / "taskhand.mcpb"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            member = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _LONG_AGO)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            packed.writestr(member, path.read_bytes())
    return archive


def _files() -> Iterator[tuple[str, bytes]]:
    """The name and content of every file: the manifest, the dependencies, the start script, and the package."""
    file = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, wheel = file["project"], file["tool"]["hatch"]["build"]["targets"]["wheel"]
    repository = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))["repository"]["url"]
    text = json.dumps(manifest(project, repository), indent=2, ensure_ascii=False)
    yield "manifest.json", f"{text}\n".encode()
    yield "pyproject.toml", project_file(project).encode()
    yield "README.md", (ROOT / "README.md").read_bytes()
    yield "LICENSE", (ROOT / "LICENSE").read_bytes()
    yield ENTRY, (ROOT / "bundle" / "start.py").read_bytes()
    # The program reads its version from its installation's metadata, and a bundle is not installed.
    about = f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n"
    yield f"src/{project['name']}-{project['version']}.dist-info/METADATA", about.encode()
    targets = {package: package for package in wheel["packages"]}
    targets |= {source: f"src/{target}" for source, target in wheel.get("force-include", {}).items()}
    for source, target in targets.items():
        for path in sorted((ROOT / source).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{target}/{path.relative_to(ROOT / source).as_posix()}", path.read_bytes()


if __name__ == "__main__":
    made = build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
    sys.stdout.write(f"{made}: {made.stat().st_size // 1024} KiB\n")

"""Writes the lock files below `requirements`: the version of every package that was tested, one a line.

`runtime.txt` has what the program needs, `dev.txt` also what development and releases need. Run with the oldest Python
that is supported: `python release/lock.py`. It asks the package index that pip is configured for, and changes nothing
that is installed.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent

LOCKS = {"runtime.txt": ".", "dev.txt": ".[dev,keyring]"}
"""The lock files, and what each of them locks as pip names it."""

_HEAD = "# Written by `make lock`: the versions that are tested.\n"


def resolve(what: str) -> list[str]:
    """The newest versions that fit, as pip chooses them for this Python."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    report = [*pip, "--dry-run", "--ignore-installed", "--report", "-", what]
    done = subprocess.run(report, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603  our own command
    found = [one["metadata"] for one in json.loads(done.stdout)["install"]]
    return sorted(
        f"{one['name'].lower().replace('_', '-')}=={one['version']}" for one in found if one["name"] != "taskhand"
    )


if __name__ == "__main__":
    for name, what in LOCKS.items():
        (ROOT / "requirements" / name).write_text(_HEAD + "\n".join([*resolve(what), ""]), encoding="utf-8")

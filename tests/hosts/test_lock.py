"""The hosts' versions are pinned, and their lock says nothing of where they are fetched from."""

import json
import re

from documents import ROOT

LOCK = ROOT / "tests" / "hosts" / "package-lock.json"


def test_every_package_is_pinned_by_its_hash_and_no_registry_is_named() -> None:
    packages = json.loads(LOCK.read_text(encoding="utf-8"))["packages"]
    wanted = packages.pop("")["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert json.loads((LOCK.parent / "package.json").read_text(encoding="utf-8"))["dependencies"] == wanted
    assert all(one["integrity"] and "resolved" not in one for one in packages.values())
    assert "://" not in LOCK.read_text(encoding="utf-8")

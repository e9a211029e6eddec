"""The versions of what npm installs are pinned, and no lock says where it is fetched from."""

import json
import re

import pytest

from documents import ROOT


@pytest.mark.parametrize("folder", ["hosts", "identity"])
def test_every_package_is_pinned_by_its_hash_and_no_registry_is_named(folder: str) -> None:
    lock = ROOT / "tests" / folder / "package-lock.json"
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    wanted = packages.pop("")["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert json.loads((lock.parent / "package.json").read_text(encoding="utf-8"))["dependencies"] == wanted
    assert all(one["integrity"] and "resolved" not in one for one in packages.values())
    assert "://" not in lock.read_text(encoding="utf-8")

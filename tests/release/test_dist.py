"""What a release has beside its files; `make dist` builds and installs these."""

import json

from dist import bill_of_materials, version

from documents import ROOT
from taskhand import __version__


def test_the_bill_of_materials_names_every_package_once_and_is_the_same_each_time() -> None:
    packages = [
        {"name": "taskhand", "version": "1.2.3", "license": "MIT"},
        {"name": "typing_extensions", "version": "4.0", "license": "PSF-2.0"},
        {"name": "anyio", "version": "4.9", "license": ""},
    ]
    bill = bill_of_materials(packages)
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/taskhand@1.2.3"
    assert [one["purl"] for one in bill["components"]] == ["pkg:pypi/anyio@4.9", "pkg:pypi/typing-extensions@4.0"]
    assert bill["dependencies"][0]["dependsOn"] == [one["bom-ref"] for one in bill["components"]]
    assert json.dumps(bill) == json.dumps(bill_of_materials(packages[::-1]))


def test_the_version_is_that_of_the_project_and_ci_builds_the_release() -> None:
    assert version() == __version__
    assert "\nmake dist\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")

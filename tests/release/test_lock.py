"""The lock files fit pyproject.toml: `make` and the container install what they name."""

import tomllib
from collections.abc import Iterable

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from documents import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(lock: str) -> dict[str, str]:
    """The locked version of each package."""
    lines = (ROOT / "requirements" / lock).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def unlocked_requirements(lock: str, declared: Iterable[str]) -> list[str]:
    """The declared requirements that the lock file lacks, or has in a version that is not allowed."""
    locked, here = pins(lock), [Requirement(one) for one in declared]
    needed = [one for one in here if one.marker is None or one.marker.evaluate()]
    return [str(one) for one in needed if not one.specifier.contains(locked.get(canonicalize_name(one.name), "0"))]


@pytest.mark.parametrize(
    ("lock", "declared"),
    [
        ("runtime.txt", PROJECT["dependencies"]),
        ("dev.txt", [*PROJECT["dependencies"], *EXTRAS["dev"], *EXTRAS["keyring"]]),
    ],
)
def test_every_declared_package_is_locked_in_a_version_that_is_allowed(lock: str, declared: list[str]) -> None:
    assert unlocked_requirements(lock, declared) == [], "run `make lock`"


def test_development_has_the_versions_of_the_program() -> None:
    assert pins("runtime.txt").items() <= pins("dev.txt").items()
    assert "taskhand" not in pins("dev.txt")

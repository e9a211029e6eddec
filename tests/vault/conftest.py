"""The file and the clock of the tests of the vault."""

from pathlib import Path

import pytest

from fixed_clock import FixedClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "links.sqlite"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()

from __future__ import annotations

from pathlib import Path

import pytest

# urllib3 keeps this method for the vendor's client, which calls it on every error, and warns each time
GETHEADERS = r"ignore:HTTPResponse.getheaders\(\) is deprecated:DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.filterwarnings(GETHEADERS))

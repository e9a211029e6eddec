from __future__ import annotations

from pathlib import Path

import pytest

# urllib3 keeps this method for the vendor's client, which calls it on every error, and warns each time
GETHEADERS = r"ignore:HTTPResponse.getheaders\(\) is deprecated:DeprecationWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(GETHEADERS))

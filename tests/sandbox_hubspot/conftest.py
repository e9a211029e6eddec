from __future__ import annotations

import pytest

# urllib3 keeps this method for the vendor's client, which calls it on every error, and warns each time
GETHEADERS = r"ignore:HTTPResponse.getheaders\(\) is deprecated:DeprecationWarning"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "sandbox_hubspot" in item.path.parts:
            item.add_marker(pytest.mark.filterwarnings(GETHEADERS))

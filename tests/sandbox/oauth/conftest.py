from __future__ import annotations

import pytest

from sandbox.oauth.served_sandbox import CRMS


@pytest.fixture(params=list(CRMS))
def crm(request: pytest.FixtureRequest) -> str:
    return str(request.param)

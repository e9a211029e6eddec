"""One suite over every backend and both protocol eras, through a real client."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from behaviour.agent import Agent
from behaviour.arms import ARMS, Arm
from taskhand.server.app import create_server

ERAS = ("legacy", "2026-07-28")


@pytest.fixture(params=ARMS, ids=lambda arm: arm.name)
def arm(request: pytest.FixtureRequest) -> Arm:
    """The backend under test; a test that it declares as a gap is skipped with the reason."""
    chosen: Arm = request.param
    if reason := chosen.gaps.get(request.function.__name__):
        pytest.skip(reason)
    return chosen


@pytest.fixture(params=ERAS)
async def agent(arm: Arm, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Agent]:
    """An agent connected to a server on the backend's small world."""
    async with arm.open(tmp_path) as desk, Client(create_server(desk), mode=request.param) as client:
        yield Agent(client, arm.needs)

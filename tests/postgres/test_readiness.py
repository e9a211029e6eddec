"""A server whose database does not answer is not ready, and is ready again by itself."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from postgres_server import TestDatabase
from taskhand.call.deadline import call_deadline
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError
from taskhand.service.readiness import Readiness
from taskhand.service.write_call import Call
from taskhand.wiring import open_app


async def test_readiness_health_and_calls_report_a_database_that_does_not_answer(
    postgres: TestDatabase, tmp_path: Path
) -> None:
    if (server := postgres.server) is None:
        pytest.skip("the server is not ours to stop")
    settings = Settings(state=SecretStr(postgres.url), db=tmp_path / "tasks.sqlite", user="Elena")
    async with open_app(settings) as app:
        await Call(app, "create_task").record("refused", code="empty_title")
        readiness = Readiness(app, bound_s=0.3)
        assert await readiness.check() == {"store": "ok", "journal": "ok"}
        [found] = await app.journal.check_health()
        assert (found.outcome, "2 rows, all as they were written" in found.found) == ("ok", True)
        server.stop()
        assert await readiness.check() == {"store": "ok", "journal": "store_unavailable"}
        with call_deadline(0.3):
            [found] = await app.journal.check_health()
        assert (found.outcome, "TASKHAND_STATE" in str(found.remedy)) == ("failed", True)
        with pytest.raises(OperatorError) as error, call_deadline(0.3):
            await Call(app, "create_task").begin(Call(app, "create_task").new_opening(), [])
        assert (error.value.code, error.value.retryable) == ("store_unavailable", True)
        server.start()
        assert await readiness.check() == {"store": "ok", "journal": "ok"}
        await Call(app, "create_task").begin(Call(app, "create_task").new_opening(), [])
        server.stop()  # the server ends all the same
    server.start()

"""The number of tasks that a call names, before any of them is looked for."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import MISSING

from behaviour.world import NOW
from file_stores import journal_in, store_in
from taskhand.domain.errors import NotAllowed
from taskhand.domain.policy import Rules
from taskhand.domain.principal import Principal
from taskhand.service.app_context import AppContext
from taskhand.service.find_by_property import TaskIds, find_ids
from taskhand.service.lazy import Lazy


async def test_two_spellings_of_one_id_are_one_task_for_the_rule_on_their_number(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    limited = replace(app, principal=Principal(rules=Rules(most_tasks=1)))
    assert await find_ids(limited, ("ab", "AB"), MISSING) == TaskIds(("ab", "AB"))
    with pytest.raises(NotAllowed):
        await find_ids(limited, ("ab", "cd"), MISSING)
    await app.aclose()

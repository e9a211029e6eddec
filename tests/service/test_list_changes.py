"""Which period a list of changes may be of."""

from datetime import timedelta
from pathlib import Path

from behaviour.world import NOW
from builders import refused
from file_stores import journal_in, store_in
from taskhand.journal.journal import ChangeQuery, Ending
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.list_changes import list_changes
from taskhand.service.write_call import Call


async def test_a_period_may_be_one_moment_and_does_not_end_before_it_begins(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    change = await app.journal.record(Call(app, "update_task").new_opening(), Ending("unchanged"))
    page = await list_changes(app, ChangeQuery(since=NOW, until=NOW))
    assert [one.id for one in page.changes] == [change.id]
    with refused("invalid_window"):
        await list_changes(app, ChangeQuery(since=NOW, until=NOW - timedelta(seconds=1)))
    await app.aclose()

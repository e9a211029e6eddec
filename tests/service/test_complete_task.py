"""A task is completed as it is now, not as it was when it was last read."""

from pathlib import Path

from behaviour.world import NOW
from file_stores import journal_in, store_in
from service.caching_backend import CachingBackend
from taskhand.domain.edit import Edit
from taskhand.domain.task import StatusChoice
from taskhand.service.app_context import AppContext
from taskhand.service.complete_task import complete_task
from taskhand.service.lazy import Lazy
from taskhand.service.write_call import Call


async def test_a_finished_task_that_was_opened_again_since_it_was_read_is_completed(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(CachingBackend(store), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)  # type: ignore[arg-type]
    first, *_, done = (StatusChoice.of(one) for one in (await store.statuses()).statuses)
    task = (await store.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    task = (await store.update_task(task, Edit(status=done))).task
    assert (await app.backend.get_task(task.id)).is_finished
    await store.update_task(task, Edit(status=first))
    await complete_task(Call(app, "complete_task"), task.id)
    assert (await store.get_task(task.id)).is_finished
    await app.aclose()

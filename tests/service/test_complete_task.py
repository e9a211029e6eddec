"""A task is completed as it is now, not as it was when it was last read, and keeps its status if it is finished."""

from pathlib import Path

from pydantic import MISSING

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


async def test_a_finished_task_keeps_its_status_unless_another_finished_one_is_named(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    app = AppContext(store, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    await store.edit(lambda one: one.add_status("Archivado", "done"))
    *_, done, archived = (StatusChoice.of(one) for one in (await store.statuses()).statuses)
    task = (await store.create_task(Edit(title="Call", responsible_ids=(), priority=1))).task
    task = (await store.update_task(task, Edit(status=done))).task
    for named, expected in ((MISSING, done), ("Archivado", archived), (MISSING, archived)):
        await complete_task(Call(app, "complete_task"), task.id, named)
        assert expected.met_by((await store.get_task(task.id)).status_config)
    await app.aclose()

"""The CRM is asked about what would be sent for a task, and not about what the task shows already."""

from pathlib import Path

from behaviour.world import NOW
from builders import refused, task
from file_stores import journal_in, store_in
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import Task
from taskhand.service.app_context import AppContext
from taskhand.service.intents import update_intent
from taskhand.service.lazy import Lazy


class UntitledBackend:
    """A backend that takes no title."""

    def __init__(self, backend: object) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def check_edit(self, _: Task | None, edit: Edit) -> None:
        """Refuse an edit with a title."""
        if "title" in dict(edit.given_fields()):
            raise CallerError("There are no titles here.", code="field_not_changeable")


async def test_an_unchangeable_field_is_accepted_if_the_task_already_has_its_value(tmp_path: Path) -> None:
    app = AppContext(UntitledBackend(store_in(tmp_path)), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)  # type: ignore[arg-type]
    before, edit = Snapshot(task(title="Call", priority=1)), Edit(title="Call", priority=2)
    assert (await update_intent(app, before, edit)).edit == Edit(priority=2)
    with refused("field_not_changeable"):
        await update_intent(app, before, Edit(title="Visit", priority=2))
    edit = Edit(priority=2)
    assert (await update_intent(app, before, edit, Snapshot(task(priority=2)))).edit == Edit()
    assumed = Snapshot(task(priority=2), assumed=True)
    assert (await update_intent(app, before, edit, assumed)).edit == edit, "a task that was not read shows nothing"
    await app.backend.aclose()

"""A filter with several names, of which the people and statuses of an account know only some."""

from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import refused
from file_stores import journal_in, store_in
from taskhand.domain.task_query import TaskFilter
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.list_tasks import list_tasks
from taskhand.service.partly_known_names import ask_for_known

NOBODY, NOWHERE = "Nobody Known", "Nowhere"
NOBODYS_ID = "00000000-0000-4000-8000-000000000099"


@pytest.mark.parametrize(
    ("people", "statuses", "unknown", "code"),
    [
        (("me",), ("Pendiente",), set(), None),
        (("me", NOBODY), ("Pendiente",), {NOBODY}, None),
        (("me", NOBODYS_ID), ("Pendiente",), {NOBODYS_ID}, None),
        (("me", NOBODY), (NOWHERE, "Pendiente"), {NOBODY, NOWHERE}, None),
        ((NOBODY,), ("Pendiente",), set(), "unknown_member"),
        (("me",), (NOWHERE,), set(), "unknown_status"),
        (("me", NOBODY), (NOWHERE,), set(), "unknown_member"),
    ],
)
async def test_a_list_leaves_out_unknown_names_unless_all_names_of_a_field_are_unknown(
    tmp_path: Path, people: tuple[str, ...], statuses: tuple[str, ...], unknown: set[str], code: str | None
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    given = TaskFilter(responsible_ids=people, status=statuses)
    if code is not None:
        with refused(code):
            await ask_for_known(app, given, lambda known: list_tasks(app, known))
    else:
        found = await ask_for_known(app, given, lambda known: list_tasks(app, known))
        assert {value for _, value in found.unknown} == unknown
        assert len(found.answer.query.responsible_ids or ()) == len(found.answer.query.statuses or ()) == 1
    await app.aclose()

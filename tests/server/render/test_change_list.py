"""The rows of list_changes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import TextContent

from behaviour.world import NOW
from builders import TASK_ID, task
from file_stores import journal_in, store_in
from taskhand.domain.edit import Edit
from taskhand.domain.outcome import Outcome
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.wording import Wording
from taskhand.journal.journal import Caller, Change, ChangePage, Ending, Intent, Opening, Result
from taskhand.server.app import create_server
from taskhand.server.render.answer import MAX_LENGTH
from taskhand.server.render.change_list import ChangesAnswer
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy

OPENING = Opening("update_task", Caller("tests"), NOW)
INTENT = Intent("update", Snapshot(task()), Edit(priority=2))


@pytest.mark.parametrize(
    ("outcome", "changed"),
    [
        ("unknown", {"priority": {"from": 1, "to": 2}}),
        ("planned", {"priority": {"from": 1, "to": 2}}),
        ("refused", None),
    ],
)
def test_a_change_that_may_have_been_written_shows_the_intended_values(outcome: Outcome, changed: object) -> None:
    change = Change("chg_1", OPENING, (INTENT,), {0: Result(0, outcome, TASK_ID)}, Ending(outcome))
    [row] = ChangesAnswer.of(ChangePage((change,)), 1, None, Wording()).model_dump(mode="json")["changes"]
    assert row.get("changed") == changed


@pytest.mark.parametrize(("tasks", "note"), [(1, None), (3, None), (4, "list_changes with its changeId has them all.")])
def test_a_note_says_that_a_row_does_not_name_all_tasks(tasks: int, note: str | None) -> None:
    change = Change("chg_1", OPENING, (INTENT,) * tasks, ending=Ending("applied"))
    answer = ChangesAnswer.of(ChangePage((change,)), 1, None, Wording()).model_dump(mode="json")
    assert answer.get("note", "").endswith(note) if note else "note" not in answer


def test_a_change_has_the_title_of_its_task_afterwards() -> None:
    result = Result(0, "applied", TASK_ID, task(title="Afterwards"))
    change = Change("chg_1", OPENING, (INTENT,), {0: result}, Ending("applied"))
    [row] = ChangesAnswer.of(ChangePage((change,)), 1, None, Wording()).model_dump(mode="json")["changes"]
    assert row["title"] == "Afterwards"


def test_a_change_names_the_known_person_and_connection() -> None:
    known = replace(OPENING, caller=Caller("tests", subject="ana@x.test"), connection="north")
    page = ChangePage((Change("chg_1", known, (INTENT,)), Change("chg_2", OPENING, (INTENT,))))
    first, second = ChangesAnswer.of(page, 2, None, Wording()).model_dump(mode="json")["changes"]
    assert (first["by"], first["person"], first["connection"]) == ("tests", "ana@x.test", "north")
    assert {"person", "connection"}.isdisjoint(second)


async def test_pages_of_large_changes_have_fewer_rows_and_lose_none(tmp_path: Path) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    after = task(title="t" * 900, description="d" * 900, ai_contact_id="c" * 200, ai_customer_id="k" * 200)
    for number in range(50):
        opening = replace(OPENING, at=NOW + timedelta(seconds=number), reason="r" * 300)
        await app.journal.record(opening, Ending("applied"), [INTENT], [Result(0, "applied", TASK_ID, after)])
    seen: list[str] = []
    cursor: dict[str, str] = {}
    async with Client(create_server(app)) as client:
        while len(seen) < 50:
            result = await client.call_tool("list_changes", {"limit": 50, **cursor})
            [part] = result.content
            assert isinstance(part, TextContent)
            assert len(part.text) <= MAX_LENGTH
            assert result.structured_content is not None
            seen += [row["changeId"] for row in result.structured_content["changes"]]
            cursor = {"cursor": result.structured_content.get("nextCursor", "")}
    assert len(set(seen)) == 50
    await app.aclose()

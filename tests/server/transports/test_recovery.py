"""A server is killed in the middle of its writes: the next one says what came of each, and all can be repeated."""

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.transports.server_process import HELLO, Pipe, output, run, serving
from server.transports.task_calls import answer_of, create_task, draft, titles_of_whole_tasks
from time_limits import BOUND_S

CREATES, RENAMES = 24, 10
EVERY = [*(f"new {number:02}" for number in range(CREATES)), *(f"renamed {number:02}" for number in range(RENAMES))]


def calls_to_make(old: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Many new tasks, each under a key of its own, and new titles for the `old` ones, in turn."""
    calls = []
    for number in range(CREATES):
        calls.append(("create_task", draft(f"new {number:02}", "me") | {"idempotencyKey": f"new {number:02}"}))
        if number < len(old):
            title = f"renamed {number:02}"
            text = {"title": title, "description": draft(title)["description"]}
            calls.append(("update_task", {"id": old[number]} | text))
    return calls


def create_old_tasks(pipe: Pipe) -> list[str]:
    """The tasks that there are before, by id."""
    return [str(create_task(pipe, draft(f"old {number:02}", "me"))["id"]) for number in range(RENAMES)]


def kill_at_work(doomed: Pipe, old: list[str], answers_before: int) -> set[str]:
    """Kill a server while it does all that: the changes that it answered with."""
    asked = [doomed.ask_tool(tool, arguments) for tool, arguments in calls_to_make(old)]
    for request in asked[:answers_before]:
        doomed.answer(request)
    doomed.send_signal(signal.SIGKILL)
    assert doomed.ends_within(BOUND_S) == -signal.SIGKILL
    answers = doomed.answers_at_the_end()
    return {answer_of(answers[one])["changeId"] for one in asked if one in answers}


def changes(pipe: Pipe) -> Iterator[dict[str, Any]]:
    """All rows of the journal, page by page."""
    page: dict[str, Any] = {"nextCursor": None}
    while "nextCursor" in page:
        page = answer_of(pipe.call("list_changes", {"limit": 50, "cursor": page["nextCursor"]}))
        yield from page["changes"]


def check_agrees(row: dict[str, Any], titles: dict[str, str]) -> None:
    """What the journal says of a change is so in the store, whose tasks have these `titles` by id."""
    is_done = row["outcome"] == "applied"
    assert is_done or row["outcome"] == "not_applied"
    if row["tool"] == "update_task":
        assert titles[row["taskId"]].startswith("renamed" if is_done else "old")
    elif row["title"].startswith("new"):
        assert [one for one, title in titles.items() if title == row["title"]] == ([row["taskId"]] if is_done else [])


@pytest.mark.parametrize("answers_before", [1, 20])
def test_a_killed_server_is_recovered_from_the_store_and_repeats_create_nothing_twice(
    store_file: Path, answers_before: int
) -> None:
    with Pipe(store_file) as doomed:
        old = create_old_tasks(doomed)
        answered = kill_at_work(doomed, old, answers_before)
    assert len(answered) >= answers_before
    with Pipe(store_file) as server:
        rows = {row["changeId"]: row for row in changes(server)}
        listed = answer_of(server.call("list_tasks", {"limit": 100, "fields": ["title"]}))["tasks"]
        titles = {task["id"]: task["title"] for task in listed}
        for row in rows.values():
            check_agrees(row, titles)
        assert answered <= {change_id for change_id, row in rows.items() if row["outcome"] == "applied"}
        applied = [
            row["taskId"] for row in rows.values() if row.get("does") == "create" and row["outcome"] == "applied"
        ]
        assert sorted(applied) == sorted(titles)
        output(store_file, "journal", "verify")
        for tool, arguments in calls_to_make(old):
            assert server.call(tool, arguments)["result"]["isError"] is False
        assert "open" not in {row["outcome"] for row in changes(server)}
        server.stdin.close()
        assert server.ends_within(BOUND_S) == 0
    assert titles_of_whole_tasks(store_file, people=1) == EVERY
    output(store_file, "journal", "verify")
    assert [file.name for file in store_file.parent.glob("*.lock")] == []


def test_concurrent_requests_after_a_crash_settle_each_change_once(store_file: Path) -> None:
    with Pipe(store_file) as doomed:
        old = create_old_tasks(doomed)
        kill_at_work(doomed, old, answers_before=10)
    with Pipe(store_file) as server:
        asked = [server.ask_tool(tool, arguments) for tool, arguments in calls_to_make(old)]
        assert [request for request in asked if server.answer(request)["result"]["isError"]] == []
    assert titles_of_whole_tasks(store_file, people=1) == EVERY
    rows = [json.loads(line)["body"] for line in output(store_file, "journal", "export").splitlines()]
    endings = Counter(row["change_id"] for row in rows if row["kind"] == "ending")
    assert {count for _, count in endings.items()} == {1}


def test_a_waiting_duplicate_is_answered_after_the_first_server_is_killed(
    store_file: Path,
) -> None:
    with Pipe(store_file) as other, Pipe(store_file) as doomed:
        old = create_old_tasks(doomed)
        create_task(other, draft("before", "me"))  # it looks for what others left open now, and not again in a moment
        kill_at_work(doomed, old, answers_before=10)
        asked = [other.ask_tool(tool, arguments) for tool, arguments in calls_to_make(old)]
        assert [request for request in asked if other.answer(request)["result"]["isError"]] == []
    assert titles_of_whole_tasks(store_file, people=1) == ["before", *EVERY]


def hindered_store(folder: Path, hindrance: str) -> Path:
    """A store whose folder may not be entered, or whose name is too long, or which is beside a damaged journal."""
    if hindrance == "long name":
        return folder / f"{'a' * 250}.sqlite"
    store = folder / "data" / "tasks.sqlite"
    output(store, "call", "create_task", json.dumps(draft("one", "me")))
    if hindrance == "closed folder":
        store.parent.chmod(0)
        if os.access(store.parent, os.X_OK):
            pytest.skip("no folder is closed to root")
    else:
        journal = store.with_name("tasks.journal.sqlite")
        journal.write_bytes(journal.read_bytes().replace(b"TABLE under_way", b"TABLE \xffnder_way"))
    return store


@pytest.mark.parametrize("hindrance", ["long name", "damaged journal", "closed folder"])
def test_a_server_answers_initialize_whatever_hinders_recovery(tmp_path: Path, hindrance: str) -> None:
    try:
        store = hindered_store(tmp_path, hindrance)
        with Pipe(store) as pipe:
            pipe.send(json.dumps({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": HELLO}))
            assert "result" in pipe.answer("hello")
        with serving(store) as web:
            assert web.get("/health")[0] == 200
            assert "store_unavailable" in web.call("create_task", draft("two", "me"))["result"]["content"][0]["text"]
        for command in (("doctor",), ("journal",)):
            told = run(store, *command)
            assert (told.returncode, "Traceback" in told.stderr) == (1, False)
    finally:
        (tmp_path / "data").mkdir(exist_ok=True)
        (tmp_path / "data").chmod(0o700)

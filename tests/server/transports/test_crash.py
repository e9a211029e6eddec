"""Two servers on one store, and one of them is killed while both write."""

import signal
from pathlib import Path
from typing import Any

import pytest

from server.transports.server_process import Message, Pipe, output
from server.transports.task_calls import draft, titles_of_whole_tasks
from time_limits import BOUND_S

WRITES = 60


def send_creates(pipe: Pipe, name: str) -> dict[int, str]:
    """Many creates, all sent before any is answered: title by request."""
    titles = [f"{name} {number:03}" for number in range(WRITES)]
    return {pipe.ask_tool("create_task", draft(title, "me", "Luis Pereira")): title for title in titles}


@pytest.mark.parametrize("answers_before_the_kill", [1, 30])
def test_answered_writes_survive_a_kill_and_the_other_server_continues(
    store_file: Path, answers_before_the_kill: int
) -> None:
    output(store_file, "members", "add", "Luis Pereira")
    with Pipe(store_file) as doomed, Pipe(store_file) as other:
        for pipe in (doomed, other):
            pipe.call("list_statuses", {})
        by_doomed, by_other = send_creates(doomed, "doomed"), send_creates(other, "other")
        for request in list(by_doomed)[:answers_before_the_kill]:
            doomed.answer(request)
        doomed.send_signal(signal.SIGKILL)
        assert doomed.ends_within(BOUND_S) == -signal.SIGKILL
        answers = {request: message for request, message in doomed.answers_at_the_end().items() if request in by_doomed}
        made = {request for request, message in answers.items() if "task" in _answer(message)}
        answered = {title for request, title in by_doomed.items() if request in made}
        for request in by_other:
            assert other.answer(request)["result"]["isError"] is False
        last = other.call("create_task", draft("after the kill", "me", "Luis Pereira"))
        assert last["result"]["structuredContent"]["task"]["title"] == "after the kill"
    kept = titles_of_whole_tasks(store_file, people=2)
    assert len(kept) == len(set(kept))
    assert answered | set(by_other.values()) | {"after the kill"} <= set(kept)
    assert len(made) >= answers_before_the_kill, [answers[request] for request in answers.keys() - made]


def _answer(message: Message) -> dict[str, Any]:
    structured: dict[str, Any] = message["result"].get("structuredContent", {})
    return structured


def test_a_new_server_opens_a_store_whose_only_server_was_killed(store_file: Path) -> None:
    with Pipe(store_file) as doomed:
        doomed.answer(doomed.ask_tool("create_task", draft("kept", "me")))
        doomed.send_signal(signal.SIGKILL)
        doomed.ends_within(BOUND_S)
    with Pipe(store_file) as next_one:
        found = next_one.call("list_tasks", {"text": "kept"})["result"]["structuredContent"]["tasks"]
        assert [task["title"] for task in found] == ["kept"]
    assert titles_of_whole_tasks(store_file, people=1) == ["kept"]


def test_two_servers_see_each_other_s_writes_at_once(store_file: Path) -> None:
    with Pipe(store_file) as one, Pipe(store_file) as two:
        task = one.call("create_task", draft("shared", "me"))["result"]["structuredContent"]["task"]
        done = two.call("complete_task", {"id": task["id"]})["result"]["structuredContent"]["task"]
        assert done["status"] == "Completado"
        read = one.call("get_task", {"id": task["id"]})["result"]["structuredContent"]["task"]
        assert read["status_config"]["name"] == done["status"]

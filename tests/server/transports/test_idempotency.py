"""Exactly once across processes: two servers on one store and one journal, asked for the same at the same moment."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from server.transports.server_process import Message, Pipe, output
from server.transports.task_calls import answer_of, create_task, draft, error_of, titles_of_whole_tasks

ROUNDS = 12


class Pair(NamedTuple):
    """Two servers and the store that they share."""

    first: Pipe
    second: Pipe
    store: Path

    def asked(self, tool: str, calls: list[dict[str, Any]]) -> list[tuple[Message, Message]]:
        """What both answer to each of the calls; all are sent before any is answered."""
        asked = [(self.first.ask_tool(tool, one), self.second.ask_tool(tool, one)) for one in calls]
        return [(self.first.answer(one), self.second.answer(other)) for one, other in asked]

    def titles(self, name: str) -> list[str]:
        """The titles in the store that begin so."""
        return [title for title in titles_of_whole_tasks(self.store, people=1) if title.startswith(name)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two servers that have begun to serve; their journal is whole in the end."""
    store = tmp_path_factory.mktemp("pair") / "tasks.sqlite"
    with ExitStack() as stack:
        first, second = (stack.enter_context(Pipe(store)) for _ in range(2))
        for pipe in (first, second):
            pipe.call("list_statuses", {})
        yield Pair(first, second, store)
    output(store, "journal", "verify")


def is_new(message: Message) -> bool:
    """Whether the call was carried out; else it was answered as the first one was, or told to wait for that."""
    if message["result"]["isError"]:
        error = error_of(message)
        assert (error["code"], error["retryable"]) == ("in_progress", True)
        return False
    return "replayed" not in answer_of(message)


@pytest.mark.parametrize("with_key", [True, False], ids=["with-a-key", "without"])
def test_the_same_create_at_two_servers_at_the_same_moment_makes_one_task(pair: Pair, *, with_key: bool) -> None:
    name = "keyed" if with_key else "plain"
    calls = [draft(f"{name} {number:02}", "me") for number in range(ROUNDS)]
    calls = [call | ({"idempotencyKey": call["title"]} if with_key else {}) for call in calls]
    for answers in pair.asked("create_task", calls):
        assert sorted(map(is_new, answers)) == [False, True]
    assert pair.titles(name) == [call["title"] for call in calls]
    for answers in pair.asked("create_task", calls):  # by now both have it
        first, second = map(answer_of, answers)
        assert first["replayed"] is second["replayed"] is True
        assert (first["task"], first["changeId"]) == (second["task"], second["changeId"])
    assert len(pair.titles(name)) == ROUNDS


def test_the_same_plan_at_two_servers_at_the_same_moment_is_carried_out_once(pair: Pair) -> None:
    task = create_task(pair.first, draft("planned", "me"))
    plans = [
        answer_of(
            pair.first.call(
                "reassign_task", {"id": task["id"], "responsibleIds": [], "mode": "replace", "dryRun": True}
            )
        )
        for _ in range(3)
    ]
    for plan in plans:
        [answers] = pair.asked("apply_plan", [{"planId": plan["planId"]}])
        [code] = [error_of(one)["code"] for one in answers if one["result"]["isError"]]
        assert code in {"plan_used", "plan_stale"}
        pair.second.call("reassign_task", {"id": task["id"], "responsibleIds": ["me"]})


def test_the_same_bulk_change_with_a_key_at_two_servers_is_made_once(pair: Pair) -> None:
    ids = [create_task(pair.first, draft(f"bulk {number}", "me"))["id"] for number in range(5)]
    sent = {"taskIds": ids, "shiftDueDays": 1, "idempotencyKey": "shift"}
    [answers] = pair.asked("bulk_update_tasks", [sent])
    assert sorted(map(is_new, answers)) == [False, True]
    found = answer_of(pair.first.call("list_tasks", {"text": "bulk"}))["tasks"]
    assert {row["due"] for row in found} == {"2026-03-02 Mon"}

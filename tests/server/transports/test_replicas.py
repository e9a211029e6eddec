"""Several HTTP servers on one store: a question, a plan or a client of one is served by another, as after a restart."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from server.transports.server_process import HELLO, META, Message, Web, run, serving
from server.transports.task_calls import create_task, error_of

OLD_KEY, NEW_KEY = "0123456789abcdef" * 4, "fedcba9876543210" * 4
MODERN = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call"}
ABLE_TO_ASK = META | {"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}}
ABLE_HELLO: dict[str, Any] = HELLO | {"capabilities": {"elicitation": {}}}
YES = {"confirm": {"action": "accept", "content": {"confirm": True}}}


@dataclass(frozen=True)
class Replicas:
    """Servers on one store: `first` has the old key, `second` the new one and the old one, `alone` has none."""

    first: Web
    second: Web
    alone: Web


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("replicas")
    store = folder / "tasks.sqlite"
    keys = folder / "keys"
    keys.write_text(f"{NEW_KEY},{OLD_KEY}\n", encoding="utf-8")
    with ExitStack() as stack:
        yield Replicas(
            stack.enter_context(serving(store, "--stateless", TASKHAND_STATE_KEY=OLD_KEY)),
            stack.enter_context(serving(store, "--stateless", TASKHAND_STATE_KEY_FILE=str(keys))),
            stack.enter_context(serving(store)),
        )


def delete(web: Web, task_id: str, **answered: Any) -> Message:
    """Ask for a deletion in the newer era, or bring the person's answer."""
    call = {"name": "delete_task", "arguments": {"id": task_id}, "_meta": ABLE_TO_ASK} | answered
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer: Message = json.loads(web.post(json.dumps(body).encode(), **MODERN, Mcp_Name="delete_task")[1])
    return answer


def exists(web: Web, task_id: str) -> bool:
    return "structuredContent" in web.call("get_task", {"id": task_id})["result"]


def test_a_question_of_one_server_is_answered_at_another(replicas: Replicas) -> None:
    task_id = str(create_task(replicas.first)["id"])
    asked = delete(replicas.first, task_id)["result"]
    assert asked["resultType"] == "input_required"
    done = delete(replicas.second, task_id, inputResponses=YES, requestState=asked["requestState"])["result"]
    assert "deleted" in done["structuredContent"]["note"]
    again = delete(replicas.first, task_id, inputResponses=YES, requestState=asked["requestState"])
    assert error_of(again)["code"] == "plan_used"


def test_a_server_without_the_key_refuses_the_answer_and_deletes_nothing(replicas: Replicas) -> None:
    task_id = str(create_task(replicas.first)["id"])
    for asking, answering in ((replicas.first, replicas.alone), (replicas.alone, replicas.first)):
        state = delete(asking, task_id)["result"]["requestState"]
        refused = delete(answering, task_id, inputResponses=YES, requestState=state)
        assert refused["error"]["message"] == "Invalid or expired requestState"
    newer_state = delete(replicas.second, task_id)["result"]["requestState"]
    assert "error" in delete(replicas.first, task_id, inputResponses=YES, requestState=newer_state)
    assert exists(replicas.second, task_id)


def test_a_plan_of_one_server_is_carried_out_once_at_another(replicas: Replicas) -> None:
    task_id = str(create_task(replicas.first)["id"])
    plan = replicas.first.call("update_task", {"id": task_id, "title": "Planned", "dryRun": True})["result"]
    plan_id = plan["structuredContent"]["planId"]
    done = replicas.second.call("apply_plan", {"planId": plan_id})["result"]["structuredContent"]
    assert done["task"]["title"] == "Planned"
    assert error_of(replicas.first.call("apply_plan", {"planId": plan_id}))["code"] == "plan_used"


def older(web: Web, method: str, session: str | None = None, /, **params: Any) -> tuple[int, Message]:
    """One request of the older era: the status, and the message in the stream of the answer."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {"MCP_Protocol_Version": "2025-11-25"} | ({"Mcp_Session_Id": session} if session else {})
    status, answer = web.post(body, **headers)
    _, _, data = answer.rpartition(b"data: ")
    return status, json.loads(data)


def test_without_sessions_any_server_answers_a_client_of_the_older_era(replicas: Replicas) -> None:
    status, opened = older(replicas.first, "initialize", **ABLE_HELLO)
    assert status == 200
    assert opened["result"]["capabilities"]["resources"]["subscribe"] is False
    for session in (None, "of-another-server"):
        status, listed = older(replicas.second, "tools/list", session)
        assert status == 200
        assert len(listed["result"]["tools"]) > 10
    assert "error" in older(replicas.second, "resources/subscribe", uri=f"task://{0:032}")[1]


def test_without_sessions_a_guarded_change_stops_at_a_plan_that_any_server_carries_out(replicas: Replicas) -> None:
    task_id = str(create_task(replicas.first)["id"])
    older(replicas.first, "initialize", **ABLE_HELLO)
    _, planned = older(replicas.first, "tools/call", name="delete_task", arguments={"id": task_id})
    plan = planned["result"]["structuredContent"]
    assert exists(replicas.second, task_id)
    older(replicas.second, "tools/call", name="apply_plan", arguments={"planId": plan["planId"]})
    assert not exists(replicas.first, task_id)


def test_a_server_with_sessions_refuses_a_session_of_another_server(replicas: Replicas) -> None:
    status, answer = older(replicas.alone, "tools/list", "of-another-server")
    assert status == 404
    assert answer["error"]["message"] == "Session not found"


@pytest.mark.parametrize("key", ["short", f"{OLD_KEY},short", f"{OLD_KEY},{OLD_KEY}", ",", "ñ" * 32])
def test_a_key_that_is_too_short_or_repeated_is_refused_and_not_shown(store_file: Path, key: str) -> None:
    done = run(store_file, "tools", TASKHAND_STATE_KEY=key)
    assert done.returncode == 1
    assert done.stderr.startswith("taskhand: TASKHAND_STATE_KEY is not usable: each key needs at least 32")
    assert OLD_KEY not in done.stderr


def test_a_key_is_never_shown(store_file: Path) -> None:
    done = run(store_file, "config", "--json", TASKHAND_STATE_KEY=f"{NEW_KEY},{OLD_KEY}")
    assert '"TASKHAND_STATE_KEY"' in done.stdout
    assert NEW_KEY not in done.stdout
    assert OLD_KEY not in done.stdout


def test_the_option_stateless_needs_http(store_file: Path) -> None:
    done = run(store_file, "serve", "--stateless")
    assert done.returncode == 2
    assert "--stateless needs --http" in done.stderr

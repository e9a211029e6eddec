"""A server whose host left a placeholder where the key belongs: nothing is sent, and the variable is named."""

import socket
from pathlib import Path

import pytest

from server.transports.server_process import META, Pipe
from server.transports.task_calls import error_of


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"VAMBE_API_KEY": "${VAMBE_API_KEY}"}, "VAMBE_API_KEY holds a placeholder"),
        ({"VAMBE_TOKEN": "s3cr3t-4711"}, "VAMBE_TOKEN is set, and Taskhand does not read it"),
    ],
)
def test_a_call_is_answered_with_the_faulty_setting_of_the_chosen_crm(
    store_file: Path, given: dict[str, str], found: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as vambe:
        vambe.settimeout(0)
        url = f"http://127.0.0.1:{vambe.getsockname()[1]}"
        with Pipe(store_file, TASKHAND_BACKEND="vambe", VAMBE_BASE_URL=url, **given) as pipe:
            error = error_of(pipe.call("list_tasks", {}))
            log = pipe.err.next()
        with pytest.raises(BlockingIOError):
            vambe.accept()
    assert (error["code"], found in error["message"]) == ("not_configured", True)
    assert "VAMBE_API_KEY" in error["next"]
    assert log
    assert found in log
    assert "s3cr3t" not in f"{error} {pipe.err.seen}"


def test_the_instructions_name_the_built_in_store_that_replaces_a_crm_with_an_unusable_key(store_file: Path) -> None:
    with Pipe(store_file, VAMBE_API_KEY="'s3cr3t-4711'") as pipe:
        told = pipe.answer(pipe.ask("server/discover", _meta=META))["result"]["instructions"]
        assert pipe.call("list_tasks", {})["result"]["structuredContent"]["tasks"] == []
    assert "tasks are in the built-in store, not in a CRM. VAMBE_API_KEY has quotes" in told
    assert "s3cr3t" not in told

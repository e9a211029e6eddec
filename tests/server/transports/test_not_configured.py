"""A program that is not configured: it starts, opens a session, and says what is wrong instead of ending."""

import json
from pathlib import Path
from typing import Any

import pytest

from server.transports.server_process import HELLO, Pipe, run, serving
from server.transports.task_calls import error_of
from settings_of import required_variables
from taskhand import __version__
from taskhand.backends.registry import FACTORIES
from taskhand.config.settings import Settings
from time_limits import BOUND_S

KINDS: dict[str, tuple[dict[str, str], str]] = {
    "an unknown backend": ({"TASKHAND_BACKEND": "salesforce"}, "TASKHAND_BACKEND"),
    "a bad number": ({"TASKHAND_PLAN_OVER": "many"}, "TASKHAND_PLAN_OVER"),
    "an unknown zone": ({"TASKHAND_TIMEZONE": "America/Santigo"}, "TASKHAND_TIMEZONE"),
    "a bad clock": ({"TASKHAND_CLOCK": "noon"}, "TASKHAND_CLOCK"),
    "a bad switch": ({"TASKHAND_READ_ONLY": "perhaps"}, "TASKHAND_READ_ONLY"),
    "an unknown tool": ({"TASKHAND_TOOLS": "make_coffee"}, "TASKHAND_TOOLS"),
    "no tool left": ({"TASKHAND_TOOLS": "write", "TASKHAND_READ_ONLY": "true"}, "TASKHAND_TOOLS"),
    "a missing file": ({"TASKHAND_CONFIG": "/nowhere/taskhand.toml"}, "/nowhere/taskhand.toml"),
    "a folder for a file": ({"TASKHAND_CONFIG": "/"}, "The configuration file /"),
    "a store in memory": ({"TASKHAND_DB": ":memory:"}, "TASKHAND_DB"),
    "a folder for a store": ({"TASKHAND_DB": "/"}, "TASKHAND_DB"),
    "this folder for a journal": ({"TASKHAND_JOURNAL": "."}, "TASKHAND_JOURNAL"),
    "a journal in memory": ({"TASKHAND_JOURNAL": ":memory:"}, "TASKHAND_JOURNAL"),
    "a key of the server that is nowhere": ({"TASKHAND_STATE_KEY": "env:GONE"}, "TASKHAND_STATE_KEY"),
    "two credentials": ({"VAMBE_API_KEY": "a", "CLOSE_API_KEY": "b"}, "several CRMs"),
    **{
        f"no key for {factory.title}": (
            {"TASKHAND_BACKEND": factory.name} | required_variables(factory.name),
            Settings.variable(factory.credentials[0]),
        )
        for factory in FACTORIES
        if factory.credentials
    },
    "a key with a line break": ({"VAMBE_API_KEY": "a\nb"}, "VAMBE_API_KEY"),
    "statuses of no type": ({"VAMBE_API_KEY": "k", "VAMBE_STATUSES": "a:soon"}, "VAMBE_STATUSES"),
    "an address that is none": ({"VAMBE_API_KEY": "k", "VAMBE_BASE_URL": "https://["}, "VAMBE_BASE_URL"),
    "a key in plain text": ({"CLOSE_API_KEY": "k", "CLOSE_BASE_URL": "http://192.0.2.1/v1"}, "CLOSE_BASE_URL"),
}
"""What is wrong with a configuration, and the words that name it."""


@pytest.mark.parametrize("kind", KINDS)
def test_with_nothing_to_serve_the_error_is_printed_and_the_exit_code_is_1(store_file: Path, kind: str) -> None:
    configured, named = KINDS[kind]
    done = run(store_file, **configured)
    assert done.returncode == 1
    assert done.stdout == ""
    assert any(line.startswith("taskhand: ") for line in done.stderr.splitlines())
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("kind", ["an unknown backend", "an unknown tool", "no key for Vambe"])
def test_a_session_opens_and_every_call_answers_with_the_error(store_file: Path, kind: str) -> None:
    configured, named = KINDS[kind]
    with Pipe(store_file, **configured) as pipe:
        pipe.send(json.dumps({"jsonrpc": "2.0", "id": "hi", "method": "initialize", "params": HELLO}))
        assert named in pipe.answer("hi")["result"]["instructions"]
        assert len(pipe.answer(pipe.ask("tools/list"))["result"]["tools"]) > 10
        no_arguments: list[Any] = [{}, "{}"]
        for arguments in no_arguments:
            error = error_of(pipe.call("list_tasks", arguments))
            assert error["code"] == "not_configured"
            assert named in error["message"]
        pipe.stdin.close()
        assert pipe.ends_within(BOUND_S) == 1
        assert named in "".join(pipe.err.all())
    assert not store_file.exists()


def test_over_http_calls_answer_with_the_error_and_the_process_is_alive_and_not_ready(store_file: Path) -> None:
    with serving(store_file, TASKHAND_BACKEND="vambe") as web:
        assert error_of(web.call("list_tasks", {}))["code"] == "not_configured"
        for path, status, state in (("/health", 200, "ok"), ("/ready", 503, "not_configured")):
            code, body = web.get(path)
            assert (code, json.loads(body)) == (status, {"status": state, "version": __version__})
        assert "VAMBE_API_KEY" in web.process.err.seen[0]


def test_an_address_that_others_reach_is_refused_all_the_same(store_file: Path) -> None:
    done = run(store_file, "serve", "--http", "--port", "0", "--host", "0.0.0.0", TASKHAND_BACKEND="vambe")  # noqa: S104
    assert done.returncode == 1
    assert "can be reached by other machines" in done.stderr


@pytest.mark.parametrize("words", [("call", "list_tasks"), ("tools",), ("journal",), ("statuses", "list")])
def test_other_commands_still_fail_at_once(store_file: Path, words: tuple[str, ...]) -> None:
    done = run(store_file, *words, TASKHAND_BACKEND="salesforce")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("taskhand: TASKHAND_BACKEND")

"""SIGHUP: a running server reads its policy and its people again, and a policy that is wrong changes nothing."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.transports.server_process import BOUND_S, Caller, Pipe, Process, output, serving
from server.transports.task_calls import DRAFT, code_of, create_task, error_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")

READ, ALL, BROKEN = '[everyone]\ntools = "read"\n', "", '[everyone]\ntools = "raed"\n'


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest, store_file: Path) -> Iterator[tuple[Process, Caller]]:
    """A server whose policy allows reads, and a caller of it."""
    policy = store_file.with_name("policy.toml")
    policy.write_text(READ, encoding="utf-8")
    policy.chmod(0o600)
    with ExitStack() as stack:
        if request.param == "http":
            web = stack.enter_context(serving(store_file, TASKHAND_POLICY=str(policy)))
            yield web.process, web
        else:
            pipe = stack.enter_context(Pipe(store_file, TASKHAND_POLICY=str(policy)))
            yield pipe, pipe


def test_a_good_policy_is_in_force_at_the_next_call_and_a_broken_one_changes_nothing(
    server: tuple[Process, Caller], store_file: Path
) -> None:
    process, caller = server
    policy = store_file.with_name("policy.toml")

    def reload(text: str) -> str:
        policy.write_text(text, encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        return process.err.next() or ""

    assert code_of(caller.call("create_task", DRAFT)) == "not_allowed"
    told = reload(BROKEN)
    assert "The policy stays as it was." in told
    assert f"everyone.tools in {policy} names 'raed', which is not a tool. Use one of: read" in told
    assert code_of(caller.call("create_task", DRAFT)) == "not_allowed"
    assert reload(ALL).strip() == f"The policy was read again from {policy}."
    assert create_task(caller)["title"] == DRAFT["title"]
    assert f"again from {policy}" in reload(READ)
    assert code_of(caller.call("create_task", DRAFT)) == "not_allowed"


def test_a_server_with_a_broken_policy_answers_with_what_is_wrong(store_file: Path) -> None:
    policy = store_file.with_name("policy.toml")
    policy.write_text(BROKEN, encoding="utf-8")
    with Pipe(store_file, TASKHAND_POLICY=str(policy)) as pipe:
        answer = pipe.call("list_tasks", {})
    assert code_of(answer) == "not_configured"
    assert str(policy) in str(answer)


def test_over_standard_input_the_person_of_the_settings_is_me_and_is_in_the_journal(store_file: Path) -> None:
    people = store_file.with_name("people.toml")
    people.write_text('["ana@x.test"]\nmember = "Elisa Mora"\n', encoding="utf-8")
    people.chmod(0o600)
    named = {"TASKHAND_PERSON": "Ana@X.test", "TASKHAND_PEOPLE": str(people)}
    with Pipe(store_file, **named) as pipe:
        assert create_task(pipe)["responsibles"] == ["Elisa Mora"]
        people.write_text('["ana@x.test"]\nmember = "Nobody"\n', encoding="utf-8")
        pipe.send_signal(signal.SIGHUP)
        told = [pipe.err.next() or "", pipe.err.next() or ""]
        assert f"The list of people was read again from {people}." in told[1], told
        error = error_of(pipe.call("create_task", DRAFT))
        assert (error["code"], 'correct member = "Nobody"' in error["next"]) == ("unknown_member", True)
        assert "by ana@x.test with pipe 1" in output(store_file, "journal")


ON_A_TERMINAL = """
import fcntl, termios, anyio
from contextlib import AsyncExitStack
from taskhand.cli.policy_reload import reload_on_hangup

async def main():
    async with AsyncExitStack() as stack:
        work = reload_on_hangup([], stack)
        print("ready", flush=True)
        await work()

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
anyio.run(main)
"""


def test_a_server_on_a_terminal_ends_with_it() -> None:
    ours, theirs = os.openpty()
    arguments = [sys.executable, "-c", ON_A_TERMINAL]
    with subprocess.Popen(arguments, stdin=theirs, stdout=subprocess.PIPE, start_new_session=True) as process:  # noqa: S603  our own code
        os.close(theirs)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        os.close(ours)
        assert process.wait(BOUND_S) == -signal.SIGHUP

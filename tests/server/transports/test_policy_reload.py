"""SIGHUP: a running server reads its policy and its people again, and where one is wrong, nothing changes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.transports.server_process import Caller, Pipe, Process, output, serving
from server.transports.task_calls import DRAFT, code_of, create_task, error_of
from time_limits import BOUND_S

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGHUP")

NOBODY, STRANGE = "", '["ana@x.test"]\nnorth = 7\n'
READ, ALL, BROKEN = '[everyone]\ntools = "read"\n', "", '[everyone]\ntools = "raed"\n'


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest, store_file: Path) -> Iterator[tuple[Process, Caller]]:
    """A server whose policy allows reads, with a list of people, and a caller of it."""
    policy, people = store_file.with_name("policy.toml"), store_file.with_name("people.toml")
    for file, text in ((policy, READ), (people, NOBODY)):
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)
    files = {"TASKHAND_POLICY": str(policy), "TASKHAND_PEOPLE": str(people)}
    with ExitStack() as stack:
        if request.param == "http":
            web = stack.enter_context(serving(store_file, **files))
            yield web.process, web
        else:
            pipe = stack.enter_context(Pipe(store_file, **files))
            yield pipe, pipe


def test_good_files_are_in_force_at_the_next_call_and_a_broken_one_changes_nothing_of_either(
    server: tuple[Process, Caller], store_file: Path
) -> None:
    process, caller = server
    policy, people = store_file.with_name("policy.toml"), store_file.with_name("people.toml")

    def reload(rules: str, persons: str = NOBODY) -> str:
        policy.write_text(rules, encoding="utf-8")
        people.write_text(persons, encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        told = process.err.next() or ""
        return told if "Nothing was changed" in told else told + (process.err.next() or "")

    assert code_of(caller.call("create_task", DRAFT)) == "not_allowed"
    told = reload(BROKEN)
    assert "Nothing was changed: the policy and the list of people are as before." in told
    assert f"everyone.tools in {policy} names 'raed', which is not a tool. Use one of: read" in told
    assert code_of(caller.call("create_task", DRAFT)) == "not_allowed"
    told = reload(ALL, STRANGE)
    assert f'as before. "ana@x.test".north in {people} names no connection.' in told
    assert code_of(caller.call("create_task", DRAFT)) == "not_allowed"
    told = reload(BROKEN, STRANGE)
    assert "'raed'" in told
    assert "names no connection" in told
    assert reload(ALL).splitlines() == [
        f"The policy was reloaded from {policy}.",
        f"The list of people was reloaded from {people}.",
    ]
    assert create_task(caller)["title"] == DRAFT["title"]
    assert f"reloaded from {policy}" in reload(READ)
    assert code_of(caller.call("create_task", DRAFT)) == "not_allowed"


def test_a_server_with_a_broken_policy_answers_with_the_fault(store_file: Path) -> None:
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
        assert f"The list of people was reloaded from {people}." in told[1], told
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

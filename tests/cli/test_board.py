"""`taskhand board` as a process: it opens the browser, calls as the person of the settings, and ends on Ctrl-C."""

import json
import os
import select
import signal
import socket
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from server.transports.server_process import Process, output, run
from time_limits import BOUND_S

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script is the browser, a signal is Ctrl-C")


def address_in(line: str | None) -> str:
    """The address that is printed."""
    assert line is not None
    said, _, address = line.strip().partition("http://127.0.0.1:")
    assert said == "The board is at "
    return address


def read_soon(pipe: Path) -> str:
    """What is written into a pipe."""
    opened = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    assert select.select([opened], [], [], BOUND_S)[0]
    with os.fdopen(opened, "rb", buffering=0) as reader:
        return (reader.read(1_000) or b"").decode()


def post(address: str, path: str, body: Any, session: str = "") -> dict[str, Any]:
    """What the site at an address answers to a page of its own."""
    host = f"127.0.0.1:{address.partition('/')[0]}"
    line = HTTPConnection(host, timeout=BOUND_S)
    headers = {"Content-Type": "application/json", "Origin": f"http://{host}", "Authorization": f"Bearer {session}"}
    line.request("POST", path, json.dumps(body), headers)
    answer: dict[str, Any] = json.loads(line.getresponse().read())
    line.close()
    return answer


def test_board_opens_the_browser_once_calls_for_the_person_and_ends_on_control_c(
    store_file: Path, tmp_path: Path
) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    os.mkfifo(opened)
    browser.write_text(f'#!/bin/sh\nprintf "%s" "$1" > {opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    draft = json.dumps({"title": "Llamar", "responsibleIds": ["me"]})
    output(store_file, "call", "create_task", draft)
    with Process(store_file, "board", BROWSER=f"{browser} %s") as process:
        address = address_in(process.out.next())
        assert read_soon(opened).endswith(address)
        admitted = post(address, "/session", {"token": address.partition("#")[2]})
        call = admitted["start"][0]
        assert call["arguments"]["responsibleIds"] == ["me"]
        [task] = post(address, "/call", call, admitted["session"])["result"]["structuredContent"]["tasks"]
        done = {"name": "complete_task", "arguments": {"id": task["id"]}}
        assert "result" in post(address, "/call", done, admitted["session"])
        process.send_signal(signal.SIGINT)
        assert process.ends_within(BOUND_S) == 0
        assert process.err.all() == []
    [change, _] = json.loads(output(store_file, "call", "list_changes"))["changes"]
    assert change["by"] == "taskhand board"


@pytest.mark.parametrize(("view", "start"), [("all", ["list_tasks"]), ("changes", ["list_changes"])])
def test_board_begins_with_the_requested_view_and_opens_no_browser_if_none_is_wanted(
    store_file: Path, tmp_path: Path, view: str, start: list[str]
) -> None:
    opened = tmp_path / "opened"
    with Process(store_file, "board", "--no-open", "--view", view, BROWSER=f"touch {opened} %s") as process:
        address = address_in(process.out.next())
        admitted = post(address, "/session", {"token": address.partition("#")[2]})
        assert [call["name"] for call in admitted["start"]] == start
        assert "responsibleIds" not in admitted["start"][0]["arguments"]
        process.send_signal(signal.SIGINT)
        assert process.ends_within(BOUND_S) == 0
    assert not opened.exists()


def test_a_port_that_is_taken_is_an_error_for_the_person(store_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(store_file, "board", "--no-open", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot be served" in done.stderr
    assert done.stdout == ""

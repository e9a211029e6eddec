"""Commands whose output goes to an old encoding, a full disk or a closed stream: a finished write ends well."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from server.transports.forked_command import ForkedProcess
from server.transports.server_process import environment, output, run
from taskhand.cli.nonblocking_output import Diagnostics
from time_limits import BOUND_S

ENCODINGS = ["cp1252", "ascii", "latin-1:strict", "utf-8:strict", "utf-16"]
TITLE = "Llamar a Ñuñoa ✓ 😀 → ﬁn"
DRAFT = json.dumps({"title": TITLE, "responsibleIds": ["me"], "priority": "1"})
COMMANDS = [
    ("doctor",),
    ("doctor", "--json"),
    ("config",),
    ("config", "--json"),
    ("tools",),
    ("journal",),
    ("journal", "export"),
    ("members", "list"),
    ("statuses", "list"),
    ("contacts", "list"),
    ("call", "list_tasks"),
    ("install", "cursor", "--dry-run"),
    ("scenario", "list"),
    ("--help",),
    ("nonsense✓",),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose people, statuses, contacts and tasks have letters that few encodings have."""
    store = tmp_path_factory.mktemp("odd") / "tasks.sqlite"
    output(store, "members", "add", "Zoë ✓ 张伟")
    output(store, "statuses", "add", "✔ Listo", "--type", "done")
    output(store, "contacts", "add", "Ferretería → 😀")
    output(store, "call", "create_task", DRAFT)
    return store


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_prints_in_every_encoding(store: Path, command: Sequence[str], encoding: str) -> None:
    done = run(store, *command, PYTHONIOENCODING=encoding, TASKHAND_USER="Ana ✓ 张", HOME=str(store.parent))
    assert done.returncode == (2 if command == ("nonsense✓",) else 0), done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout or command == ("nonsense✓",)


def test_the_demo_runs_to_its_end_in_an_old_encoding(store: Path) -> None:
    assert "<- " in output(store, "demo", "--brief", PYTHONIOENCODING="ascii")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_has_the_same_value_in_every_encoding(store: Path, encoding: str) -> None:
    said = output(store, "call", "list_tasks", PYTHONIOENCODING=encoding)
    assert json.loads(said)["tasks"][0]["title"] == TITLE
    rows = [json.loads(line) for line in output(store, "journal", "export", PYTHONIOENCODING=encoding).splitlines()]
    assert TITLE in json.dumps(rows, ensure_ascii=False)


def test_marks_are_printed_as_signs_that_the_encoding_has(store: Path) -> None:
    assert "\n+ versions: taskhand" in output(store, "doctor", PYTHONIOENCODING="ascii")


def test_a_terminal_shows_letters_that_its_encoding_lacks_as_escapes(store: Path) -> None:
    person, terminal = os.openpty()
    process = ForkedProcess(["statuses", "list"], environment(store, PYTHONIOENCODING="ascii"), [terminal] * 3)
    assert process.wait(BOUND_S) == 0
    assert r"\u2714 Listo" in os.read(person, 4096).decode()
    os.close(person)
    os.close(terminal)


def test_a_write_is_sent_once_if_the_output_encoding_lacks_letters_of_the_answer(store_file: Path) -> None:
    made = output(store_file, "call", "create_task", DRAFT, PYTHONIOENCODING="cp1252")
    [listed] = json.loads(output(store_file, "call", "list_tasks"))["tasks"]
    assert json.loads(made)["task"]["id"] == listed["id"]


def fresh(store: Path, *command: str, to: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with its streams redirected as a shell does."""
    line = ["sh", "-c", f'exec "$@" {to}', "sh", sys.executable, "-m", "taskhand", *command]
    return subprocess.run(  # noqa: S603  our own program
        line,
        env=environment(store),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=BOUND_S,
        check=False,
        encoding="utf-8",
    )


@pytest.mark.parametrize(
    ("redirections", "told"),
    [
        (">/dev/full", "taskhand: standard output could not be written: No space left on device."),
        (">&- 2>&- <&-", ""),
    ],
)
def test_a_write_succeeds_although_its_output_is_lost(store_file: Path, redirections: str, told: str) -> None:
    done = fresh(store_file, "call", "create_task", DRAFT, to=redirections)
    assert (done.returncode, done.stderr.splitlines()[:1]) == (
        0,
        [f"{told} The rest of the command was carried out."] if told else [],
    )
    assert len(json.loads(output(store_file, "call", "list_tasks"))["tasks"]) == 1


def test_a_server_without_any_standard_stream_ends(store_file: Path) -> None:
    assert fresh(store_file, to="<&- >&- 2>&-").returncode == 0


def test_arguments_are_utf_8_whatever_the_locale_and_other_bytes_are_refused(store_file: Path) -> None:
    output(store_file, "members", "add", "Pe\udcc3\udcb1a")  # how Python reads "ñ" where the locale has no UTF-8
    assert "  Peña" in output(store_file, "members", "list")
    done = run(store_file, "members", "add", "Pe\udcf1a")
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "taskhand: An argument is not valid UTF-8.")


def test_the_protocol_is_utf_8_whatever_the_encoding_of_the_terminal(store: Path) -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_tasks", "arguments": {}}}
    asked["params"]["_meta"] = {  # type: ignore[index]
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "ñ", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    with subprocess.Popen(
        [sys.executable, "-m", "taskhand"],
        env=environment(store, PYTHONIOENCODING="cp1252", PYTHONUTF8="0", LC_ALL="C"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as popen:
        assert popen.stdin
        assert popen.stdout
        popen.stdin.write(f"{json.dumps(asked, ensure_ascii=False)}\n".encode())
        popen.stdin.flush()
        assert TITLE in json.loads(popen.stdout.readline())["result"]["content"][0]["text"]


def test_a_late_reader_of_stderr_gets_the_number_of_dropped_lines() -> None:
    read, write = os.pipe()
    late, stream = os.fdopen(read, "rb"), Diagnostics(write)
    for number in range(10_000):
        stream.write(b"%0100d\n" % number)
    stream.flush()
    written, missing = 0, 0
    while written + missing < 10_000:
        line = late.readline()
        if line.startswith(b"taskhand: "):
            missing += int(line.split()[1])
        else:
            assert int(line) == written + missing
            written += 1
    assert written > 2_000
    assert missing > 0
    late.close()
    os.close(write)

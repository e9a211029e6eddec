"""The command `taskhand events`: output for people and for programs, and a command for each event."""

import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from math import inf
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result

from server.transports.server_process import environment
from service.feed_app import open_feed
from taskhand.cli.event_command import EventCommand
from taskhand.cli.event_lines import to_fields
from taskhand.cli.main import command
from taskhand.cli.terminal import print_error
from taskhand.domain.errors import CallerError, NotAllowed, OperatorError
from taskhand.service.events.feed_poll import look
from taskhand.service.follow_events import follow_events
from taskhand.service.list_events import EventsRequest
from time_limits import BOUND_S

Run = Callable[..., Result]


@pytest.fixture
def run(store_file: Path) -> Run:
    """Runs the program; what goes to standard error is apart."""

    def running(*words: str) -> Result:
        return CliRunner().invoke(command, words, env=environment(store_file), catch_exceptions=False)

    return running


@pytest.fixture
def create(run: Run) -> Callable[[str], str]:
    """Makes a task; its id."""

    def creating(title: str) -> str:
        body = {"title": title, "responsibleIds": ["me"], "priority": "1"}
        return str(json.loads(run("call", "create_task", json.dumps(body)).stdout)["task"]["id"])

    return creating


def rows(result: Result) -> list[tuple[str, str]]:
    return [(row["kind"], row["title"]) for row in map(json.loads, result.stdout.splitlines())]


def test_events_are_printed_as_lines_for_people_or_as_rows_of_the_tool(run: Run, create: Callable[[str], str]) -> None:
    task = create("Call \u202eAcme")
    run("call", "complete_task", json.dumps({"id": task}))
    first, second = run("events").stdout.splitlines()
    assert f'  created  "Call Acme"  ({task})  ' in first
    assert f'  completed  "Call Acme"  ({task})  status: Pendiente -> Completado  by Elisa Mora  chg_' in second
    listed = json.loads(run("call", "list_events", '{"since": "yesterday"}').stdout)["events"]
    assert [json.loads(line) for line in run("events", "--json", "--since", "yesterday").stdout.splitlines()] == listed
    assert rows(run("events", "--json", "--kind", "completed", "--person", "elisa", "--task", task)) == [
        ("completed", "Call Acme")
    ]
    nothing = run("events", "--kind", "deleted")
    assert (nothing.stdout, nothing.stderr) == ("", "No changes.\n")


def test_refusals_name_command_line_remedies_and_not_tools(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("members", "add", "Elisa Rojas").exit_code == 0
    for words, told in (
        (
            ("--person", "elisa"),
            ["2 people match", "Elisa Rojas\n", "Elisa Mora\n", "Send the person's id: --person ID."],
        ),
        (("--person", "nobody"), ["Elisa Mora\n", "`taskhand members list` shows all."]),
        (("--task", "nope"), ["'nope' is not a task id.", "`taskhand call list_tasks` shows"]),
    ):
        with pytest.raises(CallerError) as error:
            run("events", *words)
        print_error(error.value)
        said = capsys.readouterr().err
        assert [one for one in told if one not in said] == [], said
        assert "None" not in said, "without a name of its own, the only connection is not named"
        assert "list_team_members" not in said
    unused = run("events", "--on-failure", "skip")
    assert (unused.exit_code, "--on-failure needs --exec." in unused.stderr) == (2, True)


def test_a_bookmark_continues_and_each_event_is_printed_once(run: Run, create: Callable[[str], str]) -> None:
    create("Before")
    assert "it begins now" in run("events", "--bookmark", "desk").stderr
    create("One")
    create("Two")
    for expected in ([("created", "One"), ("created", "Two")], []):
        assert rows(run("events", "--bookmark", "desk", "--json", "--since", "yesterday")) == expected
    whole = [("created", title) for title in ("Before", "One", "Two")]
    for expected in (whole, []):
        assert rows(run("events", "--bookmark", "other", "--json", "--since", "yesterday")) == expected
    assert len(rows(run("events", "--json"))) == 3


def test_lines_of_several_accounts_name_the_account_and_each_account_fails_alone(
    tmp_path: Path,
) -> None:
    tables = [
        f'[connections.{name}]\nbackend = "local"\ndb = "{tmp_path}/{name}.sqlite"\n' for name in ("north", "south")
    ]
    (tmp_path / "taskhand.toml").write_text("".join(tables), encoding="utf-8")
    kept = {name: value for name, value in environment(tmp_path / "none").items() if name != "TASKHAND_DB"}

    def running(*words: str) -> Result:
        given = kept | {"TASKHAND_CONFIG": str(tmp_path / "taskhand.toml"), "TASKHAND_DB": ""}
        return CliRunner().invoke(command, words, env=given, catch_exceptions=False)

    for name in ("north", "south"):
        task = {"connection": name, "title": f"Call {name}", "responsibleIds": ["me"], "priority": "1"}
        assert running("call", "create_task", json.dumps(task)).exit_code == 0
    lines = [json.loads(line) for line in running("events", "--json").stdout.splitlines()]
    assert [(row["connection"], row["title"]) for row in lines] == [("north", "Call north"), ("south", "Call south")]
    assert "connection" not in json.loads(running("--connection", "south", "events", "--json").stdout)
    failing = running("events", "--person", "nobody-here")
    assert failing.exit_code == 1
    told = [line for line in failing.stderr.splitlines() if "nobody-here" in line]
    assert [line.split(": ")[1] for line in told] == ["north", "south"]


def test_events_are_refused_to_a_person_who_may_not_use_list_events(store_file: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[everyone]\ntools = "-list_events"\n', encoding="utf-8")
    given = environment(store_file, TASKHAND_POLICY=str(policy))
    with pytest.raises(NotAllowed, match="list_events is not allowed to you"):
        CliRunner().invoke(command, ["events"], env=given, catch_exceptions=False)


KEEPS = """
import json, sys
row = json.load(sys.stdin)
if row["title"] == "Bad":
    sys.exit(3)
with open(sys.argv[1], "a", encoding="utf-8") as file:
    print(row["kind"], row["title"], file=file)
"""


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """A program that keeps what it is told, and fails for one title."""
    program = tmp_path / "keep it.py"
    program.write_text(KEEPS, encoding="utf-8")
    return [sys.executable, str(program), str(tmp_path / "kept.txt")]


def test_a_command_runs_for_each_event_in_order_without_a_shell(
    run: Run, create: Callable[[str], str], words: list[str]
) -> None:
    run("events", "--bookmark", "desk")
    titles = ["One", '$(touch /tmp/harm) `id`; "quoted"', "Three"]
    for title in titles:
        create(title)
    done = run("events", "--bookmark", "desk", "--exec", shlex.join(words))
    assert (done.exit_code, done.stdout) == (0, "")
    assert Path(words[-1]).read_text(encoding="utf-8").splitlines() == [f"created {title}" for title in titles]


async def test_a_command_that_fails_is_run_again_and_then_stops_or_skips(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    paused: list[float] = []

    async def sleep(seconds: float) -> None:
        paused.append(seconds)

    bad, good = '{"kind":"created","title":"Bad"}', '{"kind":"created","title":"Good"}'
    stops = EventCommand(words, sleep=sleep)
    with pytest.raises(OperatorError, match="has failed 4 times for the same event"):
        await stops.run(bad)
    assert paused == [1.0, 5.0, 25.0]
    skips = EventCommand(words, stops=False, sleep=sleep)
    await skips.run(bad)
    await skips.run(good)
    assert await anyio.Path(words[-1]).read_text(encoding="utf-8") == "created Good\n"
    told = capsys.readouterr().err
    assert "ended with 3; it is run again in 25 s." in told
    assert f"this event is skipped: {bad}" in told


async def test_a_command_removed_meanwhile_counts_as_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def sleep(_: float) -> None:
        await anyio.lowlevel.checkpoint()

    await EventCommand([str(tmp_path / "gone")], stops=False, sleep=sleep).run("{}")
    told = capsys.readouterr().err
    assert "gone cannot be started: No such file or directory." in told
    assert "gone ended with 127 again; this event is skipped: {}" in told


async def test_a_command_that_does_not_read_its_input_succeeds(tmp_path: Path) -> None:
    program = tmp_path / "deaf.py"
    program.write_text("import sys; sys.stdin.close()", encoding="utf-8")
    await EventCommand([sys.executable, str(program)]).run("x" * 200_000)


@pytest.mark.parametrize("text", ["", "no-such-program-anywhere", "python 'unclosed"])
def test_a_command_that_cannot_be_run_is_refused_before_any_event_is_read(text: str) -> None:
    with pytest.raises(CallerError, match="--exec"):
        EventCommand.parse(text, stops=True)


def test_the_next_start_begins_with_the_event_on_which_the_command_failed(
    run: Run, create: Callable[[str], str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskhand.cli.event_command._PAUSES_S", ())
    run("events", "--bookmark", "desk")
    for title in ("One", "Bad", "Three"):
        create(title)
    with pytest.raises(OperatorError, match="failed 1 times"):
        run("events", "--bookmark", "desk", "--exec", shlex.join(words))
    Path(words[1]).write_text(KEEPS.replace("sys.exit(3)", "pass"), encoding="utf-8")
    assert run("events", "--bookmark", "desk", "--exec", shlex.join(words)).exit_code == 0
    kept = Path(words[-1]).read_text(encoding="utf-8").splitlines()
    assert kept == ["created One", "created Bad", "created Three"]


def test_follows_until_interrupted_and_prints_each_event_once(
    store_file: Path, run: Run, create: Callable[[str], str]
) -> None:
    run("events", "--bookmark", "desk")
    create("One")
    create("Two")
    words = [sys.executable, "-m", "taskhand", "events", "--follow", "--json", "--bookmark", "desk"]
    with subprocess.Popen(words, env=environment(store_file), stdout=subprocess.PIPE, text=True) as following:  # noqa: S603  ours
        assert following.stdout is not None
        told = [json.loads(following.stdout.readline())["title"] for _ in range(2)]
        create("Three")
        run("call", "list_events")
        told.append(json.loads(following.stdout.readline())["title"])
        following.send_signal(signal.SIGINT)
        assert following.wait(BOUND_S) == 0
    assert told == ["One", "Two", "Three"], "what another process has found is told too"
    create("Four")
    assert {title for _, title in rows(run("events", "--json", "--bookmark", "desk"))} <= {"Three", "Four"}


async def test_following_yields_events_found_by_this_process_and_requests_polls(tmp_path: Path) -> None:
    async with open_feed(tmp_path) as feed, anyio.create_task_group() as group:
        pages = follow_events(feed.app, EventsRequest("desk", 10))
        assert (await anext(pages)).since is None
        assert len(feed.app.feed_demand.wanting(inf)) == 1

        async def change() -> None:
            for number in range(12):
                await feed.others.create(f"Call {number}")
            await look(feed.app)

        group.start_soon(change)
        with anyio.fail_after(BOUND_S):
            found = [*(await anext(pages)).events, *(await anext(pages)).events]
        assert [one.event.title for one in found] == [f"Call {number}" for number in range(12)]
        await pages.aclose()  # type: ignore[attr-defined]  # a generator
        assert feed.app.feed_demand.wanting(inf) == ()


def test_a_line_shows_a_time_span_and_omits_unknown_values() -> None:
    row = {
        "kind": "updated",
        "id": "7",
        "between": ["10:00", "10:02"],
        "connection": "north",
        "changed": {"due": {"to": "2026-03-02"}, "responsibles": {"from": ["Ana", "Ben"], "to": []}},
    }
    fields = [one for one in to_fields(row) if one]
    assert fields == ["10:00 to 10:02", "north", "updated", "(7)", "due: 2026-03-02; responsibles: Ana, Ben -> none"]

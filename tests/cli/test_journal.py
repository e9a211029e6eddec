"""The command `taskhand journal`, on a journal with something in it."""

import json
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from hashlib import sha256
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import anyio
import click
import pytest
from click.testing import CliRunner, Result

from builders import refused
from fixed_clock import NOW, FixedClock
from journal.open_journal import make_opening, open_journal, settle
from taskhand.cli import CONFIGURATION
from taskhand.cli.journal import OUTCOMES, journal
from taskhand.cli.main import command as taskhand_command
from taskhand.cli.moment_option import Moment
from taskhand.config.effective_settings import Configuration
from taskhand.config.settings import Settings
from taskhand.config.settings_file import SettingsFile
from taskhand.domain.errors import OperatorError
from taskhand.domain.outcome import Outcome
from taskhand.journal.journal import Caller, Ending
from time_limits import BOUND_S

Run = Callable[..., Result]


@pytest.fixture
def settings(store_file: Path) -> Settings:
    """A store whose journal lies beside it."""
    return Settings.from_env(
        {"TASKHAND_DB": str(store_file), "TASKHAND_CLOCK": NOW.isoformat(), "TASKHAND_TIMEZONE": "America/Lima"}
    )


@pytest.fixture
def command(settings: Settings) -> click.Group:
    """`taskhand` with nothing but the command."""

    @click.group(commands=[journal])
    @click.pass_context
    def taskhand(context: click.Context) -> None:
        context.obj = settings
        context.meta[CONFIGURATION] = Configuration(settings, {}, SettingsFile(Path("taskhand.toml"), exists=False))

    return taskhand


@pytest.fixture
def runs(command: click.Group, store_file: Path, journal_file: Path) -> Run:
    """Runs the command on a journal with two changes, one of the first of March and one refused on the fourth."""

    async def fill() -> None:
        async with open_journal(journal_file, f"local {store_file}") as kept:
            ana = Caller("Claude", "1.0", "ana@x.test")
            bob = Caller("Claude", "1.0", "https://login.x.test#00U1", "bob@x.test")
            opening = make_opening(reason="the customer asked", at=NOW - timedelta(days=3), caller=ana)
            await settle(kept, opening)
            await kept.record(make_opening("delete_task", at=NOW, caller=bob), Ending("refused", "task_not_found"))

    anyio.run(fill)
    return lambda *arguments: CliRunner().invoke(command, ["journal", *arguments], catch_exceptions=False)


def heads(done: Result) -> list[str]:
    """The outcome and tool of each change that is listed."""
    assert done.exit_code == 0
    words = [line.split("  ") for line in done.stdout.splitlines() if not line.startswith(" ")]
    return [f"{tool} {outcome}" for _, tool, outcome, *_ in words]


@pytest.mark.usefixtures("in_santiago")
def test_a_time_without_an_offset_is_in_this_machines_zone(runs: Run) -> None:
    here = NOW.astimezone(ZoneInfo("America/Santiago")).replace(tzinfo=None)
    assert len(heads(runs("--until", here.isoformat()))) == 2
    assert heads(runs("--since", (here + timedelta(hours=1)).isoformat())) == []


def test_changes_are_listed_newest_first_readably(runs: Run) -> None:
    done = runs()
    assert heads(done) == ["delete_task refused (task_not_found)", "update_task applied"]
    assert '    title: "Call back" -> "New title"\n  reason: the customer asked\n' in done.stdout
    at = NOW.astimezone(ZoneInfo("America/Lima"))
    assert done.stdout.startswith(f"{at:%Y-%m-%dT%H:%M}-05:00 "), "in the zone of the settings"


@pytest.mark.parametrize(
    ("options", "tools"),
    [
        (("--task", "t-1"), ["update_task"]),
        (("--tool", "delete_task"), ["delete_task"]),
        (("--outcome", "applied"), ["update_task"]),
        (("--since", "2026-03-03"), ["delete_task"]),
        (("--since", "yesterday"), ["delete_task"]),
        (("--until", "hace 3 días"), ["update_task"]),
        (("--until", "2026-03-03T00:00:00Z"), ["update_task"]),
        (("--since", "2026-03-01", "--until", "2026-03-05"), ["delete_task", "update_task"]),
        (("--limit", "1"), ["delete_task"]),
        (("--person", " Ana@X.test "), ["update_task"]),
        (("--person", "Bob@x.test"), ["delete_task"]),
        (("--person", "https://login.x.test#00U1", "--since", "yesterday"), ["delete_task"]),
        (("--person", "ana@x.test", "--since", "today"), []),
        (("--tool", "create_task"), []),
    ],
)
def test_the_journal_command_filters_changes(runs: Run, options: tuple[str, ...], tools: list[str]) -> None:
    assert [head.split()[0] for head in heads(runs(*options))] == tools


def test_older_changes_and_no_changes_have_different_notes(runs: Run) -> None:
    assert "older changes" in runs("--limit", "1").stderr
    assert runs().stderr == ""
    assert runs("--tool", "create_task").stderr == "No changes.\n"


@pytest.mark.parametrize("moment", ["soon", "2026-13-01", "20", "", "2026-03-01T25:00"])
def test_an_invalid_time_is_wrong_usage(runs: Run, moment: str) -> None:
    done = runs("--until", moment)
    assert done.exit_code == 2
    assert "is neither a day" in done.stderr


def test_every_outcome_is_a_choice_of_the_filter() -> None:
    assert get_args(Outcome) == OUTCOMES


def test_a_whole_journal_is_verified_with_its_head(runs: Run) -> None:
    done = runs("verify")
    assert done.exit_code == 0
    assert done.stdout.startswith("Unaltered rows: 6. Head: ")
    head = done.stdout.split()[-1]
    assert runs("verify", "--head", head).exit_code == 0


def test_a_missing_head_is_reported(runs: Run) -> None:
    done = runs("verify", "--head", "0" * 63 + "1")
    assert done.exit_code == 1
    assert "noted head is not in this journal" in done.stdout


def test_the_first_bad_row_is_named_with_exit_code_1(runs: Run, journal_file: Path) -> None:
    head = runs("verify").stdout.split()[-1]
    with closing(sqlite3.connect(journal_file)) as connection, connection:
        connection.execute("UPDATE entry SET body = replace(body, 'New', 'Old') WHERE seq = 3")
    done = runs("verify", "--head", head)
    assert done.exit_code == 1
    assert "Row 3 is wrong" in done.stdout
    assert done.stdout.endswith("The noted head is not in the rows before it.\n"), "those behind it were not read"


def test_a_journal_that_cannot_be_read_is_not_called_altered(runs: Run, journal_file: Path) -> None:
    journal_file.write_bytes(b"no database" * 1000)
    done = runs("verify")
    assert (done.exit_code, done.stdout) == (3, "")
    assert str(journal_file) in done.stderr


def test_an_export_has_every_row_and_its_hashes_can_be_recomputed(runs: Run) -> None:
    lines = runs("export").stdout.splitlines()
    previous = "0" * 64
    for number, line in enumerate(lines, 1):
        row = json.loads(line)
        body = line[line.index('"body":') + len('"body":') : -1]
        assert row["seq"] == number
        assert sha256(f"{previous}\n{number}\n{body}".encode()).hexdigest() == row["hash"]
        previous = row["hash"]
    assert [json.loads(line)["body"]["kind"] for line in lines][:3] == ["opening", "intent", "result"]
    assert previous == runs("verify").stdout.split()[-1]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("--since", "yesterday"), ["delete_task"]),
        (("--until", "hace 3 días"), ["update_task"]),
        (("--since", "2026-03-01", "--until", "2026-03-05"), ["update_task", "delete_task"]),
        (("--connection", "default", "--since", "2026-03-03"), ["delete_task"]),
        (("--person", " Ana@X.test "), ["update_task"]),
        (("--person", "ana@x.test", "--since", "today"), []),
        (("--person", "Bob@x.test"), ["delete_task"]),
        (("--person", "https://login.x.test#00U1"), ["delete_task"]),
        (("--follow", "--person", "ana@x.test", "--until", "2026-03-05"), ["update_task"]),
    ],
)
def test_an_export_has_the_changes_that_it_asks_for(runs: Run, options: tuple[str, ...], found: list[str]) -> None:
    rows = [json.loads(line) for line in runs("export", *options).stdout.splitlines()]
    assert [row["body"]["tool"] for row in rows if row["body"]["kind"] == "opening"] == found
    assert {row.get("connection") for row in rows} <= {"default" if "--connection" in options else None}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--person", "Ana@x.tset"), "The journal has no change of ana@x.tset."),
        (
            ("--person", "ana@x.test", "--connection", "default", "--since", "2026-03-04T00:00Z"),
            "on default from 2026-",
        ),
        (("--until", "2026-01-01T00:00:00+00:00"), "The journal has no change until 2026-01-01T00:00:00+00:00."),
    ],
)
def test_an_empty_export_names_the_filter_without_matches(runs: Run, options: tuple[str, ...], told: str) -> None:
    done = runs("export", *options)
    assert (done.exit_code, done.stdout) == (0, "")
    assert told in done.stderr


@pytest.mark.parametrize("words", [(), ("export",)])
def test_a_time_that_ends_before_it_begins_is_wrong_usage(runs: Run, words: tuple[str, ...]) -> None:
    moment = "2026-03-02T15:00:00Z"
    assert runs(*words, "--since", moment, "--until", moment).exit_code == 0
    done = runs(*words, "--since", "2026-03-02", "--until", "2026-03-01")
    assert done.exit_code == 2
    assert "is after --until 2026-03-01T23:59:59" in done.stderr


def test_an_export_of_an_unknown_connection_is_refused_with_the_known_connections(runs: Run) -> None:
    with refused("unknown_connection") as caught:
        runs("export", "--connection", "nort")
    assert caught.value.next_step == "There is default."


def test_an_export_reads_the_journals_of_all_connections_and_each_line_names_its_own(tmp_path: Path) -> None:
    config = tmp_path / "taskhand.toml"
    names = ("north", "south")
    config.write_text(
        "".join(f'[connections.{one}]\nbackend = "local"\ndb = "{tmp_path / one}.sqlite"\n' for one in names),
        encoding="utf-8",
    )
    env = {"TASKHAND_CONFIG": str(config), "TASKHAND_PERSON": "Ana@x.test"}

    def run(*words: str) -> list[str]:
        done = CliRunner().invoke(taskhand_command, words, env=env, catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout.splitlines()

    for title, one in {"One": "north", "Two": "south", "Three": "north"}.items():
        run("call", "create_task", json.dumps({"title": title, "responsibleIds": [], "connection": one}))
    rows = [json.loads(line) for line in run("journal", "export")]
    openings = [row for row in rows if row["body"]["kind"] == "opening"]
    assert [row["connection"] for row in openings] == ["north", "south", "north"]
    assert {row["person"] for row in rows} == {"ana@x.test"}
    assert {row["connection"] for row in rows} == {*names}
    south = [json.loads(line) for line in run("journal", "export", "--connection", "South", "--person", "ana@X.test")]
    assert south == [row for row in rows if row["connection"] == "south"]
    assert south == [json.loads(line) for line in run("--connection", "south", "journal", "export")]
    assert south == [
        json.loads(line) for line in run("--connection", "south", "journal", "export", "--connection", "south")
    ]
    with refused("invalid_arguments"):
        run("--connection", "south", "journal", "export", "--connection", "north")


@pytest.mark.skipif(not hasattr(select, "poll"), reason="Windows does not tell that a pipe was closed")
def test_a_followed_export_ends_with_its_reader_and_on_ctrl_c(settings: Settings, journal_file: Path) -> None:
    words = [sys.executable, "-m", "taskhand", "--db", str(settings.db), "journal", "export", "--follow"]
    left, interrupted = (
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    )
    for one in (left, interrupted):
        assert one.stderr is not None
        assert one.stderr.readline() == f"There is no journal at {journal_file} yet. Waiting for it.\n"

    async def fill() -> None:
        async with open_journal(journal_file) as kept:
            await settle(kept)

    anyio.run(fill)
    for one in (left, interrupted):
        assert one.stdout is not None
        assert [json.loads(one.stdout.readline())["seq"] for _ in range(4)] == [1, 2, 3, 4]
    assert left.stdout is not None
    left.stdout.close()
    interrupted.send_signal(signal.SIGINT)
    for one, code in ((left, 0), (interrupted, 130)):
        assert one.wait(BOUND_S) == code
        assert one.stderr is not None
        assert one.stderr.read().strip() == ""
        one.stderr.close()
    assert interrupted.stdout is not None
    assert interrupted.stdout.read() == ""
    interrupted.stdout.close()


def test_the_command_prune_removes_old_changes(store_file: Path, journal_file: Path) -> None:
    async def fill() -> None:
        for days in (400, 2):
            then = FixedClock(datetime.now(UTC) - timedelta(days=days))
            async with open_journal(journal_file, f"local {store_file}", then) as kept:
                await settle(kept, make_opening(at=then()))

    anyio.run(fill)
    for settings, removed in (({"TASKHAND_CLOCK": NOW.isoformat()}, 0), ({}, 4), ({}, 0)):
        at = Settings.from_env({"TASKHAND_DB": str(store_file)} | settings)
        done = CliRunner().invoke(journal, ["prune"], obj=at, catch_exceptions=False)
        assert done.stdout == f"Rows removed: {removed}.\n"
    done = CliRunner().invoke(journal, ["verify"], obj=at, catch_exceptions=False)
    assert done.exit_code == 0


def test_commands_do_not_create_a_missing_journal(command: click.Group, journal_file: Path) -> None:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(command, ["journal", *arguments], catch_exceptions=False)

    done = run()
    assert (done.exit_code, done.stdout) == (0, "")
    assert f"There is no journal at {journal_file} yet." in done.stderr
    for name in ("export", "prune"):
        with refused("configuration", OperatorError):
            run(name)
    for options in ([], ["--head", "0" * 64]):
        done = run("verify", *options)
        assert (done.exit_code, done.stdout) == (3, "")
        assert done.stderr.startswith(f"taskhand: There is no journal at {journal_file} yet.\n")
    assert list(journal_file.parent.iterdir()) == []


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no such call")
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-01T12:00", "2026-03-01T17:00:00+00:00"),
        ("2026-03-01T12:00Z", "2026-03-01T12:00:00+00:00"),
        ("2026-03-01", "2026-03-01T05:00:00+00:00"),
    ],
)
def test_a_moment_without_an_offset_is_in_the_zone_of_this_machine(
    text: str, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Lima")
        time.tzset()
        moment = Moment(time_of_day.min).convert(text, None, None)
    time.tzset()
    assert moment.astimezone(UTC).isoformat() == at

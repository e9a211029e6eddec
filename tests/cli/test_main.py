"""The command: its output, its exit codes, and repeatable runs."""

import json
import os
import pwd
import runpy
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click import Context, Group
from click.testing import CliRunner

import taskhand
from server.transports.server_process import output, run
from server.transports.task_calls import DRAFT
from taskhand import __version__
from taskhand.cli.main import command
from taskhand.domain.errors import OperatorError
from taskhand.server.tools import TOOLS

NAMES = command.list_commands(Context(command))
FROZEN = ("--clock", "2026-03-01T12:00:00Z", "--ids", "sequential")
REFUSED = "✗ newStatusName and newStatusPosition were both given"
FIRST_STATUSES = "1  Pendiente  initial\n2  En Progreso  in_progress\n3  Completado  done\n"


def refusal(store: Path, *arguments: str, code: int, **more: str) -> str:
    """What a command says on stderr, having failed without a trace and printed nothing."""
    done = run(store, *arguments, **more)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.stderr


def test_help_names_every_command(store_file: Path) -> None:
    text = output(store_file, "--help")
    for name in (*NAMES, "--db", "--clock", "--ids"):
        assert name in text
    assert output(store_file, "-h") == text
    assert not store_file.exists()


def test_no_summary_of_a_command_is_cut() -> None:
    groups = [name for name in NAMES if isinstance(command.get_command(Context(command), name), Group)]
    assert {"journal", "sandbox", "scenario"} <= {*groups}
    for words in ([], *([name] for name in groups)):
        text = CliRunner().invoke(command, [*words, "--help"], env={"COLUMNS": "80"}).stdout
        assert "Commands:" in text
        assert "..." not in text.partition("Commands:")[2], words
        assert words != ["sandbox"] or "Serve HubSpot's documented API" in text


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help(store_file: Path, name: str) -> None:
    assert output(store_file, name, "--help").startswith(f"Usage: python -m taskhand {name}")
    assert not store_file.exists()


def test_version_is_printed(store_file: Path) -> None:
    assert output(store_file, "--version") == f"taskhand, version {__version__}\n"


def test_wrong_usage_ends_with_exit_code_2(store_file: Path) -> None:
    assert "No such command 'lst'" in refusal(store_file, "lst", code=2)
    assert "No such option" in refusal(store_file, "--dbb", "x", code=2)
    assert "'--type'" in refusal(store_file, "statuses", "add", "Waiting", code=2)
    assert "Missing argument 'TOOL'" in refusal(store_file, "call", code=2)
    assert "random" in refusal(store_file, "--ids", "lucky", "tools", code=2)
    assert "demo" in refusal(store_file, "seed", "production", code=2)


@pytest.mark.parametrize("home", ["", "relative"])
@pytest.mark.parametrize("words", ["call list_tasks", "statuses list", "seed demo", "journal", "install cursor"])
def test_a_missing_home_folder_is_reported_in_one_sentence(
    words: str, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("TASKHAND_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", {}.__getitem__)  # a system without this user in its list
    done = CliRunner().invoke(command, words.split(), env={"HOME": home})
    assert isinstance(done.exception, OperatorError)
    assert done.exception.message == "This user has no home folder for the files."
    assert str(done.exception.next_step).startswith("Set HOME to a folder of this user's, or ")
    told = CliRunner().invoke(command, ["doctor"], env={"HOME": home}).stdout
    assert "configuration: This user has no home folder for the files." in told
    assert CliRunner().invoke(command, ["config"], env={"HOME": home}).exit_code == 0


def test_an_older_python_is_refused_with_the_required_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match=r"^Taskhand needs Python 3.11 or newer; this is "):
        runpy.run_path(str(taskhand.__file__))


def test_tools_are_printed_as_a_host_receives_them(store_file: Path) -> None:
    listed = json.loads(output(store_file, "tools"))
    assert [tool["name"] for tool in listed] == [tool.name for tool in TOOLS]
    assert all(tool["inputSchema"]["type"] == tool["outputSchema"]["type"] == "object" for tool in listed)
    assert not store_file.exists()


def test_a_call_prints_the_answer(store_file: Path) -> None:
    made = json.loads(output(store_file, "call", "create_task", json.dumps(DRAFT | {"title": "Llamar a Ñuñoa"})))
    assert made["task"]["title"] == "Llamar a Ñuñoa"
    text = output(store_file, "call", "get_task", json.dumps({"id": made["task"]["id"]}))
    assert json.loads(text)["task"]["title"] == made["task"]["title"]
    assert "Ñuñoa" in text
    assert len(json.loads(output(store_file, "call", "list_tasks"))["tasks"]) == 1
    assert f"taskhand call {__version__}" in output(store_file, "journal")


def test_a_call_that_is_refused_prints_the_error_and_ends_with_1(store_file: Path) -> None:
    done = run(store_file, "call", "get_task", '{"id": "7"}')
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "invalid_id"
    assert done.stderr == ""


def test_a_call_of_an_unknown_tool_ends_with_1(store_file: Path) -> None:
    done = run(store_file, "call", "make_coffee")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "unknown_tool"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [("{id: 7}", "not JSON"), ("", "not JSON"), ("[1]", "not a JSON object"), ("null", "not a JSON object")],
)
def test_a_call_whose_arguments_are_not_an_object_ends_with_exit_code_2(
    store_file: Path, arguments: str, sentence: str
) -> None:
    assert sentence in refusal(store_file, "call", "list_tasks", arguments, code=2)


def test_a_call_with_deeply_nested_arguments_ends_with_exit_code_2(store_file: Path) -> None:
    assert "not JSON" in refusal(store_file, "call", "list_tasks", "[" * 100_000, code=2)


def test_statuses_are_listed_added_renamed_and_removed(store_file: Path) -> None:
    assert output(store_file, "statuses", "list") == FIRST_STATUSES
    assert output(store_file, "statuses", "add", "Esperando", "--type", "in_progress", "--color", "#aabbcc") == ""
    assert output(store_file, "statuses", "rename", "ESPERANDO", "En Espera") == ""
    assert output(store_file, "statuses", "list") == f"{FIRST_STATUSES}4  En Espera  in_progress\n"
    assert output(store_file, "statuses", "remove", "en espera") == ""
    assert output(store_file, "statuses", "list") == FIRST_STATUSES


def test_removing_a_status_in_use_or_an_unknown_one_is_refused(store_file: Path) -> None:
    output(store_file, "call", "create_task", json.dumps(DRAFT))
    for arguments in (
        ("remove", "Pendiente"),
        ("remove", "Archivado"),
        ("rename", "Completado", "pendiente"),
        ("add", "EN PROGRESO", "--type", "done"),
        ("add", " ", "--type", "done"),
    ):
        first, *then = refusal(store_file, "statuses", *arguments, code=2).splitlines()
        assert first.startswith("taskhand: ")
        assert len(then) == 1
    assert output(store_file, "statuses", "list") == FIRST_STATUSES


def test_members_are_listed_added_renamed_and_removed(store_file: Path) -> None:
    assert output(store_file, "members", "list").split("  ")[1:] == ["Elisa Mora", "(me)\n"]
    output(store_file, "members", "add", "Luis Pereira", "--email", "luis@example.com")
    output(store_file, "members", "rename", "luis@example.com", "Luis Peña")
    listed = output(store_file, "members", "list").splitlines()
    assert [line.split("  ")[1:] for line in listed] == [["Elisa Mora", "(me)"], ["Luis Peña", "luis@example.com"]]
    assert "is you" in refusal(store_file, "members", "remove", "me", code=2)
    assert "No member of the team matches" in refusal(store_file, "members", "remove", "Camila", code=2)
    output(store_file, "members", "remove", "luis pena")
    assert len(output(store_file, "members", "list").splitlines()) == 1


def test_an_added_contact_is_found(store_file: Path) -> None:
    named = ("--phone", "+56 9 5555 0101", "--email", "caro@acme.example", "--customer", "acme")
    contact_id = output(store_file, "contacts", "add", "Carolina Vega", *named).strip()
    [found] = json.loads(output(store_file, "call", "find_contacts", '{"query": "VEGA"}'))["contacts"]
    assert found == {
        "aiContactId": contact_id,
        "aiCustomerId": "acme",
        "name": "Carolina Vega",
        "phone": "+56 9 5555 0101",
        "email": "caro@acme.example",
    }


def test_contacts_are_listed_by_name_and_filtered_by_a_query(store_file: Path) -> None:
    assert output(store_file, "contacts", "list") == ""
    output(store_file, "contacts", "add", "Pedro Rojas", "--email", "pedro@globex.example")
    output(store_file, "contacts", "add", "Carolina Vega", "--phone", "+56 9 5555 0101", "--customer", "acme")
    listed = [line.split("  ")[1:] for line in output(store_file, "contacts", "list").splitlines()]
    assert listed == [["Carolina Vega", "+56 9 5555 0101", "acme"], ["Pedro Rojas", "pedro@globex.example"]]
    assert output(store_file, "contacts", "list", "VEGA").split("  ")[1] == "Carolina Vega"
    assert output(store_file, "contacts", "list", "globex").split("  ")[1] == "Pedro Rojas"
    assert output(store_file, "contacts", "list", "nobody") == ""


def test_a_store_is_seeded_once(store_file: Path) -> None:
    assert output(store_file, "seed", "demo").startswith("Added the demo data: ")
    people = output(store_file, "members", "list")
    assert "The store has tasks already." in refusal(store_file, "seed", "demo", code=2)
    assert output(store_file, "members", "list") == people


def test_the_demo_completes(store_file: Path) -> None:
    text = output(store_file, "demo")
    last = f"To use Taskhand from Claude Desktop, run: {sys.executable} -m taskhand install claude-desktop"
    assert text.splitlines()[-1] == last
    assert "✗" in text
    assert '"code": "both_statuses"' in text
    assert "→ update_task" in text
    assert not store_file.exists()


def test_the_brief_demo_describes_the_result_of_each_call_and_ignores_the_configured_backend(store_file: Path) -> None:
    configured = {"TASKHAND_CLOCK": "2020-01-01T00:00:00Z", "TASKHAND_IDS": "sequential", "TASKHAND_USER": "Ana Soto"}
    text = output(store_file, "demo", "--brief", **configured)
    assert "  → update_task" not in text
    assert "{" not in text
    assert REFUSED in text
    shown = {
        "← Send the proposal to Acme · En Progreso · 2019-12-25 Wed",
        "← and 2 more",
        "← Call Acme about the renewal: made, Pendiente, due 2020-01-02T15:00-03:00 Thu",
        "← Call Acme about the renewal: due 2020-01-02T15:00-03:00 Thu → 2020-01-04T15:00-03:00 Sat",
        "← Call Acme about the renewal: responsibles Ana Soto → Ana Soto, Luis Pereira",
        "← Carolina Vega (Acme) · carolina@acme.example",
        "← a plan of 7 tasks, nothing is written yet:",
        "← and 4 more",
        "← 2020-01-01T00:00+00:00 Wed · apply_plan · applied · 7 applied · the week was short",
    }
    assert shown - {line.strip() for line in text.splitlines()} == set()
    assert not store_file.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TASKHAND_BACKEND", "salesforce"),
        ("TASKHAND_TIMEZONE", "America/Santigo"),
        ("TASKHAND_CLOCK", "noon"),
        ("TASKHAND_CLOCK", "2026-03-01T12:00:00"),
        ("TASKHAND_IDS", "lucky"),
        ("TASKHAND_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence(store_file: Path, name: str, value: str) -> None:
    [sentence] = refusal(store_file, "statuses", "list", code=1, **{name: value}).splitlines()
    assert sentence.startswith(f"taskhand: {name} ")
    assert not store_file.exists()


@pytest.mark.parametrize("db", ["~nobody-of-that-name/tasks.sqlite", "/dev/null/tasks.sqlite", "/"])
def test_an_impossible_store_path_is_refused_without_a_traceback(store_file: Path, db: str) -> None:
    assert refusal(store_file, "statuses", "list", code=1, TASKHAND_DB=db).startswith("taskhand: ")


@pytest.mark.parametrize("spelling", [":memory:", "./:memory:", "folder/:memory:"])
@pytest.mark.parametrize("variable", ["TASKHAND_DB", "TASKHAND_JOURNAL"])
def test_every_command_refuses_a_store_or_journal_in_memory(store_file: Path, variable: str, spelling: str) -> None:
    for words in ((), ("call", "list_tasks"), ("journal",)):
        said = refusal(store_file, *words, code=1, **{variable: spelling})
        assert said.startswith(f"taskhand: {variable} {str(Path(spelling))!r} is not a file")
    told = run(store_file, "doctor", **{variable: spelling})
    assert told.returncode == 1
    assert f"✗ configuration: {variable}" in told.stdout


@pytest.mark.parametrize("clock", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_a_clock_at_the_end_of_the_calendar_causes_no_traceback(store_file: Path, clock: str) -> None:
    assert "Traceback" not in run(store_file, "--clock", clock, "seed", "demo").stderr


def test_an_empty_variable_counts_as_not_set(store_file: Path) -> None:
    empty = dict.fromkeys(("TASKHAND_BACKEND", "TASKHAND_TIMEZONE", "TASKHAND_CLOCK", "TASKHAND_IDS"), " ")
    assert output(store_file, "statuses", "list", **empty) == FIRST_STATUSES


def test_a_flag_overrides_the_environment(store_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "tasks.sqlite"
    output(store_file, "--db", str(other), "statuses", "list")
    assert other.exists()
    assert not store_file.exists()


SCRIPT = (
    ("seed", "demo"),
    ("call", "create_task", json.dumps(DRAFT | {"responsibleIds": ["Ana Soto", "me"], "dueDate": "2026-03-04"})),
    ("call", "delete_task", '{"id": "00000000-0000-4000-8000-000000000020"}'),
    ("journal",),
)


def test_two_runs_of_a_script_print_the_same_bytes(tmp_path: Path) -> None:
    said, kept = [], []
    for store in (tmp_path / "one" / "tasks.sqlite", tmp_path / "two" / "tasks.sqlite"):
        said.append([output(store, *FROZEN, *step) for step in SCRIPT])
        with closing(sqlite3.connect(store)) as connection:
            # The log of changes says when each row was written, by any program: by the machine's clock, not by ours.
            connection.execute("UPDATE change SET made_at = ''")
            kept.append([line for line in connection.iterdump() if 'INTO "identity"' not in line])
    assert said[0] == said[1]
    assert kept[0] == kept[1]
    assert '"task"' in said[0][1]


def test_the_demo_of_a_team_keeps_two_people_apart(store_file: Path) -> None:
    text = output(store_file, "demo", "--team", "--brief")
    shown = (
        'policy.toml: [groups.sales] people = ["camila.soto@company.example"] connections = ["north", "partners"]',
        "María: What of mine is late, everywhere?",
        "← north · ",
        "← partners · ",
        "Camila: Apply that plan.",
        "✗ There is no plan",
        "✗ delete_task is not allowed to you",
        "✗ The connection south is not yours to use",
        "✗ Camila's next request is answered with 401.",
        "by maria.rodriguez@company.example",
    )
    positions = [text.find(one) for one in shown]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert "thk_" not in text

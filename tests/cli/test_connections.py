"""`taskhand connections`, and what commands do where there are several: on the sandboxes that `sandbox all` serves."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from click.testing import CliRunner, Result

from cli.installing import error_of, type_into
from keyrings import LockedKeyring, MemoryKeyring
from settings_of import required_variables
from taskhand.backends.registry import NAMES as BACKENDS
from taskhand.backends.registry import find_factory
from taskhand.cli.main import command
from taskhand.cli.sandbox import CRMS
from taskhand.server.tools import TOOLS
from variables import PREFIXES

Run = Callable[..., Result]

SECRET = "pat-s3cret"  # noqa: S105  a stand-in that must not be seen
NAMES = [*(crm.name for crm in CRMS), "hubspot-2"]
TEXTS = [
    "",
    "plan_over = 3",
    "# mine\nplan_over = 3  # few\n\n[vambe]\nrate = 3\n",
    "plan_over = 3\r\n\r\n[vambe]\r\nrate = 3\r\n",
    '[connections.a]\nbackend = "local"\n# the last line',
    '[connections.a]\nbackend = "local"\n\n\n[connections.z] # z\nbackend = "local"\ndb = "z.sqlite"\n\n# end\n',
    '[connections]\n\n[connections.a]\nbackend = "local"\n\n[close]\nrate = 3\n',
    '[connections]\na = { backend = "local" }\n',
]


@pytest.fixture(scope="module")
def sandboxes_output() -> Iterator[str]:
    """What `taskhand sandbox all` prints while it serves the sandboxes."""
    words = [sys.executable, "-m", "taskhand", "sandbox", "all", "--port", "0", "--twice", "hubspot"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("TASKHAND_")}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=env) as serving:  # noqa: S603  our own code
        assert serving.stdout
        lines: list[str] = []
        while sum(line.startswith("base_url") for line in lines) < len(NAMES):
            lines.append(serving.stdout.readline())
        yield "".join(lines)
        serving.terminate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration file."""
    return tmp_path / "taskhand.toml"


@pytest.fixture
def run(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_keyring: None) -> Run:  # noqa: ARG001
    """Run a command with that file and nobody to ask."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def running(*words: str, **environment: str) -> Result:
        given = {"TASKHAND_CONFIG": str(file)} if file.exists() else {}
        return CliRunner().invoke(command, words, env=given | environment)

    return running


@pytest.fixture
def accounts(sandboxes_output: str, file: Path) -> dict[str, dict[str, str]]:
    """The connections to the sandboxes, by name; the file has them."""
    save(file, sandboxes_output)
    found: dict[str, dict[str, str]] = tomllib.loads(sandboxes_output)["connections"]
    return found


def save(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    file.chmod(0o600)


def json_of(done: Result) -> Any:
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    return json.loads(done.stdout)


def test_the_configuration_printed_by_the_sandboxes_works(run: Run, accounts: dict[str, Any], file: Path) -> None:
    assert [row["name"] for row in json_of(run("connections", "list", "--json"))] == NAMES == list(accounts)
    tools = {tool["name"]: tool for tool in json_of(run("tools"))}
    assert set(tools["list_tasks"]["inputSchema"]["properties"]["connection"]["enum"]) == {*NAMES}
    assert "connection" not in json.dumps(json_of(run("--connection", "close", "tools")))
    assert {task["connection"] for task in json_of(run("call", "list_tasks"))["tasks"]} <= {*NAMES}
    for name in NAMES:
        assert json_of(run("call", "list_tasks", json.dumps({"connection": name})))["tasks"], name
    done = run("connections", "check")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f"The configuration file is {file}.\n")
    assert [line.split(",")[0] for line in done.stdout.splitlines() if ", backend " in line] == NAMES
    assert f"connections.{NAMES[0]}.api_key" in done.stdout
    assert "VAMBE_" not in done.stdout
    assert not [
        secret
        for one in accounts.values()
        for name in find_factory(one["backend"]).credentials
        if (secret := one.get(name.removeprefix(f"{one['backend']}_"))) and secret in done.output
    ]
    assert list(file.parent.glob("**/*.toml")) == [file]


def test_the_sandboxes_say_where_their_configuration_is_read(sandboxes_output: str, run: Run, tmp_path: Path) -> None:
    head = sandboxes_output.partition("\n")[0]
    assert re.match(r"# Save this as /.+/taskhand\.toml, or as a file that TASKHAND_CONFIG names\. ", head), head
    here = tmp_path / "config" / "taskhand" / "taskhand.toml"
    assert run("connections", "check").stdout.startswith(f"There is no configuration file at {here}.\ndefault, ")


def test_a_connection_that_cannot_be_used_can_be_removed(run: Run, file: Path) -> None:
    save(file, '[connections.own]\nbackend = "close"\n[connections.mine]\nbackend = "local"\n')
    assert "connections.own" in error_of(run("connections", "list")).message
    done = run("connections", "remove", "own")
    assert done.exit_code == 0, done.output
    assert "mine" in run("connections", "list").stdout


def test_connections_are_listed_beside_one_whose_crm_cannot_be_chosen(run: Run, file: Path) -> None:
    save(file, '[connections.own]\nbackend = "local"\n')
    listed = json_of(run("connections", "list", "--json", CLOSE_API_KEY="k", VAMBE_API_KEY="k"))
    assert "own" in json.dumps(listed)


def test_doctor_names_a_connection_beside_one_whose_crm_cannot_be_chosen(run: Run, file: Path) -> None:
    save(file, '[connections.own]\nbackend = "local"\n')
    found = json.loads(run("doctor", "--json", CLOSE_API_KEY="k", VAMBE_API_KEY="k").stdout)
    assert "own: journal" in {row["subject"] for row in found["findings"]}


def test_doctor_and_config_name_each_connection(run: Run, accounts: dict[str, Any], file: Path) -> None:
    save(file, file.read_text(encoding="utf-8").replace(accounts["close"]["api_key"], SECRET))
    done = run("doctor", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["backend"], list(found["connections"])) == (1, None, NAMES)
    failed = [row["subject"] for row in found["findings"] if row["outcome"] == "failed"]
    assert {one.split(": ")[0] for one in failed} == {"close"}
    [refused] = [row for row in found["findings"] if row["subject"] == "close: credential"]
    assert refused["remedy"] == "Set connections.close.api_key to one that Close shows as valid."
    assert {f"{name}: journal" for name in NAMES} <= {row["subject"] for row in found["findings"]}
    [me] = [row["remedy"] for row in found["findings"] if row["subject"] == "vambe: me"]
    assert me.startswith("Set connections.vambe.user_id to ")
    zones = [row["remedy"] for row in found["findings"] if row["subject"].endswith(": time zone")]
    assert [zone.partition(" to ")[0] for zone in zones] == [f"Set connections.{name}.timezone" for name in NAMES]
    [tools] = [row["found"] for row in found["findings"] if row["subject"] == "tools"]
    assert tools == f"{len(TOOLS) + 1} of {len(TOOLS) + 1} are offered."  # list_connections too
    only = json_of(run("--connection", "Vambe", "doctor", "--json"))
    assert (only["backend"], "connections" in only, only["ok"]) == ("vambe", False, True)
    assert "credential" in {row["subject"] for row in only["findings"]}
    shown = json_of(run("config", "--json", TASKHAND_TIMEZONE="America/Lima"))
    assert (shown["backend"], [one["name"] for one in shown["connections"]]) == (None, NAMES)
    rows = {row["key"]: row for row in shown["connections"][1]["settings"]}
    assert rows["connections.close.api_key"]["value"] == "set"
    assert rows["connections.close.timezone"] == {
        "variable": "TASKHAND_TIMEZONE",
        "key": "connections.close.timezone",
        "value": "America/Lima",
        "secret": False,
        "origin": "environment TASKHAND_TIMEZONE",
    }
    assert rows["connections.close.api_key"]["origin"] == f"file {file}:connections.close.api_key"
    text = run("config").stdout
    assert text.splitlines()[0].startswith("connections  vambe (vambe), close (close), ")
    assert "connections.close.base_url" in text
    assert SECRET not in text + done.output + json.dumps(shown)


@pytest.mark.parametrize("name", [crm.name for crm in CRMS])
def test_a_connection_is_added_after_it_was_tried(name: str, run: Run, accounts: dict[str, Any], file: Path) -> None:
    save(file, "# mine\nplan_over = 3\n")
    account = accounts[name]
    upper = name.upper()
    key = find_factory(name).credentials[0].removeprefix(f"{name}_")
    required = required_variables(name)
    given = {f"{upper}_{key.upper()}": account[key], f"{upper}_BASE_URL": account["base_url"]} | required
    also = {variable.removeprefix(f"{upper}_").lower(): value for variable, value in required.items()}
    done = run("connections", "add", "north", "--backend", name, "--description", "The north", **given)
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    assert file.read_text(encoding="utf-8").startswith("# mine\nplan_over = 3\n\n[connections.north]\n")
    assert tomllib.loads(file.read_text(encoding="utf-8"))["connections"] == {
        "north": {"backend": name, "description": "The north", key: account[key], "base_url": account["base_url"]}
        | also
    }
    assert f"{key} is taken from {upper}_{key.upper()} of the environment." in done.stderr
    assert account[key] not in done.output
    told_again = run("connections", "add", "south", "--backend", name, "--no-check", **given).stderr
    assert "! The connections north and south lead to the same account." in told_again
    another = run("connections", "add", "west", "--backend", "local", "--set", "db=w.sqlite", "--no-check")
    assert (another.exit_code, "lead to the same account" in another.stderr) == (0, False), "it is known"


def test_an_error_names_the_key_of_the_connection(run: Run, accounts: dict[str, Any], file: Path) -> None:
    save(file, file.read_text(encoding="utf-8").replace(accounts["close"]["api_key"], SECRET))
    refused = json.loads(run("call", "list_team_members", '{"connection": "close"}').stdout)["error"]
    assert refused["next"] == "The operator of Taskhand should check connections.close.api_key."
    unknown = json.loads(run("call", "list_tasks", '{"connection": "vambe", "responsibleIds": ["me"]}').stdout)["error"]
    assert "Set connections.vambe.user_id to the id of a member" in unknown["next"]
    save(file, '[connections.n]\nbackend = "hubspot"\naccess_token = "pat-1"\napi_version = "v2"\n')
    error = error_of(run("call", "list_tasks"))
    assert error.message == "connections.n.api_version is neither v3 nor a dated version."


def test_a_wrong_key_is_reported_and_nothing_is_written(
    run: Run, accounts: dict[str, Any], file: Path, kept: MemoryKeyring
) -> None:
    before = file.read_bytes()
    given = {"HUBSPOT_ACCESS_TOKEN": SECRET, "HUBSPOT_BASE_URL": accounts["hubspot"]["base_url"]}
    done = run("connections", "add", "north", "--backend", "hubspot", **given)
    assert "does not work, so nothing is written. " in error_of(done).message
    assert "Set HUBSPOT_ACCESS_TOKEN to one that HubSpot shows as valid." in str(error_of(done).next_step)
    assert (file.read_bytes(), kept.kept) == (before, {})
    assert SECRET not in done.output


@pytest.mark.usefixtures("run")
def test_connections_add_asks_for_the_backend_the_description_and_the_key(tmp_path: Path) -> None:
    seen = type_into(
        ["connections", "add", "north", "--no-check", "--set", "user_id=7"],
        [
            (f"Backend ({', '.join(BACKENDS)}): ", "hubspot"),
            ("Describe the account in a few words (empty: nothing): ", "Ventas ñandú"),
            ("access_token, Token of a private app, a service key or an OAuth app: ", SECRET),
            ("Restart the server, and it has the connection north.", ""),
        ],
    )
    assert SECRET not in seen
    file = tmp_path / "config" / "taskhand" / "taskhand.toml"
    table = {"backend": "hubspot", "description": "Ventas ñandú", "user_id": "7", "access_token": SECRET}
    assert tomllib.loads(file.read_text(encoding="utf-8")) == {"connections": {"north": table}}
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_secret_goes_into_the_keyring(run: Run, file: Path, kept: MemoryKeyring) -> None:
    save(file, "")
    words = ("connections", "add", "north", "--backend", "close", "--no-check")
    done = run(*words, CLOSE_API_KEY=SECRET, TASKHAND_TIMEZONE="America/Santiago", VAMBE_RATE="3")
    assert done.exit_code == 0, done.output
    [table] = tomllib.loads(file.read_text(encoding="utf-8"))["connections"].values()
    assert {*table} == {"backend", "api_key"}, "other settings of the command's environment stay there"
    assert kept.kept == {("taskhand", "connections/north/api_key"): SECRET}
    [row] = json_of(run("connections", "list", "--json"))
    assert row == {
        "name": "north",
        "backend": "close",
        "description": None,
        "credential": ["keyring:connections/north/api_key"],
    }
    assert run("connections", "list").stdout == "north  close  keyring:connections/north/api_key\n"
    assert SECRET not in file.read_text(encoding="utf-8") + done.output
    done = run("connections", "remove", "north")
    assert "`keyring del taskhand connections/north/api_key` removes it." in done.stdout
    assert file.read_bytes() == b""


def test_adding_a_connection_warns_of_a_secret_in_the_file(run: Run, file: Path) -> None:
    save(file, "")
    given = {"HUBSPOT_ACCESS_TOKEN": SECRET, "HUBSPOT_USER_ID": "7"}
    done = run("connections", "add", "fromenv", "--backend", "hubspot", "--no-check", **given)
    assert done.exit_code == 0, done.output
    assert (
        done.stdout == f"The connection fromenv is in {file}. Restart the server, and it has the connection fromenv.\n"
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("!")]
    assert said == [f"! Whoever reads {file} can read access_token."]
    assert SECRET not in done.output
    referred = (
        "connections",
        "add",
        "byname",
        "--backend",
        "hubspot",
        "--no-check",
        "--set",
        "access_token=env:MY_TOKEN",
    )
    done = run(*referred, MY_TOKEN="pat-2", VAMBE_API_KEY="outside")  # noqa: S106  stand-ins
    assert "! Whoever" not in done.stderr
    assert "it has the connections default, fromenv, byname." in done.stdout


def test_a_file_that_is_to_hold_a_secret_is_closed_to_others(run: Run, file: Path) -> None:
    for text in ("", "plan_over = 3\n"):
        save(file, text)
        file.chmod(0o644)
        done = run(
            "connections", "add", "n", "--backend", "vambe", "--keys", "file", "--no-check", VAMBE_API_KEY=SECRET
        )
        assert done.exit_code == 0, done.output
        assert "Only you can read" in done.stdout
        assert file.stat().st_mode & 0o777 == 0o600
        assert [one.name for one in file.parent.glob("*.bak")] == []


@pytest.mark.parametrize("text", TEXTS)
def test_adding_and_removing_a_connection_keeps_every_other_byte(text: str, run: Run, file: Path) -> None:
    save(file, text)
    add = ("connections", "add", "m", "--backend", "local", "--set", "db=m.sqlite", "--no-check")
    done = run(*add)
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    assert tomllib.loads(file.read_text(encoding="utf-8"))["connections"]["m"] == {"backend": "local", "db": "m.sqlite"}
    rest = file.read_bytes().replace(b"\r\n", b"\n")
    assert all(line in rest for line in text.encode().replace(b"\r\n", b"\n").splitlines())
    assert error_of(run(*add)).message.startswith("There is a connection m in")
    assert run("connections", "remove", "m").exit_code == 0
    assert file.read_bytes().removesuffix(b"\n") == text.encode().removesuffix(b"\n")


WRONG = [
    (("add", "North", "--backend", "local"), "'North' is not a valid name", "Call it north."),
    (("add", "all", "--backend", "local"), "'all' is reserved", "Choose another name."),
    (("add", "other", "--backend", "local"), "'other' is reserved", "Choose another name."),
    (("add", "n"), "Missing option '--backend'", ""),
    (("add", "n", "--backend", "close"), "api_key is needed for Close", "--set api_key=env:NAME"),
    (("add", "n", "--backend", "close", "--set", f"api_key={SECRET}"), "api_key is a secret", "--set api_key=env:NAME"),
    (("add", "n", "--backend", "close", "--set", "token=env:X"), "--set token must be KEY=VALUE", "api_key"),
    (("add", "n", "--backend", "close", "--set", "base_url= "), "--set base_url must be KEY=VALUE", "api_key"),
    (
        ("add", "n", "--backend", "vambe", "--set", "api_key=env:GONE"),
        "--set api_key=… refers to the variable 'GONE'",
        "",
    ),
    (
        ("add", "n", "--backend", "vambe", "--set", "api_key=file:/x"),
        "The file that --set api_key=… names",
        "Use --set api",
    ),
    (("add", "n", "--backend", "local", "--set", "timezone=Mars"), "--set timezone=… 'Mars' is", ""),
    (
        ("add", "n", "--backend", "local", "--set", "db=~nobody-x/a"),
        "--set db=… names the home folder of",
        "into --set db=…",
    ),
    (
        ("add", "n", "--backend", "local", "--description", 121 * "x"),
        "--description is longer than 120",
        "Describe the account in a few words",
    ),
    (
        ("add", "n", "--backend", "local"),
        "The connections mine and n lead to the same store",
        "Use --set db=… with a file",
    ),
    (("add", "n", "--backend", "local", "--keys", "keyring", "--set", "rate=1"), "--set rate must be", "db, user"),
    (("remove", "gone"), "There is no connection gone", "There are mine."),
    (("remove", "default"), "There is no connection default", "outside of the tables"),
    (("check", "gone"), "There is no connection 'gone'", "mine"),
]


@pytest.mark.parametrize(("words", "message", "step"), WRONG, ids=lambda one: " ".join(one)[:50])
def test_an_error_is_printed_and_nothing_is_written(
    words: tuple[str, ...], message: str, step: str, run: Run, file: Path
) -> None:
    save(file, '[connections.mine]\nbackend = "local"\n')
    before = file.read_bytes()
    done = run("connections", *words)
    assert done.exit_code
    said = done.output if isinstance(done.exception, SystemExit) else error_of(done).message
    assert message in said
    assert isinstance(done.exception, SystemExit) or step in str(error_of(done).next_step)
    assert file.read_bytes() == before
    assert SECRET not in f"{done.output} {done.exception}"


@pytest.mark.parametrize(
    "text", ["[connections", 'connections = { n.backend = "local", n.db = "n" }\n', "connections = 3\n"]
)
@pytest.mark.parametrize("words", ["add n --backend local --no-check", "remove n"])
def test_a_file_that_cannot_be_edited_stays_as_it_is(words: str, text: str, run: Run, file: Path) -> None:
    save(file, text)
    assert str(file) in error_of(run("connections", *words.split())).message
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("value", ["env:GONE", "file:/gone", "keyring:gone", "${NORTH}"])
def test_commands_without_credentials_work_although_one_cannot_be_read(value: str, run: Run, file: Path) -> None:
    north = f'[connections.north]\nbackend = "close"\napi_key = "{value}"\n\n'
    save(file, f'{north}[connections.m]\nbackend = "local"\n')
    task = {"title": "t", "dueDate": "2026-03-01", "responsibleIds": ["1"], "priority": "LOW"}
    run("--connection", "m", "call", "create_task", json.dumps(task))
    words = "keys create --person ana@x.test, keys revoke --person ana@x.test, connections list, config, journal export"
    words += ", --connection m journal, --connection north journal, --connection north journal verify, backup b.zip"
    words += ", --connection north journal export, restore b.zip, uninstall --dry-run, --connection m call list_tasks"
    for one in words.split(", "):
        done = run(*one.split())
        assert done.exit_code == 0, f"{one}: {done.output} {done.exception!r}"
    assert [row["name"] for row in json_of(run("connections", "list", "--json"))] == ["north", "m"]
    found = json.loads(run("doctor", "--json").stdout)
    assert {row["subject"].split(": ")[0] for row in found["findings"] if row["outcome"] == "failed"} == {"north"}
    assert run("call", "list_tasks", '{"connection": "m"}').exit_code == 0
    refused = run("call", "list_tasks", '{"connection": "north"}')
    assert refused.exit_code == 1
    assert '"message": "north: ' in refused.output
    assert "connections.north.api_key in" in refused.output
    checked = run("connections", "check")
    assert checked.exit_code == 1
    assert "m, backend local" in checked.stdout
    assert "connections.north.api_key in" in checked.stdout
    assert run("connections", "remove", "north").exit_code == 0
    assert run("connections", "list").stdout == "m  local\n"


def test_a_policy_that_names_a_removed_connection_gives_a_warning(run: Run, file: Path) -> None:
    save(file, '[connections.n]\nbackend = "local"\ndb = "n"\n\n[connections.m]\nbackend = "local"\ndb = "m"\n')
    file.with_name("policy.toml").write_text('[everyone]\nconnections = ["n"]\n', encoding="utf-8")
    file.with_name("policy.toml").chmod(0o600)
    assert json_of(run("--connection", "m", "config", "--json"))["policy"]["outcome"] == "ok"
    done = run("connections", "remove", "n")
    assert done.exit_code == 0
    assert "policy.toml" in done.stderr


@pytest.mark.parametrize("words", ["members list", "seed demo", "journal", "journal verify", "export -"])
def test_a_command_for_one_account_requires_the_connection(words: str, run: Run, file: Path) -> None:
    save(
        file,
        '[connections.n]\nbackend = "local"\ndb = "n.sqlite"\n\n[connections.m]\nbackend = "local"\ndb = "m.sqlite"\n',
    )
    error = error_of(run(*words.split()))
    called = " ".join(word for word in words.split() if word not in {"demo", "-"})
    assert (error.code, error.message) == (
        "connection_required",
        f"There are several connections, and `{called}` works on one: n, m.",
    )
    assert f"--connection n {called}`" in str(error.next_step)


def test_an_account_works_the_same_alone_and_among_others(run: Run, file: Path, tmp_path: Path) -> None:
    one = '[connections.n]\nbackend = "local"\ndb = "n.sqlite"\nuser = "Ana"\n'
    save(file, one)
    made = json_of(run("call", "create_task", '{"title": "Call Acme", "responsibleIds": ["me"]}'))
    assert run("members", "list").stdout.split()[1] == "Ana"
    save(file, f'{one}\n[connections.m]\nbackend = "local"\ndb = "m.sqlite"\nuser = "Ben"\n')
    assert made["changeId"] in run("--connection", "n", "journal").stdout
    assert run("--connection", "m", "members", "list").stdout.split()[1] == "Ben"
    exported = run("--connection", "n", "export", "-").stdout
    assert "Call Acme" in exported
    assert run("--connection", "m", "import", "-").exit_code == 0
    assert run("--connection", "n", "backup", "b.zip").exit_code == 0
    assert "Call Acme" not in run("--connection", "m", "export", "-").stdout
    assert error_of(run("--connection", "x", "journal")).code == "unknown_connection"
    assert {one.name for one in tmp_path.glob("*.sqlite")} == {"n.sqlite", "n.journal.sqlite", "m.sqlite"}


def test_connections_add_writes_nothing_if_the_keyring_is_locked(run: Run, file: Path, kept: MemoryKeyring) -> None:  # noqa: ARG001
    keyring.set_keyring(LockedKeyring())
    save(file, "")
    done = run("connections", "add", "n", "--backend", "close", "--no-check", CLOSE_API_KEY=SECRET)
    assert "refused to store connections/n/api_key" in error_of(done).message
    assert file.read_bytes() == b""


def test_a_person_is_the_same_member_with_a_single_connection(run: Run, file: Path) -> None:
    save(
        file,
        '[connections.n]\nbackend = "local"\ndb = "n.sqlite"\n\n[connections.m]\nbackend = "local"\ndb = "m.sqlite"\n',
    )
    assert run("--connection", "n", "members", "add", "Ben Ruiz").exit_code == 0
    file.with_name("people.toml").write_text('["ana@x.test"]\nn = "Ben Ruiz"\nm = "Nobody"\n', encoding="utf-8")
    file.with_name("people.toml").chmod(0o600)
    task = {"title": "Call", "responsibleIds": ["me"]}
    alone = json_of(run("--connection", "n", "call", "create_task", json.dumps(task), TASKHAND_PERSON="ana@x.test"))
    sent = {**task, "title": "Write", "connection": "n"}
    among = json_of(run("call", "create_task", json.dumps(sent), TASKHAND_PERSON="ana@x.test"))
    assert [made["matched"][0]["name"] for made in (alone, among)] == ["Ben Ruiz"] * 2

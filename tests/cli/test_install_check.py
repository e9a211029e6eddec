"""`taskhand install` tries the key and starts the entry, and `taskhand doctor --host` does so again."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner

from cli.installing import KEY, Run, error_of, servers_in, type_into
from keyrings import MemoryKeyring
from settings_of import required_variables
from taskhand.backends.registry import find_factory
from taskhand.cli.main import command
from taskhand.cli.sandbox import CRMS
from taskhand.config.settings import Settings
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox

KEYS = {crm.name: Settings.variable(find_factory(crm.name).credentials[0]) for crm in CRMS}
KEPT = {crm.name: crm.served.key for crm in CRMS}
"""The keys that the sandboxes accept."""


@pytest.fixture(scope="module")
def bases() -> Iterator[dict[str, list[str]]]:
    """Each CRM on this machine: the option that points Taskhand at it."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        found = {}
        for crm in CRMS:
            served = serve_sandbox(crm.served.open(crm.served.key))
            url = stack.enter_context(portal.wrap_async_context_manager(served))
            found[crm.name] = ["--backend", crm.name, "--set", f"{crm.name.upper()}_BASE_URL={url}{crm.served.path}"]
        yield found


@pytest.mark.parametrize("backend", KEYS)
def test_a_wrong_key_is_reported_and_nothing_is_written(
    run: Run,
    file: Path,
    kept: MemoryKeyring,
    bases: dict[str, list[str]],
    backend: str,
    *,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, logger="taskhand")
    before = file.read_bytes()
    options, (name, _, url) = bases[backend][:2], bases[backend][3].partition("=")
    done = run("cursor", "--check", *options, **{KEYS[backend]: KEY, name: url}, **required_variables(backend))
    assert f"{name} is taken from the environment." in done.stderr
    assert "does not accept the key, so nothing is written." in error_of(done).message
    assert (file.read_bytes(), kept.kept) == (before, {})
    assert KEY not in done.output
    assert logging.getLogger("taskhand").level == logging.WARNING


@pytest.mark.parametrize("backend", KEYS)
def test_an_address_at_which_something_else_answers_is_refused(
    run: Run, file: Path, bases: dict[str, list[str]], backend: str
) -> None:
    before = file.read_bytes()
    *options, base = bases[backend]
    done = run(
        "cursor", "--check", *options, f"{base}/elsewhere", **{KEYS[backend]: KEY}, **required_variables(backend)
    )
    assert error_of(done).message.startswith("The key could not be tried, so nothing is written. ")
    assert error_of(done).next_step == (f"Correct {backend.upper()}_BASE_URL; `--no-check` writes the entry untried.")
    assert file.read_bytes() == before


def test_an_entry_is_written_untried_if_the_crm_asks_to_wait(run: Run, tmp_path: Path) -> None:
    crm = CloseSandbox()
    crm.faults = (Fault("status", status=429, retry_after=3600, nth="every"),)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_sandbox(crm)) as url:
        here = {"CLOSE_BASE_URL": f"{url}/api/v1", "CLOSE_API_KEY": crm.key, "PATH": ""}
        done = run("claude-code", "--project", "--check", "--backend", "close", anywhere=True, **here)
    assert (done.exit_code, "! The key could not be tried. Close" in done.stderr) == (0, True)
    assert (tmp_path / ".mcp.json").exists()


def test_a_key_that_may_do_too_little_is_not_called_wrong(run: Run, file: Path) -> None:
    before, crm = file.read_bytes(), CloseSandbox()
    crm.faults = (Fault("status", status=403, nth="every"),)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serve_sandbox(crm)) as url:
        here = {"CLOSE_BASE_URL": f"{url}/api/v1", "CLOSE_API_KEY": crm.key}
        done = run("cursor", "--check", "--backend", "close", **here)
    assert (error_of(done).code, file.read_bytes()) == ("forbidden", before)
    assert "does not accept the key" not in error_of(done).message


@pytest.mark.parametrize(("host", "backend"), [("claude-code", "close"), ("codex", "vambe")])
def test_a_shared_file_is_tried_at_the_address_of_the_environment_which_is_not_written(
    run: Run, tmp_path: Path, bases: dict[str, list[str]], host: str, backend: str
) -> None:
    name, _, url = bases[backend][3].partition("=")
    options = (host, "--project", "--check", "--backend", backend)
    here = {name: url, "PATH": ""}  # no command that could be started
    done = run(*options, anywhere=True, **here, **{KEYS[backend]: KEY})
    assert f"{name} is taken from the environment for the checks; it is not written to the shared file." in done.stderr
    assert f"{backend.title()} does not accept the key" in error_of(done).message
    done = run(*options, anywhere=True, **here, **{KEYS[backend]: KEPT[backend]})
    [file] = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "host.json"]
    assert "key accepted" in done.stdout
    assert "'me' is unknown" not in done.stderr, "a shared file is for several persons"
    assert url not in file.read_text(encoding="utf-8")


def test_an_entry_that_cannot_work_is_not_written(
    run: Run, file: Path, kept: MemoryKeyring, bases: dict[str, list[str]]
) -> None:
    before = file.read_bytes()
    kept.kept["taskhand", "VAMBE_API_KEY"] = "an older one"
    done = run("cursor", "--check", *bases["vambe"], "--me", "maria", VAMBE_API_KEY="vambe-sandbox-key")
    assert re.search(r'"VAMBE_USER_ID": "[0-9a-f-]{36}"', done.stdout)
    assert error_of(done).message.startswith("The entry would not work, so nothing is written. ")
    assert "keyring cannot be reached from here" in error_of(done).message  # it is one of this process's
    assert error_of(done).next_step
    assert (file.read_bytes(), kept.kept) == (before, {("taskhand", "VAMBE_API_KEY"): "an older one"})


@pytest.mark.parametrize(
    ("backend", "key", "who", "code"),
    [
        ("vambe", "vambe-sandbox-key", "juan perez", "ambiguous_member"),
        ("vambe", "vambe-sandbox-key", "Nadie", "unknown_member"),
        ("hubspot", "pat-na1-sandbox", "Nadie", "unknown_member"),
    ],
)
def test_install_never_guesses_me(
    run: Run, file: Path, bases: dict[str, list[str]], *, backend: str, key: str, who: str, code: str
) -> None:
    before = file.read_bytes()
    done = run("cursor", "--check", *bases[backend], "--me", who, **{KEYS[backend]: key})
    assert (error_of(done).code, file.read_bytes()) == (code, before)
    assert "key accepted, " in done.stdout
    assert "list_team_members" not in str(error_of(done).next_step)
    assert len([line for line in done.stderr.splitlines() if line.startswith("  ")]) >= 2


def test_install_asks_for_the_key_and_the_user_and_doctor_checks_the_entry(
    tmp_path: Path, bases: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    seen = type_into(
        ["install", "cursor", *bases["vambe"]],
        [
            ("VAMBE_API_KEY, Key from the developer section of Vambe: ", KEY),
            ("Give the key exactly as Vambe shows it.", ""),
            ("VAMBE_API_KEY, Key from the developer section of Vambe: ", "vambe-sandbox-key"),
            ("Who are you? Number, name or e-mail (empty: nobody): ", "juan perez"),
            ("2 people match 'juan perez'.", ""),
            ("Who are you? Number, name or e-mail (empty: nobody): ", "5"),
            ("Your time zone, such as America/Santiago (empty: America/Lima): ", "Marte"),
            ("Your time zone, such as America/Santiago (empty: America/Lima): ", ""),
            ("shows the server.", ""),
        ],
    )
    assert "Vambe: key accepted, 5 members." in seen
    assert "The entry starts: taskhand " in seen
    assert not any(key in seen for key in (KEY, "vambe-sandbox-key"))
    file = tmp_path / ".cursor" / "mcp.json"
    env = servers_in(file)["taskhand"]["env"]
    assert (env["TASKHAND_TIMEZONE"], len(env["VAMBE_USER_ID"])) == ("America/Lima", 36)
    file.write_text(file.read_text(encoding="utf-8").replace("vambe-sandbox-key", KEY), encoding="utf-8")
    file.chmod(0o644)
    done = CliRunner().invoke(command, ["doctor", "--host", "cursor", "--json"])
    [entry] = json.loads(done.stdout)["entries"]
    found = {one["subject"]: one["outcome"] for one in entry["findings"]}
    assert (done.exit_code, entry["name"], entry["backend"], entry["ok"]) == (1, "taskhand", "vambe", False)
    assert (found["file"], found["start"], found["credential"]) == ("warning", "ok", "failed")
    assert KEY not in done.output


def test_install_lists_the_connections_and_a_failing_one_is_only_a_warning(
    run: Run, file: Path, tmp_path: Path, bases: dict[str, list[str]]
) -> None:
    settings, base = tmp_path / "north.toml", bases["vambe"][3].partition("=")[2]
    settings.write_text(
        f'[connections.mine]\nbackend = "local"\ndb = "{tmp_path}/m.sqlite"\n\n[connections.north]\nbackend = "vambe"\n'
        f'api_key = "{KEY}"\nbase_url = "{base}"\n',
        encoding="utf-8",
    )
    settings.chmod(0o600)
    done = run("cursor", "--check", "--set", f"TASKHAND_CONFIG={settings}")
    assert done.exit_code == 0, f"{done.output} {done.exception!r}"
    assert f"The server will have the connections of {settings}: mine (local), north (vambe)." in done.stderr
    assert "! north: credential: " in done.stderr
    assert servers_in(file)["taskhand"]["env"] == {"TASKHAND_CONFIG": str(settings)}
    assert KEY not in done.output

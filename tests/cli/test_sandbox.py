"""`taskhand sandbox all` and the configuration that it writes."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

import taskhand.sandbox
from taskhand.cli.main import command
from taskhand.cli.sandbox import CRMS, EmulatedAccount, _read_variants, sandbox
from taskhand.domain.errors import CallerError


@pytest.mark.parametrize("text", ["plan_over = 3\n", '[connections.vambe]\nbackend = "vambe"\n'])
def test_the_sandboxes_write_no_file_over_another(text: str, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(text, encoding="utf-8")
    with pytest.raises(CallerError, match=r"other\.toml exists already"):
        CliRunner().invoke(sandbox, ["all", "--port", "0", "--config", str(other)], catch_exceptions=False)
    assert other.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", [None, "plan_over = 'many'\n"])
def test_a_sandbox_needs_no_configuration(text: str | None, tmp_path: Path) -> None:
    configured = tmp_path / "taskhand.toml"
    if text is not None:
        configured.write_text(text, encoding="utf-8")
    for option in ("--variants", "--readings"):
        listed = CliRunner().invoke(command, ["sandbox", "close", option], env={"TASKHAND_CONFIG": str(configured)})
        assert (listed.exit_code, "oauth_state" in listed.stdout) == (0, True), listed.output


@pytest.mark.parametrize(
    ("option", "text", "why"),
    [
        ("--faults", '[[fault]]\nkind = "status"\nroute = "GET /nowhere"\n', "no route 'GET /nowhere' here"),
        ("--faults", "", "address already in use"),
        ("--seed", '{"leads": 7}', "does not have the format of Close's"),
    ],
)
def test_the_file_of_an_option_is_read_before_the_sandbox_is_served(
    option: str, text: str, why: str, tmp_path: Path
) -> None:
    file = tmp_path / "given"
    file.write_text(text, encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = ["close", "--port", str(taken.getsockname()[1]), option, str(file)]
        with pytest.raises(CallerError) as caught:
            CliRunner().invoke(sandbox, words, catch_exceptions=False)
    assert why in caught.value.message


def test_every_sandbox_has_a_command() -> None:
    folders = [file.parent.name for file in Path(taskhand.sandbox.__file__).parent.glob("*/sandbox.py")]
    assert sorted(crm.name for crm in CRMS) == sorted(folders)
    assert len({crm.port for crm in CRMS}) == len(CRMS)


def test_a_variant_names_its_crm_and_the_app_of_hubspot_is_in_its_table() -> None:
    assert _read_variants(["vambe.topics=tasks"])["vambe"]["spec_variant"].topics == "tasks"
    for wrong in ("topics=tasks", "acme.topics=tasks", "vambe.topics=none", "close.nothing=1"):
        with pytest.raises(CallerError):
            _read_variants([wrong])
    hubspot = next(crm for crm in CRMS if crm.name == "hubspot")
    table = EmulatedAccount("hubspot", hubspot, hubspot.served.open("pat-1", seed="empty"), "pat-1", 0).table(
        "http://127.0.0.1:1"
    )
    assert {"app_id", "developer_key", "webhook_key", "access_token"} <= {*table}

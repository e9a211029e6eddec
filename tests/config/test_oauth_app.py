"""The OAuth app of a connection: both halves of it, where they come from, and that its secret is never shown."""

import os
from pathlib import Path

import pytest

from taskhand.cli.doctor import run_checks
from taskhand.cli.doctor_oauth_app import check_app
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.config.oauth_app import has_app
from taskhand.domain.errors import OperatorError
from taskhand.journal.masking import MASK, Masking
from taskhand.wiring import open_connections, open_oauth_client
from vault.vaults import links_at

ID, SECRET = "0a1b2c3d-app", "s3cr3t-of-the-app"
TABLE = """
[connections.north]
backend = "hubspot"
access_token = "pat-na1-n0rth"
"""


def load(**environ: str) -> Configuration:
    return load_configuration({"TASKHAND_CONFIG": os.devnull, "CLOSE_API_KEY": "api_close-k3y"} | environ, {})


def load_file(folder: Path, text: str, **environ: str) -> Configuration:
    file = folder / "taskhand.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return load_configuration({"TASKHAND_CONFIG": str(file)} | environ, {})


def test_an_app_chooses_no_backend_and_is_no_credential_of_requests() -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull, "HUBSPOT_CLIENT_SECRET": SECRET}, {})
    assert found.settings.backend == "local"
    assert load(CLOSE_CLIENT_ID=ID, CLOSE_CLIENT_SECRET=SECRET).settings.backend == "close"


def test_the_secret_of_an_oauth_app_is_masked_and_never_shown() -> None:
    found = load(CLOSE_CLIENT_ID=ID, CLOSE_CLIENT_SECRET=SECRET)
    settings = found.settings
    assert has_app(found.connections[0])
    assert SECRET not in repr(settings)
    assert settings.display_value("close_client_secret") == "set"
    assert Masking(settings.secrets).mask(f"the secret is {SECRET}.") == f"the secret is {MASK}."


@pytest.mark.parametrize("where", ["env:SECRET_OF_APP", "file:{}"])
def test_the_secret_of_an_oauth_app_may_be_a_reference_in_a_table(tmp_path: Path, where: str) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET, encoding="utf-8")
    text = f'{TABLE}client_id = "{ID}"\nclient_secret = "{where.format(file)}"\n'
    [north] = load_file(tmp_path, text, SECRET_OF_APP=SECRET).connections
    assert north.settings.value("hubspot_client_id") == ID
    assert north.settings.value("hubspot_client_secret") is not None
    assert north.settings.value("hubspot_client_secret").get_secret_value() == SECRET
    assert has_app(north)
    assert [*north.credentials] == ["connections.north.access_token in " + str(tmp_path / "taskhand.toml")]


_PLACEHOLDER = (
    "CLOSE_CLIENT_ID is set and CLOSE_CLIENT_SECRET is not. CLOSE_CLIENT_SECRET holds a placeholder (${…}) "
    "that was not replaced, so the key counts as not set."
)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"CLOSE_CLIENT_ID": ID}, "CLOSE_CLIENT_ID is set and CLOSE_CLIENT_SECRET is not."),
        ({"CLOSE_CLIENT_SECRET": SECRET}, "CLOSE_CLIENT_SECRET is set and CLOSE_CLIENT_ID is not."),
        (
            {"CLOSE_CLIENT_ID": ID, "CLOSE_CLIENT_SECRET": "${CLOSE_SECRET}"},
            _PLACEHOLDER,
        ),
        (
            {"CLOSE_CLIENT_ID": ID, "CLOSE_CLIENT_SECRET": "env:NO_SUCH"},
            "CLOSE_CLIENT_SECRET refers to the variable 'NO_SUCH', which is not set.",
        ),
        (
            {"CLOSE_CLIENT_ID": ID, "CLOSE_CLIENT_SECRET": f"{SECRET} too"},
            "CLOSE_CLIENT_SECRET has spaces, line breaks, quotes or characters outside ASCII in its value.",
        ),
    ],
)
def test_an_oauth_app_without_id_or_secret_is_refused_by_name(environ: dict[str, str], message: str) -> None:
    found = load(**environ)
    with pytest.raises(OperatorError) as refused:
        has_app(found.connections[0])
    assert refused.value.message == message
    [finding] = check_app(found.connections[0], has_vault=True)
    assert (finding.outcome, finding.found) == ("failed", message)


def test_an_oauth_app_is_usable_although_another_secret_of_its_connection_is_not() -> None:
    app = {"CLOSE_CLIENT_ID": ID, "CLOSE_CLIENT_SECRET": SECRET}
    assert has_app(load(**app, CLOSE_WEBHOOK_KEY="env:NO_SUCH").connections[0])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("", "connections.north.client_id is set and connections.north.client_secret is not."),
        (f'client_secret = "{SECRET}"\nbase_url = "https://"\n', "connections.north.base_url "),
    ],
)
async def test_errors_about_an_oauth_app_name_the_keys_of_its_connection(
    tmp_path: Path, more: str, message: str
) -> None:
    [north] = load_file(tmp_path, f'{TABLE}client_id = "{ID}"\n{more}').connections
    with pytest.raises(OperatorError) as refused:
        async with open_oauth_client(north):
            raise AssertionError
    assert refused.value.message.startswith(message)


async def test_a_server_on_which_people_link_does_not_start_with_half_of_an_app(tmp_path: Path) -> None:
    found, links = load(CLOSE_CLIENT_ID=ID), links_at(tmp_path / "links.sqlite")
    with pytest.raises(OperatorError, match="CLOSE_CLIENT_SECRET is not"):
        async with open_connections(found.connections, links=links):
            raise AssertionError
    two = f'{TABLE}client_id = "{ID}"\n[connections.south]\nbackend = "local"\ndb = "{tmp_path / "tasks.sqlite"}"\n'
    settings = load_file(tmp_path, two).connections
    async with open_connections(settings, links=links) as both:
        problems = {
            name: app.connection.problem.message if app.connection.problem else None
            for name, app in both.by_name.items()
        }
    wrong = "connections.north.client_id is set and connections.north.client_secret is not."
    assert problems == {"north": wrong, "south": None}
    await links.aclose()


@pytest.mark.parametrize(
    ("has_vault", "environ", "outcome", "found"),
    [
        (False, {}, None, None),
        (True, {}, "ok", "There is no OAuth app: nobody can link by signing in at Close."),
        (
            False,
            {"CLOSE_CLIENT_ID": ID, "CLOSE_CLIENT_SECRET": SECRET},
            "warning",
            "There is an OAuth app, and no vault for its tokens.",
        ),
        (
            True,
            {"CLOSE_CLIENT_ID": ID, "CLOSE_CLIENT_SECRET": SECRET},
            "ok",
            "People can link by signing in at Close.",
        ),
    ],
)
def test_the_doctor_reports_whether_a_vault_has_an_oauth_app(
    *, has_vault: bool, environ: dict[str, str], outcome: str | None, found: str | None
) -> None:
    told = check_app(load(**environ).connections[0], has_vault=has_vault)
    assert [(one.outcome, one.found) for one in told] == ([] if outcome is None else [(outcome, found)])


async def test_half_of_an_app_keeps_no_other_check_from_running() -> None:
    address = {"CLOSE_BASE_URL": "http://crm.example.com", "CLOSE_API_KEY": "a-key"}  # refused before any request
    checks = await run_checks(load(CLOSE_CLIENT_ID=ID, TASKHAND_VAULT_KEY=f"thv_{'1a' * 32}", **address))
    failed = [(one.subject, one.found.split()[0]) for one in checks if one.outcome == "failed"]
    assert failed == [("app", "CLOSE_CLIENT_ID"), ("configuration", "CLOSE_BASE_URL")]

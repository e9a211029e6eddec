"""Placeholders and samples in place of values: they are never sent, and always named."""

import os
from pathlib import Path

import pytest

from builders import refused
from taskhand.backends.registry import BackendName, find_factory
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.domain.errors import OperatorError

SECRET = "s3cr3t-value"  # noqa: S105  a stand-in that must not be seen

PLACEHOLDERS = [
    "${VAMBE_API_KEY}",
    f"${{VAMBE_API_KEY:-{SECRET}}}",
    "${VAMBE_API_KEY",
    "$VAMBE_API_KEY",
    "%VAMBE_API_KEY%",
    "${env:VAMBE_API_KEY}",
    "$env:VAMBE_API_KEY",
    "${input:vambe-key}",
    "${user_config.vambe_api_key}",
    "${{ secrets.VAMBE_API_KEY }}",
    "{{VAMBE_API_KEY}}",
    "{env:VAMBE_API_KEY}",
    "#{VAMBE_API_KEY}#",
    "@VAMBE_API_KEY@",
    "__VAMBE_API_KEY__",
    "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/y)",
    "$(op read op://Private/Vambe/key)",
    "process.env.VAMBE_API_KEY",
    "<your key>",
    "[API KEY]",
    "\ufeff ${VAMBE_API_KEY}\n",
]
SAMPLES = [
    "your key",
    "YOUR_API_KEY",
    "your-vambe-api-key-here",
    "yourkeyhere",
    "tu clave",
    "paste_the_key_here",
    "REPLACE_ME",
    "changeme",
    "change-me",
    "api_key",
    "VAMBE_API_KEY",
    "vambe_api_key",
    "xxx",
    "XXXX-XXXX-XXXX",
    "pat-na1-xxxxxxxx-xxxx-xxxx",
    "sk-...",
    "sk-…",
    "********",
    "••••",
    "null",
    "None",
    "undefined",
    "TODO",
    "N/A",
]
REFERENCES = [
    "op://Private/Vambe/key",
    "vault://secret/vambe#key",
    "vault:secret/data/vambe#key",
    "ref+awsssm://vambe/key",
    "arn:aws:secretsmanager:us-east-1:1:secret:vambe",
    "aws-sm://vambe",
    "ENC[AES256_GCM,data:abc]",
    "/run/secrets/vambe",
    "~/vambe.key",
    "C:\\keys\\vambe.txt",
]
MISSPELT = [
    f'"{SECRET}"',
    f"'{SECRET}'",
    f"`{SECRET}`",
    f"\u201c{SECRET}\u201d",
    f"Bearer {SECRET}",
    f"bearer {SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"x-api-key: {SECRET}",
    f"VAMBE_API_KEY={SECRET}",
    f"export VAMBE_API_KEY={SECRET}",
]
MALFORMED = [
    f"{SECRET} {SECRET}",
    f"{SECRET}\u00e9",
    f"s3cr3t\u200b-value{SECRET}",
    f'{SECRET}"',
    f"{SECRET}\n{SECRET}",
]
KEYS = [
    "sk-1",
    "api_1hUOAa6Ex.4yJZ",
    "pat-na1-0b1c2d3e-aaaa-4bbb-8ccc-0123456789ab",
    "vambe-sandbox-key",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.x_y-Z",
    "CKjZ1bCmMhIeAAGAAgAABwAIAAAA+/==",
    "your9Key0x",
    "a$b%c{d",
]


def load(environ: dict[str, str]) -> Configuration:
    return load_configuration({"TASKHAND_CONFIG": os.devnull} | environ, {})


@pytest.mark.parametrize("given", [*PLACEHOLDERS, *SAMPLES, *REFERENCES, *MISSPELT])
def test_an_invalid_key_counts_as_not_set_and_is_named(given: str) -> None:
    found = load({"VAMBE_API_KEY": given})
    assert (found.settings.backend, found.settings.secrets, list(found.origins)) == ("local", (), ["config"])
    [warning] = found.warnings
    assert warning.found.startswith("VAMBE_API_KEY h")
    assert "VAMBE_API_KEY" in (warning.remedy or "")
    assert SECRET not in f"{warning}"


def test_the_backend_is_chosen_among_the_valid_keys() -> None:
    found = load({"VAMBE_API_KEY": "${VAMBE_API_KEY}", "CLOSE_API_KEY": SECRET, "HUBSPOT_ACCESS_TOKEN": "op://x/y/z"})
    assert found.settings.backend == "close"
    assert [warning.found.split()[0] for warning in found.warnings] == ["VAMBE_API_KEY", "HUBSPOT_ACCESS_TOKEN"]


@pytest.mark.parametrize("backend", ["vambe", "close", "hubspot"])
def test_a_credential_that_is_simply_missing_is_left_for_the_backend_to_report(backend: BackendName) -> None:
    settings = load({"TASKHAND_BACKEND": backend}).settings
    settings.check_backend()
    assert settings.lacks_credential(find_factory(backend))


@pytest.mark.parametrize("given", ["${VAMBE_API_KEY}", "your key", "op://x/y/z", f'"{SECRET}"', f"Bearer {SECRET}"])
def test_a_chosen_backend_without_a_key_is_refused_with_the_misnamed_variable(given: str) -> None:
    settings = load({"TASKHAND_BACKEND": "vambe", "VAMBE_API_KEY": given}).settings
    with refused("unauthorized", OperatorError) as caught:
        settings.check_backend()
    assert "VAMBE_API_KEY h" in caught.value.message
    assert "VAMBE_API_KEY" in str(caught.value.next_step)
    assert SECRET not in f"{caught.value.message} {caught.value.next_step}"


@pytest.mark.parametrize(
    ("given", "found", "remedy"),
    [
        (
            "op://Private/Vambe/key",
            "a reference to a secret manager (op://…), which Taskhand does not resolve",
            "(such as `op run -- taskhand`), or write the key to a file and set VAMBE_API_KEY to file: and its path.",
        ),
        (
            "vault:secret/data/x",
            "a reference to a secret manager (vault:…), which Taskhand does not resolve",
            "to file: and",
        ),
        (
            "arn:aws:secretsmanager:x",
            "a reference to a secret manager (arn:…), which Taskhand does not",
            "to file: and",
        ),
        ("ENC[AES256_GCM,data:abc]", "an encrypted text (ENC[…]), which Taskhand does not decrypt", "sops exec-env"),
        ("/run/secrets/vambe", "the path of a file (/run/…), which", "Set VAMBE_API_KEY to file: and the path."),
        ("https://vault.example/key", "the address of a page, not a key", "Set VAMBE_API_KEY to the key alone."),
    ],
)
def test_an_unresolved_reference_is_refused_with_its_kind_and_a_remedy(given: str, found: str, remedy: str) -> None:
    [warning] = load({"VAMBE_API_KEY": given}).warnings
    assert warning.found.startswith(f"VAMBE_API_KEY holds {found}")
    assert warning.found.endswith(", so the key counts as not set.")
    assert remedy in str(warning.remedy)


@pytest.mark.parametrize("given", MALFORMED)
@pytest.mark.parametrize("variable", ["VAMBE_API_KEY", "CLOSE_API_KEY", "HUBSPOT_ACCESS_TOKEN"])
def test_a_malformed_key_is_refused_where_it_is_needed(variable: str, given: str) -> None:
    settings = load({variable: given}).settings
    assert settings.backend == variable.partition("_")[0].lower()
    with refused("configuration", OperatorError) as caught:
        settings.check_backend()
    assert caught.value.message.startswith(f"{variable} has spaces")
    assert SECRET not in f"{caught.value.message} {caught.value.next_step}"


@pytest.mark.parametrize("given", KEYS)
def test_a_key_is_used_as_it_is_but_for_the_blanks_around_it(given: str) -> None:
    found = load({"VAMBE_API_KEY": f"\ufeff\u200b {given}\u00a0\u2028\r\n"})
    assert found.settings.secrets == (given,)
    assert (found.settings.backend, found.warnings) == ("vambe", ())
    found.settings.check_backend()


@pytest.mark.parametrize(
    ("environ", "is_told"),
    [
        ({"VAMBE_API_KEY": f"Bearer {SECRET}"}, True),
        ({"HUBSPOT_ACCESS_TOKEN": "${HUBSPOT_ACCESS_TOKEN}"}, True),
        ({"VAMBE_API_KEY": "${KEY}", "TASKHAND_BACKEND": "local"}, False),
        ({"VAMBE_API_KEY": "${KEY}", "CLOSE_API_KEY": SECRET}, False),
        ({"HUBSPOT_TOKEN": SECRET}, False),
        ({"TASKHAND_TIMEZONE": "${TZ}"}, False),
        ({}, False),
    ],
)
def test_a_built_in_store_in_place_of_a_crm_is_a_remark_for_the_person(
    environ: dict[str, str], *, is_told: bool
) -> None:
    remark = load(environ).settings.remark
    assert (remark is not None) is is_told
    if remark:
        assert remark.startswith("Tell the person: tasks are in the built-in store, not in a CRM. ")
        assert next(iter(environ)) in remark
        assert SECRET not in remark


def test_a_placeholder_in_a_variable_leaves_the_value_of_the_file_in_force(tmp_path: Path) -> None:
    file = tmp_path / "taskhand.toml"
    file.write_text('timezone = "America/Santiago"\n[vambe]\napi_key = "keyed"', encoding="utf-8")
    file.chmod(0o600)
    environ = {"TASKHAND_CONFIG": str(file), "VAMBE_API_KEY": "${VAMBE_API_KEY}", "TASKHAND_TIMEZONE": "%TZ%"}
    found = load(environ)
    assert (found.settings.secrets, found.settings.timezone) == (("keyed",), "America/Santiago")
    assert str(found.origins["vambe_api_key"]) == f"file {file}:vambe.api_key"
    assert len(found.warnings) == 2


def test_the_sample_key_of_a_copied_configuration_file_is_named_by_its_key(tmp_path: Path) -> None:
    file = tmp_path / "taskhand.toml"
    file.write_text('[vambe]\napi_key = "your key"', encoding="utf-8")
    file.chmod(0o600)
    [warning] = load({"TASKHAND_CONFIG": str(file)}).warnings
    assert warning.found.startswith(f"vambe.api_key in {file} holds a sample")


def test_the_remedy_for_a_reference_in_the_file_names_a_key_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "taskhand.toml"
    file.write_text('[vambe]\napi_key = "op://x/y/z"', encoding="utf-8")
    file.chmod(0o600)
    [warning] = load({"TASKHAND_CONFIG": str(file)}).warnings
    assert f"set vambe.api_key in {file} to file: and its path" in str(warning.remedy)


@pytest.mark.parametrize(
    "variable", ["TASKHAND_TIMEZONE", "TASKHAND_USER", "VAMBE_USER_ID", "VAMBE_RATE", "VAMBE_CACHE_S", "TASKHAND_CLOCK"]
)
@pytest.mark.parametrize("given", ["${SETTING}", "%SETTING%", "$SETTING", "{{setting}}", "<setting>", "null"])
def test_a_placeholder_in_another_setting_counts_as_not_set(variable: str, given: str) -> None:
    found = load({variable: given})
    assert [warning.found.split()[0] for warning in found.warnings] == [variable]
    assert found.settings == load({}).settings.with_notes(found.settings.notes)


@pytest.mark.parametrize(
    "variable",
    [
        "TASKHAND_BACKEND",
        "TASKHAND_READ_ONLY",
        "TASKHAND_TOOLS",
        "TASKHAND_PLAN_OVER",
        "TASKHAND_ASK",
        "TASKHAND_STATE_KEY",
        "TASKHAND_VAULT_KEY",
        "VAMBE_BASE_URL",
        "CLOSE_BASE_URL",
        "HUBSPOT_BASE_URL",
    ],
)
@pytest.mark.parametrize("given", ["${SETTING}", "%SETTING%", "https://${HOST}/api", '"vambe"', "null"])
def test_a_placeholder_where_the_default_reaches_further_is_refused(variable: str, given: str) -> None:
    with refused("configuration", OperatorError) as caught:
        load({variable: given})
    assert caught.value.message.startswith(f"{variable} h")


@pytest.mark.parametrize("given", ['"Ana"', "'Ana'", "op://Private/me/name", "Ana\udcff"])
def test_any_other_setting_that_is_misspelt_is_refused(given: str) -> None:
    with refused("configuration", OperatorError) as caught:
        load({"TASKHAND_USER": given})
    assert caught.value.message.startswith("TASKHAND_USER ")


@pytest.mark.parametrize("given", ["Ana 'la jefa' Pérez", "O'Neil", "Nan", "Your Name", "$ana", "100%", "[ops] bot x"])
def test_a_member_name_may_look_like_a_placeholder(given: str) -> None:
    if given == "$ana":
        given = "ana$"
    assert load({"TASKHAND_USER": given}).settings.user == given


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("HUBSPOT_TOKEN", "HUBSPOT_ACCESS_TOKEN"),
        ("HUBSPOT_API_KEY", "HUBSPOT_ACCESS_TOKEN"),
        ("HUBSPOT_PRIVATE_APP_TOKEN", "HUBSPOT_ACCESS_TOKEN"),
        ("hubspot_access_token", "HUBSPOT_ACCESS_TOKEN"),
        ("PRIVATE_APP_ACCESS_TOKEN", "HUBSPOT_ACCESS_TOKEN"),
        ("HAPIKEY", "HUBSPOT_ACCESS_TOKEN"),
        ("VAMBE_APIKEY", "VAMBE_API_KEY"),
        ("VambeApiKey", "VAMBE_API_KEY"),
        ("VAMBE_TOKEN", "VAMBE_API_KEY"),
        ("vambe_api_key", "VAMBE_API_KEY"),
        ("TASKHAND_VAMBE_API_KEY", "VAMBE_API_KEY"),
        ("CLOSE_APIKEY", "CLOSE_API_KEY"),
        ("CLOSE_IO_API_KEY", "CLOSE_API_KEY"),
        ("CLOSECRM_API_KEY", "CLOSE_API_KEY"),
        ("CLOSE_TOKEN", "CLOSE_ACCESS_TOKEN"),
    ],
)
def test_a_variable_that_looks_like_a_credential_is_named_where_the_right_one_is_missing(name: str, meant: str) -> None:
    [warning] = load({name: SECRET}).warnings
    assert (warning.found.split()[0], f"rename it to {meant}" in str(warning.remedy)) == (name, True)
    assert SECRET not in repr(warning)
    backend = meant.partition("_")[0].lower()
    with refused("unauthorized", OperatorError) as caught:
        load({name: SECRET, "TASKHAND_BACKEND": backend}).settings.check_backend()
    assert name in caught.value.message
    assert meant in str(caught.value.next_step)


@pytest.mark.parametrize("name", ["HUBSPOT_TOKEN", "PRIVATE_APP_ACCESS_TOKEN", "CLOSE_TOKEN", "VAMBE_WEBHOOK_SECRET"])
def test_an_unread_variable_causes_no_warning_if_another_backend_is_chosen(name: str) -> None:
    assert load({name: SECRET, "CLOSE_API_KEY": SECRET}).warnings == ()
    assert load({name: SECRET, "TASKHAND_BACKEND": "local"}).warnings == ()


@pytest.mark.parametrize("name", ["CLOSED_ISSUES_TOKEN", "AUTOCLOSE_TOKEN", "CLOSE_WAIT", "DISCLOSE_KEY", "MYHUBSPOTS"])
def test_a_variable_of_another_program_is_not_named(name: str) -> None:
    assert load({name: SECRET}).warnings == ()

"""The policy of a configuration: its location, the commands' findings, and a reload."""

import json
import os
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from taskhand.cli.doctor import run_checks
from taskhand.cli.loaded_policy import PolicySource
from taskhand.cli.main import command
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

ANA = '[people."ana@x.test"]\nmost_tasks = 3\n'


def configure(folder: Path, policy: str | None = None, **variables: str) -> Configuration:
    """A configuration in a folder, with this policy beside its file."""
    file = folder / "taskhand.toml"
    file.touch()
    if policy is not None:
        write(folder / "policy.toml", policy)
    return load_configuration({"TASKHAND_DB": str(folder / "a.sqlite"), "TASKHAND_CONFIG": str(file)} | variables, {})


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def finding(found: Configuration) -> CheckResult:
    """The one finding of the doctor about the policy."""
    [one] = [one for one in anyio.run(run_checks, found) if one.subject == "policy"]
    return one


def most_tasks(source: PolicySource) -> int | None:
    return source.current.rules_for("ana@x.test").most_tasks


def test_the_policy_is_the_file_that_is_named_else_the_one_beside_the_configuration(tmp_path: Path) -> None:
    assert most_tasks(PolicySource.open(configure(tmp_path))) is None
    assert most_tasks(PolicySource.open(configure(tmp_path, ANA))) == 3
    named = tmp_path / "other.toml"
    write(named, "[everyone]\nmost_tasks = 7\n")
    assert most_tasks(PolicySource.open(configure(tmp_path, TASKHAND_POLICY=str(named)))) == 7
    named.unlink()
    with pytest.raises(OperatorError, match="is not there"):
        PolicySource.open(configure(tmp_path, TASKHAND_POLICY=str(named)))


def test_a_policy_that_others_may_write_is_reported_at_each_reading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = PolicySource.open(configure(tmp_path, ANA))
    assert caplog.messages == []
    source.path.chmod(0o620)
    source.read()
    assert caplog.messages == [f"Other users of this machine can write {source.path}. Run: chmod go-w {source.path}"]


def test_a_connection_of_the_policy_is_one_of_the_configuration(tmp_path: Path) -> None:
    PolicySource.open(configure(tmp_path, '[everyone]\nconnections = ["default"]'))
    with pytest.raises(OperatorError, match=r"names 'north', which is not a connection"):
        PolicySource.open(configure(tmp_path, '[everyone]\nconnections = ["north"]'))


def test_a_person_of_the_settings_is_one_whom_a_policy_can_name(tmp_path: Path) -> None:
    for person in ("ana soto", "ana@x.test,ben@x.test", "a\u200bna", "@x.test"):
        one = finding(configure(tmp_path, ANA, TASKHAND_PERSON=person))
        assert one.outcome == "failed"
        assert one.found.startswith(f"TASKHAND_PERSON {person!r} is not a person: it ")
        assert one.remedy == "Set it to the e-mail address or id that the policy and the keys have."


def test_a_reload_puts_a_good_file_in_force_and_lets_the_old_rules_stay_otherwise(tmp_path: Path) -> None:
    source = PolicySource.open(configure(tmp_path))
    file = tmp_path / "policy.toml"
    for text, most in ((ANA, 3), ("[everyone]\nmost_tasks = 2", 2), ("[everyone", 2), (ANA, 3), ("", None), (ANA, 3)):
        write(file, text)
        try:
            source.read()()
        except OperatorError as error:
            assert str(file) in error.message  # noqa: PT017  most of these files are good
            assert error.next_step == "Correct it, or set TASKHAND_POLICY to another file."  # noqa: PT017  as above
        assert most_tasks(source) == most
    file.unlink()
    with pytest.raises(OperatorError, match="is not there"):
        source.read()()
    assert most_tasks(source) == 3


def test_doctor_and_config_say_whom_the_policy_has_rules_for(tmp_path: Path) -> None:
    assert finding(configure(tmp_path)).found.endswith(f"there is no {tmp_path / 'policy.toml'}.")
    found = finding(configure(tmp_path, f'{ANA}[everyone]\n[groups.a]\npeople = []\n[groups.b]\npeople = ["b"]'))
    assert (found.outcome, found.remedy) == ("ok", None)
    assert "has rules for 2 groups, 1 person. Over standard input and output they are those for everyone" in found.found
    found = finding(configure(tmp_path, ANA, TASKHAND_PERSON="Ana@x.test"))
    assert found.found.endswith("they are those of ana@x.test.")


@pytest.mark.parametrize(("text", "mode"), [("[everyone]\nmost_task = 3", 0o600), (ANA, 0o666)])
def test_the_command_config_warns_of_the_policy_faults_that_doctor_finds(tmp_path: Path, text: str, mode: int) -> None:
    found = configure(tmp_path, text)
    (tmp_path / "policy.toml").chmod(mode)
    one = finding(found)
    assert one.outcome == ("failed" if mode == 0o600 else "warning")
    assert str(tmp_path / "policy.toml") in one.found
    environ = {"TASKHAND_CONFIG": str(tmp_path / "taskhand.toml"), "TASKHAND_DB": os.devnull}
    lines = CliRunner().invoke(command, ["config"], env=environ).output.splitlines()
    assert f"policy   {one.found}" in lines
    assert lines[-2:] == [f"! {one.found}", f"    {one.remedy}"]


def test_the_command_line_calls_tools_by_the_policy_as_the_person_of_the_settings(tmp_path: Path) -> None:
    configure(tmp_path, '[people."ana@x.test"]\ntools = "get_task"\n')
    environ = {"TASKHAND_CONFIG": str(tmp_path / "taskhand.toml"), "TASKHAND_DB": str(tmp_path / "a.sqlite")}
    for person, names in (("ana@x.test", ["get_task"]), ("ben@x.test", None)):
        done = CliRunner().invoke(command, ["tools"], env=environ | {"TASKHAND_PERSON": person})
        listed = [tool["name"] for tool in json.loads(done.stdout)]
        assert listed == names or (names is None and len(listed) > 10)
    done = CliRunner().invoke(command, ["call", "list_tasks"], env=environ | {"TASKHAND_PERSON": "ana@x.test"})
    assert (done.exit_code, json.loads(done.stdout)["error"]["rule"]) == (1, "tools")

"""The people file of a configuration: its location, the doctor's findings, and a reload."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from taskhand.cli.doctor import run_checks
from taskhand.cli.loaded_people import PeopleSource
from taskhand.cli.main import command
from taskhand.config.effective_settings import Configuration, load_configuration
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError

ANA = '["ana@x.test"]\nmember = "Elisa"\n'


def configure(folder: Path, people: str | None = None, **variables: str) -> Configuration:
    """A configuration in a folder, with this people file beside its file."""
    file = folder / "taskhand.toml"
    file.touch()
    if people is not None:
        write(folder / "people.toml", people)
    environ = {"TASKHAND_DB": str(folder / "a.sqlite"), "TASKHAND_CONFIG": str(file), "TASKHAND_USER": "Elisa"}
    return load_configuration(environ | variables, {})


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


def findings(found: Configuration, subject: str) -> list[CheckResult]:
    """What the doctor finds about a subject."""
    return [one for one in anyio.run(run_checks, found) if one.subject == subject]


def members(source: PeopleSource) -> Mapping[str, str] | None:
    return source.current.get("ana@x.test")


def test_the_people_are_in_the_file_that_is_named_else_in_the_one_beside_the_configuration(tmp_path: Path) -> None:
    assert members(PeopleSource.open(configure(tmp_path))) is None
    assert members(PeopleSource.open(configure(tmp_path, ANA))) == {"member": "Elisa"}
    named = tmp_path / "other.toml"
    write(named, '["ana@x.test"]\ndefault = "7"\n')
    assert members(PeopleSource.open(configure(tmp_path, TASKHAND_PEOPLE=str(named)))) == {"member": "7"}
    named.unlink()
    with pytest.raises(OperatorError, match="is not there"):
        PeopleSource.open(configure(tmp_path, TASKHAND_PEOPLE=str(named)))


def test_the_members_of_the_chosen_connection_alone_count(tmp_path: Path) -> None:
    found = configure(tmp_path, '["ana@x.test"]\nnorth = "7"\nsouth = "8"\n\n["ben@x.test"]\nsouth = "8"\n')
    tables = "".join(f'[connections.{name}]\nbackend = "local"\ndb = "{name}.sqlite"\n' for name in ("north", "south"))
    write(found.file.path, tables)
    both = load_configuration({"TASKHAND_CONFIG": str(found.file.path)}, {})
    assert PeopleSource.open(both).current == {
        "ana@x.test": {"north": "7", "south": "8"},
        "ben@x.test": {"south": "8"},
    }
    assert PeopleSource.open(both.only("north")).current == {"ana@x.test": {"north": "7"}}


def test_a_reload_puts_a_good_file_in_force_and_lets_everyone_stay_otherwise(tmp_path: Path) -> None:
    source = PeopleSource.open(configure(tmp_path, ANA))
    write(tmp_path / "people.toml", "[ana")
    with pytest.raises(OperatorError, match=r"people\.toml"):
        source.read()()
    assert members(source) == {"member": "Elisa"}
    write(tmp_path / "people.toml", ANA.replace("Elisa", "9"))
    source.read()()
    assert members(source) == {"member": "9"}
    (tmp_path / "people.toml").unlink()
    with pytest.raises(OperatorError, match="is not there"):
        source.read()()
    assert members(source) == {"member": "9"}


def test_the_doctor_reports_the_member_of_the_person_in_the_settings(tmp_path: Path) -> None:
    (me,) = findings(configure(tmp_path), "me")
    assert (me.outcome, me.found) == ("ok", "'me' is Elisa.")
    assert findings(configure(tmp_path), "people") == []
    (me,) = findings(configure(tmp_path, TASKHAND_PERSON="Ana@x.test"), "me")
    assert me.outcome == "warning"
    assert me.remedy == 'In people.toml, give ["ana@x.test"] member = "the id or e-mail of a member".'
    named = configure(tmp_path, ANA, TASKHAND_PERSON="Ana@x.test")
    (me,), (people,) = findings(named, "me"), findings(named, "people")
    assert (me.outcome, me.found) == ("ok", "'me' is Elisa.")
    assert (people.outcome, people.found) == ("ok", f"{tmp_path / 'people.toml'} says who 1 person is.")
    write(tmp_path / "people.toml", ANA, 0o666)
    assert findings(named, "people")[0].outcome == "warning"
    write(tmp_path / "people.toml", "[ana]\nnorth = 1")
    (people,) = findings(named, "people")
    assert (people.outcome, people.remedy) == ("failed", "Use one of: default.")


def test_two_persons_with_one_member_are_warned_about_at_start_and_by_the_doctor(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    two = '["ana@x.test"]\nmember = "Ana"\n["ben@x.test"]\nmember = "{}"\n["elisa"]\nmember = "{}"\n'
    for ben, elisa, who in (
        ("ANA", "7", ["ana@x.test and ben@x.test"]),
        ("8", "Ben@x.test", []),
        ("8", "8", ["ben@x.test and elisa"]),
    ):
        found = configure(tmp_path, two.format(ben, elisa))
        told = [f"{tmp_path / 'people.toml'} says that {one} are one member." for one in who]
        caplog.clear()
        PeopleSource.open(found)
        assert [one.getMessage().partition(" The rule")[0] for one in caplog.records] == told
        assert [one.found for one in findings(found, "people") if one.outcome == "warning"] == told
    by_mail = '["ana@x.test"]\n["assistant"]\nmember = "Ana@X.test"\n'
    (warning,) = findings(configure(tmp_path, by_mail), "people")
    assert warning.found.endswith("says that ana@x.test and assistant are one member.")


def test_the_doctor_looks_up_the_person_in_each_connection(tmp_path: Path) -> None:
    table = '[connections.{name}]\nbackend = "local"\nuser = "Elisa"\ndb = "{folder}/{name}.sqlite"\n'
    text = "".join(table.format(name=name, folder=tmp_path) for name in ("north", "south"))
    (tmp_path / "taskhand.toml").write_text(text, encoding="utf-8")
    write(tmp_path / "people.toml", '["ana@x.test"]\nnorth = "Elisa"\n')
    environ = {"TASKHAND_CONFIG": str(tmp_path / "taskhand.toml"), "TASKHAND_PERSON": "ana@x.test"}
    found = load_configuration(environ, {})
    remedy = 'In people.toml, give ["ana@x.test"] south = "the id or e-mail of a member".'
    assert [one.found for one in findings(found, "north: me")] == ["'me' is Elisa."]
    assert [one.remedy for one in findings(found, "south: me")] == [remedy]
    assert [one.found for one in findings(found.only("north"), "me")] == ["'me' is Elisa."]
    assert [one.remedy for one in findings(found.only("south"), "me")] == [remedy]
    write(tmp_path / "people.toml", '["ana@x.test"]\nnorth = "Elisa"\nsouth = "Elisa"\n')
    assert [one.found for one in findings(found, "south: me")] == ["'me' is Elisa."]
    assert [one.found for one in findings(found.only("south"), "me")] == ["'me' is Elisa."]


def test_config_reports_the_people_file(tmp_path: Path) -> None:
    configure(tmp_path, ANA)
    environ = {"TASKHAND_CONFIG": str(tmp_path / "taskhand.toml"), "TASKHAND_DB": os.devnull}
    told = CliRunner().invoke(command, ["config"], env=environ).output
    assert f"people   {tmp_path / 'people.toml'} says who 1 person is.\n" in told
    shown = json.loads(CliRunner().invoke(command, ["config", "--json"], env=environ).output)
    assert shown["people"]["outcome"] == "ok"
    write(tmp_path / "people.toml", "[ana")
    assert "! The people file" in CliRunner().invoke(command, ["config"], env=environ).output

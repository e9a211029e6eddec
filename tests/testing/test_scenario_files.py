"""A scenario file says what it means, or is refused by name."""

from pathlib import Path

import pytest

from taskhand.domain.errors import CallerError
from taskhand.testing import load_scenario, load_scenarios, shipped

GOOD = (shipped() / "create_once.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GOOD.replace("task = ", "tsak = 1\ntask = "), "tsak: there is no such field"),
        (GOOD.replace('"create_task"]', '"make_task"]'), "there is no tool 'make_task'"),
        (GOOD.replace('"empty"', '"full"'), "there is no data set 'full'"),
        (GOOD.replace("count = 1", 'title = "Pay the rent"'), "has either title or like"),
        (GOOD.replace("count = 1", "colour = 1"), "expect.0.colour"),
        (GOOD.replace("count = 1", 'due = "Friday"'), "expect.0.due"),
        (GOOD.replace("count = 1", 'due = "2026-03-06T10:00"'), "neither a day nor a time with its offset"),
        (GOOD.replace("count = 1", 'due = "2026-03-06 Thu"'), "is to be written 2026-03-06 Fri"),
        (GOOD.replace('["local"]', '["trello"]'), "backends.0"),
        (GOOD.partition("[solution]")[0], "solution: it is required"),
        ("name = ", "cannot be read as a scenario"),
    ],
)
def test_an_invalid_scenario_file_is_refused_with_the_path_of_the_error(tmp_path: Path, wrong: str, said: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(wrong, encoding="utf-8")
    with pytest.raises(CallerError) as refused:
        load_scenario(file)
    assert said in refused.value.message
    assert str(file) in refused.value.message


@pytest.mark.parametrize("due", ["2026-03-06", "2026-03-06T10:00-03:00"])
def test_a_due_date_is_expected_as_it_is_stored_or_as_answers_show_it(tmp_path: Path, due: str) -> None:
    for written in (due, f"{due} Fri"):
        file = tmp_path / "one.toml"
        file.write_text(GOOD.replace("count = 1", f'due = "{written}"'), encoding="utf-8")
        assert load_scenario(file).expect[0].due == due


@pytest.mark.parametrize("shown", ["maria.one@example.com", "Maria Rodriguez <maria.one@example.com>"])
def test_a_namesake_is_expected_as_it_is_stored_or_as_answers_show_it(tmp_path: Path, shown: str) -> None:
    file = tmp_path / "one.toml"
    file.write_text(GOOD.replace("count = 1", f'responsibles = ["{shown}", "Ana Soto"]'), encoding="utf-8")
    assert load_scenario(file).expect[0].responsibles == ("maria.one@example.com", "Ana Soto")


def test_a_missing_scenario_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match=r"nowhere\.toml cannot be read"):
        load_scenario(tmp_path / "nowhere.toml")


def test_a_folder_stands_for_its_files_and_a_scenario_is_only_for_its_backends(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(GOOD, encoding="utf-8")
    (scenario,) = load_scenarios([tmp_path])
    assert load_scenarios([tmp_path / "one.toml"]) == (scenario,)
    with pytest.raises(CallerError, match="create_once is for local"):
        scenario.setup("close")

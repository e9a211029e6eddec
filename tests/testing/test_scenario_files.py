"""A scenario file says what it means, or is refused by name."""

from pathlib import Path

import pytest

from taskhand.domain.errors import CallerError
from taskhand.testing import load_scenario, load_scenarios, shipped

GOOD = (shipped() / "create_once.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GOOD.replace("task = ", "tsak = 1\ntask = "), "tsak: Extra inputs are not permitted"),
        (GOOD.replace('"create_task"]', '"make_task"]'), "there is no tool 'make_task'"),
        (GOOD.replace('"empty"', '"full"'), "there is no data set 'full'"),
        (GOOD.replace("count = 1", 'title = "Pay the rent"'), "has either title or like"),
        (GOOD.replace("count = 1", "colour = 1"), "expect.0.colour"),
        (GOOD.replace('["local"]', '["trello"]'), "backends.0"),
        (GOOD.partition("[[wrong]]")[0], "wrong: Field required"),
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


def test_a_missing_scenario_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CallerError, match=r"nowhere\.toml cannot be read"):
        load_scenario(tmp_path / "nowhere.toml")


def test_a_folder_stands_for_its_files_and_a_scenario_is_only_for_its_backends(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(GOOD, encoding="utf-8")
    (scenario,) = load_scenarios([tmp_path])
    assert load_scenarios([tmp_path / "one.toml"]) == (scenario,)
    with pytest.raises(CallerError, match="create_once is for local"):
        scenario.setup("close")

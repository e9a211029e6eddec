"""A host's file on disk: read as it is, replaced wholly or not at all, and a copy kept."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from taskhand.domain.errors import OperatorError
from taskhand.install.host_file import read_backups, read_host_file, replace_host_file

NOW = datetime(2026, 3, 2, 12, 0, 5, tzinfo=UTC)


def _replace(path: Path, text: str, now: datetime = NOW) -> Path | None:
    found = read_host_file(path)
    return replace_host_file(found, text, copy=found.text, now=now)


def _backup_texts(path: Path) -> list[str]:
    return [text for _, text in read_backups(read_host_file(path))]


def test_a_missing_file_is_created_with_its_folders_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "mcp.json"
    assert read_host_file(path).raw is None
    assert _replace(path, "{}\n") is None
    assert path.read_bytes() == b"{}\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_written_and_the_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b'{"a": 1}\r\n')
    path.chmod(0o640)
    copy = _replace(path, "{}\r\n")
    assert copy == tmp_path / "mcp.json.taskhand-20260302-120005.bak"
    assert copy.read_bytes() == b'{"a": 1}\r\n'
    assert copy.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes() == b"{}\r\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [path, copy]


def test_two_backups_in_one_second_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("1", encoding="utf-8")
    assert _replace(path, "2") != _replace(path, "3")
    assert set(_backup_texts(path)) == {"1", "2"}


def test_the_newest_backup_is_read_first(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("1", encoding="utf-8")
    _replace(path, "2")
    _replace(path, "3", NOW + timedelta(seconds=1))
    assert _backup_texts(path) == ["2", "1"]


def test_backups_of_a_file_with_brackets_in_its_name_are_found(tmp_path: Path) -> None:
    path = tmp_path / "mcp [1].json"
    path.write_text("1", encoding="utf-8")
    _replace(path, "2")
    assert _backup_texts(path) == ["1"]


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}", encoding="utf-8")
    link = tmp_path / "mcp.json"
    link.symlink_to(real)
    copy = _replace(link, '{"a": 1}')
    assert copy is not None
    assert copy.parent == real.parent
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == '{"a": 1}'


def test_a_dangling_link_creates_its_target(tmp_path: Path) -> None:
    link = tmp_path / "mcp.json"
    link.symlink_to(tmp_path / "later.json")
    _replace(link, "{}")
    assert (tmp_path / "later.json").read_text(encoding="utf-8") == "{}"


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(b"\xef\xbb\xbf{}")
    assert read_host_file(path).text == "{}"
    copy = _replace(path, '{"ñ": 1}')
    assert path.read_bytes() == b'\xef\xbb\xbf{"\xc3\xb1": 1}'
    assert copy is not None
    assert copy.read_bytes() == b"\xef\xbb\xbf{}"
    assert _backup_texts(path) == ["{}"]


def test_a_file_that_changed_since_it_was_read_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text("{}", encoding="utf-8")
    found = read_host_file(path)
    path.write_text('{"theirs": 1}', encoding="utf-8")
    with pytest.raises(OperatorError, match="has changed meanwhile"):
        replace_host_file(found, '{"ours": 1}', copy=found.text, now=NOW)
    assert path.read_text(encoding="utf-8") == '{"theirs": 1}'
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("raw", [b"\xff\xfe{\x00}\x00", b'{"a": "\xe9"}'])
def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "mcp.json"
    path.write_bytes(raw)
    with pytest.raises(OperatorError, match="UTF-8"):
        read_host_file(path)


def test_a_folder_instead_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        read_host_file(tmp_path)


def test_a_file_instead_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = read_host_file(tmp_path / "file")
    inside = type(found)(tmp_path / "file" / "mcp.json", None, "")
    with pytest.raises(OperatorError, match="cannot be written"):
        replace_host_file(inside, "{}", copy="", now=NOW)
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208  what is there, hidden files included

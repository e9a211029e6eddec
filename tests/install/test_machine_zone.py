"""The time zone of a machine, as its environment and its files say it."""

from pathlib import Path

import pytest

from taskhand.install.machine_zone import find_machine_zone

ZONES = "/usr/share/zoneinfo"


@pytest.mark.parametrize(
    ("variable", "link", "text", "zone"),
    [
        ("America/Lima", None, None, "America/Lima"),
        (" America/Lima\n", None, None, "America/Lima"),
        (":America/Lima", None, None, "America/Lima"),
        (f":{ZONES}/America/Lima", None, None, "America/Lima"),
        (None, f"{ZONES}/America/Santiago", "Europe/Madrid\n", "America/Santiago"),
        (None, "/var/db/timezone/zoneinfo/America/Bogota", None, "America/Bogota"),
        (None, None, "Europe/Madrid\n", "Europe/Madrid"),
        ("CLT4CLST", f"{ZONES}/America/Santiago", None, "America/Santiago"),
        ("UTC", f"{ZONES}/America/Santiago", None, None),
        (None, f"{ZONES}/Etc/UTC", None, None),
        (None, None, "nonsense", None),
        (None, None, None, None),
    ],
)
def test_the_zone_of_a_machine_is_found_where_it_has_one(
    variable: str | None, link: str | None, text: str | None, zone: str | None, tmp_path: Path
) -> None:
    if link:
        (tmp_path / "localtime").symlink_to(link)
    if text:
        (tmp_path / "timezone").write_text(text, encoding="utf-8")
    assert find_machine_zone({"TZ": variable} if variable else {}, tmp_path) == zone

"""One-click links say the same as the file that they spare a person from editing."""

import base64
import json
from urllib.parse import parse_qs, urlsplit

from taskhand.install import HOSTS, find_host
from taskhand.install.install_links import install_link
from taskhand.install.launch_command import LAUNCH_FROM_INDEX, Launch

CURSOR, VSCODE = find_host("cursor"), find_host("vscode")
LAUNCH = Launch("uvx", ("taskhand",), {"TASKHAND_USER": "Ñandú & co + 1/2"})


def _parameters(url: str | None) -> dict[str, str]:
    assert url is not None
    assert url.startswith("https://")
    return {name: value for name, [value] in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def test_the_link_for_cursor_carries_its_entry() -> None:
    given = _parameters(install_link(CURSOR, LAUNCH))
    assert given["name"] == "taskhand"
    assert json.loads(base64.b64decode(given["config"], validate=True)) == CURSOR.entry(LAUNCH)


def test_the_link_for_vs_code_has_the_entry_and_its_inputs() -> None:
    asked = VSCODE.input_for("VAMBE_API_KEY", "The key & more.")
    given = _parameters(install_link(VSCODE, LAUNCH, [asked]))
    assert given["name"] == "taskhand"
    assert json.loads(given["config"]) == VSCODE.entry(LAUNCH)
    assert json.loads(given["inputs"]) == [asked]
    assert "inputs" not in _parameters(install_link(VSCODE, LAUNCH))


def test_no_other_host_has_such_links() -> None:
    assert [host.slug for host in HOSTS if install_link(host, LAUNCH_FROM_INDEX)] == ["cursor", "vscode"]

"""docs/team.md: its blocks for hosts are read by them and send the key, and a script gets a key as the page says."""

import json
import re
import subprocess
import tomllib
from typing import Any

from documents import ROOT

PAGE = (ROOT / "docs" / "team.md").read_text(encoding="utf-8")
URL = "https://tasks.example.com/mcp"


def test_every_host_is_given_the_address_and_sends_the_key() -> None:
    entries: list[dict[str, Any]] = []
    for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL):
        file = json.loads(block)
        [entry] = (file.get("mcpServers") or file["servers"]).values()
        assert re.fullmatch(
            r"Bearer \$\{(env:|input:)?(TASKHAND_KEY|taskhand-key)\}", entry["headers"]["Authorization"]
        )
        entries.append(entry)
    for block in re.findall(r"```toml\n(\[mcp_servers.*?)```", PAGE, re.DOTALL):
        entries.append(tomllib.loads(block)["mcp_servers"]["taskhand"])
        assert entries[-1]["bearer_token_env_var"] == "TASKHAND_KEY"  # noqa: S105  a name
    assert [entry.get("url") or entry["httpUrl"] for entry in entries] == 5 * [URL]


def test_a_script_gets_the_key_alone(environment: dict[str, str]) -> None:
    [line] = re.findall(r"^KEY=.+$", PAGE, re.MULTILINE)
    done = subprocess.run(  # noqa: S603  the page's own command
        ["/bin/bash", "-c", f'set -eu\n{line}\nprintf %s "$KEY"'],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert re.fullmatch(r"thk_[0-9a-f]{10}_[0-9a-f]{64}", done.stdout)

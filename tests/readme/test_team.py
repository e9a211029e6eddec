"""docs/team.md: its first steps work, its blocks for hosts send the key, and a script gets a key as the page says."""

import json
import re
import shutil
import socket
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

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


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed on this machine")
def test_the_first_steps_lead_from_sandboxes_to_a_call_by_each_of_two_people(
    environment: dict[str, str], tmp_path: Path
) -> None:
    steps = PAGE.partition("## Try it")[2].partition("\n## ")[0]
    sandboxes, *others = re.findall(r"```sh\n(.*?)```", steps, re.DOTALL)
    first = sandboxes.replace("taskhand sandbox all", "exec taskhand sandbox all --port 0")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    script = "\n".join(others).replace(":8000/", f":{port}/")
    with subprocess.Popen(  # noqa: S603  the page's own commands
        ["/bin/bash", "-c", f"set -eu\n{first}"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as serving:
        assert serving.stdout
        serving.stdout.readline()
        done = subprocess.run(  # noqa: S603  as above
            ["/bin/bash", "-c", f"set -eum\n{script}\nkill %1"],
            env=environment | {"TASKHAND_PORT": port},
            cwd=tmp_path / "taskhand-team",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        serving.terminate()
    assert done.returncode == 0, done.stderr
    marias, camilas, refused = [
        json.loads(json.loads(line)["result"]["content"][0]["text"]) for line in done.stdout.splitlines()
    ]
    assert len({task["connection"] for task in marias["tasks"]}) > 1
    assert camilas["tasks"]
    assert not {task["id"] for task in marias["tasks"]} & {task["id"] for task in camilas["tasks"]}
    assert (refused["error"]["code"], refused["error"]["rule"]) == ("not_allowed", "connections")

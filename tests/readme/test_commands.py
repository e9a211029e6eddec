"""The commands in README.md and docs/ run as they are written."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from documents import PAGES, ROOT
from server.transports.forked_command import run_forked
from taskhand.cli.sandbox import CRMS
from taskhand.config.settings import Settings
from taskhand.state import open_links
from taskhand.vault.credential_link import Link
from taskhand.vault.vault_key import make_vault_key
from vault.vaults import link_of

WAITING = {"board", "sandbox", "serve", "--clock", "run", "--team", "link", "invite", "copy", "webhooks", "--follow"}
"""Words of commands that wait for a client, an agent or a key, need a CRM or a database, or take long.

Other tests run them.
"""
PLACEHOLDERS = {"NAME", "HOST", "FILE", "HASH"}
ENDING = {"--help", "--variants"}
"""Options with which a waiting command prints something and ends."""
BIN = Path(sys.executable).parent


def taskhand_commands() -> list[str]:
    """The `taskhand` commands of all pages, each once; the commands that fill the built-in store come first."""
    pages = sorted(PAGES, key=lambda page: page.name != "backends.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    found = [*re.findall(r"^(taskhand .+)$", text, re.MULTILINE), *re.findall(r"`(taskhand [^`]+)`", text)]
    once = dict.fromkeys(" ".join(command.split()) for command in found)  # some go on in the next line of a page
    return [command for command in once if _ends(set(command.split()))]


def _ends(words: set[str]) -> bool:
    return not PLACEHOLDERS & words and (not WAITING & words or bool(ENDING & words))


def make_targets() -> set[str]:
    """The `make` targets that the pages and CONTRIBUTING.md name."""
    pages = [*PAGES, ROOT / "CONTRIBUTING.md"]
    return {
        target for page in pages for target in re.findall(r"(?:^|`)make (\w+)", page.read_text("utf-8"), re.MULTILINE)
    }


async def save_link(settings: Settings, link: Link) -> None:
    links = open_links(settings)
    await links.save(link)
    await links.aclose()


def test_every_taskhand_command_runs(environment: dict[str, str], tmp_path: Path) -> None:
    commands = taskhand_commands()
    assert len(commands) >= 15
    with_vault = environment | {
        "TASKHAND_VAULT_KEY": make_vault_key(),
        "TASKHAND_LINKS": str(tmp_path / "links.sqlite"),
    }
    anyio.run(save_link, Settings.from_env(with_vault), link_of("ana@x.test"))
    for command in commands:
        run = run_forked(shlex.split(command)[1:], with_vault, 30, tmp_path)
        assert run.returncode == 0, f"{command}: {run.stderr}"


def test_every_make_target_exists() -> None:
    targets = make_targets()
    assert {"demo", "test", "check"} <= targets
    dry_run = ["make", "--dry-run", *targets]
    run = subprocess.run(dry_run, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30)  # noqa: S603
    assert "-m pytest" in run.stdout


def test_make_refuses_an_old_python_before_it_makes_a_venv(tmp_path: Path) -> None:
    old = tmp_path / "python3.10"
    old.write_text(f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 10, 13)\nexec(sys.argv[2])\n")
    old.chmod(0o700)
    demo = ["make", "demo", f"PYTHON={old}", f"READY={tmp_path / 'ready'}"]
    run = subprocess.run(demo, cwd=ROOT, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603
    assert run.returncode == 2
    assert f"Python 3.11 or newer is needed, and {old} is older. Name another: make PYTHON=" in run.stderr
    assert not (tmp_path / "ready").exists()


def test_make_demo_shows_the_use_cases(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    ready.touch()
    demo = ["make", "demo", f"BIN={BIN}", f"READY={ready}"]
    run = subprocess.run(demo, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)  # noqa: S603
    assert "■ Take it back." in run.stdout
    assert "taskhand install claude-desktop" in run.stdout


@pytest.mark.parametrize("crm", [crm.name for crm in CRMS])
async def test_the_command_that_a_sandbox_prints_connects(
    environment: dict[str, str], tmp_path: Path, crm: str
) -> None:
    command = [sys.executable, "-m", "taskhand", "sandbox", crm, "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as sandbox:  # noqa: ASYNC220, S603
        assert sandbox.stdout
        lines = [sandbox.stdout.readline() for _ in range(2)]
        *given, taskhand, _, _ = lines[-1].split()
        connected = environment | dict(part.split("=", 1) for part in given)
        run = await anyio.run_process([taskhand, "doctor"], env=connected, cwd=tmp_path, check=False)
        sandbox.terminate()
    assert run.returncode == 0
    assert f"backend {crm}".encode() in run.stdout

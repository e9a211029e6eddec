"""Real AI hosts from npm, each in a home of its own, with the entry that `taskhand install` wrote."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hosts.closed_proxy import record_requests
from hosts.dialects import ANTHROPIC, GEMINI, OPENAI, Dialect, Json
from hosts.scripted_model import Call, Script, ScriptedModel, serve_model
from taskhand.install import Host, find_host
from taskhand.install.host_paths import Machine
from taskhand.server.tools import TOOLS

__all__ = ["PROGRAMS", "REAL_HOSTS", "Conversation", "RealHost", "Session"]

PROGRAMS = os.environ.get("HOSTS", "")
"""The folder of the hosts' programs, where `make hosts` has installed them."""

KEY = "vambe-sandbox-key"

_WITHIN_S = 180
"""A host that has not ended by then hangs."""

_ALL_TOOLS = ",".join(f"mcp__taskhand__{tool.name}" for tool in TOOLS)


@dataclass(frozen=True, slots=True)
class RealHost:
    """A host: its program and arguments, its variables for a model at an address, and the settings that it starts with.

    `search` is the call of the host's own tool that loads Taskhand's.
    """

    slug: str
    program: str
    arguments: Sequence[str]
    dialect: Dialect
    variables: Callable[[str], Mapping[str, str]]
    settings: Callable[[Path, str], None] = lambda home, address: None  # noqa: ARG005
    search: Call | None = None


def _gemini_settings(home: Path, address: str) -> None:
    del address
    file = home / ".gemini" / "settings.json"
    file.parent.mkdir(exist_ok=True)
    quiet = {"privacy": {"usageStatisticsEnabled": False}, "general": {"enableAutoUpdate": False}}
    security = {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}}
    file.write_text(json.dumps({**quiet, "security": security}, indent=2), encoding="utf-8")


def _codex_settings(home: Path, address: str) -> None:
    file = home / ".codex" / "config.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        f"""# the model of the tests
model = "scripted"
model_provider = "scripted"
check_for_update_on_startup = false

[analytics]
enabled = false

[feedback]
enabled = false

[features]
plugins = false
apps = false

[model_providers.scripted] # on loopback
name = "Scripted"
base_url = "{address}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"
""",
        encoding="utf-8",
    )


REAL_HOSTS = {
    host.slug: host
    for host in (
        RealHost(
            "claude-code",
            "claude",
            ("-p", "Go on.", "--allowedTools", "mcp__taskhand"),
            ANTHROPIC,
            lambda address: {
                "ANTHROPIC_BASE_URL": address,
                "ANTHROPIC_API_KEY": "none",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            },
            search=("ToolSearch", {"query": f"select:{_ALL_TOOLS}", "max_results": len(TOOLS)}),
        ),
        RealHost(
            "gemini",
            "gemini",
            ("-p", "Go on.", "-m", "gemini-2.5-pro", "--yolo"),
            GEMINI,
            lambda address: {"GOOGLE_GEMINI_BASE_URL": address, "GEMINI_API_KEY": "none"},
            _gemini_settings,
        ),
        RealHost(
            "codex",
            "codex",
            # A required server is waited for: without it, the first turn may begin before the tools are there.
            (
                *("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
                *("-c", "mcp_servers.taskhand.required=true", "Go on."),
            ),
            OPENAI,
            lambda _: {"SCRIPTED_KEY": "none"},
            _codex_settings,
        ),
    )
}


@dataclass(slots=True)
class Conversation:
    """What was said: the calls with their answers as the model was given them, and the requests that carried them.

    `contacted` are the hosts that the program tried to reach through its proxy.
    """

    host: RealHost
    turns: list[tuple[Call, str]] = field(default_factory=list)
    requests: Sequence[Json] = ()
    contacted: Sequence[str] = ()
    output: str = ""

    def read(self, tool: str) -> Sequence[Json]:
        """The answers of a tool as JSON."""
        return [self.host.dialect.read(answer) for call, answer in self.turns if call[0] == tool]


@dataclass(slots=True)
class Session:
    """A host in a folder of its own, with Taskhand on the Vambe sandbox at `crm`.

    `variables` go into Taskhand's entry; `server` is a command to put in its place. `process` is the host's, while it
    runs.
    """

    host: RealHost
    folder: Path
    crm: str
    variables: Mapping[str, str] = field(default_factory=dict)
    server: Sequence[str] = ()
    process: "subprocess.Popen[str] | None" = None

    def converse(self, script: Script, meanwhile: Callable[[], None] = lambda: None) -> Conversation:
        """Let the host's model play a script, do something `meanwhile`, and wait for the host's end."""
        said = Conversation(self.host)
        model = ScriptedModel(self.host.dialect, self._played(script, said), self.host.search)
        with ExitStack() as stack:
            address = stack.enter_context(serve_model(model))
            proxy, said.contacted = stack.enter_context(record_requests())
            self._install(address)
            self.process = stack.enter_context(self._start(address, proxy))
            stack.callback(self._end)
            meanwhile()
            said.output, _ = self.process.communicate(timeout=_WITHIN_S)
        if model.failure:
            raise model.failure
        said.requests = model.requests
        return said

    def call(self, tool: str, **arguments: object) -> Json:
        """The answer of a tool outside the host, on the same home."""
        command = [sys.executable, "-m", "taskhand", "call", tool, json.dumps(arguments)]
        given = self._environment() | dict(self.variables) | {"VAMBE_BASE_URL": self.crm, "VAMBE_API_KEY": KEY}
        run = subprocess.run(command, env=given, check=True, capture_output=True)  # noqa: S603  our own program
        answer: Json = json.loads(run.stdout)
        return answer

    def interrupt(self) -> None:
        """What Ctrl-C does in a terminal: the signal goes to the host and to all that it has started."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)

    def kill_server(self) -> None:
        """End the server's process at once."""
        for pid in self.server_pids():
            os.kill(pid, signal.SIGKILL)

    def server_pids(self) -> Sequence[int]:
        """The processes of Taskhand that this session's host has started."""
        assert self.process is not None
        return [pid for pid in _descendants(self.process.pid) if b"\0taskhand" in _command_line(pid)]

    def _played(self, script: Script, said: Conversation) -> Script:
        """The script; the answers are kept."""
        call = next(script)
        while True:
            answer = yield call
            said.turns.append((call, answer))
            try:
                call = script.send(answer)
            except StopIteration:
                return

    def _start(self, address: str, proxy: str) -> "subprocess.Popen[str]":
        closed = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), proxy)
        loopback = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
        return subprocess.Popen(  # noqa: S603  a program that `make hosts` installed
            [str(Path(PROGRAMS) / self.host.program), *self.host.arguments],
            cwd=self.folder / "work",
            env=self._environment() | closed | loopback | dict(self.host.variables(address)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _end(self) -> None:
        """End the host, if it still runs, and all that it has started."""
        assert self.process is not None
        for pid in [*_descendants(self.process.pid), self.process.pid] if self.process.poll() is None else []:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _environment(self) -> dict[str, str]:
        """Nothing of this process's environment but the path."""
        return {"HOME": str(self.folder / "home"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"}

    def _install(self, address: str) -> None:
        """Write the host's own settings, and then add Taskhand to them, as a person does."""
        home = self.folder / "home"
        (self.folder / "work").mkdir(parents=True, exist_ok=True)
        home.mkdir(exist_ok=True)
        self.host.settings(home, address)
        variables = {"VAMBE_BASE_URL": self.crm, **self.variables}
        given = [part for name, value in variables.items() for part in ("--set", f"{name}={value}")]
        command = [sys.executable, "-m", "taskhand", "install", self.host.slug, "--backend", "vambe", "--keys", "file"]
        command.append("--no-check")  # the CRM is asked by the host's agent alone
        subprocess.run(  # noqa: S603  our own program
            [*command, *given], env=self._environment() | {"VAMBE_API_KEY": KEY}, check=True, capture_output=True
        )
        if self.server:
            self._replace_server(find_host(self.host.slug))

    def _replace_server(self, host: Host) -> None:
        file = host.user_file(Machine("Linux", self.folder / "home"))
        text, path = file.read_text(encoding="utf-8"), (host.key, "taskhand")
        text = host.format.put_value(text, (*path, "command"), self.server[0])
        text = host.format.put_value(text, (*path, "args"), [*self.server[1:]])
        file.write_text(text, encoding="utf-8")


def _descendants(pid: int) -> Sequence[int]:
    """The processes below a process, from /proc."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        parents.setdefault(parent, []).append(int(path.parent.name))
    found, open_ = [], [pid]
    while open_:
        children = parents.get(open_.pop(), [])
        found += children
        open_ += children
    return found


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""

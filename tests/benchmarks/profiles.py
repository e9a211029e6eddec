"""Profiles: start-up by imported module, and `update_task` by function, on the built-in store and on Vambe."""

import cProfile
import pstats
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import FrameType

import anyio

from benchmarks.figure import Measurement
from benchmarks.host import BARE, Host, plain_environment, taskhand
from benchmarks.http_profile import profile_http
from benchmarks.in_process import connect_in_process
from benchmarks.layers import Stats, layer_table
from benchmarks.sandboxed import serve_sandbox
from taskhand.config.settings import Settings
from taskhand.server.app import create_server
from taskhand.wiring import open_app

__all__ = ["measure"]

CALLS = 300
_SHOWN = 15
_WAITING = (
    "'get' of '_queue.SimpleQueue'",
    "'poll' of 'select.epoll'",
    "'acquire' of '_thread.lock'",
    "'control' of 'select.kqueue'",
)
"""Functions in which an idle thread waits."""


def measure(calls: int = CALLS) -> Measurement:
    """Shares of the total, which do not depend on the machine's speed."""
    parts = [_start_up()]
    with TemporaryDirectory() as name:
        folder = Path(name)
        local = plain_environment(TASKHAND_DB=str(folder / "tasks.sqlite"))
        parts.append(_profile_http(local, calls))
        parts.append(_profile_update("the built-in store", local, calls))
        with serve_sandbox("vambe", folder, VAMBE_RATE="1000") as vambe:
            parts.append(_profile_update("Vambe", vambe.environment, calls))
    return Measurement(details="\n\n".join(parts))


def _start_up() -> str:
    """The slowest modules by their own import time, compared with the bare server's."""
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"))
        _import_times(taskhand(), environment)  # the first start compiles
        ours = _import_times(taskhand(), environment)
        bare = _import_times([sys.executable, str(BARE / "one_tool.py")], environment)
    total = sum(ours.values())
    slowest = sorted(ours, key=lambda name: -ours[name])[:_SHOWN]
    rows = [f"| `{name}` | {ours[name] / total:.1%} | {'yes' if name in bare else 'no'} |" for name in slowest]
    alone = sum(time for name, time in ours.items() if name not in bare)
    mine = sum(time for name, time in ours.items() if name.partition(".")[0] == "taskhand")
    text = (
        "Start-up by import: the slowest modules, without the modules that they import. All imports together take "
        f"{total / sum(bare.values()):.2f} x the bare server's time; {alone / total:.0%} is for modules that it does "
        f"not import, {mine / total:.0%} for modules of Taskhand."
    )
    head = ["| module | share of all imports | the bare server imports it too |", "| --- | --- | --- |"]
    return "\n".join([text, "", *head, *rows, "", *_by_package(ours, bare)])


def _by_package(ours: Mapping[str, int], bare: Mapping[str, int]) -> list[str]:
    """What the imports are for: the shares of packages, and those of the bare server, of all that it imports."""
    mine, theirs = _package_times(ours), _package_times(bare)
    slowest = sorted(mine, key=lambda name: -mine[name])[:_SHOWN]
    rows = [
        f"| `{name}` | {mine[name] / sum(bare.values()):.1%} | {theirs[name] / sum(bare.values()):.1%} |"
        for name in slowest
    ]
    head = "| package | of the bare server's imports: Taskhand | the bare server |"
    return [head, "| --- | --- | --- |", *rows]


def _package_times(times: Mapping[str, int]) -> Counter[str]:
    """Microseconds by package; those of Taskhand's own parts."""
    sums: Counter[str] = Counter()
    for name, time in times.items():
        first, _, rest = name.partition(".")
        sums[f"{first}.{rest.partition('.')[0]}" if first == "taskhand" and rest else first] += time
    return sums


def _import_times(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, int]:
    """Microseconds by module, from spawn to the tool list."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    with TemporaryFile() as errors:
        with Host(timed, environment, errors) as host:
            host.ask("tools/list")
        errors.seek(0)
        text = errors.read().decode().splitlines()
    lines = [line.removeprefix("import time:").split("|") for line in text if "import time:" in line]
    return {parts[2].strip(): int(parts[0]) for parts in lines if parts[0].strip().isdigit()}


def _profile_http(environment: Mapping[str, str], calls: int) -> str:
    """The layers that one `get_task` over HTTP spends its time in."""
    stats = profile_http(environment, calls)
    count = sum(row[1] for row in stats.values())
    text = f"One `get_task` over HTTP: {count / calls:,.0f} function calls; by layer, without waiting."
    return "\n".join([text, "", layer_table(stats, _WAITING, calls)])


def _profile_update(where: str, environment: Mapping[str, str], calls: int) -> str:
    """The functions that one update spends its time in, including those on worker threads."""
    stats = anyio.run(_collect_stats, environment, calls)
    functions = [
        (_function_name(key), row[2], row[0])
        for key, row in stats.items()
        if not any(word in key[2] for word in _WAITING)
    ]
    total = sum(own for _, own, _ in functions)
    slowest = sorted(functions, key=lambda function: -function[1])[:_SHOWN]
    rows = [f"| `{name}` | {own / total:.1%} | {count / calls:,.1f} |" for name, own, count in slowest]
    count = sum(count for _, _, count in functions)
    text = f"One `update_task` on {where}: {count / calls:,.0f} function calls; by layer, and the slowest by their own "
    layers = layer_table(stats, _WAITING, calls)
    head = ["| function | share | calls |", "| --- | --- | --- |"]
    return "\n".join([f"{text}time, without waiting.", "", layers, "", *head, *rows])


async def _collect_stats(environment: Mapping[str, str], calls: int) -> Stats:
    """Statistics of all threads; the few calls of worker threads before the first update are included."""
    profile = cProfile.Profile()
    with _profiled_threads() as others:
        async with (
            open_app(Settings.from_env(environment)) as at,
            connect_in_process(create_server(at, makes_spans=False)) as client,
        ):
            [member, *_] = (await client.call("list_team_members"))["members"]
            created = await client.call("create_task", title="Call Acme", responsibleIds=[member["id"]], priority="1")
            profile.enable()
            for number in range(calls):
                await client.call("update_task", id=created["task"]["id"], title=f"Call Acme {number}")
            profile.disable()
        stats = pstats.Stats(profile)
        for other in others:
            stats.add(other)
    return stats.stats  # type: ignore[attr-defined, no-any-return]  # pstats has no public access to its rows


@contextmanager
def _profiled_threads() -> Iterator[list[cProfile.Profile]]:
    """Profiles of the threads that start inside the block."""
    profiles: list[cProfile.Profile] = []

    def begin(_: FrameType, __: str, ___: object) -> None:
        sys.setprofile(None)
        profiles.append(cProfile.Profile())
        profiles[-1].enable()

    threading.setprofile(begin)
    try:
        yield profiles
    finally:
        threading.setprofile(_no_profile)


def _no_profile(_: FrameType, __: str, ___: object) -> None:
    """The profile function of threads that start later: it turns itself off."""
    sys.setprofile(None)


def _function_name(key: tuple[str, int, str]) -> str:
    """The name of a function with its file, which is shown as it is imported: from its package on."""
    file, _, name = key
    if file == "~":
        return name.strip("<>{}").replace("built-in method ", "")
    roots = [root for root in sys.path if root and Path(file).is_relative_to(root)]
    return f"{file.removeprefix(max(roots, key=len, default='')).lstrip('/')}: {name}"

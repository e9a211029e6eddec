"""Where the time goes: start-up by import, and one `update_task` by function, on the embedded store and on Vambe."""

import cProfile
import pstats
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import FrameType

import anyio

from benchmarks.figure import Found
from benchmarks.host import BARE, Host, plain_environment, taskhand
from benchmarks.sandboxed import sandboxed
from benchmarks.within import connected
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
"""What a profile shows of a thread that has nothing to do."""


def measure(calls: int = CALLS) -> Found:
    """Shares only: whatever the machine is at besides, it is at for all of them."""
    parts = [_start_up()]
    with TemporaryDirectory() as name:
        folder = Path(name)
        local = plain_environment(TASKHAND_DB=str(folder / "tasks.sqlite"))
        parts.append(_one_call("the embedded store", local, calls))
        with sandboxed("vambe", folder, VAMBE_RATE="1000") as vambe:
            parts.append(_one_call("Vambe", vambe.environment, calls))
    return Found(details="\n\n".join(parts))


def _start_up() -> str:
    """Modules by the time that they take themselves, ours and those of the bare server."""
    with TemporaryDirectory() as folder:
        environment = plain_environment(TASKHAND_DB=str(Path(folder) / "tasks.sqlite"))
        _imported(taskhand(), environment)  # the first start compiles
        ours = _imported(taskhand(), environment)
        bare = _imported([sys.executable, str(BARE / "one_tool.py")], environment)
    total = sum(ours.values())
    slowest = sorted(ours, key=lambda name: -ours[name])[:_SHOWN]
    rows = [f"| `{name}` | {ours[name] / total:.1%} | {'yes' if name in bare else 'no'} |" for name in slowest]
    alone = sum(time for name, time in ours.items() if name not in bare)
    mine = sum(time for name, time in ours.items() if name.partition(".")[0] == "taskhand")
    told = (
        "Start-up by import: the slowest modules without what they import in turn. All imports together are "
        f"{total / sum(bare.values()):.2f} x the bare server's; {alone / total:.0%} of them are of modules that it "
        f"does not import, {mine / total:.0%} of modules of ours."
    )
    head = ["| module | share of all imports | the bare server imports it too |", "| --- | --- | --- |"]
    return "\n".join([told, "", *head, *rows])


def _imported(command: Sequence[str], environment: Mapping[str, str]) -> dict[str, int]:
    """Microseconds by module, from spawn to the tool list."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    with TemporaryFile() as errors:
        with Host(timed, environment, errors) as host:
            host.ask("tools/list")
        errors.seek(0)
        told = errors.read().decode().splitlines()
    lines = [line.removeprefix("import time:").split("|") for line in told if "import time:" in line]
    return {parts[2].strip(): int(parts[0]) for parts in lines if parts[0].strip().isdigit()}


def _one_call(where: str, environment: Mapping[str, str], calls: int) -> str:
    """The functions that one update spends its time in, those of the worker threads included."""
    stats = anyio.run(_profiled, environment, calls)
    functions = [
        (_called(key), row[2], row[0]) for key, row in stats.items() if not any(word in key[2] for word in _WAITING)
    ]
    total = sum(own for _, own, _ in functions)
    slowest = sorted(functions, key=lambda function: -function[1])[:_SHOWN]
    rows = [f"| `{name}` | {own / total:.1%} | {count / calls:,.1f} |" for name, own, count in slowest]
    count = sum(count for _, _, count in functions)
    told = f"One `update_task` on {where}: {count / calls:,.0f} function calls; the slowest by their own time, without "
    return "\n".join([f"{told}waiting.", "", "| function | share | calls |", "| --- | --- | --- |", *rows])


_Stats = dict[tuple[str, int, str], tuple[int, int, float, float, object]]


async def _profiled(environment: Mapping[str, str], calls: int) -> _Stats:
    """What it took in all threads; the workers' few calls before the first update are too few to matter."""
    profile = cProfile.Profile()
    with _workers_too() as others:
        async with open_app(Settings.from_env(environment)) as at, connected(create_server(at)) as client:
            [someone, *_] = (await client.call("list_team_members"))["members"]
            made = await client.call("create_task", title="Call Acme", responsibleIds=[someone["id"]], priority="1")
            profile.enable()
            for number in range(calls):
                await client.call("update_task", id=made["task"]["id"], title=f"Call Acme {number}")
            profile.disable()
        stats = pstats.Stats(profile)
        for other in others:
            stats.add(other)
    return stats.stats  # type: ignore[attr-defined, no-any-return]  # its rows have no other door


@contextmanager
def _workers_too() -> Iterator[list[cProfile.Profile]]:
    """Profiles of the threads that are started meanwhile."""
    profiles: list[cProfile.Profile] = []

    def begin(_: FrameType, __: str, ___: object) -> None:
        sys.setprofile(None)
        profiles.append(cProfile.Profile())
        profiles[-1].enable()

    threading.setprofile(begin)
    try:
        yield profiles
    finally:
        threading.setprofile(_nothing)


def _nothing(_: FrameType, __: str, ___: object) -> None:
    """What a new thread is profiled by: nothing."""
    sys.setprofile(None)


def _called(key: tuple[str, int, str]) -> str:
    """A function by its file, as far as that says which one it is."""
    file, _, name = key
    if file == "~":
        return name.strip("<>{}").replace("built-in method ", "")
    return f"{'/'.join(Path(file).parts[-2:])}: {name}"

"""Several processes on one journal file: killed, racing, and each with its own open changes."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import anyio

from builders import refused
from journal.open_journal import APPLIED, begin, open_journal, settle
from taskhand.domain.errors import OperatorError
from taskhand.journal.journal import Ending, Result
from taskhand.journal.process_lock import ProcessLock
from taskhand.journal.sqlite import SqliteJournal

RACERS = 3
PROGRAM = """
import secrets, sys
from pathlib import Path
import anyio
from journal.open_journal import make_opening, open_journal, rename_intent
from taskhand.journal.journal import Claim

async def main():
    async with open_journal(Path(sys.argv[1]), new_id=lambda prefix, _: f"{prefix}_{secrets.token_hex(8)}") as journal:
        print("ready", flush=True)
        for line in sys.stdin:
            opening = make_opening("create_task", Claim(line.strip(), ""))
            change, is_new = await journal.begin(opening, [rename_intent()])
            print(change.id, is_new, flush=True)

anyio.run(main)
"""


@contextmanager
def processes(journal: Path, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that begin a change with the claim that each line they are given names."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(  # noqa: S603  our own program
                    [sys.executable, "-c", PROGRAM, str(journal)],
                    env=environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    encoding="utf-8",
                )
            )
            for _ in range(count)
        ]
        for process in started:
            stack.callback(process.kill)
        for process in started:
            assert answer(process) == "ready"
        yield started


def tell(process: subprocess.Popen[str], line: str) -> None:
    """Let a process begin a change."""
    assert process.stdin
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    """The next line that it says."""
    assert process.stdout
    return process.stdout.readline().strip()


def beside(journal: Path) -> list[str]:
    """The lock files."""
    return sorted(file.name for file in journal.parent.iterdir() if file.name.endswith(".lock"))


async def abandoned_ids(path: Path) -> list[str]:
    """The ids that a process that starts now is told of."""
    async with open_journal(path) as journal:
        return [change.id for change in await journal.abandoned_changes()]


async def settle_all(path: Path) -> None:
    """Say of everything that was left open that it was not applied."""
    async with open_journal(path) as journal:
        for change in await journal.abandoned_changes():
            await journal.settle(change.id, [Result(0, "not_applied")], Ending("not_applied"))
        assert (await journal.verify()).fault is None


def test_returns_the_open_changes_of_a_killed_process_after_its_death(journal_file: Path) -> None:
    with processes(journal_file, 2) as (killed, living):
        tell(killed, "one")
        change_id = answer(killed).split()[0]
        tell(living, "two")
        assert answer(living).endswith("True")
        assert anyio.run(abandoned_ids, journal_file) == []
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert anyio.run(abandoned_ids, journal_file) == [change_id]
        anyio.run(settle_all, journal_file)
        assert anyio.run(abandoned_ids, journal_file) == []
        assert len(beside(journal_file)) == 1
        living.communicate()
    assert beside(journal_file) == []


def test_one_of_several_racing_processes_gets_the_claim_and_the_chain_stays_intact(journal_file: Path) -> None:
    with processes(journal_file, RACERS) as racers:
        for number in range(5):
            for racer in racers:
                tell(racer, f"claim {number}")
            answers = [answer(racer).split() for racer in racers]
            assert sorted(is_new for _, is_new in answers) == ["False"] * (RACERS - 1) + ["True"]
            assert len({change_id for change_id, _ in answers}) == 1
        for racer in racers:
            racer.kill()
            racer.wait()
    anyio.run(settle_all, journal_file)
    assert beside(journal_file) == []


async def test_creates_the_file_on_first_use_and_the_lock_with_the_first_change(
    file_journal: SqliteJournal, journal_file: Path
) -> None:
    assert list(journal_file.parent.iterdir()) == []
    await file_journal.abandoned_changes()
    await file_journal.find("chg_0001")
    assert beside(journal_file) == []
    await settle(file_journal)
    assert len(beside(journal_file)) == 1


async def test_searches_for_abandoned_changes_again_after_five_seconds_or_at_once_after_a_find(
    journal_file: Path,
) -> None:
    now = [0.0]
    async with open_journal(journal_file, monotonic=lambda: now[0]) as journal:
        await begin(journal)
        assert await journal.abandoned_changes() == ()
        async with open_journal(journal_file) as gone:
            left_open = await begin(gone)
        for now[0], found in ((4.9, ()), (5.0, (left_open,)), (5.0, (left_open,))):
            assert await journal.abandoned_changes() == found


async def test_the_journal_is_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "tasks.journal.sqlite"
    async with open_journal(path) as journal:
        await begin(journal)
        modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {0o600}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


async def test_a_lock_file_that_a_dead_process_left_is_removed(journal_file: Path) -> None:
    async with open_journal(journal_file) as journal:
        await settle(journal)
    (journal_file.parent / f"{journal_file.name}.0123456789abcdef.lock").touch()
    async with open_journal(journal_file) as journal:
        assert await journal.abandoned_changes() == ()
    assert beside(journal_file) == []


async def test_open_changes_whose_lock_file_is_gone_are_abandoned(journal_file: Path) -> None:
    async with open_journal(journal_file) as gone:
        change = await begin(gone)
    assert beside(journal_file) == []
    assert await abandoned_ids(journal_file) == [change.id]


async def test_closing_deletes_the_lock_file_of_a_dead_process_whose_changes_are_settled(journal_file: Path) -> None:
    async with open_journal(journal_file) as gone:
        change = await begin(gone)
    async with open_journal(journal_file) as journal:
        await journal.abandoned_changes()
        assert len(beside(journal_file)) == 1
        await journal.settle(change.id, [], APPLIED)
    assert beside(journal_file) == []


async def test_a_cancelled_close_leaves_no_lock_file(file_journal: SqliteJournal, journal_file: Path) -> None:
    await settle(file_journal)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await file_journal.aclose()
    assert beside(journal_file) == []


async def test_a_journal_of_a_newer_program_is_left_alone(journal_file: Path) -> None:
    async with open_journal(journal_file) as journal:
        await settle(journal)
    with closing(sqlite3.connect(journal_file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    async with open_journal(journal_file) as journal:
        with refused("store_too_new", OperatorError) as error:
            await begin(journal)
        assert "journal" in error.value.message
        assert "TASKHAND_JOURNAL" in str(error.value.next_step)


async def test_a_file_that_is_no_journal_is_refused_and_left_as_it_is(journal_file: Path) -> None:
    content = b"My diary.\n" * 1_000
    await anyio.Path(journal_file).write_bytes(content)
    async with open_journal(journal_file) as journal:
        with refused("store_unavailable", OperatorError) as error:
            await journal.abandoned_changes()
        assert "TASKHAND_JOURNAL" in str(error.value.next_step)
    assert await anyio.Path(journal_file).read_bytes() == content


def test_only_one_process_holds_a_lock_that_was_taken_over(journal_file: Path) -> None:
    first, second = ProcessLock(journal_file), ProcessLock(journal_file)
    assert first.take_over("dead")
    assert first.take_over("dead")
    assert not second.take_over("dead")
    first.release("dead")
    assert second.take_over("dead")
    assert second.taken_over == {"dead"}
    second.release_all()
    assert first.take_over("dead")
    first.delete("dead")
    assert list(second.other_sessions()) == []


def test_a_living_process_cannot_be_taken_over(journal_file: Path) -> None:
    living, other = ProcessLock(journal_file), ProcessLock(journal_file)
    living.acquire()
    assert list(other.other_sessions()) == [living.session]
    assert list(living.other_sessions()) == []
    assert not other.take_over(living.session)
    living.release_all()
    assert list(other.other_sessions()) == []


def test_finds_lock_files_beside_a_journal_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    living, other = (ProcessLock(tmp_path / "journal[1]?.sqlite") for _ in range(2))
    living.acquire()
    assert list(other.other_sessions()) == [living.session]
    living.release_all()

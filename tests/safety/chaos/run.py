"""Chaos: three servers on one database are killed, paused, cut off and restarted; then the invariants are checked.

No task is there twice, none is lost, none looks otherwise than was answered; every plan is used once; the chain of the
journal is whole, nothing is left open in it or has ended without a result, and it knows of every task; no request was
refused for the rate.
"""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

from postgres_server import OwnServer, TestDatabase
from safety.chaos.accounts import Account, open_account
from safety.chaos.callers import Ledger, call_until_stopped
from safety.chaos.replicas import Replicas
from safety.crms import TaskSummary
from server.transports.server_process import run

__all__ = ["ChaosPlan", "ChaosReport", "run_chaos"]

_STATE_KEY = "0123456789abcdef" * 2
_REPLICAS = 3
_LONG_S = 60.0
_TWICE_USED = """
SELECT o.body::json #>> '{value,plan_id}' FROM taskhand_journal.entry o
WHERE o.kind = 'opening' AND o.body::json #>> '{value,plan_id}' IS NOT NULL AND EXISTS (
    SELECT 1 FROM taskhand_journal.entry r WHERE r.change_id = o.change_id AND r.outcome = 'applied'
    AND r.kind IN ('result', 'late')
) GROUP BY 1 HAVING count(*) > 1
"""
_UNENDED = """
SELECT o.change_id FROM taskhand_journal.entry o WHERE o.kind = 'opening' AND NOT EXISTS (
    SELECT 1 FROM taskhand_journal.entry e WHERE e.change_id = o.change_id AND e.kind = 'ending'
)
"""
_WITHOUT_RESULT = """
SELECT o.change_id FROM taskhand_journal.entry o WHERE o.kind = 'opening' AND EXISTS (
    SELECT 1 FROM taskhand_journal.entry e
    WHERE e.change_id = o.change_id AND e.kind = 'ending' AND e.outcome IN ('applied', 'unknown')
) AND NOT EXISTS (
    SELECT 1 FROM taskhand_journal.entry r WHERE r.change_id = o.change_id AND r.kind = 'revised'
) AND (
    SELECT count(*) FROM taskhand_journal.entry i WHERE i.change_id = o.change_id AND i.kind = 'intent'
) > (
    SELECT count(DISTINCT r.body::json #>> '{value,place}') FROM taskhand_journal.entry r
    WHERE r.change_id = o.change_id AND r.kind = 'result'
)
"""
_KNOWN = "SELECT DISTINCT task_id FROM taskhand_journal.entry WHERE task_id IS NOT NULL AND outcome = 'applied'"
_UNKNOWN = "SELECT count(*) FROM taskhand_journal.entry WHERE kind IN ('result', 'late') AND outcome = 'unknown'"


@dataclass(frozen=True)
class ChaosPlan:
    """How chaos runs: for how long (None: until everything has happened once), with how many callers, how quickly.

    `pauses_s` is how long a paused server may sleep, `timeout_s` how long a caller waits for an answer.
    """

    backend: str
    seconds: float | None
    seed: int
    callers: int = 8
    every_s: tuple[float, float] = (0.5, 2.5)
    pauses_s: Sequence[float] = (0.5, 3.0, 17.0)
    timeout_s: float = 30.0


@dataclass
class ChaosReport:
    """What happened, what was answered, and what must not be."""

    happened: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    tasks: int = 0


def run_chaos(how: ChaosPlan, database: TestDatabase, folder: Path) -> ChaosReport:
    """Disturb the servers as planned, and check what is left."""
    with open_account(how.backend, database) as account:
        chaos_run = _ChaosRun(how, account, database, folder)
        if how.backend == "local":
            assert chaos_run.run("seed", "demo").returncode == 0
        chaos_run.disturb()
        chaos_run.settle()
        chaos_run.examine()
        return chaos_run.report


class _ChaosRun:
    """The servers and all that is around them."""

    def __init__(self, how: ChaosPlan, account: Account, database: TestDatabase, folder: Path) -> None:
        self.report = ChaosReport()
        self._how = how
        self._account = account
        self._database = database
        self._folder = folder
        self._chance = random.Random(how.seed)  # noqa: S311  to be repeated
        self._ledger = Ledger()
        self._people = account.people
        self._said: list[str] = []
        self._given = {
            "TASKHAND_STATE": database.url,
            "TASKHAND_STATE_KEY": _STATE_KEY,
            "TASKHAND_REQUESTS_S": "0",
            "TASKHAND_CALL_S": "20",
            "TASKHAND_DRAIN_DELAY_S": "0",
            **account.environment,
        }

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Run a command with the settings of the servers."""
        return run(self._folder / "tasks.sqlite", *arguments, **self._given)

    def _open(self, count: int) -> Replicas:
        return Replicas(self._given, self._folder, count, random.Random(self._how.seed))  # noqa: S311  to be repeated

    def disturb(self) -> None:
        """Disturb the servers while they are called, then end them."""
        replicas = self._open(_REPLICAS)
        try:
            if not all(self._people):
                team = replicas.call("list_team_members", {}, _LONG_S).body["members"]
                self._people = str(team[0]["id"]), str(team[1]["id"])
            self._disturb(replicas)
        finally:
            replicas.end_all()
            self._said += replicas.said

    def _disturb(self, replicas: Replicas) -> None:
        how, ledger = self._how, self._ledger
        call = partial(call_until_stopped, replicas, ledger, self._people, self._account.needs, seed=how.seed)
        with ThreadPoolExecutor(how.callers) as pool:
            callers = [pool.submit(call, number=number, timeout_s=how.timeout_s) for number in range(how.callers)]
            try:
                disturbances = self._disturbances(replicas)
                for name in self._names([*disturbances]):
                    time.sleep(self._chance.uniform(*how.every_s))
                    disturbances[name]()
                    self.report.happened[name] += 1
                    if any(caller.done() for caller in callers):
                        break
                replicas.wake()
                while not ledger.made and not any(caller.done() for caller in callers):
                    time.sleep(how.every_s[0])
            finally:
                ledger.stop.set()
            for caller in callers:
                caller.result()

    def _names(self, names: Sequence[str]) -> Iterator[str]:
        """What happens next: by chance for so many seconds, or each once."""
        if self._how.seconds is None:
            yield from names
            return
        until = time.monotonic() + self._how.seconds
        while time.monotonic() < until:
            yield self._chance.choice(names)

    def _disturbances(self, replicas: Replicas) -> Mapping[str, Callable[[], None]]:
        how, chance, server = self._how, self._chance, self._database.server

        def end(by: signal.Signals) -> None:
            number = chance.randrange(_REPLICAS)
            replicas.end(number, by)
            replicas.start(number)

        def restart(postgres: OwnServer, by: signal.Signals) -> None:
            postgres.stop(by)
            time.sleep(chance.uniform(0, how.every_s[0]))
            postgres.start()

        found: dict[str, Callable[[], None]] = {
            "kill": partial(end, signal.SIGKILL),
            "cut": self._database.cut_connections,
            "pause": lambda: replicas.pause(chance.randrange(_REPLICAS), chance.choice(how.pauses_s)),
            "term": partial(end, signal.SIGTERM),
        }
        if self._account.cut is not None:
            found["cut at the CRM"] = self._account.cut
        if server is not None:
            found["crash of PostgreSQL"] = partial(restart, server, signal.SIGQUIT)
            found["restart of PostgreSQL"] = partial(restart, server, signal.SIGINT)
        return found

    def settle(self) -> None:
        """Have a new server settle what the others have left: none of them lives any more."""
        self._database.run("DELETE FROM taskhand_sessions.session")
        last = self._open(1)
        try:
            body = {"title": "the last", "responsibleIds": [self._people[0]], "priority": "1"} | self._account.needs
            for _ in range(20):
                if last.call("create_task", body, _LONG_S).kind == "done" and not self._database.rows(_UNENDED):
                    break
                time.sleep(0.5)
        finally:
            last.end_all()
            self._said += last.said

    def examine(self) -> None:
        """Compare what is there with what was answered."""
        stored, wrong = self._account.tasks(), self.report.wrong
        self.report.tasks, self.report.answers = len(stored), self._ledger.answers
        ours = {task_id: summary for task_id, summary in stored.items() if summary.title.startswith("chaos ")}
        titles = Counter(summary.title for summary in ours.values())
        wrong += [f"{title} is there {count} times" for title, count in titles.items() if count > 1]
        made = self._ledger.made
        twice = [one for task_id, one in ours.items() if made.get(one.title, task_id) != task_id]
        wrong += [f"{one} was made twice" for one in twice]
        for task_id, may_be in self._ledger.may_be.items():
            if ours.get(task_id) not in may_be:
                wrong.append(f"{task_id} is {ours.get(task_id)}, and may be {may_be}")
        wrong += self._ledger.wrong
        if count := self._account.refused():
            wrong.append(f"{count} requests were refused for the rate")
        said = self._said
        wrong += [f"log: {''.join(said[n - 1 : n + 40])}" for n, line in enumerate(said) if "Traceback" in line]
        self._examine_journal(ours)

    def _examine_journal(self, ours: Mapping[str, TaskSummary]) -> None:
        wrong, rows = self.report.wrong, self._database.rows
        unclaimed = ours.keys() - {str(row[0]) for row in rows(_KNOWN)}
        [(unknown,)] = rows(_UNKNOWN)
        if len(unclaimed) > int(str(unknown)):
            wrong.append(f"the journal does not know of {', '.join(str(ours[task_id]) for task_id in unclaimed)}")
        wrong += [f"plan {one} was used twice" for (one,) in rows(_TWICE_USED)]
        wrong += [f"{one} is open" for (one,) in rows(_UNENDED)]
        wrong += [f"{one} ended without the result of a task" for (one,) in rows(_WITHOUT_RESULT)]
        verified = self.run("journal", "verify")
        if verified.returncode:
            wrong.append(f"the chain is broken: {verified.stdout}{verified.stderr}")

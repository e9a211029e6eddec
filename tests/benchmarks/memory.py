"""Resident memory after 10,000 calls against memory after 100: no call may leave data in memory for ever."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figure import Measurement
from benchmarks.host import Host, plain_environment, taskhand
from benchmarks.sandboxed import serve_sandbox

__all__ = ["measure"]

FEW, MANY = 100, 10_000
_TASKS = 20


def measure(few: int = FEW, many: int = MANY) -> Measurement:
    """Reads, writes, plans, undo and the journal in turn, on the built-in store and on Vambe."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        local = _memory_ratio(plain_environment(TASKHAND_DB=str(folder / "tasks.sqlite")), few, many)
        with serve_sandbox("vambe", folder, VAMBE_RATE="1000") as vambe:
            on_vambe = _memory_ratio(vambe.environment, few, many)
    return Measurement({"memory local": local, "memory vambe": on_vambe})


def _memory_ratio(environment: dict[str, str], few: int, many: int) -> float:
    """The resident memory after `many` calls divided by that after `few`."""
    with Host(taskhand(), environment) as host:
        [member, *_] = host.call("list_team_members")["members"]
        body = {"responsibleIds": [member["id"]], "priority": "1"}
        ids = [host.call("create_task", title=f"Call Acme {one}", **body)["task"]["id"] for one in range(_TASKS)]
        turn = _caller(host, ids)
        for number in range(few):
            turn(number)
        before = host.resident_kib()
        for number in range(few, many):
            turn(number)
        return host.resident_kib() / before


def _caller(host: Host, ids: Sequence[str]) -> Callable[[int], object]:
    """A function that makes the call with this number."""
    changed: list[str] = []

    def turn(number: int) -> object:
        task_id = ids[number % len(ids)]
        match number % 6:
            case 0:
                return host.call("get_task", id=task_id)
            case 1:
                return host.call("list_tasks")
            case 2:
                answer = host.call("update_task", id=task_id, title=f"Call {number}")
                changed.append(answer["changeId"])
                return answer
            case 3:
                return host.call("undo_change", changeId=changed.pop())
            case 4:
                return host.call("update_task", id=task_id, title=f"Plan {number}", dryRun=True)
            case _:
                return host.call("list_changes", limit=3)

    return turn

"""Faults while many tasks are created: each is made at most once, and its outcome is true, at every CRM."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from behaviour.agent import Refused
from safety.account import ServedCrm, open_crm
from safety.crms import CRMS, SandboxedCrm
from taskhand.domain.edit import Edit
from taskhand.journal.journal import Change
from taskhand.sandbox.faults import Fault

FIVE = 5
LATE_S = 0.2
"""The read timeout of the slow row, in real seconds."""
BATCH = "POST /crm/v3/objects/tasks/batch/create"


@dataclass(frozen=True)
class Row:
    """A fault of the request in the middle, or of the batch, and what is told of the tasks that it was about.

    Every later request has the fault `then`, of every route, or of `create` only.
    """

    name: str
    fault: Fault | None
    told: str = "applied"
    then: Fault | None = None
    only: str | None = None
    spec_variant: tuple[str, ...] = ()
    read_s: float = 30.0
    at: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


ROWS = (
    Row("nothing", None),
    Row("reset before commit", Fault("reset_before"), "unknown"),
    Row("reset after commit", Fault("reset_after")),
    Row(
        "reset after commit, then nothing",
        Fault("reset_after"),
        "unknown",
        then=Fault("reset_before", nth="every"),
    ),
    # A lost create is searched for although the CRM asks the next ones to wait.
    Row(
        "reset after commit, then 429, Retry-After: 3600",
        Fault("reset_after"),
        "refused",
        then=Fault("status", "create", status=429, retry_after=3600, nth="every"),
        at={"hubspot": "applied"},
    ),
    Row("500", Fault("status", status=500), "unknown"),
    Row("500 after commit", Fault("status", status=500, commit=True)),
    Row("503", Fault("status", status=503), "unknown"),
    Row("429, Retry-After: 2", Fault("status", status=429, retry_after=2)),
    Row("429 after commit", Fault("status", status=429, retry_after=2, commit=True)),
    Row("429, Retry-After: 3600", Fault("status", status=429, retry_after=3600), "refused"),
    Row("403", Fault("status", status=403), "refused"),
    # A request for one task is believed; the tasks of a batch are looked for before each is sent alone.
    Row("400 after commit", Fault("status", status=400, commit=True), only="hubspot"),
    Row("slow, committed", Fault("slow"), read_s=LATE_S),
    Row("body cut off", Fault("truncated")),
    Row("in neither list, done", None, only="hubspot", spec_variant=("lost_input=3",)),
    Row(
        "in neither list, undone", None, "unknown", only="hubspot", spec_variant=("lost_input=3", "lost_effect=undone")
    ),
    Row("results in another order", None, only="hubspot", spec_variant=("results_order=shuffled",)),
)
TABLE = [(crm, row) for crm in CRMS for row in ROWS if row.only in (None, crm.name)]


def bodies(crm: SandboxedCrm) -> list[dict[str, Any]]:
    """Five tasks; the last one looks like the first where nobody looks at its date."""
    own = {"responsibleIds": ["Ana Soto"], "priority": "1"} | crm.needs
    new = [own | {"title": f"Send it {number}"} for number in range(1, FIVE)]
    return [*new, new[0] | {"dueDate": "2026-03-07"}]


def go_wrong(served: ServedCrm, row: Row) -> None:
    """Have the fault happen to the write that it is about."""
    if row.fault is None:
        return
    is_batch = served.crm.creates_in_batches
    fault = replace(row.fault, route=BATCH if is_batch else served.crm.routes["create"])
    then = (row.then if row.then.route == "*" else replace(row.then, route=fault.route),) if row.then else ()
    served.gate.writes = 0

    def arrives(number: int) -> None:
        if number == (1 if is_batch else 2):
            served.gate.emulator.faults = (fault, *then)

    served.gate.before_write = arrives


def count_new_titles(served: ServedCrm) -> Counter[str]:
    """The new tasks at the CRM by title."""
    return Counter(summary.title for summary in served.tasks.values() if summary.title.startswith("Send it"))


async def assert_true(served: ServedCrm, answer: dict[str, Any]) -> tuple[Change, set[str]]:
    """Check that each outcome in the journal is true; the change, and all outcomes."""
    change = await served.app.journal.find(answer["changeId"])
    assert change is not None
    results = {index: result.outcome for index, result in change.results.items()}
    assert Counter(results.values()) == Counter(answer["totals"])
    assert len(results) == len(change.intents) == FIVE
    asked = {index: str((intent.edit or Edit()).title) for index, intent in enumerate(change.intents)}
    titles: Counter[str] = Counter()
    for index, outcome in results.items():
        if outcome == "applied":
            task_id = change.results[index].task_id
            assert served.tasks[str(task_id)].title == asked[index]
            titles[asked[index]] += 1
    assert len({one.task_id for one in change.results.values() if one.task_id}) == titles.total()
    unknown = Counter(asked[index] for index, outcome in results.items() if outcome == "unknown")
    assert titles <= count_new_titles(served) <= titles + unknown
    return change, set(results.values())


@pytest.mark.parametrize(("crm", "row"), TABLE, ids=str)
async def test_many_new_tasks_are_made_at_most_once_and_reported_truly_after_any_fault(
    crm: SandboxedCrm, row: Row
) -> None:
    async with open_crm(crm, read_s=row.read_s, spec_variant=row.spec_variant) as served:
        asks = {"tasks": bodies(crm), "idempotencyKey": "one"}
        go_wrong(served, row)
        first = await served.agent("create_tasks", **asks)
        _, said = await assert_true(served, first)
        told = row.at.get(crm.name, row.told)
        assert told in said
        assert said <= {told, "applied", "not_attempted"}
        unknown = " ".join(one.get("message", "") for one in first["outcomes"] if one["outcome"] == "unknown")
        assert (told == "unknown") == ("'Send it" in unknown and "list_tasks" in unknown)
        served.gate.before_write, served.gate.emulator.faults = (lambda _: None), ()
        served.time.now += 3_600
        before = count_new_titles(served)
        again = await served.agent("create_tasks", **asks)
        if first["totals"] == {"refused": FIVE}:  # nothing was written: the key is free
            assert again["totals"] == {"applied": FIVE}
        else:
            assert (again["replayed"], again["totals"]) == (True, first["totals"])
            assert count_new_titles(served) == before
            if "planId" in first and "unknown" not in said:
                done = await served.agent("apply_plan", planId=first["planId"])
                _, said = await assert_true(served, done)
                assert said <= {"applied", "refused"}
        if told != "unknown" and row.name != "403":
            assert count_new_titles(served).total() == FIVE
            with pytest.raises(Refused):
                await served.agent("apply_plan", planId=first.get("planId", first["changeId"]))
            assert count_new_titles(served).total() == FIVE
        assert max(count_new_titles(served).values(), default=0) <= 2  # two bodies have one title


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_lost_create_in_another_spelling_is_not_sent_again(crm: SandboxedCrm) -> None:
    async with open_crm(crm, tasks=1) as served:
        served.sandbox.faults = (Fault("reset_before", crm.routes["create"]),)  # type: ignore[attr-defined]  # a CRM's
        for said in ({"responsibleIds": ["me"]}, {"responsibleIds": ["Elena"], "priority": 1}):
            with pytest.raises(Refused) as refused:
                await served.agent("create_task", title="Lost", **said)
            assert refused.value.code == "outcome_unknown"
        [row] = (await served.agent("create_tasks", tasks=[{"title": "Lost", **crm.needs, **said}]))["outcomes"]
        assert row["outcome"] == "unknown"
        assert row["message"].startswith("tasks[0] 'Lost': The same call was made before")
        assert (
            sum(f"{one.method} {one.path}".rstrip("/") == crm.routes["create"] for one in served.sandbox.requests) == 1
        )

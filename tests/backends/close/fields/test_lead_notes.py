"""`addNote` in Close, where a task has no description: a note on the lead, written once, and deleted by an undo."""

import json
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.close.sandboxed_app import (
    ANA,
    ELENA,
    KEY,
    LEAD,
    OTHER_LEAD,
    TASK,
    TOKEN,
    WORLD,
    Time,
    close,
    on_close,
    row,
    sandboxed_app,
    task_id,
)
from backends.close.test_safe_writes import agent_on, agents_on
from behaviour.agent import Refused
from behaviour.world import NOW
from file_stores import journal_in
from safety.faults_table import ROWS, Row
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, OutcomeUnknown
from taskhand.domain.principal import Person, Principal
from taskhand.domain.snapshot import Snapshot
from taskhand.domain.task import TaskPatch
from taskhand.http.upstream import Limits
from taskhand.journal.journal import Caller, Intent
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest, Response
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.app_context import AppContext
from taskhand.service.crash_recovery import recover_abandoned
from taskhand.service.lazy import Lazy
from taskhand.service.update_task import update_task
from taskhand.service.write_call import Call

POST, GET, DELETE = (
    f"{verb} /api/v1/activity/note{end}" for verb, end in (("POST", ""), ("GET", ""), ("DELETE", "/{id}"))
)
NOTE = "called, R&D will <call> back\nsends an offer"
TABLE = [each for each in ROWS if each.crm is None]


def notes(sandbox: CloseSandbox) -> list[tuple[str, str]]:
    """The lead and the text of every note in Close."""
    return [(note["lead_id"], note["note"]) for note in sandbox.state()["notes"]]


def fail(status: int, nth: int = 1) -> Fault:
    """A failed or refused deletion of a note."""
    return Fault("status", DELETE, status=status, nth=nth)


def posts(sandbox: CloseSandbox) -> int:
    return sum(one.route == POST for one in sandbox.requests)


async def test_a_note_is_planned_written_beside_other_changes_and_undone() -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        plan = await agent("update_task", id=TASK, addNote=f" {NOTE} ", priority="2", dryRun=True)
        assert plan["difference"][0]["changed"]["note"] == {"from": None, "to": NOTE}
        assert notes(sandbox) == []
        done = await agent("apply_plan", planId=plan["planId"])
        assert notes(sandbox) == [(LEAD, NOTE)]
        assert done["changed"]["note"]["to"] == NOTE
        again = await agent("update_task", id=TASK, addNote=NOTE, priority="2")
        assert again["note"].startswith("Nothing was written")
        [listed] = (await agent("list_changes", taskId=TASK, outcome="applied"))["changes"]
        assert listed["changed"]["note"]["to"] == NOTE
        undone = await agent("undo_change", changeId=done["changeId"])
        assert undone["changed"] == {"note": {"from": NOTE, "to": None}, "priority": {"from": 2, "to": 1}}
        assert notes(sandbox) == []
        await agent("undo_change", changeId=undone["changeId"])
        assert notes(sandbox) == [(LEAD, NOTE)]
        schemas = {tool.name: tool.input_schema["properties"] for tool in (await agent.client.list_tools()).tools}
        assert schemas["update_task"]["addNote"]["description"] == "Note on the lead."


async def test_a_finished_task_takes_a_note_and_completing_with_one_is_one_change() -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("complete_task", id=TASK, addNote=NOTE)
        assert sandbox.tasks[0]["is_complete"]
        more = await agent("complete_task", id=TASK, addNote="paid")
        assert notes(sandbox) == [(LEAD, NOTE), (LEAD, "paid")]
        left = await agent("undo_change", changeId=done["changeId"], **{"except": ["addNote"]})
        assert left["changed"].keys() == {"status_config"}
        await agent("undo_change", changeId=more["changeId"])
    assert notes(sandbox) == [(LEAD, NOTE)]


async def test_many_tasks_get_one_note_for_each_lead_with_one_search_and_are_undone() -> None:
    rows = [row(number, lead_id=OTHER_LEAD if number > 4 else LEAD) for number in range(1, 7)]
    rows.append(row(7, _type="missed_call", lead_id=None, date="2026-03-10"))
    sandbox = close(rows)
    ids = [task_id(number) for number in range(1, 8)]
    async with agent_on(sandbox) as agent:
        changes = {"addNote": NOTE, "dueDate": "2026-04-01"}
        done = await agent("bulk_update_tasks", taskIds=ids, changes=changes)
        assert done["totals"] == {"applied": 7}
        assert "this task has none" in json.dumps(done["outcomes"])
        assert sorted(notes(sandbox)) == [(LEAD, NOTE), (OTHER_LEAD, NOTE)]
        assert sum(one.route == GET for one in sandbox.requests) == 1
        undone = await agent("undo_change", changeId=done["changeId"])
        assert undone["totals"] == {"applied": 7}
    assert notes(sandbox) == []
    assert {task["date"] for task in sandbox.tasks} != {"2026-04-01"}


async def test_any_process_undoes_and_redoes_a_note_once() -> None:
    time = Time()
    sandbox = close(2)
    async with agent_on(sandbox, time) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE)
        plan = await agent("undo_change", changeId=done["changeId"], dryRun=True)
        undone = await agent("undo_change", changeId=done["changeId"])
        again = await agent("undo_change", changeId=done["changeId"])
        first = f"{undone['changeId']} has already undone {done['changeId']}."
        assert (again["changed"], again["note"]) == (
            {},
            f"{first} Nothing was written: the task already matches the request.",
        )
        with pytest.raises(Refused, match="wrote nothing"):
            await agent("undo_change", changeId=again["changeId"])
        with pytest.raises(Refused, match="changed since the plan was made") as stale:
            await agent("apply_plan", planId=plan["planId"])
        assert stale.value.error["difference"][0]["changed"] == {"note": {"from": NOTE, "to": None}}
        both = [await agent("undo_change", changeId=undone["changeId"], dryRun=True) for _ in range(2)]
        await agent("apply_plan", planId=both[0]["planId"])
        with pytest.raises(Refused, match="changed since the plan was made"):
            await agent("apply_plan", planId=both[1]["planId"])
        time.now += 61  # this process remembers no note any more, as another one does not
        redone = await agent("undo_change", changeId=undone["changeId"])
        assert redone["changed"] == {}
    assert notes(sandbox) == [(LEAD, NOTE)]


async def test_a_note_shared_by_tasks_of_a_lead_is_reported_once_and_stays_while_one_task_has_it() -> None:
    sandbox = close(3)
    ids = [task_id(number) for number in range(1, 4)]
    async with agent_on(sandbox) as agent:
        sent = {"taskIds": ids, "changes": {"addNote": NOTE, "priority": "2"}}
        plan = await agent("bulk_update_tasks", **sent, dryRun=True)
        done = await agent("apply_plan", planId=plan["planId"])
        for answer in (plan, done):
            assert "3 tasks share 1 note on their lead." in answer["note"]
        stays = f"it belongs also to 'Call Acme 2' ({ids[1]}) and 1 more, outside of this undo."
        part = await agent("undo_change", changeId=done["changeId"], taskIds=ids[:1])
        assert part["changed"] == {"priority": {"from": 2, "to": 1}}
        assert part["note"] == f"The note on the lead stays: {stays}"
        with pytest.raises(Refused, match="The note on the lead stays") as held:
            await agent("undo_change", changeId=done["changeId"], taskIds=ids[:1], **{"except": ["priority"]})
        assert "without taskIds" in held.value.error["next"]
        assert notes(sandbox) == [(LEAD, NOTE)]
        undone = await agent("undo_change", changeId=done["changeId"])
        assert undone["totals"] == {"applied": 3}
        assert undone["note"] == "3 tasks share 1 note on their lead."
        assert "gone already" not in str(undone)
        assert notes(sandbox) == []
        again = await agent("undo_change", changeId=done["changeId"])
        assert again["totals"] == {"unchanged": 3}
        await agent("undo_change", changeId=undone["changeId"])
    assert notes(sandbox) == [(LEAD, NOTE)]


@pytest.mark.parametrize("note_lag", [0, 60])
@pytest.mark.parametrize("row_", TABLE, ids=str)
async def test_after_any_fault_a_repeated_call_leaves_one_note(row_: Row, note_lag: int) -> None:
    time = Time()
    sandbox = close(2, spec_variant=SpecVariant(note_lag=note_lag, rates="hidden"), clock=time.moment)
    sent: dict[str, Any] = {"id": TASK, "addNote": NOTE, "title": "New"}
    async with agent_on(sandbox, time, limits=Limits(read_s=row_.read_s)) as agent:
        if row_.fault is not None:
            then = [Fault("reset_before", GET, nth=number) for number in range(2, 40)] if row_.lasts else []
            sandbox.faults = (replace(row_.fault, route=POST), *then)
        first = await agent("update_task", **sent)
        sandbox.faults = ()
        noted = notes(sandbox)
        assert len(noted) <= 1
        assert first["changed"]["title"]["to"] == "New"
        is_told = "note" in first["changed"]
        assert is_told <= bool(noted)
        assert is_told or first["unapplied"] or "addNote" in first["note"]
        time.now += row_.waits_s
        with suppress(Refused):
            await agent("update_task", **sent)
        assert len(notes(sandbox)) <= 1
        time.now += 61
        for _ in range(2):
            await agent("update_task", **sent)
    assert notes(sandbox) == [(LEAD, NOTE)]


@pytest.mark.parametrize("status", [404, 405, 407, 409, 429])
async def test_a_note_that_was_made_although_it_was_refused_is_found(status: int) -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        sandbox.faults = (Fault("status", POST, status=status, commit=True),)
        found = await agent("update_task", id=TASK, addNote=NOTE)
        assert found["note"] == "Close did not confirm the new note; it was found afterwards."
        [row] = (await agent("list_changes", changeId=found["changeId"]))["tasks"]
        assert row["message"] == found["note"]
    assert notes(sandbox) == [(LEAD, NOTE)]


async def test_a_note_that_a_firewall_refused_is_looked_for_until_a_late_list_shows_it() -> None:
    time = Time()
    sandbox = close(2, spec_variant=SpecVariant(note_lag=5), clock=time.moment)
    async with agent_on(sandbox, time, clock=time.moment) as agent:
        sandbox.faults = (Fault("html", POST, status=403, commit=True),)
        found = await agent("update_task", id=TASK, addNote=NOTE)
    assert found["note"] == "Close did not confirm the new note; it was found afterwards."
    assert notes(sandbox) == [(LEAD, NOTE)]


@pytest.mark.parametrize("missing", ["id", "note"])
async def test_an_answer_that_is_no_note_is_a_lost_answer(missing: str) -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        sandbox.faults = (Fault("without_field", POST, field=missing),)
        found = await agent("update_task", id=TASK, addNote=NOTE)
        assert found["note"] == "Close did not confirm the new note; it was found afterwards."
        await agent("undo_change", changeId=found["changeId"])
    assert notes(sandbox) == []


async def test_a_lost_note_is_unknown_and_a_found_note_is_reported() -> None:
    time = Time()
    sandbox = close(2, clock=time.moment)
    async with agent_on(sandbox, time) as agent:
        sandbox.faults = (Fault("reset_after", POST),)
        found = await agent("update_task", id=TASK, addNote="one")
        assert found["note"] == "Close did not confirm the new note; it was found afterwards."
        sandbox.faults = (Fault("reset_before", POST),)
        with pytest.raises(Refused, match="did not confirm the write") as lost:
            await agent("update_task", id=TASK, addNote="two")
        assert lost.value.code == "outcome_unknown"
        with pytest.raises(Refused, match="did not confirm the write"):
            await agent("update_task", id=TASK, addNote="two")
        await agent("undo_change", changeId=found["changeId"])
    assert notes(sandbox) == []
    assert posts(sandbox) == 2


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
async def test_an_undo_whose_answer_is_lost_deletes_the_note_once(kind: Any) -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE)
        sandbox.faults = (Fault(kind, DELETE),)
        plan = await agent("undo_change", changeId=done["changeId"], dryRun=True)
        assert plan["difference"][0]["changed"] == {"note": {"from": NOTE, "to": None}}
        undone = await agent("apply_plan", planId=plan["planId"])
        assert undone["changed"] == {"note": {"from": NOTE, "to": None}}
    assert notes(sandbox) == []


LOST_DELETIONS: dict[str, tuple[list[Fault], str | None, bool]] = {
    "lost with its effect, then refused": ([Fault("reset_after", DELETE), fail(403, 2)], None, False),
    "lost, then refused": ([Fault("reset_before", DELETE), fail(403, 2)], "forbidden", True),
    "lost, then 404 of a note that is there": ([Fault("reset_before", DELETE), fail(404, 2)], "outcome_unknown", True),
    "refused": ([fail(403)], "forbidden", True),
    "404 of a note that is there": ([fail(404)], "task_not_found", True),
    "failed twice": ([fail(500), fail(500, 2)], "upstream_error", True),
}


@pytest.mark.parametrize("name", LOST_DELETIONS)
async def test_the_deletion_of_a_note_has_the_results_of_the_deletion_of_a_task(name: str) -> None:
    faults, code, is_there = LOST_DELETIONS[name]
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE)
        sandbox.faults = tuple(faults)
        with nullcontext() if code is None else pytest.raises(Refused) as refused:
            await agent("undo_change", changeId=done["changeId"])
    assert code == (refused.value.code if refused else None)
    assert bool(notes(sandbox)) == is_there


@pytest.mark.parametrize("name", ["refused", "lost, then refused"])
async def test_a_note_that_an_undo_of_several_fields_could_not_delete_has_not_changed(name: str) -> None:
    faults, _, is_there = LOST_DELETIONS[name]
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE, priority="2")
        sandbox.faults = tuple(faults)
        undone = await agent("undo_change", changeId=done["changeId"])
    assert list(undone["changed"]) == ["priority"]
    assert [one["got"] for one in undone["unapplied"]] == [NOTE]
    assert bool(notes(sandbox)) == is_there


async def test_an_undo_says_that_the_note_was_deleted_at_the_same_moment() -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE, priority="2")
        sandbox.faults = (Fault("status", "GET /api/v1/activity/note/{id}", nth=2, status=404),)
        undone = await agent("undo_change", changeId=done["changeId"])
        assert "The note was gone already." in undone["note"]
        assert "priority" in undone["changed"]


async def test_undo_keeps_an_edited_note_and_a_note_of_another_person() -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE)
        [note] = sandbox.state()["notes"]
        stored = sandbox._store.notes  # noqa: SLF001 - as another client has it
        stored[note["id"]] = replace(stored[note["id"]], note="Theirs", user_id=ELENA)
        kept = await agent("undo_change", changeId=done["changeId"])
        assert "edited since" in kept["note"]
        assert kept["unapplied"] == [{"field": "addNote", "asked": None, "got": "Theirs"}]
        assert notes(sandbox) == [(LEAD, "Theirs")]


async def test_a_note_that_is_stored_with_other_blanks_is_the_same_note() -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE)
        [note] = sandbox.state()["notes"]
        stored = sandbox._store.notes  # noqa: SLF001 - as above
        stored[note["id"]] = replace(stored[note["id"]], note=NOTE.replace("\n", "  "))
        await agent("undo_change", changeId=done["changeId"])
    assert notes(sandbox) == []


@pytest.mark.parametrize(
    ("status", "code", "words"), [(400, "upstream_refused", "the value of addNote"), (404, "task_not_found", TASK)]
)
async def test_a_refused_note_has_no_doubtful_outcome_and_names_its_argument(
    status: int, code: str, words: str
) -> None:
    sandbox = close(2, [Fault("status", POST, status=status)])
    async with on_close(sandbox) as backend:
        before, edit = await backend.get_task(TASK), Edit(note=NOTE)
        with pytest.raises(CallerError, match=words) as refused:
            await backend.update_task(before, edit)
        assert refused.value.code == code
        assert await backend.find_notes([before], NOTE, NOW) == {}
        await backend.update_task(before, edit)
    assert notes(sandbox) == [(LEAD, NOTE)]


async def test_a_lost_note_is_not_matched_with_an_equal_one_of_some_minutes_ago() -> None:
    time = Time()
    sandbox = close(2, clock=time.moment)
    async with on_close(sandbox, time, clock=time.moment) as backend:
        before = await backend.get_task(TASK)
        await backend.update_task(before, Edit(note=NOTE))
        time.now += 300  # longer than notes that were written here are remembered
        sandbox.faults = (Fault("reset_before", POST),)
        with pytest.raises(OutcomeUnknown):
            await backend.update_task(before, Edit(note=NOTE))
    assert notes(sandbox) == [(LEAD, NOTE)]


async def test_a_deleted_note_that_a_late_list_still_shows_is_written_again() -> None:
    sandbox = close(2)
    async with agent_on(sandbox) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE)
        noted = dict(sandbox._store.notes)  # noqa: SLF001 - what a list shows that is behind
        await agent("undo_change", changeId=done["changeId"])
        sandbox._store.notes.update(noted)  # noqa: SLF001 - as above
        again = await agent("update_task", id=TASK, addNote=NOTE)
    assert again["changed"]["note"]["to"] == NOTE
    assert posts(sandbox) == 2


async def test_a_lost_note_is_not_claimed_if_two_equal_notes_have_no_known_author() -> None:
    sandbox = close(2)
    async with on_close(sandbox) as one, on_close(sandbox) as other:
        before, edit = await one.get_task(TASK), Edit(note=NOTE)
        await one.update_task(before, edit)
        sandbox.faults = (Fault("reset_after", POST),)
        with pytest.raises(OutcomeUnknown):
            await other.update_task(before, edit)
    assert notes(sandbox) == [(LEAD, NOTE)] * 2


class Unsigned(CloseSandbox):
    """A Close whose notes have a user and no creator."""

    unsigned: tuple[str, ...] = ("created_by",)

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        """The sandbox's answer, without these fields of notes."""
        found = super().answer(call, stale=stale)
        if f"{call.method} {call.path}" != "GET /api/v1/activity/note/":
            return found
        body = json.loads(found.body)
        rows = [{name: value for name, value in one.items() if name not in self.unsigned} for one in body["data"]]
        return Response.of_json(found.status, body | {"data": rows})


class Anonymous(Unsigned):
    """A Close whose notes have neither."""

    unsigned = ("created_by", "user_id")


async def test_a_lost_note_is_found_where_close_does_not_name_who_wrote_it() -> None:
    sandbox = Anonymous(seed=WORLD | {"tasks": [row(1)]}, key=KEY, token=TOKEN, clock=lambda: NOW)
    sandbox.faults = (Fault("reset_after", POST),)
    async with on_close(sandbox) as backend:
        written = await backend.update_task(await backend.get_task(TASK), Edit(note=NOTE))
    assert "it was found afterwards" in str(written.note)
    assert notes(sandbox) == [(LEAD, NOTE)]


@pytest.mark.parametrize("kind", [CloseSandbox, Unsigned])
async def test_a_lost_note_is_not_taken_for_an_equal_one_of_another_user(kind: type[CloseSandbox]) -> None:
    sandbox = kind(seed=WORLD | {"tasks": [row(1)]}, key=KEY, token=TOKEN, clock=lambda: NOW)
    async with on_close(sandbox) as one, on_close(sandbox) as other:
        before, edit = await one.get_task(TASK), Edit(note=NOTE)
        await one.update_task(before, edit)
        [(note_id, note)] = sandbox._store.notes.items()  # noqa: SLF001 - the key has one user
        sandbox._store.notes[note_id] = replace(note, user_id=ANA)  # noqa: SLF001 - as above
        sandbox.faults = (Fault("reset_before", POST),)
        with pytest.raises(OutcomeUnknown):
            await other.update_task(before, edit)


async def test_a_lost_note_is_not_taken_for_the_same_note_of_another_person() -> None:
    sandbox = close(2)
    async with agents_on(sandbox, ["ana@example.com", "luis@example.com"]) as [ana, luis]:
        await ana("update_task", id=TASK, addNote=NOTE)
        sandbox.faults = (Fault("reset_before", POST),)
        with pytest.raises(Refused) as lost:
            await luis("update_task", id=TASK, addNote=NOTE)
    assert lost.value.code == "outcome_unknown"
    assert notes(sandbox) == [(LEAD, NOTE)]


@pytest.mark.parametrize("was_written", [True, False])
async def test_a_note_of_a_process_that_died_is_found_by_its_text(*, was_written: bool, tmp_path: Path) -> None:
    edit = Edit(note=NOTE)
    async with on_close(close(2)) as backend:
        task = await backend.get_task(TASK)
        dead = AppContext(backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
        call = Call(dead, "update_task", arguments={})
        await call.begin(call.new_opening(), [Intent("update", Snapshot(task), edit, edit)])
        assert call.change is not None
        if was_written:
            await backend.update_task(task, edit)
        await dead.journal.aclose()
        app = AppContext(backend, Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
        await recover_abandoned(app)
        found = await app.journal.find(call.change.id)
        assert found is not None
        assert found.outcome == ("applied" if was_written else "unknown")
        result = found.results[0]
        assert result.after is not None
        assert (result.after.note == NOTE) == was_written
        await app.journal.aclose()


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
async def test_a_note_that_another_process_lost_a_moment_ago_is_unknown_and_not_sent(kind: Any, tmp_path: Path) -> None:
    sandbox = close(2, [Fault(kind, POST)], spec_variant=SpecVariant(note_lag=60), clock=Time().moment)
    for number, tool in enumerate(("update_task", "update_task", "complete_task")):
        journal = journal_in(tmp_path)
        async with agent_on(sandbox, journal=journal) as agent:
            with pytest.raises(Refused) as refused:
                await agent(tool, id=TASK, addNote=" " * number + NOTE)
            assert refused.value.code == "outcome_unknown"
        await journal.aclose()
    assert posts(sandbox) == 1


async def test_an_unlisted_note_of_another_process_counts_as_written_until_it_is_undone(tmp_path: Path) -> None:
    sandbox = close(2, spec_variant=SpecVariant(note_lag=60), clock=Time().moment)
    first, second = journal_in(tmp_path), journal_in(tmp_path)
    async with agent_on(sandbox, journal=first) as agent:
        done = await agent("update_task", id=TASK, addNote=NOTE)
    async with agent_on(sandbox, journal=second) as agent:
        again = await agent("update_task", id=task_id(2), addNote=NOTE)
        assert again["note"].startswith("Nothing was written")
        assert notes(sandbox) == [(LEAD, NOTE)]
        await agent("undo_change", changeId=done["changeId"])
        assert notes(sandbox) == []
        await agent("update_task", id=TASK, addNote=NOTE)
        assert notes(sandbox) == [(LEAD, NOTE)]
    await first.aclose()
    await second.aclose()


async def test_a_note_that_another_process_lost_counts_as_written_once_the_list_shows_it(tmp_path: Path) -> None:
    time = Time()
    sandbox = close(2, [Fault("reset_after", POST)], spec_variant=SpecVariant(note_lag=45), clock=time.moment)
    first, second = journal_in(tmp_path), journal_in(tmp_path)
    async with agent_on(sandbox, time, journal=first) as agent:
        with pytest.raises(Refused) as refused:
            await agent("update_task", id=TASK, addNote=NOTE)
        assert refused.value.code == "outcome_unknown"
    time.now += 50
    async with agent_on(sandbox, time, journal=second) as agent:
        assert (await agent("update_task", id=TASK, addNote=NOTE))["note"].startswith("Nothing was written")
    assert posts(sandbox) == 1
    await first.aclose()
    await second.aclose()


async def test_a_note_is_written_once_a_day_and_once_if_it_is_repeated_just_after_midnight() -> None:
    time, note = Time(), TaskPatch(add_note=NOTE)
    sandbox = close(2, clock=time.moment)
    async with (
        serve_sandbox(sandbox) as url,
        sandboxed_app(url, time, timezone="America/Santiago", clock=time.moment) as app,
    ):
        time.now += 12 * 3600 - 60  # a minute before midnight in Santiago
        for pause_s, written in ((300, 1), (12 * 3600, 1), (0, 2)):
            await update_task(Call(app, "update_task"), TASK, note)
            assert posts(sandbox) == written
            time.now += pause_s


async def test_the_second_of_two_processes_that_begin_the_same_note_is_refused(tmp_path: Path) -> None:
    first, second = journal_in(tmp_path), journal_in(tmp_path)
    async with on_close(close(2)) as backend:
        apps = [AppContext(backend, one, lambda: NOW) for one in (Lazy(lambda: first), Lazy(lambda: second))]
        calls = [Call(app, "update_task", arguments={}) for app in apps]
        edits = [Edit(note=NOTE), Edit(note=f" {NOTE}")]
        intents = [
            Intent("update", Snapshot(await backend.get_task(task_id(number))), edit, edit)
            for number, edit in enumerate(edits, start=1)
        ]
        await calls[0].begin(calls[0].new_opening(), intents[:1])
        with pytest.raises(CallerError, match="by another call") as refused:
            await calls[1].begin(calls[1].new_opening(), intents[1:])
        assert (refused.value.code, refused.value.retryable) == ("in_progress", True)
    await first.aclose()
    await second.aclose()


@pytest.mark.parametrize("note_lag", [0, 60])
async def test_the_same_note_is_one_for_one_person_and_two_for_two_people(note_lag: int) -> None:
    sandbox = close(2, spec_variant=SpecVariant(note_lag=note_lag), clock=Time().moment)
    async with agents_on(sandbox, ["ana@example.com", "luis@example.com"]) as [ana, luis]:
        hers = await ana("update_task", id=TASK, addNote=NOTE)
        his = await luis("update_task", id=TASK, addNote=NOTE)
        for agent in (ana, luis, ana, luis):
            assert (await agent("update_task", id=TASK, addNote=NOTE))["note"].startswith("Nothing was written")
        assert notes(sandbox) == [(LEAD, NOTE)] * 2
        [first, second] = [note["id"] for note in sandbox.state()["notes"]]
        await luis("undo_change", changeId=his["changeId"])
        assert [note["id"] for note in sandbox.state()["notes"]] == [first]
        await ana("undo_change", changeId=hers["changeId"])
    assert notes(sandbox) == []
    assert first != second


async def test_a_note_of_another_person_is_not_matched_with_the_note_of_a_dead_process(tmp_path: Path) -> None:
    edit = Edit(note=NOTE)
    async with on_close(close(2)) as backend:
        before = Snapshot(await backend.get_task(TASK))
        dead, living = journal_in(tmp_path), journal_in(tmp_path)
        his = Call(
            AppContext(backend, Lazy(lambda: dead), lambda: NOW), "update_task", Caller(subject="luis@example.com")
        )
        await his.begin(his.new_opening(), [Intent("update", before, edit, edit)])
        app = AppContext(backend, Lazy(lambda: living), lambda: NOW).of_principal(
            Principal(Person.parse("ana@example.com"))
        )
        hers = Call(app, "update_task", Caller(subject="ana@example.com"))
        await update_task(hers, TASK, TaskPatch(add_note=NOTE))
        await dead.aclose()
        await living.aclose()
        later = journal_in(tmp_path)
        await recover_abandoned(AppContext(backend, Lazy(lambda: later), lambda: NOW))
        assert his.change is not None
        found = await later.find(his.change.id)
        assert found is not None
        assert found.outcome == "unknown"
        assert found.results[0].after is not None
        assert found.results[0].after.note != NOTE
        await later.aclose()

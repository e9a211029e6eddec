"""The contract of every journal, in a file and in a database."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import anyio
import pytest

from builders import refused, task
from fixed_clock import NOW, FixedClock
from journal.conftest import Opener
from journal.open_journal import APPLIED, begin, delete_intent, full_change, make_opening, rename_intent, settle
from taskhand.domain.edit import Edit
from taskhand.domain.name_matching import Match
from taskhand.domain.outcome import VOID, Outcome
from taskhand.journal.journal import Caller, ChangeQuery, Claim, Ending, Intent, Journal, Result
from taskhand.journal.masking import MASK

KEY = Claim("key Claude 1", "payload")
VOID_OUTCOMES = sorted(VOID)
OTHER_OUTCOMES: list[Outcome] = ["applied", "unchanged", "unknown", "declined"]


async def listed_ids(journal: Journal, **query: object) -> list[str]:
    """The ids of one page."""
    page = await journal.page(ChangeQuery(**query))  # type: ignore[arg-type]
    return [change.id for change in page.changes]


async def test_a_change_is_found_as_it_was_written(journal: Journal) -> None:
    change_id = await full_change(journal)
    change = await journal.find(change_id)
    assert change
    assert (change.id, change.opening.at, change.opening.tool) == (change_id, NOW, "bulk_update_tasks")
    assert change.opening.caller == Caller("Claude", "1.0")
    assert change.opening.arguments == {"taskIds": ["t-1", "t-2"], "changes": {"title": "Ñandú", "dueDate": None}}
    assert (change.opening.reason, change.opening.plan_id) == ("the customer asked", "plan_0001")
    assert (change.opening.undoes, change.opening.matched) == (
        "chg_0001",
        (Match("status", "listo", "s-2", "Completado"),),
    )
    assert change.opening.claims == (Claim("key Claude 1", "payload", NOW - timedelta(minutes=2)),)
    assert change.ending == Ending("applied", "partly", ("PUT /tasks/t-1 409",), 0.25)
    assert change.outcome == "applied"


async def test_intents_keep_the_exact_task_before_and_the_requested_edit(journal: Journal) -> None:
    change = await journal.find(await full_change(journal))
    assert change
    renaming, deleting, creating = change.intents
    assert renaming == rename_intent("t-1", "Other")
    assert renaming.before
    assert renaming.before.native == {"hs_task_subject": "Call back"}
    assert renaming.before.unknown == {"due"}
    assert (renaming.edit, renaming.asked) == (Edit(title="Other"), Edit(title="Other", priority=1))
    assert deleting == delete_intent("t-2")
    assert creating == Intent("create", edit=Edit(title="One"))


async def test_collects_results_by_the_index_of_their_intent(journal: Journal) -> None:
    change = await journal.find(await full_change(journal))
    assert change
    assert list(change.results.items()) == [
        (0, Result(0, "refused", "t-1", code="conflict")),
        (1, Result(1, "applied", "t-2", note="gone")),
        (2, Result(2, "applied", "t-9", task(id="t-9"))),
    ]


async def test_begin_returns_the_change_that_find_returns(journal: Journal) -> None:
    change = await begin(
        journal, make_opening(arguments={"id": "t-1"}, reason="why"), rename_intent(), delete_intent("t-2")
    )
    assert await journal.find(change.id) == change
    assert change.outcome == "open"


async def test_record_returns_the_change_that_find_returns(journal: Journal) -> None:
    results = [Result(0, "refused", "t-1", code="conflict")]
    change = await journal.record(make_opening(), Ending("refused", "conflict"), [rename_intent()], results)
    assert await journal.find(change.id) == change


async def test_an_instant_is_found_again_in_any_zone(journal: Journal) -> None:
    change = await begin(journal, make_opening(at=NOW.astimezone(timezone(timedelta(hours=-3)))))
    found = await journal.find(change.id)
    assert found
    assert found.opening.at == NOW


async def test_a_native_value_of_an_edit_is_kept_to_the_letter(journal: Journal) -> None:
    native = {"hs_task_priority": "NONE", "n": 1.5, "none": None, "list": [1, {"a": "\x00\ud800\u202e"}]}
    change = await begin(journal, None, Intent("update", rename_intent().before, Edit(priority=0, native=native)))
    found = await journal.find(change.id)
    assert found
    assert found.intents[0].edit
    assert found.intents[0].edit.native == native


async def test_a_refused_call_is_journaled_with_its_code(journal: Journal) -> None:
    change = await journal.record(make_opening(arguments={"title": ""}), Ending("refused", "empty_title"))
    assert change.id.startswith("chg_")
    assert await listed_ids(journal) == [change.id]
    found = await journal.find(change.id)
    assert found
    assert (found.outcome, found.ending and found.ending.code) == ("refused", "empty_title")


async def test_the_id_of_a_plan_begins_with_plan(journal: Journal) -> None:
    plan = await journal.record(make_opening(), Ending("planned"), [rename_intent()])
    assert plan.id.startswith("plan_")
    found = await journal.find(plan.id)
    assert found
    assert found.intents == (rename_intent(),)


async def test_an_id_that_is_taken_is_not_given_again(opens: Opener) -> None:
    given = iter(["one", "one", "two"])
    async with opens(new_id=lambda *_: next(given)) as journal:
        assert [await settle(journal), await settle(journal)] == ["one", "two"]


async def test_ids_are_counted_on_when_the_journal_is_opened_again(opens: Opener) -> None:
    async with opens() as journal:
        first = [await settle(journal), await settle(journal)]
    async with opens() as again:
        assert [*first, await settle(again)] == ["chg_0001", "chg_0002", "chg_0003"]


async def test_find_returns_none_for_an_unknown_id(journal: Journal) -> None:
    assert await journal.find("chg_0001") is None


async def test_intents_can_be_revised_also_to_none(journal: Journal) -> None:
    change = await begin(journal, None, rename_intent(), rename_intent("t-2"))
    for intents in ((rename_intent("t-1", "Other"),), ()):
        await journal.revise(change.id, intents)
        found = await journal.find(change.id)
        assert found
        assert found.intents == intents


async def test_the_later_of_two_results_and_of_two_endings_counts(journal: Journal) -> None:
    change = await begin(journal)
    for outcome in ("refused", "unknown"):
        await journal.settle(change.id, [Result(0, outcome, "t-1")], Ending(outcome))
    await journal.settle(change.id, [Result(0, "applied", "t-1")], APPLIED)
    found = await journal.find(change.id)
    assert found
    assert (found.results, found.outcome) == ({0: Result(0, "applied", "t-1")}, "applied")
    assert await listed_ids(journal, outcome="unknown") == []
    assert await listed_ids(journal, outcome="applied") == [change.id]


async def test_each_account_sees_only_its_own_changes(opens: Opener) -> None:
    async with opens() as journal_a, opens(account_name="vambe https://api.vambe.me") as journal_b:
        ours, theirs = (
            await settle(journal_a, make_opening("update_task", KEY)),
            await settle(journal_b, make_opening("update_task", KEY)),
        )
        assert (await listed_ids(journal_a), await listed_ids(journal_b)) == ([ours], [theirs])
        assert await listed_ids(journal_a, task_id="t-1") == [ours]
        assert await journal_a.find(theirs) is None
        assert await journal_b.find(ours) is None


async def test_changes_are_listed_newest_first_also_when_the_clock_stands_still(journal: Journal) -> None:
    made = [await settle(journal) for _ in range(5)]
    assert await listed_ids(journal) == made[::-1]


async def test_pages_continue_where_they_ended_whatever_is_written_meanwhile(journal: Journal) -> None:
    made = [await settle(journal) for _ in range(5)]
    first = await journal.page(ChangeQuery(limit=2))
    await settle(journal)
    second = await journal.page(ChangeQuery(limit=2, after=first.cursor))
    last = await journal.page(ChangeQuery(limit=2, after=second.cursor))
    seen = [change.id for page in (first, second, last) for change in page.changes]
    assert seen == made[::-1]
    assert last.cursor is None


async def test_a_page_that_is_just_full_is_the_last_one(journal: Journal) -> None:
    for _ in range(2):
        await settle(journal)
    assert (await journal.page(ChangeQuery(limit=2))).cursor is None


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "٣", "9" * 30, "1 OR 1"])
async def test_an_invalid_cursor_is_refused(journal: Journal, cursor: str) -> None:
    with refused("invalid_cursor"):
        await journal.page(ChangeQuery(after=cursor))


async def test_changes_are_found_by_each_task_that_they_touch(journal: Journal) -> None:
    both = await begin(journal, None, rename_intent("t-1"), rename_intent("t-2"))
    made = await begin(journal, make_opening("create_task"), Intent("create", edit=Edit(title="One")))
    await journal.settle(made.id, [Result(0, "applied", "t-3", task(id="t-3"))], APPLIED)
    planned = await journal.record(make_opening(), Ending("planned"), [rename_intent("t-2")])
    assert await listed_ids(journal, task_id="t-1") == [both.id]
    assert await listed_ids(journal, task_id="t-2") == [planned.id, both.id]
    assert await listed_ids(journal, task_id="t-3") == [made.id]
    assert await listed_ids(journal, task_id="t-4") == []


async def test_changes_are_found_by_tool_outcome_and_time(journal: Journal) -> None:
    renamed = await settle(journal, make_opening("update_task", at=NOW))
    deleted = await settle(journal, make_opening("delete_task", at=NOW + timedelta(hours=1)), "unknown")
    still = await begin(journal, make_opening("update_task", at=NOW + timedelta(hours=2)))
    assert await listed_ids(journal, tool="update_task") == [still.id, renamed]
    assert await listed_ids(journal, outcome="unknown") == [deleted]
    assert await listed_ids(journal, outcome="open") == [still.id]
    assert await listed_ids(journal, since=NOW + timedelta(hours=1)) == [still.id, deleted]
    assert await listed_ids(journal, until=NOW + timedelta(hours=1)) == [deleted, renamed]
    assert await listed_ids(journal, tool="update_task", since=NOW, until=NOW, outcome="applied") == [renamed]


async def test_the_first_and_last_moments_of_the_calendar_can_be_filtered(journal: Journal) -> None:
    change_id = await settle(journal)
    east, west = (timezone(timedelta(hours=hours)) for hours in (14, -12))
    first, last = datetime.min.replace(tzinfo=east), datetime.max.replace(tzinfo=west)
    assert await listed_ids(journal, since=first, until=last) == [change_id]
    assert await listed_ids(journal, since=last) == []


async def test_returns_the_earlier_change_and_writes_nothing_where_the_claim_is_held(journal: Journal) -> None:
    first = await begin(journal, make_opening("create_task", KEY))
    second, is_new = await journal.begin(
        make_opening("create_task", replace(KEY, payload="other")), [rename_intent("t-2")]
    )
    assert (second, is_new) == (first, False)
    assert second.opening.claims == (KEY,)
    assert await listed_ids(journal) == [first.id]


@pytest.mark.parametrize("outcome", OTHER_OUTCOMES)
async def test_a_claim_of_a_change_that_is_over_is_held(journal: Journal, outcome: Outcome) -> None:
    first = await settle(journal, make_opening("create_task", KEY), outcome)
    second, is_new = await journal.begin(make_opening("create_task", KEY), [])
    assert (second.id, is_new) == (first, False)


@pytest.mark.parametrize("outcome", VOID_OUTCOMES)
async def test_a_claim_of_a_void_change_may_be_made_again(journal: Journal, outcome: Outcome) -> None:
    await settle(journal, make_opening("create_task", KEY), outcome)
    third = await begin(journal, make_opening("create_task", KEY))
    assert (await journal.begin(make_opening("create_task", KEY), []))[0] == third


async def test_a_change_whose_tasks_were_all_refused_is_void_whatever_its_outcome(journal: Journal) -> None:
    change = await begin(journal, make_opening("create_task", KEY), rename_intent("t-1"), rename_intent("t-2"))
    await journal.settle(change.id, [Result(0, "refused"), Result(1, "not_attempted")], Ending("unknown"))
    await begin(journal, make_opening("create_task", KEY))


async def test_a_change_that_wrote_one_of_two_tasks_is_not_void_whatever_its_outcome(journal: Journal) -> None:
    change = await begin(journal, make_opening("create_task", KEY), rename_intent("t-1"), rename_intent("t-2"))
    await journal.settle(change.id, [Result(0, "applied"), Result(1, "refused")], Ending("refused"))
    assert not (await journal.begin(make_opening("create_task", KEY), []))[1]


async def test_a_change_with_a_refused_task_and_one_without_a_result_is_not_void(journal: Journal) -> None:
    change = await begin(journal, make_opening("create_task", KEY), rename_intent(), rename_intent("t-2"))
    await journal.settle(change.id, [Result(0, "refused", "t-1")], Ending("unknown"))
    held = await journal.holder([KEY])
    assert held is not None
    assert held.id == change.id


async def test_finds_results_in_the_order_of_their_intents(journal: Journal) -> None:
    change = await begin(journal, None, rename_intent(), rename_intent("t-2"))
    for index in (1, 0):
        await journal.settle(change.id, [Result(index, "applied")])
    found = await journal.find(change.id)
    assert found is not None
    assert list(found.results) == [0, 1]


async def test_the_first_question_to_a_journal_finds_the_holder_of_a_claim(opens: Opener) -> None:
    async with opens() as first:
        change = await begin(first, make_opening("create_task", KEY))
    async with opens() as second:
        assert await second.holder([KEY]) == change


async def test_the_newest_of_several_changes_with_one_claim_is_its_holder(journal: Journal) -> None:
    later = NOW + timedelta(minutes=5)
    older = await begin(journal, make_opening("create_task", KEY))
    newer = await begin(journal, make_opening("create_task", replace(KEY, since=later), at=later))
    assert older.id != newer.id
    assert await journal.holder([KEY]) == newer


async def test_an_older_change_holds_a_claim_that_a_newer_void_one_made_too(journal: Journal) -> None:
    later = NOW + timedelta(minutes=5)
    older = await settle(journal, make_opening("create_task", KEY))
    await settle(journal, make_opening("create_task", replace(KEY, since=later), at=later), "refused")
    held = await journal.holder([KEY])
    assert held is not None
    assert held.id == older


async def test_a_claim_since_a_time_counts_only_changes_from_then_on(journal: Journal) -> None:
    first = await settle(journal, make_opening("create_task", KEY, at=NOW))
    just, later = (replace(KEY, since=NOW + timedelta(seconds=s)) for s in (0, 1))
    assert (await journal.begin(make_opening("create_task", just, at=NOW), []))[0].id == first
    await begin(journal, make_opening("create_task", later, at=NOW))


async def test_one_of_several_claims_is_enough(journal: Journal) -> None:
    one, other = Claim("same a", "a"), Claim("same b", "b")
    first = await settle(journal, make_opening("create_task", other))
    assert (await journal.begin(make_opening("create_task", one, other), []))[0].id == first
    assert (await journal.begin(make_opening("create_task", one), []))[1]


async def test_a_new_process_finds_the_change_that_holds_a_claim(opens: Opener) -> None:
    async with opens() as earlier:
        change_id = await settle(earlier, make_opening("create_task", KEY))
    async with opens() as journal:
        held = await journal.holder([KEY])
    assert held is not None
    assert held.id == change_id


async def test_a_recorded_change_makes_no_claim(journal: Journal) -> None:
    await journal.record(make_opening("create_task", KEY), APPLIED)
    await begin(journal, make_opening("create_task", KEY))


async def test_of_calls_at_the_same_moment_one_gets_the_claim(opens: Opener) -> None:
    answers = []

    async def ask(journal: Journal) -> None:
        answers.append(await journal.begin(make_opening("create_task", KEY), [rename_intent()]))

    async with opens() as journal_a, opens() as journal_b, anyio.create_task_group() as tasks:
        for journal in (journal_a, journal_b) * 4:
            tasks.start_soon(ask, journal)
    assert sorted(is_new for _, is_new in answers) == [False] * 7 + [True]
    assert len({change.id for change, _ in answers}) == 1


async def test_an_open_change_of_a_living_process_is_not_abandoned(opens: Opener) -> None:
    async with opens() as journal_a, opens() as journal_b:
        await begin(journal_a)
        assert (await journal_a.abandoned_changes(), await journal_b.abandoned_changes()) == ((), ())


async def test_an_open_change_is_abandoned_when_its_process_is_gone(opens: Opener) -> None:
    async with opens() as gone:
        first, over = await begin(gone), await settle(gone)
        second = await begin(gone, None, delete_intent())
    async with opens() as journal:
        assert await journal.abandoned_changes() == (first, second)
        assert over not in {change.id for change in await journal.abandoned_changes()}
        await journal.settle(first.id, [Result(0, "not_applied")], Ending("not_applied"))
        assert await journal.abandoned_changes() == (second,)
        await journal.settle(second.id, [], Ending("unknown"))
        assert await journal.abandoned_changes() == ()


async def test_one_process_takes_over_abandoned_changes_and_another_one_after_it(opens: Opener) -> None:
    async with opens() as gone:
        change = await begin(gone)
    async with opens() as late:
        async with opens() as first:
            assert await first.abandoned_changes() == (change,)
            assert await late.abandoned_changes() == ()
        assert await late.abandoned_changes() == (change,)


async def test_another_place_leaves_abandoned_changes_to_their_own(opens: Opener) -> None:
    async with opens() as gone:
        change = await begin(gone)
    async with opens(account_name="vambe https://api.vambe.me") as elsewhere, opens() as journal:
        assert await elsewhere.abandoned_changes() == ()
        assert await journal.abandoned_changes() == (change,)


async def test_a_change_may_be_begun_after_the_journal_was_closed(opens: Opener) -> None:
    async with opens() as journal, opens() as other:
        await settle(journal)
        await journal.aclose()
        change = await begin(journal)
        assert await other.abandoned_changes() == ()
        assert await journal.find(change.id) == change


async def test_masks_credentials_in_arguments_reason_and_the_text_of_tasks_and_returns_the_change_as_it_is(
    opens: Opener,
) -> None:
    text = "the key is s3cr3t-value"
    async with opens(secrets=["s3cr3t-value"]) as journal:
        change = await begin(journal, make_opening(arguments={"title": text}, reason=text), rename_intent("t-1", text))
        assert change.opening.arguments == {"title": "the key is [secret]"}
        assert change.opening.reason == "the key is [secret]"
        assert change.intents[0].edit == Edit(title=text)
        found = await journal.find(change.id)
        await journal.revise(change.id, [rename_intent("t-1", f"{text}, too")])
        revised = await journal.find(change.id)
    assert found is not None
    assert revised is not None
    assert found.intents[0].edit == Edit(title=f"the key is {MASK}")
    assert revised.intents[0].edit == Edit(title=f"the key is {MASK}, too")
    assert found.opening == change.opening


async def test_a_call_that_is_journaled_with_its_end_has_its_credentials_masked_and_its_long_texts_cut(
    journal: Journal,
) -> None:
    opening = make_opening(
        arguments={"title": "use sk-abc1234567890", "description": "x" * 300},
        reason="Bearer abc.DEF-123_456",
        caller=Caller("sk-abc1234567890", "v sk-abc1234567890"),
    )
    change = await journal.record(opening, Ending("refused", "not_allowed"))
    assert change.opening.arguments == {"title": f"use {MASK}", "description": f"{'x' * 200}… (100 more characters)"}
    assert change.opening.reason == MASK
    assert change.opening.caller == Caller(MASK, f"v {MASK}")
    assert await journal.find(change.id) == change


async def test_each_row_has_the_time_at_which_it_was_written(journal: Journal, clock: FixedClock) -> None:
    change = await begin(journal, make_opening(at=clock()))
    clock.move(minutes=5)
    await journal.settle(change.id, [], APPLIED)
    assert await listed_ids(journal, since=clock()) == []


async def test_masks_the_task_id_of_a_refused_call_and_keeps_that_of_a_written_task(journal: Journal) -> None:
    task_id = "sk-abc1234567890"
    change = await begin(journal, None, rename_intent(), rename_intent())
    await journal.settle(change.id, [Result(0, "applied", task_id), Result(1, "refused", task_id)], APPLIED)
    found = await journal.find(change.id)
    assert found is not None
    assert [one.task_id for one in found.results.values()] == [task_id, MASK]


async def test_a_resumed_change_is_open_again_only_for_the_intents_it_resumes(
    journal: Journal,
) -> None:
    started = await begin(journal, None, rename_intent(), rename_intent("t-2"))
    results = [Result(0, "applied", "t-1"), Result(1, "not_attempted", "t-2")]
    await journal.settle(started.id, results, APPLIED)
    ended = await journal.find(started.id)
    assert ended
    assert ended.ended_at == NOW
    resumed, is_new = await journal.resume(ended, [1])
    assert is_new
    assert (resumed.outcome, resumed.ended_at, list(resumed.results)) == ("open", None, [0])
    assert await journal.find(started.id) == resumed
    assert await listed_ids(journal, outcome="open") == [started.id]
    assert await listed_ids(journal, outcome="applied") == []
    await journal.settle(started.id, [Result(1, "applied", "t-2")], APPLIED)
    done = await journal.find(started.id)
    assert done
    assert (done.outcome, [one.outcome for one in done.results.values()]) == ("applied", ["applied", "applied"])


async def test_only_one_of_two_processes_resumes_a_change(journal: Journal, opens: Opener) -> None:
    started = await begin(journal, None, rename_intent(), rename_intent("t-2"))
    await journal.settle(started.id, [Result(1, "not_attempted", "t-2")], APPLIED)
    seen = await journal.find(started.id)
    assert seen
    async with opens() as other:
        current, is_new = await other.resume(seen, [1])
        assert is_new
        for indexes in ([0], [1]):
            assert (await journal.resume(seen, indexes))[1] is False
        await other.settle(started.id, [Result(1, "applied", "t-2")], APPLIED)
        current, is_new = await journal.resume(seen, [1])
    assert (is_new, current.results[1].outcome) == (False, "applied")


async def test_a_resumed_change_whose_process_dies_is_abandoned_with_its_resumed_tasks(
    journal: Journal, opens: Opener
) -> None:
    started = await begin(journal, None, rename_intent(), rename_intent("t-2"))
    await journal.settle(started.id, [Result(0, "applied", "t-1"), Result(1, "not_attempted", "t-2")], APPLIED)
    seen = await journal.find(started.id)
    assert seen
    async with opens() as dying:
        await dying.resume(seen, [1])
    (left,) = await journal.abandoned_changes()
    assert (left.id, left.outcome, list(left.results)) == (started.id, "open", [0])


async def test_a_list_of_one_persons_changes_has_these_alone_on_every_page(journal: Journal) -> None:
    persons = ("ana", "bob", None)
    made: dict[str | None, list[str]] = {who: [] for who in persons}
    for number in range(9):
        who = persons[number % 3]
        made[who].append(await settle(journal, make_opening(caller=Caller("Claude", "1", who)), task_id=f"t-{number}"))
    first = await journal.page(ChangeQuery(limit=2, subject="ana"))
    assert [one.id for one in first.changes] == made["ana"][:0:-1]
    last = await journal.page(ChangeQuery(limit=2, subject="ana", after=first.cursor))
    assert ([one.id for one in last.changes], last.cursor) == (made["ana"][:1], None)
    assert await listed_ids(journal, subject="bob", task_id="t-1") == made["bob"][:1]
    assert await listed_ids(journal, subject="bob", task_id="t-0") == []
    assert await listed_ids(journal, subject="eve") == []
    assert await listed_ids(journal, subject="ana", since=NOW, limit=2) == made["ana"][:0:-1]
    assert await listed_ids(journal, subject="ana", since=NOW + timedelta(seconds=1)) == []
    assert len(await listed_ids(journal)) == 9

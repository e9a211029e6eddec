"""Faults of HubSpot: nothing is written twice, every reported outcome is true, and no secret leaks."""

import json
import logging
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest

from backends.hubspot.sandboxed_app import (
    ANA,
    BRUNO,
    CAROLINA,
    ELENA,
    KEY,
    Account,
    Time,
    hubspot,
    row,
    seed,
    served,
    task_id,
)
from taskhand.backends.hubspot.errors import MESSAGES as HUBSPOT
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OutcomeUnknown, TaskhandError, UpstreamError
from taskhand.domain.task import Task
from taskhand.domain.task_query import TaskQuery
from taskhand.http.upstream import Limits
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant
from taskhand.sandbox.messages import ReceivedRequest, Response

OPEN = ("burst=0", "searches=0", "search_lag=0")
TASKS = "/crm/v3/objects/tasks"
POST, PATCH, GET = f"POST {TASKS}", f"PATCH {TASKS}/{{id}}", f"GET {TASKS}/{{id}}"
SEARCH, LINK = f"POST {TASKS}/search", "PUT /crm/v4/objects/{kind}/{id}/associations/default/{to}/{toId}"
EVER: dict[str, Any] = {"nth": "every"}

READS = (f"POST {TASKS}/batch/read", "POST /crm/v4/associations/{kind}/{to}/batch/read", SEARCH)

APPLIED, SENT_AGAIN, FOUND = HUBSPOT.applied, HUBSPOT.sent_again, HUBSPOT.found

FAULTS: dict[str, tuple[Fault, ...]] = {
    "429": (Fault("status", status=429),),
    "429 for ever": (Fault("status", status=429, **EVER),),
    "401": (Fault("status", status=401),),
    "403": (Fault("status", status=403),),
    "423": (Fault("status", status=423),),
    "500": (Fault("status", status=500),),
    "500 after commit": (Fault("status", status=500, commit=True),),
    "502": (Fault("status", status=502),),
    "502 for ever": (Fault("status", status=502, **EVER),),
    "503": (Fault("status", status=503),),
    "504 after commit": (Fault("status", status=504, commit=True),),
    "524 after commit": (Fault("status", status=524, commit=True),),
    "reset before commit": (Fault("reset_before"),),
    "reset after commit": (Fault("reset_after"),),
    "reset before, for ever": (Fault("reset_before", **EVER),),
    "slow, committed": (Fault("slow"),),
    "slow, not committed": (Fault("slow", commit=False),),
    "cut off": (Fault("truncated"),),
    "a page": (Fault("html", status=200, commit=True),),
    "empty": (Fault("empty_body"),),
    "not JSON": (Fault("not_json"),),
    "redirect": (Fault("redirect"),),
}
ROUTES = {"create": POST, "create linked": POST, "update": PATCH, "link": LINK, "get": GET, "list": SEARCH}
EDIT = Edit(title="New", due=Due.instant(Time().moment(), "America/Santiago"), responsible_ids=(ANA,), priority=2)


async def make_call(crm: Account, what: str, before: Task) -> tuple[object, str | None]:
    """What the call answers, and the note with it."""
    match what:
        case "create":
            made = await crm.backend.create_task(EDIT)
        case "create linked":
            made = await crm.backend.create_task(linking_edit())
        case "update":
            made = await crm.backend.update_task(before, EDIT)
        case "link":
            made = await crm.backend.update_task(before, Edit(title="New", ai_contact_id=CAROLINA))
        case "get":
            return await crm.backend.get_task(before.id), None
        case _:
            return await crm.backend.list_tasks(TaskQuery(responsible_ids=(ELENA,))), None
    return made.task, made.note


def linking_edit() -> Edit:
    return replace(EDIT, ai_contact_id=CAROLINA)


def is_as_requested(what: str, task: Task) -> bool:
    """Whether a task is as the call asked for."""
    edits = {
        "create": EDIT,
        "create linked": linking_edit(),
        "update": EDIT,
        "link": Edit(title="New", ai_contact_id=CAROLINA),
    }
    return not list(edits[what].unmet_by(task, written=True).given_fields())


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("what", ROUTES)
async def test_a_fault_leaves_the_data_and_the_reported_outcome_consistent(
    what: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    time = Time()
    limits = Limits(read_s=0.2) if "slow" in fault else None
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time, limits=limits) as crm:
        before = await crm.backend.get_task(task_id(1))
        await crm.backend.statuses()
        state = crm.hubspot.state()
        crm.hubspot.clear_requests()
        crm.hubspot.faults = [fault_at(one, ROUTES[what]) for one in FAULTS[fault]]
        error: TaskhandError | None = None
        answer: object = None
        try:
            answer, _ = await make_call(crm, what, before)
        except TaskhandError as raised:
            error = raised
        crm.hubspot.faults = []
        posts = [one for one in crm.hubspot.requests if one.route == POST]
        added = len(crm.hubspot.state()["tasks"]) - len(state["tasks"])
        assert sum(one.committed for one in posts) == added <= 1
        if isinstance(answer, Task) and what in {"create", "create linked", "update", "link"}:
            assert is_as_requested(what, answer)
            assert await crm.backend.get_task(answer.id) == answer
        if error is not None:
            assert error.next_step
            assert KEY not in str((error.message, error.next_step, error.candidates))
            if error.code not in {"outcome_unknown", "upstream_invalid"}:
                assert same(crm.hubspot.state(), state)
        assert sum(time.slept) < 60
    assert KEY not in caplog.text
    assert not any(KEY in str(record.__dict__) for record in caplog.records)


def fault_at(fault: Fault, route: str) -> Fault:
    return replace(fault, route=route)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether nothing that a user could see has changed; calculated moments may."""

    def plain(state: dict[str, Any]) -> object:
        tasks = [(task["id"], task["properties"].get("hs_task_subject"), task["archived"]) for task in state["tasks"]]
        return tasks, state["links"]

    return plain(one) == plain(other)


@pytest.mark.parametrize(
    ("what", "fault", "expected"),
    [
        ("update", "504 after commit", APPLIED),
        ("update", "reset before commit", SENT_AGAIN),
        ("update", "cut off", APPLIED),
        ("create", "reset after commit", FOUND),
        ("create linked", "524 after commit", FOUND),
        ("create", "not JSON", FOUND),
        ("update", "503", None),
        ("create", "429", None),
    ],
)
async def test_a_note_explains_how_an_outcome_was_learned(what: str, fault: str, expected: str | None) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = [fault_at(one, ROUTES[what]) for one in FAULTS[fault]]
        _, note = await make_call(crm, what, before)
        assert note == expected


@pytest.mark.parametrize("what", ["create", "create linked"])
async def test_a_lost_new_task_is_found_though_the_search_is_behind(what: str) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=("burst=0", "searches=0", "search_lag=5")), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = [Fault("reset_after", POST)]
        task, note = await make_call(crm, what, before)
        assert note == FOUND
        assert isinstance(task, Task)
        assert time.slept == ([2.0, 5.0] if what == "create" else [])


@pytest.mark.parametrize("commit", [True, False])
async def test_a_new_task_that_a_firewall_refused_is_looked_for_until_the_search_may_show_it(*, commit: bool) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=("burst=0", "searches=0", "search_lag=5")), time) as crm:
        crm.hubspot.faults = [Fault("html", POST, status=403, commit=commit)]
        with nullcontext() if commit else pytest.raises(UpstreamError, match="A web page was received"):
            assert (await crm.backend.create_task(EDIT)).note == FOUND
        assert time.slept == [2.0, 5.0]


async def test_a_batch_of_new_tasks_that_a_proxy_refused_is_not_made_twice_though_the_search_is_behind() -> None:
    time = Time()
    async with served(hubspot(time, seed(0), spec_variant=("burst=0", "searches=0", "search_lag=5")), time) as crm:
        crm.hubspot.faults = [Fault("status", f"{POST}/batch/create", status=400, body="Bad request", commit=True)]
        edits = [replace(EDIT, title=title) for title in ("New A", "New B")]
        made = [one.written for one in await crm.backend.create_tasks(edits) if one.written]
        assert [(one.task.title, one.note) for one in made] == [("New A", FOUND), ("New B", FOUND)]
        assert len((await crm.backend.list_tasks(TaskQuery())).tasks) == len(edits)


@pytest.mark.parametrize("fault", [Fault("status", status=500), Fault("reset_after"), Fault("truncated")])
@pytest.mark.parametrize("route", READS)
async def test_a_read_by_post_is_retried(route: str, fault: Fault) -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        crm.hubspot.faults = [replace(fault, route=route)]
        assert len(await crm.backend.snapshots([task_id(1), task_id(2)])) == 2
        assert len((await crm.backend.list_tasks(TaskQuery())).tasks) == 2
        assert [one.route for one in crm.hubspot.requests].count(route) >= 2


async def test_a_lost_new_task_is_found_among_the_newest_tasks_of_a_contact_with_very_many() -> None:
    time = Time()
    world = seed(rows=[row(number, {"contacts": [CAROLINA]}) for number in range(1, 102)])
    async with served(hubspot(time, world, spec_variant=("burst=0", "searches=0", "search_lag=30")), time) as crm:
        crm.hubspot.faults = [Fault("reset_after", POST)]
        assert (await crm.backend.create_task(linking_edit())).note == FOUND


async def test_equal_lost_new_tasks_of_several_contacts_are_found_although_one_contact_has_very_many() -> None:
    time = Time()
    world = seed(rows=[row(number, {"contacts": [CAROLINA]}) for number in range(1, 102)])
    async with served(hubspot(time, world, spec_variant=("burst=0", "searches=0", "search_lag=30")), time) as crm:
        crm.hubspot.faults = [Fault("reset_after", f"{POST}/batch/create")]
        edits = [replace(linking_edit(), ai_contact_id=one) for one in (CAROLINA, BRUNO)]
        made = [one.written for one in await crm.backend.create_tasks(edits) if one.written]
        assert [(one.task.ai_contact_id, one.note) for one in made] == [(CAROLINA, FOUND), (BRUNO, FOUND)]


async def test_a_lost_new_task_is_not_the_equal_one_of_another_contact() -> None:
    time = Time()
    sandbox = hubspot(time, seed(0), spec_variant=OPEN)
    async with served(sandbox, time) as other, served(sandbox, time) as crm:
        await other.backend.create_task(linking_edit())
        sandbox.faults = [Fault("reset_before", POST)]
        with pytest.raises(OutcomeUnknown) as unknown:
            await crm.backend.create_task(replace(linking_edit(), ai_contact_id=BRUNO))
        assert list(unknown.value.candidates) == []


class _Linkless(HubSpotSandbox):
    """Answers the links of many tasks without the linked ids."""

    def answer(self, request: ReceivedRequest, *, stale: bool) -> Response:
        found = super().answer(request, stale=stale)
        return (
            Response.of_json(found.status, json.loads(found.body.replace(b'"to"', b'"of"')))
            if ("/associations/" in request.path)
            else found
        )


async def test_a_refused_new_task_that_was_made_is_found_although_its_links_cannot_be_read() -> None:
    time = Time()
    sandbox = _Linkless(seed=seed(0), token=KEY, clock=time.moment, spec_variant=SpecVariant.parse(OPEN))
    async with served(sandbox, time) as crm:
        sandbox.faults = [Fault("status", POST, status=409, commit=True)]
        assert (await crm.backend.create_task(linking_edit())).note == FOUND


async def test_a_lost_new_task_is_not_the_equal_one_of_another_call_that_is_being_read_back() -> None:
    time = Time()
    async with served(hubspot(time, seed(0), spec_variant=OPEN), time) as crm:
        await crm.backend.statuses()
        crm.hubspot.faults = [Fault("reset_before", POST, nth=2), Fault("slow", GET, seconds=0.1)]
        outcomes: list[str] = []

        async def create() -> None:
            try:
                outcomes.append((await crm.backend.create_task(EDIT)).task.id)
            except OutcomeUnknown:
                outcomes.append("unknown")

        async with anyio.create_task_group() as group:
            group.start_soon(create)
            group.start_soon(create)
        [task] = crm.hubspot.tasks
        assert sorted(outcomes) == [task["id"], "unknown"]


async def test_a_lost_new_task_that_is_not_found_is_in_doubt_and_never_sent_again() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=("burst=0", "searches=0", "search_lag=30")), time) as crm:
        crm.hubspot.faults = [Fault("reset_after", POST)]
        with pytest.raises(TaskhandError) as unknown:
            await crm.backend.create_task(EDIT)
        assert unknown.value.code == "outcome_unknown"
        assert crm.sent.count(POST) == 1


async def test_an_update_that_cannot_be_read_back_is_reported_as_hubspot_confirmed_it() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = [Fault("status", GET, status=500, nth="every")]
        written = await crm.backend.update_task(before, EDIT)
        assert is_as_requested("update", written.task)
        assert written.note is not None
        assert "could not be read back" in written.note


async def test_a_partly_confirmed_update_that_cannot_be_read_back_has_an_unknown_outcome() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=(*OPEN, "update_shows=changed")), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = [Fault("status", GET, status=500, nth="every")]
        with pytest.raises(OutcomeUnknown):
            await crm.backend.update_task(before, Edit(title=str(before.title), priority=2))


async def test_a_new_link_that_cannot_be_read_back_leaves_the_outcome_unknown() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = [Fault("status", GET, status=500, nth=2, times=99)]  # the first one reads the links
        with pytest.raises(OutcomeUnknown):
            await crm.backend.update_task(before, Edit(title="New", ai_contact_id=CAROLINA))


async def test_a_used_up_daily_limit_is_reported_without_waiting() -> None:
    time = Time()
    async with served(hubspot(time, seed(2), spec_variant=("burst=0", "searches=0", "daily=4")), time) as crm:
        await crm.backend.get_task(task_id(1))
        with pytest.raises(TaskhandError) as refused:
            await crm.backend.account.find_contacts("Carolina", 5)
        assert refused.value.code == "rate_limited"
        assert refused.value.retry_after_s is not None
        assert refused.value.retry_after_s > 600
        assert time.slept == []


@pytest.mark.parametrize("ahead_s", [0, 60, -60])
async def test_an_earlier_task_like_the_lost_one_is_named_and_not_claimed(ahead_s: int) -> None:
    time = Time()
    sandbox = elsewhere(time, ahead_s)
    async with served(sandbox, time) as other, served(sandbox, time) as crm:
        theirs = (await other.backend.create_task(EDIT)).task
        time.now += 30
        sandbox.faults = [Fault("reset_before", POST)]
        with pytest.raises(OutcomeUnknown) as unknown:
            await crm.backend.create_task(EDIT)
        assert [one.value for one in unknown.value.candidates] == [theirs.id]


@pytest.mark.parametrize("ahead_s", [0, 60, -60, 600, -600])
async def test_a_lost_new_task_is_found_whatever_hubspots_clock_says(ahead_s: int) -> None:
    time = Time()
    sandbox = elsewhere(time, ahead_s)
    async with served(sandbox, time) as crm:
        sandbox.faults = [Fault("reset_after", POST)]
        made = await crm.backend.create_task(EDIT)
        assert (made.task.title, made.note) == ("New", FOUND)


def elsewhere(time: Time, ahead_s: int) -> HubSpotSandbox:
    """A HubSpot whose clock is not ours."""
    ahead = timedelta(seconds=ahead_s)
    return HubSpotSandbox(
        seed=seed(1), token=KEY, clock=lambda: time.moment() + ahead, spec_variant=SpecVariant.parse(OPEN)
    )


async def test_a_change_lost_twice_that_does_not_show_is_reported_as_not_applied() -> None:
    time = Time()
    world = seed(rows=[row(1, {"contacts": [CAROLINA]})])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        state = crm.hubspot.state()
        crm.hubspot.faults = [Fault("reset_before", PATCH, **EVER)]
        with pytest.raises(UpstreamError, match="not applied") as lost:
            await crm.backend.update_task(before, Edit(title="New", ai_contact_id=BRUNO))
        assert (lost.value.code, lost.value.retryable) == ("upstream_error", True)
        assert crm.hubspot.state() == state


async def test_an_update_with_an_unknown_outcome_names_the_new_link() -> None:
    time = Time()
    world = seed(rows=[row(1, {"contacts": [CAROLINA]})])
    async with served(hubspot(time, world, spec_variant=OPEN), time) as crm:
        before = await crm.backend.get_task(task_id(1))
        unreadable = [Fault("status", GET, status=500, nth=nth) for nth in range(2, 20)]
        crm.hubspot.faults = [Fault("reset_before", PATCH, **EVER), *unreadable]
        with pytest.raises(OutcomeUnknown) as unknown:
            await crm.backend.update_task(before, Edit(title="New", ai_contact_id=BRUNO))
        assert unknown.value.next_step is not None
        assert f"newly linked to contacts {BRUNO}" in unknown.value.message


async def test_a_new_link_whose_requests_were_not_answered_is_named_though_the_task_does_not_show_it() -> None:
    time = Time()
    world = seed(rows=[row(1, {"contacts": [CAROLINA]})])
    limits = Limits(read_s=0.03, total_s=3.0)
    async with served(hubspot(time, world, spec_variant=OPEN), time, limits=limits) as crm:
        before = await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = [Fault("slow", LINK, commit=False, seconds=0.1, **EVER)]
        with pytest.raises(OutcomeUnknown) as unknown:
            await crm.backend.update_task(before, Edit(title="New", ai_contact_id=BRUNO))
        assert f"newly linked to contacts {BRUNO}" in unknown.value.message
        assert crm.stored_properties(1)["hs_task_subject"] == before.title

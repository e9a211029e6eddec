"""Under every spec variant each answer agrees with the sandbox's data."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from itertools import zip_longest
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from mcp import Client

from backends.vambe.backend_case import WORLD
from backends.vambe.scenario import (
    ANA,
    GAPS,
    GIL,
    KIRITIMATI,
    LUIS,
    MADRID,
    OLD,
    SANTIAGO,
    SEED,
    STORY,
    Gap,
    Step,
    all_day,
    timed,
)
from backends.vambe.vambe_agent import connected
from backends.vambe.wired import KEY, Time, wired
from behaviour.agent import Agent, Refused
from behaviour.world import NOW, PEOPLE, STATUSES
from taskhand.sandbox.server import serve
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox
from taskhand.server.app import create_server
from whole_answers import with_whole_answers

PLAYED = {"throttle": ("7",), "max_window_days": ("400",), "per_second": (), "redirect": ()}
"""The values tried of switches that take any.

A redirect has a test of its own, as nothing works behind one; so has a limit by the second, as time stands still here.
"""

SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("array_query", form): {"vambe_array_query": form} for form in ("repeat", "brackets", "comma", "json")
}
"""What has to be configured for a value."""

WINDOW = {"fromDate": "2026-03-01", "toDate": "2026-12-31"}
LISTS = [
    (people, first, last, dateless)
    for people in ([], [ANA], [ANA, LUIS])
    for first, last, dateless in [("2026-03-10", "2026-03-10", False), ("2026-03-11", "2026-06-30", True)]
]
"""Whose tasks, the window's days, and whether dateless ones count too."""

PLAIN_FIELDS = {"title", "description", "due_at", "is_all_day", "due_timezone", "priority"}
STATUS_NAMES = {status["id"]: status["name"] for status in STATUSES}
PEOPLE_NAMES = {someone["id"]: someone["name"] for someone in PEOPLE}


def _values() -> list[tuple[str, str]]:
    """Every value of every switch but the defaults, and the defaults once."""
    shared = {name: values for name, values in SpecVariant.allowed().items() if len(values) > 1}
    plain = {(name, values[0]) for name, values in shared.items()}
    every = [
        (name, value) for name, values in SpecVariant.allowed().items() for value in shared.get(name) or PLAYED[name]
    ]
    return [min(plain), *(pair for pair in every if pair not in plain)]


def _together() -> list[tuple[tuple[str, str], ...]]:
    """All of them, three of different switches at a time where none has a gap or has to be configured."""
    alone = [one for one in _values() if one in GAPS or one in SETTINGS or one[0] in PLAYED]
    free = [one for one in _values() if one not in alone]
    third = (len(free) + 2) // 3
    groups = [
        tuple(filter(None, group)) for group in zip_longest(*(free[at : at + third] for at in (0, third, 2 * third)))
    ]
    assert all(len({switch for switch, _ in group}) == len(group) for group in groups)
    return [*((one,) for one in alone), *groups]


def sandbox_of(*spec_variants: str, seed: dict[str, Any] = SEED) -> VambeSandbox:
    return VambeSandbox(seed=seed, clock=lambda: NOW, spec_variant=SpecVariant.parse(spec_variants), key=KEY)


@asynccontextmanager
async def patient(sandbox: VambeSandbox, time: Time, **settings: Any) -> AsyncIterator[Agent]:
    """As `connected`, in a time that only waiting and the test move."""
    async with (
        serve(sandbox) as url,
        wired(url, time, **settings) as app,
        Client(create_server(with_whole_answers(app))) as client,
    ):
        yield Agent(client)


def true_task(sandbox: VambeSandbox, task_id: str) -> dict[str, Any]:
    """The task as the sandbox really has it."""
    return next(task for task in sandbox.tasks if task["id"] == task_id)


def truth(sandbox: VambeSandbox, task_id: str) -> dict[str, Any]:
    """The task as a tool is to show it: opaque ids and statuses without a name are all that an agent can be given."""
    task = true_task(sandbox, task_id) | {"url": None}
    if task["ai_contact_id"] and sandbox.spec_variant.contact_ids == "opaque":
        task["ai_contact_id"] = "contact-" + task["ai_contact_id"].replace("-", "")
    return task if sandbox.spec_variant.status_config == "object" else task | {"status_config": None}


def without_status_names(sandbox: VambeSandbox, shown: dict[str, Any]) -> dict[str, Any]:
    """What a tool shows, but for names of statuses that Vambe never says: they may be learned from what was sent."""
    if sandbox.spec_variant.status_config == "object":
        return shown
    return shown | {name: None for name in ("status_config", "status") if name in shown}


def due_shown(task: dict[str, Any]) -> str | None:
    """The local due date and time of a true task, as a row shows it."""
    if task["due_at"] is None:
        return None
    if task["is_all_day"]:
        day = date.fromisoformat(str(task["due_at"])[:10])
        return f"{day} {day:%a}"
    local = datetime.fromisoformat(task["due_at"]).astimezone(ZoneInfo(task["due_timezone"]))
    return f"{local.isoformat(timespec='minutes')} {local:%a}"


def row_of(sandbox: VambeSandbox, task_id: str) -> dict[str, Any]:
    """The compact row of a true task."""
    task = truth(sandbox, task_id)
    people = [person["responsible_id"] for person in task["task_responsibles"]]
    return {
        "id": task_id,
        "title": task["title"],
        "status": STATUS_NAMES[task["task_status_config_id"]] if task["status_config"] else None,
        "due": due_shown(task),
        "priority": task["priority"],
        "responsibles": [PEOPLE_NAMES.get(person, person) for person in people],
    }


def expected_titles(sandbox: VambeSandbox, people: list[str], first: str, last: str, *, dateless: bool) -> list[str]:
    """The titles of the tasks that a list by person and window is to have."""
    titles: list[str] = []
    for task in sandbox.tasks:
        day = (due_shown(task) or "")[:10]
        whose = {person["responsible_id"] for person in task["task_responsibles"]}
        if (not people or whose & set(people)) and (first <= day <= last if day else dateless):
            titles.append(task["title"])
    return sorted(titles)


class Telling:
    """The story as it is told to one sandbox: collects everything that was said and is not so."""

    def __init__(self, agent: Agent, sandbox: VambeSandbox, time: Time, gap: Gap | None) -> None:
        self.time = time
        self.agent = agent
        self.sandbox = sandbox
        self.gap = gap
        self.task_id = ""
        self.contact_id = ""
        self.untrue: list[str] = []

    async def tell(self) -> None:
        (contact,) = (await self.agent("find_contacts", query="carolina@acme"))["contacts"]
        self.contact_id = contact["aiContactId"]
        for step in STORY:
            await self._step(step)

    async def _step(self, step: Step) -> None:
        sent = dict(step.asks) | ({"aiContactId": self.contact_id} if step.contact else {})
        before = truth(self.sandbox, self.task_id) if self.task_id else None
        gap = self.gap if self.gap and step.name in self.gap.steps else None
        try:
            answer = await self.agent(step.tool, **sent, **({"id": self.task_id} if self.task_id else {}))
        except Refused as refused:
            wanted = gap.refused if gap else "no refusal"
            self._expect(step, "refusal", refused.code, wanted)
            self._expect(step, "a refused task", truth(self.sandbox, self.task_id), before)
            return
        self.task_id = answer["task"]["id"]
        self._compare(step, answer, before, gap)
        if "due_at" in step.becomes or step is STORY[-1]:
            await self._read(step)

    def _compare(self, step: Step, answer: dict[str, Any], before: dict[str, Any] | None, gap: Gap | None) -> None:
        now = true_task(self.sandbox, self.task_id)
        self._expect(step, "the sandbox", {name: now[name] for name in step.becomes}, step.becomes)
        self._expect(
            step, "the task", without_status_names(self.sandbox, answer["task"]), truth(self.sandbox, self.task_id)
        )
        unapplied = [miss["field"] for miss in answer["unapplied"]]
        self._expect(step, "unapplied", unapplied, [gap.unconfirmed] if gap else [])
        shown = truth(self.sandbox, self.task_id)
        for name in answer["changed"].keys() & PLAIN_FIELDS:
            wanted = {"from": before and before[name], "to": shown[name]}
            self._expect(step, f"changed {name}", answer["changed"][name], wanted)

    async def look(self) -> None:
        """Lists by person and window hold what the sandbox has there, and nothing else."""
        for people, first, last, dateless in LISTS:
            window = {"fromDate": first, "toDate": last, "includeTasksWithoutDates": dateless}
            titles = await self.agent.listed(**window, **({"responsibleIds": people} if people else {}))
            wanted = expected_titles(self.sandbox, people, first, last, dateless=dateless)
            if sorted(titles) != wanted:
                self.untrue.append(f"list of {people} {window}: {sorted(titles)}, not {wanted}")

    async def _read(self, step: Step) -> None:
        self.time.now += 60  # what is remembered is over: this is as Vambe lists it
        rows = (await self.agent("list_tasks", **WINDOW))["tasks"]
        mine = [without_status_names(self.sandbox, row) for row in rows if row["id"] == self.task_id]
        self._expect(step, "the row", mine, [row_of(self.sandbox, self.task_id)])

    def _expect(self, step: Step, what: str, got: object, wanted: object) -> None:
        if got != wanted:
            self.untrue.append(f"{step.name}: {what} is {got}, not {wanted}")


@pytest.mark.parametrize("values", _together(), ids=str)
async def test_each_answer_of_the_scenario_is_true(values: tuple[tuple[str, str], ...]) -> None:
    sandbox = sandbox_of(*(f"{switch}={value}" for switch, value in values))
    time = Time()
    async with patient(sandbox, time, **SETTINGS.get(values[0], {})) as agent:
        telling = Telling(agent, sandbox, time, GAPS.get(values[0]))
        await telling.tell()
        await telling.look()
        read = (await agent("get_task", id=telling.task_id))["task"]
        assert without_status_names(sandbox, read) == truth(sandbox, telling.task_id)
    assert telling.untrue == []
    assert bool(time.slept) == bool(sandbox.spec_variant.throttle)


def test_every_excluded_variant_exists() -> None:
    allowed = {(name, value) for name, values in SpecVariant.allowed().items() for value in values}
    assert allowed >= GAPS.keys() | SETTINGS.keys()
    assert PLAYED.keys() == {name for name, values in SpecVariant.allowed().items() if len(values) == 1}


# How due dates are written is learned, or configured.

DUE_AT = ("utc", "wall", "echo")
UNTIMED = {"responsibleIds": ["me"], "priority": "1"}


def due_of(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ("due_at", "is_all_day", "due_timezone")}


@pytest.mark.parametrize("spec_variant", DUE_AT)
@pytest.mark.parametrize(
    ("asked", "becomes"),
    [
        ({"dueDate": "2026-03-12"}, timed("2026-03-12T15:00", SANTIAGO)),
        ({"timezone": MADRID}, timed("2026-03-10T15:00", MADRID)),
        ({"dueTime": "09:05"}, timed("2026-03-10T09:05", SANTIAGO)),
        ({"dueTime": "12:00"}, timed("2026-03-10T12:00", SANTIAGO)),
        ({"dueTime": "12:00", "title": "older"}, timed("2026-03-10T12:00", SANTIAGO) | {"title": "older"}),
        ({"dueTime": None}, all_day("2026-03-10", SANTIAGO)),
        ({"dueDate": "2026-03-12", "dueTime": None}, all_day("2026-03-12", SANTIAGO)),
    ],
    ids=["day", "zone", "time", "time as misread", "time as misread and title", "all-day", "another all-day"],
)
async def test_the_first_write_changes_only_the_requested_fields_of_an_older_task(
    spec_variant: str, asked: dict[str, Any], becomes: dict[str, Any]
) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        answer = await agent("update_task", id=OLD, **asked)
        assert true_task(sandbox, OLD) == true_task(sandbox, OLD) | becomes
        assert answer["task"] == truth(sandbox, OLD)
        assert answer["unapplied"] == []


async def refusal_of(agent: Agent, **asked: Any) -> str | None:
    """The code with which an update is refused, None where it is not."""
    try:
        await agent("update_task", **asked)
    except Refused as refused:
        return str(refused.code)
    return None


@pytest.mark.parametrize("spec_variant", DUE_AT)
@pytest.mark.parametrize("clock", ["00:30", "23:30"])
@pytest.mark.parametrize("zone", [SANTIAGO, KIRITIMATI])
async def test_a_first_write_that_makes_a_task_all_day_leaves_it_on_its_day(
    spec_variant: str, clock: str, zone: str
) -> None:
    row = {"id": OLD, "title": "old", "dueDate": "2026-03-10", "dueTime": clock, "timezone": zone}
    sandbox = sandbox_of(f"due_at={spec_variant}", seed=WORLD | {"tasks": [row]})
    before = true_task(sandbox, OLD)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        refusal = await refusal_of(agent, id=OLD, dueTime=None)
        assert refusal in (None, "due_unsure")
        kept = all_day("2026-03-10", zone) if refusal is None else due_of(before)
        assert due_of(true_task(sandbox, OLD)) == kept
        answer = await agent("update_task", id=OLD, dueDate="2026-03-10", dueTime=None)
    assert due_of(true_task(sandbox, OLD)) == all_day("2026-03-10", zone)
    assert answer["task"] == truth(sandbox, OLD)


@pytest.mark.parametrize("spec_variant", DUE_AT)
async def test_the_change_of_a_first_write_starts_from_the_time_that_really_was(spec_variant: str) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        answer = await agent("update_task", id=OLD, dueDate="2026-03-12")
    assert answer["changed"] == {"due_at": {"from": "2026-03-10T18:00:00.000Z", "to": "2026-03-12T18:00:00.000Z"}}


@pytest.mark.parametrize("spec_variant", DUE_AT)
async def test_a_timed_write_to_one_task_teaches_how_all_others_are_read(spec_variant: str) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        await agent.create(dueDate="2026-03-20", dueTime="10:00", timezone=SANTIAGO)
        assert (await agent("get_task", id=OLD))["task"] == truth(sandbox, OLD)
        rows = (await agent("list_tasks", **WINDOW))["tasks"]
        assert {row["id"]: row["due"] for row in rows} == {task["id"]: due_shown(task) for task in sandbox.tasks}


@pytest.mark.parametrize("spec_variant", DUE_AT)
@pytest.mark.parametrize(
    "first",
    [
        {"dueDate": "2026-03-20", "dueTime": "10:00", "timezone": "UTC"},
        {"dueDate": "2026-03-20", "timezone": SANTIAGO},
        {},
    ],
    ids=["a time in UTC", "a whole day", "no due date"],
)
async def test_a_write_from_which_nothing_is_learned_changes_no_due_time(
    spec_variant: str, first: dict[str, str]
) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        created = await agent.create(**first)
        assert created == truth(sandbox, created["id"])
        await agent("update_task", id=OLD, dueDate="2026-03-12")
        assert due_of(true_task(sandbox, OLD)) == timed("2026-03-12T15:00", SANTIAGO)


@pytest.mark.parametrize(
    ("spec_variant", "setting"), [("utc", "utc"), ("wall", "wall"), ("echo", "wall"), ("echo", "utc")]
)
async def test_a_configured_reading_counts_from_the_start(spec_variant: str, setting: str) -> None:
    sandbox = sandbox_of(f"due_at={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY, vambe_due_at=setting) as agent:
        assert (await agent("get_task", id=OLD))["task"] == truth(sandbox, OLD)
        rows = (await agent("list_tasks", **WINDOW))["tasks"]
        assert {row["id"]: row["due"] for row in rows} == {task["id"]: due_shown(task) for task in sandbox.tasks}
        moved = await agent("update_task", id=OLD, dueDate="2026-03-12")
        assert due_of(moved["task"]) == due_of(true_task(sandbox, OLD)) == timed("2026-03-12T15:00", SANTIAGO)


async def test_the_documented_sample_is_read_as_its_local_time_where_that_is_configured() -> None:
    sample = {"dueDate": "2026-03-10T15:00:00.000Z", "dueTime": "15:00", "timezone": SANTIAGO}
    sandbox = sandbox_of("due_at=echo", seed=WORLD | {"tasks": [{"id": OLD, "title": "old"} | sample]})
    async with connected(sandbox, vambe_api_key=KEY, vambe_due_at="wall") as agent:
        assert (await agent("get_task", id=OLD))["task"] == truth(sandbox, OLD)


# Statuses, where not all of them are known.

UNKNOWN = {"id": OLD, "newStatusName": "Archivado"}


async def test_seen_statuses_are_reported_as_partial_with_their_source() -> None:
    async with connected(sandbox_of(), vambe_api_key=KEY, vambe_statuses=None) as agent:
        answer = await agent("list_statuses")
    assert [(row["position"], row["name"], row["type"], row["id"]) for row in answer["statuses"]] == [
        (1, "Pendiente", "initial", STATUSES[0]["id"])
    ]
    assert answer["complete"] is False
    assert "seen on tasks" in answer["source"]
    assert "there may be others" in answer["source"]


async def test_an_unseen_name_is_sent_as_typed_and_checked_and_known_from_then_on() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_api_key=KEY, vambe_statuses=None) as agent:
        answer = await agent("update_task", id=OLD, newStatusName=" En Progreso ")
        assert sandbox.requests[-1].body == {"newStatusName": "En Progreso"}
        assert (answer["unapplied"], answer["task"]) == ([], truth(sandbox, OLD))
        known = await agent("list_statuses")
        assert [row["name"] for row in known["statuses"]] == ["Pendiente", "En Progreso"]


@pytest.mark.parametrize(("spec_variant", "works"), [("exact", False), ("loose", True)])
async def test_an_unseen_status_name_in_another_case_is_sent_to_vambe_to_decide(
    spec_variant: str, *, works: bool
) -> None:
    sandbox = sandbox_of(f"status_names={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY, vambe_statuses=None) as agent:
        if works:
            answer = await agent("update_task", id=OLD, newStatusName="completado")
            assert (answer["unapplied"], answer["task"]) == ([], truth(sandbox, OLD))
            return
        with pytest.raises(Refused) as refused:
            await agent("update_task", id=OLD, newStatusName="completado")
    assert (refused.value.code, refused.value.values) == ("unknown_status", ["Pendiente"])


@pytest.mark.parametrize("status", SpecVariant.allowed()["unknown_status"])
@pytest.mark.parametrize("errors", SpecVariant.allowed()["errors"])
@pytest.mark.parametrize("asked", [{"newStatusName": "Archivado"}, {"newStatusPosition": 9}], ids=["name", "position"])
async def test_a_status_that_vambe_does_not_have_is_refused_with_those_that_are_known(
    status: str, errors: str, asked: dict[str, Any]
) -> None:
    sandbox = sandbox_of(f"unknown_status={status}", f"errors={errors}")
    before = sandbox.tasks
    async with connected(sandbox, vambe_api_key=KEY, vambe_statuses=None) as agent:
        with pytest.raises(Refused) as refused:
            await agent("update_task", id=OLD, **asked)
    assert (refused.value.code, refused.value.values) == ("unknown_status", ["Pendiente"])
    assert sandbox.tasks == before


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("update_task", {"id": OLD, "newStatusName": "Archivado"}),
        ("complete_task", {"id": OLD, "newStatusName": "Archivado"}),
        ("bulk_update_tasks", {"filter": {"status": ["Archivado"]}, "changes": {"title": "x"}}),
        ("list_tasks", {"status": ["Archivado"]}),
        ("list_tasks", {"status": ["Archivado"], "countBy": "status"}),
    ],
)
async def test_an_unknown_status_is_refused_with_the_known_statuses(tool: str, arguments: dict[str, Any]) -> None:
    async with connected(sandbox_of(), vambe_api_key=KEY, vambe_statuses=None) as agent:
        with pytest.raises(Refused, match=r"'Archivado'.* there may be others") as refused:
            await agent(tool, **arguments)
    assert (refused.value.code, refused.value.values) == ("unknown_status", ["Pendiente"])
    assert "VAMBE" not in str(refused.value.error)


@pytest.mark.parametrize(
    ("change", "is_noted"),
    [
        ({"newStatusName": "Archivado"}, True),
        ({"newStatusPosition": 9}, True),
        ({"newStatusName": "pendiente", "title": "x"}, False),
        ({"newStatusPosition": 1, "title": "x"}, False),
    ],
)
async def test_the_plan_of_a_status_that_was_never_seen_says_that_it_may_be_refused(
    change: dict[str, Any], *, is_noted: bool
) -> None:
    async with connected(sandbox_of(), vambe_api_key=KEY, vambe_statuses=None) as agent:
        planned = await agent("update_task", id=OLD, **change, dryRun=True)
        of_many = await agent("bulk_update_tasks", taskIds=[OLD], changes=change, dryRun=True)
    for plan in (planned, of_many):
        assert ("none of those seen so far (list_statuses), so the CRM may refuse it" in plan["note"]) == is_noted


async def test_a_name_missing_from_a_complete_list_is_never_sent() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        with pytest.raises(Refused) as refused:
            await agent("update_task", id=OLD, newStatusName="Archivado")
    assert refused.value.code == "unknown_status"
    assert sorted(refused.value.values) == sorted(map(str, STATUS_NAMES.values()))
    assert all(request.method == "GET" for request in sandbox.requests)


@pytest.mark.parametrize(
    ("spec_variant", "position", "status", "unapplied"),
    [
        ("order", 2, 2, []),
        ("order", 3, 3, []),
        ("index", 2, 3, [{"field": "status", "asked": 2, "got": "Completado"}]),
        ("index", 0, 1, None),
    ],
)
async def test_an_unseen_position_is_sent_and_its_result_is_reported(
    spec_variant: str, position: int, status: int, unapplied: list[dict[str, Any]] | None
) -> None:
    sandbox = sandbox_of(f"position={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY, vambe_statuses=None) as agent:
        answer = await agent("update_task", id=OLD, newStatusPosition=position)
    assert true_task(sandbox, OLD)["status_config"]["order"] == status
    assert answer["task"] == truth(sandbox, OLD)
    assert answer["unapplied"] == unapplied or (unapplied is None and answer["unapplied"])


async def test_completing_requires_a_finished_status_on_any_task_however_old() -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_api_key=KEY, vambe_statuses=None) as agent:
        with pytest.raises(Refused) as refused:
            await agent("complete_task", id=OLD)
        assert refused.value.code == "unknown_status"
    far = {"title": "far", "dueDate": "2019-01-01", "status": "Completado"}
    sandbox = sandbox_of(seed=SEED | {"tasks": [*SEED["tasks"], far]})
    async with connected(sandbox, vambe_api_key=KEY, vambe_statuses=None) as agent:
        answer = await agent("complete_task", id=OLD)
    assert answer["task"] == truth(sandbox, OLD)
    assert answer["task"]["status_config"]["name"] == "Completado"


async def test_a_status_filter_is_an_error_where_tasks_have_no_status_name() -> None:
    sandbox = sandbox_of("status_config=null")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        try:
            titles = await agent.listed(status=["Pendiente"])
        except Refused:
            return
    assert sorted(titles) == sorted(task["title"] for task in sandbox.tasks)


# People and windows.


@pytest.mark.parametrize("spec_variant", SpecVariant.allowed()["everyone"])
@pytest.mark.parametrize("form", ["repeat", "brackets", "comma", "json"])
async def test_an_organisation_without_tasks_is_an_empty_list(spec_variant: str, form: str) -> None:
    sandbox = sandbox_of(f"everyone={spec_variant}", seed=WORLD)
    async with connected(sandbox, vambe_api_key=KEY, vambe_array_query=form) as agent:
        assert await agent.listed() == []
        await agent.create()
        assert await agent.listed() == ["Call Acme"]


@pytest.mark.parametrize("spec_variant", SpecVariant.allowed()["array_query"])
@pytest.mark.parametrize("setting", ["repeat", "brackets", "comma", "json"])
async def test_a_query_form_that_vambe_does_not_take_is_refused_and_never_a_wrong_list(
    spec_variant: str, setting: str
) -> None:
    sandbox = sandbox_of(f"array_query={spec_variant}")
    async with connected(sandbox, vambe_api_key=KEY, vambe_array_query=setting) as agent:
        for people in ([ANA], [ANA, LUIS]):
            wanted = expected_titles(sandbox, people, "2026-03-01", "2026-12-31", dateless=True)
            try:
                assert sorted(await agent.listed(responsibleIds=people, **WINDOW)) == wanted
            except Refused as refused:
                assert spec_variant not in ("any", setting), refused.error  # noqa: PT017 - only then may it be refused
                assert refused.code == "upstream_refused"  # noqa: PT017
        assert len(await agent.listed()) == len(sandbox.tasks)


@pytest.mark.parametrize(("spec_variant", "works"), [("accepted", True), ("rejected", False)])
async def test_adding_a_person_keeps_a_former_member_or_explains_the_refusal(spec_variant: str, *, works: bool) -> None:
    sandbox = sandbox_of(f"inactive_responsibles={spec_variant}")
    before = true_task(sandbox, OLD)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        if works:
            answer = await agent("reassign_task", id=OLD, responsibleIds=["Ana Soto"], mode="add")
            assert answer["task"] == truth(sandbox, OLD)
            assert answer["task"]["task_responsibles"] == [{"responsible_id": GIL["id"]}, {"responsible_id": ANA}]
            return
        with pytest.raises(Refused) as refused:
            await agent("reassign_task", id=OLD, responsibleIds=["Ana Soto"], mode="add")
    assert refused.value.code == "unknown_reference"
    assert true_task(sandbox, OLD) == before


@pytest.mark.parametrize(
    "window",
    [{"fromDate": "0001-01-01"}, {"toDate": "9999-12-31"}, {"fromDate": "0001-01-01", "toDate": "0001-01-02"}],
    ids=["first day", "last day", "first days"],
)
async def test_a_window_may_reach_the_ends_of_the_calendar(window: dict[str, str]) -> None:
    sandbox = sandbox_of()
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        titles = await agent.listed(**window)
    first, last = window.get("fromDate", "0001-01-01"), window.get("toDate", "9999-12-31")
    assert sorted(titles) == expected_titles(sandbox, [], first, last, dateless=True)


async def test_a_window_longer_than_the_limit_is_refused_and_a_shorter_one_lists_every_task() -> None:
    sandbox = sandbox_of("max_window_days=400")
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        assert len(await agent.listed(**WINDOW)) == len(sandbox.tasks)
        with pytest.raises(Refused) as refused:
            await agent.listed()
        assert refused.value.code == "upstream_refused"


async def test_statuses_seen_nearby_are_listed_despite_a_limit_on_windows() -> None:
    async with connected(sandbox_of("max_window_days=400"), vambe_api_key=KEY, vambe_statuses=None) as agent:
        answer = await agent("list_statuses")
    assert [row["name"] for row in answer["statuses"]] == ["Pendiente"]
    assert answer["complete"] is False


async def test_every_call_fails_behind_a_redirect_and_the_key_is_not_sent_to_its_target() -> None:
    other = sandbox_of()
    async with serve(other) as elsewhere:
        sandbox = sandbox_of(f"redirect={elsewhere}")
        async with connected(sandbox, vambe_api_key=KEY) as agent:
            calls: list[tuple[str, dict[str, Any]]] = [
                ("list_tasks", {}),
                ("list_statuses", {}),
                ("list_team_members", {}),
                ("find_contacts", {"query": "carolina"}),
                ("get_task", {"id": OLD}),
                ("create_task", {"title": "x", "responsibleIds": [], "priority": "1"}),
                ("update_task", {"id": OLD, "title": "x"}),
            ]
            for tool, arguments in calls:
                with pytest.raises(Refused) as refused:
                    await agent(tool, **arguments)
                # A redirected create may have made a task, and nobody can look.
                assert refused.value.code == ("outcome_unknown" if tool == "create_task" else "upstream_redirect")
    assert other.requests == ()

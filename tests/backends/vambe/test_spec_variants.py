"""Under every spec variant each answer agrees with the sandbox's data."""

from itertools import zip_longest
from typing import Any

import pytest

from backends.vambe.backend_case import WORLD
from backends.vambe.expected_tasks import (
    WINDOW,
    connected_in_virtual_time,
    expected_row,
    expected_task,
    expected_titles,
    sandbox_of,
    stored_task,
    without_status_names,
)
from backends.vambe.sandboxed_app import KEY, Time
from backends.vambe.scenario import (
    ANA,
    GAPS,
    GIL,
    LUIS,
    OLD,
    STORY,
    Gap,
    Step,
)
from backends.vambe.vambe_agent import connected
from behaviour.agent import Agent, Refused
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox

PLAYED = {"throttle": ("7",), "max_window_days": ("400",), "per_second": (), "redirect": ()}
"""The values tried of switches that take any.

A redirect has a test of its own, as nothing works behind one; so has a limit by the second, as time stands still here.
"""

SETTINGS: dict[tuple[str, str], dict[str, Any]] = {
    ("array_query", form): {"vambe_array_query": form} for form in ("repeat", "brackets", "comma", "json")
}
"""What has to be configured for a value."""

LISTS = [
    (people, first, last, dateless)
    for people in ([], [ANA], [ANA, LUIS])
    for first, last, dateless in [("2026-03-10", "2026-03-10", False), ("2026-03-11", "2026-06-30", True)]
]
"""Whose tasks, the window's days, and whether dateless ones count too."""

PLAIN_FIELDS = {"title", "description", "due_at", "is_all_day", "due_timezone", "priority"}


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


class StoryRun:
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
        before = expected_task(self.sandbox, self.task_id) if self.task_id else None
        gap = self.gap if self.gap and step.name in self.gap.steps else None
        try:
            answer = await self.agent(step.tool, **sent, **({"id": self.task_id} if self.task_id else {}))
        except Refused as refused:
            wanted = gap.refused if gap else "no refusal"
            self._expect(step, "refusal", refused.code, wanted)
            self._expect(step, "a refused task", expected_task(self.sandbox, self.task_id), before)
            return
        self.task_id = answer["task"]["id"]
        self._compare(step, answer, before, gap)
        if "due_at" in step.becomes or step is STORY[-1]:
            await self._read(step)

    def _compare(self, step: Step, answer: dict[str, Any], before: dict[str, Any] | None, gap: Gap | None) -> None:
        now = stored_task(self.sandbox, self.task_id)
        self._expect(step, "the sandbox", {name: now[name] for name in step.becomes}, step.becomes)
        self._expect(
            step,
            "the task",
            without_status_names(self.sandbox, answer["task"]),
            expected_task(self.sandbox, self.task_id),
        )
        unapplied = [miss["field"] for miss in answer["unapplied"]]
        self._expect(step, "unapplied", unapplied, [gap.unconfirmed] if gap else [])
        shown = expected_task(self.sandbox, self.task_id)
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
        self._expect(step, "the row", mine, [expected_row(self.sandbox, self.task_id)])

    def _expect(self, step: Step, what: str, got: object, wanted: object) -> None:
        if got != wanted:
            self.untrue.append(f"{step.name}: {what} is {got}, not {wanted}")


@pytest.mark.parametrize("values", _together(), ids=str)
async def test_each_answer_of_the_scenario_is_true(values: tuple[tuple[str, str], ...]) -> None:
    sandbox = sandbox_of(*(f"{switch}={value}" for switch, value in values))
    time = Time()
    async with connected_in_virtual_time(sandbox, time, **SETTINGS.get(values[0], {})) as agent:
        story_run = StoryRun(agent, sandbox, time, GAPS.get(values[0]))
        await story_run.tell()
        await story_run.look()
        read = (await agent("get_task", id=story_run.task_id))["task"]
        assert without_status_names(sandbox, read) == expected_task(sandbox, story_run.task_id)
    assert story_run.untrue == []
    assert bool(time.slept) == bool(sandbox.spec_variant.throttle)


def test_every_excluded_variant_exists() -> None:
    allowed = {(name, value) for name, values in SpecVariant.allowed().items() for value in values}
    assert allowed >= GAPS.keys() | SETTINGS.keys()
    assert PLAYED.keys() == {name for name, values in SpecVariant.allowed().items() if len(values) == 1}


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
    before = stored_task(sandbox, OLD)
    async with connected(sandbox, vambe_api_key=KEY) as agent:
        if works:
            answer = await agent("reassign_task", id=OLD, responsibleIds=["Ana Soto"], mode="add")
            assert answer["task"] == expected_task(sandbox, OLD)
            assert answer["task"]["task_responsibles"] == [{"responsible_id": GIL["id"]}, {"responsible_id": ANA}]
            return
        with pytest.raises(Refused) as refused:
            await agent("reassign_task", id=OLD, responsibleIds=["Ana Soto"], mode="add")
    assert refused.value.code == "unknown_reference"
    assert stored_task(sandbox, OLD) == before


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


async def test_every_call_fails_behind_a_redirect_and_the_key_is_not_sent_to_its_target() -> None:
    other = sandbox_of()
    async with serve_sandbox(other) as elsewhere:
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

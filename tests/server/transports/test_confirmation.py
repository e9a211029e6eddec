"""A person is asked over a real pipe, in both protocol eras, and the answer decides."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from behaviour.agent import Agent, Refused
from behaviour.person import Person
from server.transports.server_process import environment, serving
from time_limits import BOUND_S

ERAS = ("legacy", "2026-07-28")


@asynccontextmanager
async def connected(store: Path, era: str, person: Person | None, **more: str) -> AsyncIterator[Agent]:
    """An agent at a server in a process of its own, with a person at its side or without."""
    server = StdioServerParameters(command=sys.executable, args=["-m", "taskhand"], env=environment(store, **more))
    asked = None if person is None else person.asked
    with anyio.fail_after(BOUND_S):
        async with Client(stdio_client(server), mode=era, elicitation_callback=asked) as client:
            yield Agent(client)


@pytest.mark.parametrize("era", ERAS)
async def test_the_persons_answer_over_stdio_decides(store_file: Path, era: str) -> None:
    person = Person("no")
    async with connected(store_file, era, person) as agent:
        first, second = await agent.create("First"), await agent.create("Second")
        with pytest.raises(Refused) as refused:
            await agent("delete_task", id=first["id"])
        assert refused.value.code == "declined"
        assert sorted(await agent.listed()) == ["First", "Second"]
        person.says = "nothing"
        plan = await agent("delete_task", id=second["id"])
        assert "did not answer" in plan["note"]
        assert sorted(await agent.listed()) == ["First", "Second"]
        person.says = "yes"
        gone = await agent("apply_plan", planId=plan["planId"])
        assert "deleted" in gone["note"]
        assert await agent.listed() == ["First"]
        back = await agent("undo_change", changeId=gone["changeId"])
        assert back["task"]["title"] == "Second"
    assert [question.splitlines()[1] for question in person.questions] == [
        "- delete “First” (Elisa Mora)",
        "- delete “Second” (Elisa Mora)",
        "- delete “Second” (Elisa Mora)",
    ]


@pytest.mark.parametrize("era", ERAS)
async def test_without_elicitation_a_delete_stops_at_a_plan_that_can_be_applied(store_file: Path, era: str) -> None:
    async with connected(store_file, era, None) as agent:
        task = await agent.create()
        plan = await agent("delete_task", id=task["id"])
        assert "stops at a plan" in plan["note"]
        assert await agent.listed() == ["Call Acme"]
        await agent("apply_plan", planId=plan["planId"])
        assert await agent.listed() == []


async def test_no_person_is_asked_if_questions_are_disabled(store_file: Path) -> None:
    person = Person("yes")
    async with connected(store_file, ERAS[0], person, TASKHAND_ASK="never") as agent:
        task = await agent.create()
        plan = await agent("delete_task", id=task["id"])
        assert "stops at a plan" in plan["note"]
    assert person.questions == []


@pytest.mark.parametrize("era", ERAS)
async def test_a_person_is_asked_over_http_too(store_file: Path, era: str) -> None:
    person = Person("yes")
    with serving(store_file) as web, anyio.fail_after(BOUND_S):
        async with Client(web.url, mode=era, elicitation_callback=person.asked) as client:
            agent = Agent(client)
            task = await agent.create()
            gone = await agent("delete_task", id=task["id"])
            assert "deleted" in gone["note"]
            assert await agent.listed() == []
    assert len(person.questions) == 1

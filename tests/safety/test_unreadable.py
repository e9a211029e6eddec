"""A task that cannot be read as documented: its neighbours are answered, and what can be read of it is usable."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client

from behaviour.agent import Agent, Refused
from safety.crms import CRMS, SandboxedCrm
from safety.odd_row import OddRow
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.server import serve_sandbox
from taskhand.server.access import EVERYONE, Access
from taskhand.server.app import create_server
from virtual_time import Time

HUGE = 10**400
CASES = [(crm, odd, field) for crm in CRMS for odd, field in crm.odd.unreadable]


def _name(value: object) -> str:
    """The name of a part of a case; a value may have hundreds of digits."""
    return str(value)[:60]


@dataclass
class OddAccount:
    """A CRM with three tasks of who asks, the second of them odd, and an agent in front of it."""

    crm: SandboxedCrm
    proxy: OddRow
    agent: Agent
    time: Time

    @property
    def ids(self) -> list[str]:
        return self.crm.ids(3)

    def title(self, number: int) -> str:
        return self.crm.tasks(self.proxy.sandbox)[self.crm.task_id(number)].title


@asynccontextmanager
async def open_odd_account(crm: SandboxedCrm, access: Access = EVERYONE) -> AsyncIterator[OddAccount]:
    time = Time()
    proxy = OddRow(crm.sandbox(3, time, ()), crm.task_id(2))
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serve_sandbox(proxy))
        app = await stack.enter_async_context(crm.sandboxed_app(url, time))
        client = await stack.enter_async_context(Client(create_server(app, access=access)))
        yield OddAccount(crm, proxy, Agent(client, crm.needs), time)


async def assert_neighbours_are_answered(account: OddAccount) -> None:
    first, _, last = account.ids
    answer = await account.agent("list_tasks")
    assert {row["id"] for row in answer["tasks"]} >= {first, last}
    assert len(answer["tasks"]) + answer.get("unreadable", {"count": 0})["count"] <= len(account.ids)
    assert (await account.agent("get_task", id=first))["task"]["id"] == first


@pytest.mark.parametrize(("crm", "odd", "field"), CASES, ids=_name)
async def test_a_field_that_cannot_be_read_leaves_the_list_and_the_rest_of_the_task(
    crm: SandboxedCrm, odd: dict[str, Any], field: str
) -> None:
    async with open_odd_account(crm) as account:
        account.proxy.odd = odd
        first, second, last = account.ids
        for filters in ({}, {"overdue": False}, {"responsibleIds": ["me"]}, {"order": "created"}, {"priority": "1"}):
            answer = await account.agent("list_tasks", **filters)
            assert {row["id"] for row in answer["tasks"]} <= {first, last}
            assert answer["tasks"] or "priority" in filters
            assert answer.get("unreadable", {"count": 1, "ids": [second]}) == {"count": 1, "ids": [second]}
        task = (await account.agent("get_task", id=second))["task"]
        assert task["id"] == second
        assert field in task["unreadable"]
        assert task[field] is None
        assert (await account.agent("list_statuses"))["statuses"]


@pytest.mark.parametrize(("crm", "odd", "field"), CASES, ids=_name)
async def test_a_task_with_an_unreadable_field_is_written_with_its_neighbours(
    crm: SandboxedCrm, odd: dict[str, Any], field: str
) -> None:
    async with open_odd_account(crm) as account:
        account.proxy.odd = odd
        second = account.ids[1]
        written = await account.agent("update_task", id=second, title="Renamed")
        assert account.title(2) == "Renamed"
        assert written["unapplied"] == []
        assert ("title" in written["changed"]) is (field != "title")
        changed = await account.agent("bulk_update_tasks", taskIds=account.ids, changes={"responsibleIds": [crm.ana]})
        assert changed["totals"] == {"applied": 3}
        assert [task.responsible_ids for task in crm.tasks(account.proxy.sandbox).values()] == [(crm.ana,)] * 3
        plan = await account.agent("delete_task", id=second)
        await account.agent("apply_plan", planId=plan["planId"])
        assert second not in crm.tasks(account.proxy.sandbox)


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_bulk_change_by_filter_names_the_unreadable_task_and_writes_the_others(crm: SandboxedCrm) -> None:
    async with open_odd_account(crm) as account:
        account.proxy.odd = crm.odd.unreadable[0][0]
        await account.agent("create_task", title="Other", responsibleIds=[crm.ana], priority="1")
        plan = await account.agent("bulk_update_tasks", filter={"responsibleIds": ["me"]}, changes={"title": "Renamed"})
        (left_out,) = plan["outcomes"]
        assert (plan["count"], left_out["code"], left_out["ids"]) == (2, "unreadable_field", [account.ids[1]])
        done = await account.agent("apply_plan", planId=plan["planId"])
        assert done["totals"]["applied"] == 2
        assert [account.title(number) for number in (1, 2, 3)] == ["Renamed", "Call Acme 2", "Renamed"]


@pytest.mark.parametrize("crm", CRMS, ids=str)
@pytest.mark.parametrize(
    ("field", "whose", "is_told"), [("priority", "me", True), ("priority", "ana", False), ("who", "", False)]
)
async def test_with_own_tasks_only_an_unreadable_task_is_reported_only_to_its_responsibles(
    crm: SandboxedCrm,
    field: str,
    whose: str,
    is_told: bool,  # noqa: FBT001
) -> None:
    policy = NO_POLICY
    async with open_odd_account(crm, Access(lambda: policy)) as account:
        first, second, last = account.ids
        odd = crm.odd.unreadable[0][0] if field == "priority" else crm.odd.of_unknown
        account.proxy.odd = odd | (crm.odd.whose(crm.ana) if whose == "ana" else {})
        assert (await account.agent("list_tasks"))["unreadable"]["ids"] == [second]
        policy = Policy(everyone={"own_tasks_only": True})
        answer = await account.agent("list_tasks")
        assert {row["id"] for row in answer["tasks"]} == {first, last}
        assert answer.get("unreadable", {"ids": []})["ids"] == ([second] if is_told else [])
        assert (await account.agent.refusal("get_task", id=second)) == (None if is_told else "not_allowed")


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_change_to_part_of_an_unreadable_due_date_is_refused(crm: SandboxedCrm) -> None:
    async with open_odd_account(crm) as account:
        account.proxy.odd = crm.odd.due
        second = account.ids[1]
        for tool, sent in (
            ("update_task", {"id": second, "dueDate": "2026-03-10"}),
            ("bulk_update_tasks", {"taskIds": [second], "shiftDueDays": 1}),
        ):
            with pytest.raises(Refused) as refused:
                await account.agent(tool, **sent)
            assert refused.value.code == "unreadable_field"
        await account.agent("update_task", id=second, dueDate="2026-03-10", dueTime=None)


@pytest.mark.parametrize(("crm", "odd"), [(crm, odd) for crm, odd, field in CASES if field == "description"], ids=_name)
async def test_nothing_is_appended_to_a_description_that_cannot_be_read(crm: SandboxedCrm, odd: dict[str, Any]) -> None:
    async with open_odd_account(crm) as account:
        account.proxy.odd = odd
        second = account.ids[1]
        for tool, sent in (("update_task", {"title": "Renamed"}), ("complete_task", {})):
            with pytest.raises(Refused) as refused:
                await account.agent(tool, id=second, addNote="called", **sent)
            assert refused.value.code == "unreadable_field"
            assert refused.value.next == "Replace it: send the whole description with update_task."
        assert account.title(2) == "Call Acme 2"
        done = await account.agent("bulk_update_tasks", taskIds=account.ids, changes={"addNote": "called"})
        assert done["totals"] == {"applied": 2, "refused": 1}


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_row_without_a_usable_id_is_counted(crm: SandboxedCrm) -> None:
    async with open_odd_account(crm) as account:
        account.proxy.odd = crm.odd.nameless
        answer = await account.agent("list_tasks")
        assert [row["id"] for row in answer["tasks"]] == [account.ids[0], account.ids[2]]
        assert answer["unreadable"] == {"count": 1, "ids": []}
        changed = await account.agent(
            "bulk_update_tasks", taskIds=[account.ids[0], account.ids[2]], changes={"responsibleIds": [crm.ana]}
        )
        assert changed["totals"] == {"applied": 2}


def without(route: str, name: str) -> Fault:
    """An answer without that field, every time."""
    return Fault("without_field", route, nth="every", field=name)


@pytest.mark.parametrize(("crm", "route", "name"), [(crm, *one) for crm in CRMS for one in crm.odd.lists], ids=str)
async def test_an_answer_without_its_list_is_not_read_as_an_empty_list(
    crm: SandboxedCrm, route: str, name: str
) -> None:
    async with open_odd_account(crm) as account:
        account.proxy.sandbox.faults = (without(route, name),)
        with pytest.raises(Refused) as refused:
            await account.agent("list_tasks", responsibleIds=["me"])
        assert refused.value.code == "upstream_invalid"


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_lost_create_is_not_called_absent_by_an_answer_without_its_list(crm: SandboxedCrm) -> None:
    async with open_odd_account(crm) as account:
        await account.agent("list_tasks")
        account.proxy.sandbox.faults = (Fault("reset_after", crm.routes["create"]), without(*crm.odd.lists[0]))
        for _ in range(2):
            with pytest.raises(Refused) as refused:
                await account.agent("create_task", title="New", responsibleIds=["me"], priority="1", idempotencyKey="k")
            assert refused.value.code == "outcome_unknown"
        assert len(crm.tasks(account.proxy.sandbox)) == 4


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(HUGE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(["soon", "9999-12-31T23:59:59.999-23:59", "0001-01-01", "\ud800", "<p>as in <![2]> above</p>"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("crm", CRMS, ids=str)
@settings(max_examples=4, deadline=None)
@given(data=st.data())
def test_arbitrary_json_in_every_field_of_one_row_leaves_its_neighbours(crm: SandboxedCrm, data: st.DataObject) -> None:
    rows = [{name: data.draw(JSON)} for name in crm.odd.names]

    async def listing() -> None:
        async with open_odd_account(crm) as account:
            for odd in rows:
                account.proxy.odd = odd
                account.time.now += 100
                await assert_neighbours_are_answered(account)

    anyio.run(listing)

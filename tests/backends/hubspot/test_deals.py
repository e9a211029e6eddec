"""The deal of a task is set, read, found by name, filtered by and put back; no deal is guessed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from mcp import Client
from pydantic import MISSING

from backends.hubspot.sandboxed_app import CAROLINA, COMPANY, NOW, Account, Time, hubspot, row, seed, served, task_id
from behaviour.agent import Agent, Refused
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import OperatorError
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import FieldChange
from taskhand.http.url_path import Path
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.hubspot.auth import SCOPES
from taskhand.server.app import create_server
from taskhand.service.answer_names import load_wording
from taskhand.service.ask_person import question_text

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
NEW = {"title": "Send the offer", "responsibleIds": [], "dueDate": "2026-03-09"}
RENEWAL, UPSELL, OLD, PLAN = "301", "302", "303", "304"
NAMES = {
    RENEWAL: "Acme / Renewal 2026",
    UPSELL: "Acme upsell (12 seats)",
    OLD: "Globex renewal",
    PLAN: "Renovación Initech",
}
DEALS = [{"id": one, "properties": {"dealname": name}} for one, name in NAMES.items()]
LINKED = (FieldChange("deal_id", OLD, UPSELL),)
LINKED_EDIT = Edit(due=Due(NOW.date()), deal_id=OLD)
SEARCH, FIND = "/crm/v3/objects/tasks/search", "/crm/v3/objects/deals/search"


@asynccontextmanager
async def agent_at(
    rows: Sequence[dict[str, Any]] = (), deals: Sequence[dict[str, Any]] = DEALS, **options: Any
) -> AsyncIterator[tuple[Account, Agent]]:
    time = Time()
    async with AsyncExitStack() as stack:
        sandbox = hubspot(time, seed(rows=[*rows]) | {"deals": [*deals]}, spec_variant=OPEN, **options)
        crm = await stack.enter_async_context(served(sandbox, time))
        client = await stack.enter_async_context(Client(create_server(crm.app)))
        yield crm, Agent(client, {"dueDate": "2026-03-09"})


def deals_of(crm: Account, record_id: str) -> list[str]:
    links = crm.hubspot.state()["links"]
    return sorted(one["other_id"] for one in links if (one["task_id"], one["other"]) == (record_id, "deals"))


def search_bodies(crm: Account, path: str) -> list[Any]:
    return [one.body for one in crm.hubspot.requests if one.path == path]


async def test_a_deal_is_set_on_new_and_existing_tasks_by_id_or_name_and_put_back() -> None:
    async with agent_at([row(1, {"deals": [OLD], "contacts": [CAROLINA]}), row(2)]) as (crm, agent):
        made = await agent("create_task", title="Send the offer", responsibleIds=[], dealId="acme renewal")
        assert made["task"]["deal_id"] == RENEWAL
        match = {"argument": "dealId", "given": "acme renewal", "id": RENEWAL, "name": NAMES[RENEWAL]}
        assert match in made["matched"]
        assert deals_of(crm, made["task"]["id"]) == [RENEWAL]

        changed = await agent("update_task", id=task_id(1), dealId=UPSELL)
        assert changed["changed"] == {"deal_id": {"from": OLD, "to": UPSELL}}
        assert (await agent("get_task", id=task_id(1)))["task"]["deal_id"] == UPSELL
        assert (await agent("update_task", id=task_id(1), dealId=UPSELL)).get("changed", {}) == {}
        await agent("undo_change", changeId=changed["changeId"])
        assert deals_of(crm, task_id(1)) == [OLD]

        emptied = await agent("update_task", id=task_id(1), clear=["dealId"])
        assert deals_of(crm, task_id(1)) == []
        await agent("undo_change", changeId=emptied["changeId"])
        assert deals_of(crm, task_id(1)) == [OLD]
        await agent("update_task", id=task_id(1), dealId=None)
        assert deals_of(crm, task_id(1)) == []

        both = await agent("create_tasks", tasks=[{"title": one, "responsibleIds": [], "dueDate": "2026-03-09",
                                                   "dealId": "upsell"} for one in ("A", "B")])  # fmt: skip
        assert both["totals"] == {"applied": 2}
        listed = await agent("list_tasks", dealId=UPSELL, fields=["title", "deal_id", "task_type"])
        assert [(one["title"], one["deal_id"], one["task_type"]) for one in listed["tasks"]] == [
            ("A", UPSELL, "TODO"),
            ("B", UPSELL, "TODO"),
        ]


async def test_the_tasks_of_a_deal_are_moved_by_its_name_with_a_search_by_association() -> None:
    rows = [row(1, {"deals": [RENEWAL]}), row(2, {"deals": [UPSELL]}), row(3, {"deals": [OLD, RENEWAL]}), row(4)]
    async with agent_at(rows) as (crm, agent):
        listed = await agent("list_tasks", dealId="Acme renewal", fields=["title", "deal_id"])
        assert {one["id"]: one["deal_id"] for one in listed["tasks"]} == {task_id(1): RENEWAL, task_id(3): RENEWAL}
        assert listed["matched"][0]["id"] == RENEWAL
        assert "matched.name" in listed["untrusted"]["fields"]
        (search,) = search_bodies(crm, SEARCH)
        assert [one for one in crm.sent if "/associations/" in one] == [
            "POST /crm/v4/associations/tasks/deals/batch/read"
        ]
        wanted = {"propertyName": "associations.deal", "operator": "EQ", "value": RENEWAL}
        assert all(wanted in group["filters"] for group in search["filterGroups"])
        counted = await agent("list_tasks", dealId="Acme renewal", countBy="status")
        assert (counted["total"], counted["matched"][0]["id"]) == (2, RENEWAL)

        plan = await agent("bulk_update_tasks", filter={"dealId": "acme renewal"}, changes={"dueDate": "2026-03-03"})
        assert (plan["count"], plan["matched"][0]["name"]) == (2, NAMES[RENEWAL])
        await agent("apply_plan", planId=plan["planId"])
        assert [crm.stored_properties(number)["hs_timestamp"][:10] for number in (1, 2, 3, 4)] == [
            *("2026-03-03", "2026-03-06", "2026-03-03", "2026-03-06"),
        ]


async def test_an_ambiguous_or_unknown_deal_name_is_refused_before_any_write() -> None:
    twins = [{"id": one, "properties": {"dealname": "Twin"}} for one in ("401", "402")]
    names = ["Expansion 1", *(f"Expansion 1{n:03}" for n in range(200))]  # one more than a search returns
    many = [{"id": str(1000 + n), "properties": {"dealname": name}} for n, name in enumerate(names)]
    async with agent_at([row(1)], [*DEALS, *twins, *many]) as (crm, agent):
        for given, code, candidates in (
            ("renewal", "ambiguous_deal", {RENEWAL, OLD}),
            ("Twin", "ambiguous_deal", {"401", "402"}),
            ("Expansion", "ambiguous_deal", None),
            ("Expansion 1", "ambiguous_deal", {"1000"}),
            ("Acme renew", "unknown_deal", {RENEWAL}),
            ("Umbrella", "unknown_deal", set[str]()),
            ("...", "unknown_deal", set[str]()),
        ):
            for tool, arguments in (
                ("update_task", {"id": task_id(1), "dealId": given}),
                ("list_tasks", {"dealId": given}),
                ("bulk_update_tasks", {"filter": {"dealId": given}, "changes": {"priority": "2"}}),
            ):
                with pytest.raises(Refused) as refused:
                    await agent(tool, **arguments)
                assert refused.value.code == code, given
                if candidates is not None:
                    assert candidates <= set(refused.value.values), given
        assert not [one for one in crm.hubspot.requests if one.method in ("PUT", "PATCH")]


async def test_a_name_means_a_deal_by_its_whole_words_whatever_the_accents() -> None:
    async with agent_at() as (_, agent):
        for given, deal in (("renovacion initech", PLAN), ("12 SEATS", UPSELL), (NAMES[OLD], OLD)):
            assert (await agent("list_tasks", dealId=given))["matched"][0]["id"] == deal


async def test_an_id_of_no_deal_and_a_blank_one_are_refused() -> None:
    async with agent_at([row(1)]) as (crm, agent):
        for given, code in (("999", "unknown_reference"), ("none", "invalid_id"), ("9" * 30, "unknown_deal")):
            with pytest.raises(Refused) as refused:
                await agent("update_task", id=task_id(1), dealId=given)
            assert refused.value.code == code
        assert deals_of(crm, task_id(1)) == []
        for tool, arguments in (
            ("list_tasks", {"dealId": "999999"}),
            ("list_tasks", {"dealId": "999999", "countBy": "status"}),
            ("bulk_update_tasks", {"filter": {"dealId": "999999"}, "changes": {"priority": "2"}}),
        ):
            with pytest.raises(Refused) as unknown:
                await agent(tool, **arguments)
            assert unknown.value.code == "unknown_deal"
        assert (await agent("list_tasks", dealId=OLD))["tasks"] == []
        with pytest.raises(Refused, match="not a task id") as no_id:
            await agent("update_task", id="R-1", title="x")
        assert "idProperty" in no_id.value.next


async def test_a_task_with_several_deals_refuses_a_new_deal_and_stays_unchanged() -> None:
    async with agent_at([row(1, {"deals": [OLD, RENEWAL]})]) as (crm, agent):
        with pytest.raises(Refused) as refused:
            await agent("update_task", id=task_id(1), dealId=UPSELL, title="New")
        assert refused.value.code == "several_links"
        read = (await agent("get_task", id=task_id(1)))["task"]
        assert (read["deal_id"], read["also_linked"]) == (RENEWAL, {"deal_id": [OLD]})
        assert "2 deals" in str(refused.value)
        assert deals_of(crm, task_id(1)) == [RENEWAL, OLD]
        assert crm.stored_properties(1)["hs_task_subject"] == "Call Acme 1"


async def test_many_tasks_get_a_deal_and_a_plan_is_bound_to_the_deal_that_it_saw() -> None:
    async with agent_at([row(1, {"deals": [OLD]}), row(2)]) as (crm, agent):
        ids = [task_id(1), task_id(2)]
        done = await agent("bulk_update_tasks", taskIds=ids, changes={"dealId": "upsell", "priority": "2"})
        assert done["totals"] == {"applied": 2}
        assert [deals_of(crm, one) for one in ids] == [[UPSELL]] * 2
        await agent("undo_change", changeId=done["changeId"])
        assert [deals_of(crm, one) for one in ids] == [[OLD], []]

        plan = await agent("update_task", id=task_id(2), dealId=UPSELL, dryRun=True)
        assert plan["difference"][0]["changed"] == {"deal_id": {"from": None, "to": UPSELL}}
        await agent("update_task", id=task_id(2), dealId=OLD)
        with pytest.raises(Refused) as refused:
            await agent("apply_plan", planId=plan["planId"])
        assert refused.value.code == "plan_stale"


async def test_the_same_body_with_another_deal_creates_another_task() -> None:
    async with agent_at() as (_, agent):
        body = {"title": "Send the offer", "responsibleIds": []}
        first = await agent("create_task", **body, dealId=RENEWAL)
        again = await agent("create_task", **body, dealId="acme renewal")
        other = await agent("create_task", **body, dealId=UPSELL)
        assert again["task"]["id"] == first["task"]["id"] != other["task"]["id"]
        many = {"taskIds": [first["task"]["id"], other["task"]["id"]], "idempotencyKey": "k"}
        done = await agent("bulk_update_tasks", **many, changes={"dealId": "globex renewal"})
        assert (await agent("bulk_update_tasks", **many, changes={"dealId": OLD}))["changeId"] == done["changeId"]


@pytest.mark.parametrize("count", [1, 2])
async def test_a_deletion_is_undone_without_a_deal_that_is_gone_since(count: int) -> None:
    rows = [row(number, {"deals": [OLD], "companies": [COMPANY]}) for number in range(1, count + 1)]
    async with agent_at(rows) as (crm, agent):
        plan = await agent("delete_task", ids=[task_id(number) for number in range(1, count + 1)])
        deleted = await agent("apply_plan", planId=plan["planId"])
        url = f"/crm/v3/objects/deals/{OLD}"
        await crm.backend._client.http.delete(Path.of(url), expect="nothing")  # noqa: SLF001 - as a person would
        undone = await agent("undo_change", changeId=deleted["changeId"])
        assert len(crm.hubspot.tasks) == count
        assert "deals 303" in str(undone)
        assert "dealId" in str(undone["unapplied"])


async def test_contacts_and_deals_are_found_by_the_same_words() -> None:
    async with agent_at() as (crm, agent):
        found = await agent("find_contacts", query="acme")
        assert [one["customer"] for one in found["contacts"]] == ["Acme SpA"]
        assert found["deals"] == [{"dealId": one, "name": NAMES[one]} for one in (RENEWAL, UPSELL)]
        assert "deals.name" in found["untrusted"]["fields"]
        assert "deals" not in await agent("find_contacts", query="carolina")
        for written in ("renovacion", "RENOVACION initech", "Renovación"):
            assert (await agent("find_contacts", query=written))["deals"] == [{"dealId": PLAN, "name": NAMES[PLAN]}]
        assert len(search_bodies(crm, FIND)) == 1 + 2 + 2 + 2 + 1


async def test_contacts_and_deals_are_found_by_their_ids() -> None:
    async with agent_at() as (_, agent):
        assert (await agent("find_contacts", query=OLD))["deals"] == [{"dealId": OLD, "name": NAMES[OLD]}]
        of_contact = (await agent("find_contacts", query=CAROLINA))["contacts"]
        assert [(one["name"], one["customer"]) for one in of_contact[:1]] == [("Carolina Vega", "Acme SpA")]
        of_company = (await agent("find_contacts", query=COMPANY))["contacts"]
        assert (of_company[0]["customer"], of_company[0]["aiCustomerId"]) == ("Acme SpA", COMPANY)
        nothing = await agent("find_contacts", query="987654")
        assert (nothing["contacts"], "deals" in nothing) == ([], False)


async def test_a_change_names_the_linked_records_beside_their_ids() -> None:
    async with agent_at([row(1, {"deals": [OLD], "companies": [COMPANY]}), row(2)]) as (crm, _):
        lean = replace(crm.app, surface=replace(crm.app.surface, answers="lean"))
        async with Client(create_server(lean)) as client:
            agent = Agent(client, {})
            plan = await agent("update_task", id=task_id(1), dealId=UPSELL, aiContactId=CAROLINA, dryRun=True)
            changed = plan["difference"][0]["changed"]
            names = {OLD: NAMES[OLD], UPSELL: NAMES[UPSELL]}
            assert changed["deal_id"] == {"from": OLD, "to": UPSELL, "names": names}
            assert changed["ai_contact_id"]["names"] == {CAROLINA: "Carolina Vega"}
            reads = crm.sent.count("POST /crm/v3/objects/deals/batch/read")
            done = await agent("bulk_update_tasks", taskIds=[task_id(1), task_id(2)], changes={"dealId": UPSELL})
            assert [one["changed"]["deal_id"]["names"][UPSELL] for one in done["tasks"]] == [NAMES[UPSELL]] * 2
            assert crm.sent.count("POST /crm/v3/objects/deals/batch/read") == reads + 1
            emptied = await agent("update_task", id=task_id(1), clear=["aiCustomerId"])
            assert emptied["changed"]["ai_customer_id"]["names"] == {COMPANY: "Acme SpA"}
            asked = Plan("p", "update_task", (Difference(task_id(1), "T", "update", LINKED),), NOW)
            assert f"deal_id: {NAMES[OLD]} ({OLD}) → {NAMES[UPSELL]} ({UPSELL})" in question_text(
                asked, await load_wording(lean, asked.people, asked.links)
            )


async def test_a_token_without_the_deals_scope_cannot_create_a_task_with_a_deal() -> None:
    scopes = [one for one in SCOPES if not one.startswith("crm.objects.deals")]
    async with agent_at([], scopes=scopes) as (crm, agent):
        with pytest.raises(Refused, match=r"crm\.objects\.deals\.read"):
            await agent("create_task", **NEW, dealId=OLD)
        assert crm.hubspot.tasks == []


async def test_the_right_to_read_deals_is_checked_once() -> None:
    async with agent_at([row(1)]) as (crm, _):
        for deal in (OLD, UPSELL):
            await crm.backend.check_edit(None, replace(LINKED_EDIT, deal_id=deal))
        assert [one.path for one in crm.hubspot.requests] == [f"/crm/v4/objects/deals/{OLD}/associations/tasks"]


@pytest.mark.parametrize(
    ("route", "tasks"), [("GET /crm/v3/objects/tasks/{id}", 1), ("POST /crm/v4/associations/{kind}/{to}/batch/read", 2)]
)
async def test_links_are_read_again_after_a_read_that_was_forbidden_with_and_without_deals(
    route: str, tasks: int
) -> None:
    rows = [row(number, {"deals": [OLD], "contacts": [CAROLINA]}) for number in range(1, tasks + 1)]
    async with agent_at(rows) as (crm, _):
        crm.hubspot.faults = (Fault("status", route, status=403, nth="every"),)
        with pytest.raises(OperatorError):
            await crm.backend.snapshots([one["id"] for one in rows])
        crm.hubspot.faults = ()
        found = await crm.backend.snapshots([one["id"] for one in rows])
        assert [(one.task.deal_id, one.task.ai_contact_id) for one in found.values()] == [(OLD, CAROLINA)] * tasks


async def test_the_right_to_read_deals_is_checked_again_after_a_check_that_failed() -> None:
    scopes = [one for one in SCOPES if not one.startswith("crm.objects.deals")]
    async with agent_at([], scopes=scopes) as (crm, _):
        crm.hubspot.faults = (Fault("status", status=500, nth="every"),)
        await crm.backend.check_edit(None, LINKED_EDIT)
        crm.hubspot.faults = ()
        with pytest.raises(OperatorError, match=r"crm\.objects\.deals\.read"):
            await crm.backend.check_edit(None, LINKED_EDIT)


@pytest.mark.parametrize(("status", "reads_deals"), [(401, True), (403, False)])
async def test_a_refusal_that_is_not_about_deals_changes_nothing_about_them(status: int, *, reads_deals: bool) -> None:
    scopes = [one for one in SCOPES if reads_deals or not one.startswith("crm.objects.deals")]
    async with agent_at([row(1, {"deals": [OLD]})], scopes=scopes) as (crm, _):
        before = None if reads_deals else await crm.backend.get_task(task_id(1))
        crm.hubspot.faults = (Fault("status", status=status, nth="every"),)
        for read in (crm.backend.get_task(task_id(1)), crm.backend.check_edit(None, LINKED_EDIT)):
            with pytest.raises(OperatorError):
                await read
        crm.hubspot.faults = ()
        assert (await crm.backend.get_task(task_id(1))).deal_id == (OLD if before is None else before.deal_id)


async def test_many_tasks_have_no_deal_field_if_the_first_read_shows_that_the_token_may_not_read_deals() -> None:
    scopes = [one for one in SCOPES if not one.startswith("crm.objects.deals")]
    async with agent_at([row(1, {"deals": [OLD]}), row(2)], scopes=scopes) as (crm, _):
        found = await crm.backend.snapshots([task_id(1), task_id(2)])
        assert [one.task.deal_id for one in found.values()] == [MISSING, MISSING]


async def test_a_token_without_the_deals_scope_refuses_deals_only() -> None:
    scopes = [one for one in SCOPES if not one.startswith("crm.objects.deals")]
    async with agent_at([row(1, {"deals": [OLD]}), row(2)], scopes=scopes) as (crm, agent):
        read = await agent("get_task", id=task_id(1))
        assert "deal_id" not in read["task"]
        await agent("bulk_update_tasks", taskIds=[task_id(1), task_id(2)], changes={"aiContactId": CAROLINA})
        for query in ("acme", OLD):
            assert "deals" not in await agent("find_contacts", query=query)
        (told,) = [await agent("delete_task", id=task_id(1))]
        assert "links to deals, which the token may not read" in told["note"]
        for tool, arguments in (
            ("update_task", {"id": task_id(1), "dealId": UPSELL}),
            ("update_task", {"id": task_id(1), "clear": ["dealId"]}),
            ("create_task", NEW | {"dealId": OLD}),
            ("create_task", NEW | {"dealId": OLD, "dryRun": True}),
            ("create_tasks", {"tasks": [NEW, NEW | {"dealId": OLD}]}),
            ("bulk_update_tasks", {"taskIds": [task_id(1), task_id(2)], "changes": {"dealId": UPSELL}}),
            ("list_tasks", {"dealId": OLD}),
            ("list_tasks", {"dealId": "Globex"}),
        ):
            with pytest.raises(Refused) as refused:
                await agent(tool, **arguments)
            assert (refused.value.code, "crm.objects.deals.read" in str(refused.value)) == ("forbidden", True)
        assert deals_of(crm, task_id(1)) == [OLD]
        assert len(crm.hubspot.tasks) == 2
        assert len([one for one in crm.sent if one == f"GET /crm/v3/objects/tasks/{task_id(1)}"]) >= 2

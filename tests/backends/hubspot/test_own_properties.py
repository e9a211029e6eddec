"""Task properties by name: set, cleared, planned, undone and journaled; invalid ones are refused before sending."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from mcp import Client

from backends.hubspot.sandboxed_app import KEY, Account, Time, hubspot, row, seed, served, task_id
from behaviour.agent import Agent, Refused
from builders import refused
from taskhand.domain.errors import CallerError
from taskhand.sandbox.faults import Fault
from taskhand.server.app import create_server

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
OWN: list[dict[str, Any]] = [
    {"name": "region", "label": "Sales region", "type": "enumeration"}
    | {"options": [{"value": "latam", "label": "Latin America"}, {"value": "emea", "label": "EMEA"}]},
    {"name": "amount", "type": "number"},
    {"name": "visit", "type": "datetime"},
    {"name": "score", "type": "number", "readOnlyValue": True},
    {"name": "crm_ref", "label": "Reference", "hasUniqueValue": True},
]
WRITES = {"POST", "PATCH", "PUT", "DELETE"}


@asynccontextmanager
async def agent_at(*faults: Fault, **options: Any) -> AsyncIterator[tuple[Account, Agent]]:
    time = Time()
    rows = [row(1, region="latam", crm_ref="R-1"), row(2, crm_ref="R-2"), row(3, crm_ref=task_id(1))]
    sandbox = hubspot(time, seed(rows=rows) | {"properties": OWN}, spec_variant=OPEN, faults=faults)
    async with AsyncExitStack() as stack:
        crm = await stack.enter_async_context(served(sandbox, time, **options))
        yield crm, Agent(await stack.enter_async_context(Client(create_server(crm.app))), {"dueDate": "2026-03-09"})


def own(crm: Account, number: int = 1) -> dict[str, Any]:
    return {name: text for name, text in crm.stored_properties(number).items() if name in {one["name"] for one in OWN}}


async def test_properties_are_set_cleared_shown_and_put_back_each_by_itself() -> None:
    async with agent_at() as (crm, agent):
        changed = await agent("update_task", id=task_id(1), properties={"region": "EMEA", "amount": 12.50})
        assert changed["changed"] == {
            "properties.amount": {"from": None, "to": "12.5"},
            "properties.region": {"from": "latam", "to": "emea"},
        }
        assert changed["matched"] == [
            {"argument": "properties.region", "given": "EMEA", "id": "emea", "name": "emea"},
        ]
        assert own(crm) == {"region": "emea", "amount": "12.5", "crm_ref": "R-1"}
        read = await agent("get_task", id=task_id(1), properties=["region", "visit", "hs_object_id"])
        assert read["task"]["properties"] == {"region": "emea", "visit": None, "hs_object_id": task_id(1)}
        assert "task.properties" in read["untrusted"]["fields"]
        assert "properties" not in (await agent("get_task", id=task_id(1)))["task"]

        crm.hubspot.edit(task_id(1), amount="99")
        undone = await agent("undo_change", changeId=changed["changeId"])
        assert undone["unapplied"] == [{"field": "properties.amount", "asked": None, "got": "99", "was": "12.5"}]
        assert own(crm) == {"region": "latam", "amount": "99", "crm_ref": "R-1"}

        cleared = await agent("update_task", id=task_id(1), properties=[{"name": "amount", "value": None}])
        assert cleared["changed"] == {"properties.amount": {"from": "99", "to": None}}
        assert "amount" not in own(crm)
        again = await agent("update_task", id=task_id(1), properties={"amount": ""}, title="Call Acme 1")
        assert again["note"] == "Nothing was written: the task already matches the request."


async def test_new_tasks_have_properties_and_the_same_body_is_the_same_task() -> None:
    async with agent_at() as (crm, agent):
        visit = {"name": "visit", "value": "2026-12-30T15:00:00-03:00"}
        pairs = [{"name": "region", "value": "emea"}, visit]
        made = await agent("create_task", title="New", responsibleIds=[], properties=pairs)
        task = made["task"]["id"]
        (true,) = [one["properties"] for one in crm.hubspot.tasks if one["id"] == task]
        assert (true["region"], true["visit"]) == ("emea", "2026-12-30T18:00:00Z")
        same = await agent("create_task", title="New", responsibleIds=[], properties=pairs[::-1])
        assert (same["task"]["id"], same["replayed"]) == (task, True)
        other = await agent("create_task", title="New", responsibleIds=[], properties={"region": "latam"})
        assert other["task"]["id"] != task
        bodies = [
            {"title": "Many", "dueDate": "2026-03-09", "responsibleIds": [], "properties": {"region": region}}
            for region in ("latam", "emea", "nowhere")
        ]
        many = await agent("create_tasks", tasks=bodies)
        assert many["totals"] == {"applied": 2, "refused": 1}
        # An undo of a create deletes a task only as it was made.
        crm.hubspot.edit(task, region="latam")
        with pytest.raises(Refused, match=r"properties\.region"):
            await agent("undo_change", changeId=made["changeId"])


async def test_properties_of_many_tasks_are_changed_in_one_batch_and_undone() -> None:
    async with agent_at() as (crm, agent):
        ids = [task_id(number) for number in (1, 2, 3)]
        done = await agent("bulk_update_tasks", taskIds=ids, changes={"properties": {"region": "emea"}})
        assert done["totals"] == {"applied": 3}
        assert [own(crm, number)["region"] for number in (1, 2, 3)] == ["emea"] * 3
        assert crm.sent.count("POST /crm/v3/objects/tasks/batch/update") == 1
        listed = await agent("list_changes", changeId=done["changeId"])
        assert listed["tasks"][0]["changed"] == {"properties.region": {"from": "latam", "to": "emea"}}
        crm.hubspot.edit(task_id(2), region="latam")
        undone = await agent("undo_change", changeId=done["changeId"])
        assert undone["totals"] == {"applied": 2, "refused": 1}
        assert [own(crm, number).get("region") for number in (1, 2, 3)] == ["latam", "latam", None]
        with pytest.raises(Refused) as nothing:
            await agent("undo_change", changeId=undone["changeId"], **{"except": ["properties.region"]})
        assert nothing.value.code == "nothing_to_undo"


async def test_a_plan_shows_properties_and_is_refused_after_they_changed() -> None:
    async with agent_at() as (crm, agent):
        change = {"properties": {"region": "Latin America", "amount": 5}, "dryRun": True}
        plan = await agent("update_task", id=task_id(2), **change)
        (difference,) = plan["difference"]
        assert difference["changed"] == {
            "properties.amount": {"from": None, "to": "5"},
            "properties.region": {"from": None, "to": "latam"},
        }
        crm.hubspot.edit(task_id(2), amount="7")
        with pytest.raises(Refused) as stale:
            await agent("apply_plan", planId=plan["planId"])
        assert stale.value.code == "plan_stale"
        plan = await agent("update_task", id=task_id(2), **change)
        await agent("apply_plan", planId=plan["planId"])
        assert own(crm, 2) == {"region": "latam", "amount": "5", "crm_ref": "R-2"}


async def test_a_deleted_task_is_made_again_with_its_properties() -> None:
    async with agent_at() as (crm, agent):
        plan = await agent("delete_task", id=task_id(1))
        gone = await agent("apply_plan", planId=plan["planId"])
        back = await agent("undo_change", changeId=gone["changeId"])
        (true,) = [one["properties"] for one in crm.hubspot.tasks if one["id"] == back["task"]["id"]]
        assert (true["region"], true["crm_ref"]) == ("latam", "R-1")


REFUSED: list[tuple[dict[str, Any], str, set[str]]] = [
    ({"regin": "emea"}, "unknown_property", {"region"}),
    ({"Sales": "emea"}, "unknown_property", {"region"}),
    ({"Sales region": "emea", "region": "emea"}, "invalid_arguments", set()),
    ({"zzz": "emea"}, "unknown_property", {"region", "crm_ref"}),
    ({"hs_task_subject": "x"}, "property_has_argument", {"title"}),
    ({"hs_timestamp": "2026-03-09"}, "property_has_argument", {"dueDate"}),
    ({"hubspot_owner_id": "1"}, "property_has_argument", {"responsibleIds"}),
    ({"hs_task_status": "COMPLETED"}, "property_has_argument", {"newStatusName"}),
    ({"hs_pipeline_stage": "1"}, "property_has_argument", {"newStatusName"}),
    ({"hs_task_priority": "HIGH"}, "property_has_argument", {"priority"}),
    ({"hs_task_type": "CALL"}, "property_has_argument", {"taskType"}),
    ({"hs_createdate": "2026-03-09"}, "read_only_property", set()),
    ({"score": "1"}, "read_only_property", set()),
    ({"region": "emae"}, "invalid_property_value", {"emea", "latam"}),
    ({"amount": "a lot"}, "invalid_property_value", set()),
    ({"visit": "2026-12-30"}, "invalid_property_value", set()),
]


async def test_a_property_is_known_by_its_label_and_the_answer_names_it() -> None:
    async with agent_at() as (crm, agent):
        changed = await agent("update_task", id=task_id(1), properties={"sales  REGION": "emea"})
        assert changed["changed"] == {"properties.region": {"from": "latam", "to": "emea"}}
        told = {"argument": "properties", "given": "sales  REGION", "id": "region", "name": "region"}
        assert told in changed["matched"]
        await agent("undo_change", changeId=changed["changeId"])
        ids = [task_id(2), task_id(3)]
        await agent("bulk_update_tasks", taskIds=ids, changes={"properties": {"Sales region": "emea"}})
        assert [own(crm, number)["region"] for number in (1, 2, 3)] == ["latam", "emea", "emea"]
        read = await agent("get_task", id=task_id(1), properties=["Sales region"])
        assert read["task"]["properties"] == {"region": "latam"}
        made = await agent("create_task", title="New", responsibleIds=[], properties={"Sales region": "emea"})
        assert made["task"]["properties"] == {"region": "emea"}


async def test_a_label_shared_by_two_properties_selects_neither() -> None:
    time = Time()
    twins = [{"name": name, "label": "Sales region", "type": "string"} for name in ("region", "region_2")]
    async with served(hubspot(time, seed(1) | {"properties": twins}, spec_variant=OPEN), time) as crm:
        assert crm.backend.properties is not None
        with refused("unknown_property"):
            await crm.backend.properties.find_names(["Sales region"])


async def test_at_most_ten_properties_are_candidates_for_an_unknown_one() -> None:
    time, own = Time(), [{"name": f"own_{number}", "type": "string"} for number in range(11)]
    async with served(hubspot(time, seed(1) | {"properties": own}, spec_variant=OPEN), time) as crm:
        assert crm.backend.properties is not None
        with pytest.raises(CallerError) as unknown:
            await crm.backend.properties.find_names(["zzz"])
    assert len(unknown.value.candidates) == 10


async def test_unknown_properties_and_invalid_values_are_refused_before_any_request() -> None:
    async with agent_at() as (crm, agent):
        for given, code, candidates in REFUSED:
            with pytest.raises(Refused) as refused:
                await agent("update_task", id=task_id(1), title="Never", properties=given)
            assert (refused.value.code, candidates <= set(refused.value.values)) == (code, True), given
        with pytest.raises(Refused) as refused:
            await agent("update_task", id=task_id(1), properties={"region": "emae"})
        named = {one["value"]: one["name"] for one in refused.value.error["candidates"]}
        assert named == {"emea": "EMEA", "latam": "Latin America"}
        with pytest.raises(Refused, match="twice"):
            await agent("update_task", id=task_id(1), properties=[{"name": "region", "value": "emea"}] * 2)
        with pytest.raises(Refused) as unknown:
            await agent("get_task", id=task_id(1), properties=["regin"])
        assert unknown.value.code == "unknown_property"
        assert not [one for one in crm.hubspot.requests if one.method in WRITES]
        # A value that another task has is known to HubSpot alone.
        with pytest.raises(Refused, match=r"properties\.crm_ref: another task in HubSpot has that value"):
            await agent("update_task", id=task_id(1), properties={"crm_ref": "R-2"})


@pytest.mark.parametrize("kind", ["reset_after", "reset_before"])
async def test_the_search_for_a_lost_create_compares_the_properties_too(kind: Any) -> None:
    routes = (
        "PATCH /crm/v3/objects/tasks/{id}",
        "POST /crm/v3/objects/tasks",
        "POST /crm/v3/objects/tasks/batch/update",
    )
    async with agent_at(*(Fault(kind, route, nth=1) for route in routes)) as (crm, agent):
        changed = await agent("update_task", id=task_id(1), properties={"region": "emea"})
        assert changed["changed"] == {"properties.region": {"from": "latam", "to": "emea"}}
        ids = [task_id(2), task_id(3)]
        done = await agent("bulk_update_tasks", taskIds=ids, changes={"properties": {"region": "emea"}})
        assert done["totals"] == {"applied": 2}
        assert [own(crm, number)["region"] for number in (1, 2, 3)] == ["emea"] * 3
        assert crm.sent.count("PATCH /crm/v3/objects/tasks/" + task_id(1)) == (1 if kind == "reset_after" else 2)
        if kind == "reset_after":
            made = await agent("create_task", title="New", responsibleIds=[], properties={"region": "emea"})
            assert made["task"]["properties"] == {"region": "emea"}
            assert len(crm.hubspot.tasks) == 4


async def test_a_key_in_a_property_is_masked_in_the_journal_and_never_written_masked() -> None:
    async with agent_at() as (crm, agent):
        changed = await agent("update_task", id=task_id(2), properties={"crm_ref": f"key {KEY}"})
        assert own(crm, 2)["crm_ref"] == f"key {KEY}"
        undone = await agent("undo_change", changeId=changed["changeId"])
        assert own(crm, 2)["crm_ref"] == "R-2"
        assert KEY not in str(await agent("list_changes"))
        with pytest.raises(Refused) as refused:
            await agent("undo_change", changeId=undone["changeId"])
        assert refused.value.code == "key_not_kept"


async def test_ids_may_be_values_of_a_unique_property_and_answers_have_the_real_ones() -> None:
    async with agent_at() as (crm, agent):
        assert (await agent("get_task", id="r-1", idProperty="crm_ref"))["task"]["id"] == task_id(1)
        changed = await agent("update_task", id="R-1", idProperty="crm_ref", priority="2")
        assert changed["task"]["id"] == task_id(1)
        # The value that is another task's id names the task that has it as its value, and nothing else.
        asked = ["R-2", task_id(1), "R-1", task_id(2)]
        done = await agent("bulk_update_tasks", taskIds=asked, idProperty="crm_ref", changes={"title": "By value"})
        assert done["totals"] == {"applied": 3, "refused": 1}
        assert [crm.stored_properties(number)["hs_task_subject"] for number in (1, 2, 3)] == ["By value"] * 3
        refusals: dict[str, tuple[str, set[str]]] = {
            "crm_ref": ("task_not_found", set()),
            "region": ("property_not_unique", {"crm_ref"}),
            "crm_reff": ("unknown_property", {"crm_ref"}),
        }
        for name, (code, candidates) in refusals.items():
            for call in ({"tool": "update_task", "id": "R-9", "title": "x"}, {"tool": "get_task", "id": "R-9"}):
                with pytest.raises(Refused) as refused:
                    await agent(call.pop("tool"), **call, idProperty=name)
                assert (refused.value.code, candidates <= set(refused.value.values)) == (code, True)
        with pytest.raises(Refused) as none:
            await agent("bulk_update_tasks", taskIds=["R-8", "R-9"], idProperty="crm_ref", changes={"title": "x"})
        assert none.value.code == "task_not_found"
        keyed = {"idProperty": "crm_ref", "changes": {"title": "Once"}, "idempotencyKey": "one"}
        replays = [await agent("bulk_update_tasks", taskIds=["R-1", "R-9"], **keyed) for _ in range(2)]
        assert [one.get("replayed", False) for one in replays] == [False, True]
        with pytest.raises(Refused) as other:
            await agent("bulk_update_tasks", taskIds=["R-1", "R-8"], **keyed)
        assert other.value.code == "key_reused"
        assert (await agent("get_task", id=task_id(2), idProperty=""))["task"]["id"] == task_id(2)


async def test_every_tool_for_existing_tasks_takes_values_of_a_unique_property() -> None:
    async with agent_at() as (_, agent):
        by_value = {"id": "R-1", "idProperty": "crm_ref"}
        for tool, more in (("complete_task", {}), ("reassign_task", {"responsibleIds": ["me"]})):
            assert (await agent(tool, **by_value, **more))["task"]["id"] == task_id(1)
        plan = await agent("delete_task", ids=["R-1", "R-2", "R-9"], idProperty="crm_ref")
        assert sorted(row["id"] for row in plan["difference"]) == [task_id(1), task_id(2)]
        plan = await agent("delete_task", id="r-2", idProperty="crm_ref")
        assert [row["id"] for row in plan["difference"]] == [task_id(2)]
        with pytest.raises(Refused) as none:
            await agent("delete_task", ids=["R-8", "R-9"], idProperty="crm_ref")
        assert none.value.code == "task_not_found"


async def test_a_missing_value_that_is_the_id_of_a_deleted_task_is_not_answered_with_the_task_made_again_for_it() -> (
    None
):
    async with agent_at() as (_, agent):
        plan = await agent("delete_task", id=task_id(2))
        deleted = await agent("apply_plan", planId=plan["planId"])
        await agent("undo_change", changeId=deleted["changeId"])
        for options, is_made_again in (({}, True), ({"idProperty": "crm_ref"}, False)):
            with pytest.raises(Refused) as refused:
                await agent("get_task", id=task_id(2), **options)
            assert refused.value.code == "task_not_found"
            assert ("made again" in str(refused.value)) == is_made_again


async def test_values_of_another_property_are_found_where_tasks_go_by_one_of_their_own() -> None:
    async with agent_at(hubspot_id_property="crm_ref") as (_, agent):
        assert (await agent("get_task", id=task_id(2), idProperty="hs_object_id"))["task"]["id"] == "R-2"

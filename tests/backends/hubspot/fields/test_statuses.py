"""Statuses are the stages of the account's task pipeline: its own ones have names and types, and can be set."""

from datetime import date
from typing import Any

import pytest
from mcp import Client
from pydantic import MISSING

from backends.hubspot.sandboxed_app import Account, Time, hubspot, row, seed, served, task_id
from behaviour.agent import Agent, Refused
from taskhand.backends.hubspot.fields.statuses import TaskStatuses
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import InvalidAnswer
from taskhand.domain.status_lookup import finished_status, resolve_filter_statuses, resolve_status
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery
from taskhand.sandbox.faults import Fault
from taskhand.server.app import create_server

OPEN = ("burst=0", "searches=0", "settle_ms=0", "search_lag=0")
PIPELINES, OPTIONS = "GET /crm/v3/pipelines/{kind}", "GET /crm/v3/properties/{kind}/{name}"
CANCELLED, IN_PROGRESS = "6049725638", "5996831934"
READINGS = ["kept", "unset", "stage_id", "last_option"]
# As recorded on 2026-09-14, with the last stage archived.
RECORDED = {
    "results": [
        {
            "id": "3d314325-1b2a-4225-9388-375f49c57ec3",
            "label": "Task Pipeline",
            "displayOrder": 0,
            "stages": [
                {"id": CANCELLED, "label": "Cancelled", "displayOrder": 5, "metadata": {"isClosed": "true"}},
                {"id": "61bafb31-e7fa-46ed-aaa9-1322438d6e67", "label": "Completed", "displayOrder": 3}
                | {"metadata": {"isClosed": "true", "state": "CLOSED"}},
                {"id": "af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "label": "Not Started", "displayOrder": 0}
                | {"metadata": {"isClosed": "false"}},
                {"id": IN_PROGRESS, "label": "In progress", "displayOrder": 1, "metadata": {"isClosed": "false"}},
                {"id": "dd5826e4-c976-4654-a527-b59ada542e52", "label": "Waiting", "displayOrder": 2},
                {"id": "fc8148fb-3a2d-4b59-834e-69b7859347cb", "label": "Deferred", "displayOrder": 4},
                {"id": "77", "label": "Old", "displayOrder": 6, "archived": True},
            ],
        }
    ]
}


def own(seen: str = "kept", *more: str) -> tuple[Any, Time]:
    time = Time()
    spec_variant = (*OPEN, "stages=custom", f"custom_stage={seen}", *more)
    return hubspot(time, seed(rows=[row(1), row(2), row(3)]), spec_variant=spec_variant), time


@pytest.mark.parametrize(
    ("properties", "is_known"),
    [
        ({}, True),
        ({"hs_pipeline_stage": CANCELLED}, True),
        ({"hs_pipeline_stage": "8888"}, False),
        ({"hs_pipeline_stage": "8888", "hs_task_status": "COMPLETED"}, False),
        ({"hs_pipeline_stage": CANCELLED, "hs_task_status": "ODD"}, False),
        ({"hs_task_status": "NOT_STARTED"}, True),
        ({"hs_task_status": "ODD"}, False),
        ({"hs_task_status": 7, "hs_pipeline_stage": ["x"]}, True),
    ],
)
def test_a_task_in_a_stage_or_a_status_that_is_not_among_them_is_not_known(
    properties: dict[str, object], *, is_known: bool
) -> None:
    found = TaskStatuses.of_pipelines(RECORDED)
    assert found is not None
    assert found.knows(properties) is is_known


def test_stages_are_in_the_accounts_order_and_closed_ones_are_finished() -> None:
    found = TaskStatuses.of_pipelines(RECORDED)
    assert found is not None
    assert [(one.order, one.id, one.name, one.type) for one in found.known.statuses] == [
        (1, "NOT_STARTED", "Not Started", "initial"),
        (2, IN_PROGRESS, "In progress", "in_progress"),
        (3, "WAITING", "Waiting", "in_progress"),
        (4, "COMPLETED", "Completed", "done"),
        (5, "DEFERRED", "Deferred", "in_progress"),
        (6, CANCELLED, "Cancelled", "done"),
    ]
    assert found.known.complete
    assert finished_status(MISSING, found.known)[0].id == "COMPLETED"
    archived = found.of_task({"hs_pipeline_stage": "77", "hs_task_status": "COMPLETED"})
    assert archived is not None
    assert archived.name == "Old"


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"isClosed": "True"}, "done"),
        ({"isClosed": True}, "done"),
        ({"state": "CLOSED"}, "done"),
        ({"isClosed": "false", "state": "CLOSED"}, "done"),
        ({"isClosed": "false", "state": "OPEN"}, "in_progress"),
        (None, "in_progress"),
    ],
)
def test_a_stage_is_finished_if_either_part_of_its_metadata_says_so(metadata: object, kind: str) -> None:
    stages = [{"id": "1", "displayOrder": 0}, {"id": "2", "displayOrder": 1, "metadata": metadata}]
    found = TaskStatuses.of_pipelines({"results": [{"id": "p", "stages": stages}]})
    assert found is not None
    assert found.by_id["2"].type == kind


def test_a_task_has_the_status_of_its_own_stage_whatever_the_status_reads() -> None:
    found = TaskStatuses.of_pipelines(RECORDED)
    assert found is not None
    for read in (None, "", "COMPLETED", "NOT_STARTED", CANCELLED):
        status = found.of_task({"hs_pipeline_stage": CANCELLED, "hs_task_status": read})
        assert status is not None
        assert (status.name, status.type) == ("Cancelled", "done")
    # A stage of HubSpot's own says nothing that the status does not say.
    waiting = "dd5826e4-c976-4654-a527-b59ada542e52"
    assert found.of_task({"hs_pipeline_stage": waiting}) == found.by_id["WAITING"]
    assert found.of_task({"hs_pipeline_stage": waiting, "hs_task_status": "COMPLETED"}) == found.by_id["COMPLETED"]
    # The stage that goes with this status was replaced by one of the same name.
    assert found.of_task({"hs_task_status": "IN_PROGRESS"}) == found.by_id[IN_PROGRESS]
    assert found.of_task({}) is None


def test_a_stage_of_another_pipeline_is_written_with_its_pipeline() -> None:
    other = {"id": "p2", "displayOrder": 1, "stages": [{"id": "8", "label": "Review", "displayOrder": 0}]}
    gone = {"id": "p3", "displayOrder": 2, "archived": True, "stages": [{"id": "9", "label": "Never"}]}
    found = TaskStatuses.of_pipelines({"results": [*RECORDED["results"], other, gone]})
    assert found is not None
    assert [one.name for one in found.known.statuses][-2:] == ["Cancelled", "Review"]
    assert found.properties_of("8", "WAITING") == {"hs_pipeline_stage": "8", "hs_pipeline": "p2"}


def test_options_have_the_accounts_order_without_hidden_ones() -> None:
    options = [
        {"value": "COMPLETED", "label": "Hecho", "displayOrder": 3},
        {"value": "OLD", "label": "Old", "displayOrder": 0, "hidden": True},
        {"value": "LATER", "label": "Later", "displayOrder": -1},
        {"value": "NOT_STARTED", "label": "Nuevo", "displayOrder": 1},
        {"label": "without a value"},
    ]
    found = TaskStatuses.of_options({"options": options}, complete=True)
    assert [(one.order, one.name, one.type) for one in found.by_id.values()] == [
        (0, "Old", "in_progress"),
        (1, "Nuevo", "initial"),
        (2, "Hecho", "done"),
        (3, "Later", "in_progress"),
    ]


def test_the_options_of_an_account_without_a_pipeline_know_a_task_with_any_stage() -> None:
    found = TaskStatuses.of_options({"options": [{"value": "COMPLETED"}]}, complete=True)
    assert found.knows({"hs_task_status": "COMPLETED", "hs_pipeline_stage": "77"})
    assert not found.knows({"hs_task_status": "ARCHIVED", "hs_pipeline_stage": "77"})


@pytest.mark.parametrize(
    ("fault", "spec_variant", "complete"),
    [
        (Fault("status", PIPELINES, status=404, nth="every"), "stages=default", True),
        (Fault("status", PIPELINES, status=400, nth="every"), "stages=default", True),
        (Fault("status", PIPELINES, status=403, nth="every"), "stages=default", False),
        (None, "stages=none", True),
    ],
)
async def test_statuses_come_from_the_options_of_hs_task_status_without_a_pipeline(
    fault: Fault | None, spec_variant: str, complete: object
) -> None:
    time = Time()
    sandbox = hubspot(time, seed(2), spec_variant=(*OPEN, spec_variant), faults=(fault,) if fault else ())
    async with served(sandbox, time) as crm:
        known = await crm.backend.statuses()
        assert [one.name for one in known.statuses] == ["Pendiente", "En Progreso", "Completado"]
        assert known.complete is complete
        assert "hs_task_status" in known.source
        done, _ = resolve_status("Completado", known)
        (task,) = [await crm.backend.get_task(task_id(1))]
        assert (await crm.backend.update_task(task, Edit(status=done))).task.status_config == known.statuses[2]


def test_a_pipeline_without_stages_in_the_answer_is_not_read_as_empty() -> None:
    with pytest.raises(InvalidAnswer):
        TaskStatuses.of_pipelines({"results": [{"id": "p", "label": "Task Pipeline"}]})


async def listed_ids(crm: Account, *names: str) -> set[str]:
    known = await crm.backend.statuses()
    query = TaskQuery(statuses=resolve_filter_statuses(names, known)[0])
    return {one.id for one in (await crm.backend.list_tasks(query)).tasks}


@pytest.mark.parametrize("seen", READINGS)
@pytest.mark.parametrize("more", ["stage=coupled", "stage=apart", "status_or_stage=stage"])
@pytest.mark.parametrize("way", ["single", "bulk"])
async def test_a_task_moves_into_and_out_of_a_custom_stage_and_is_found_by_it(seen: str, more: str, way: str) -> None:
    sandbox, time = own(seen, more)
    async with served(sandbox, time) as crm:
        known = await crm.backend.statuses()
        cancelled, _ = resolve_status("cancelled", known)
        waiting = StatusChoice.of(next(one for one in known.statuses if one.id == "COMPLETED"))
        task = await crm.backend.get_task(task_id(1))
        for choice in (cancelled, waiting):
            edit = Edit(status=choice, title="New")
            if way == "bulk":
                (outcome,) = await crm.backend.update_tasks([(task, edit)])
                assert outcome.written is not None
                task, note = outcome.written.task, outcome.written.note
            else:
                written = await crm.backend.update_task(task, edit)
                task, note = written.task, written.note
            assert task.status_config is not None
            assert (task.status_config.id, note) == (choice.id, None)
            assert task == await crm.backend.get_task(task_id(1))
            assert await listed_ids(crm, "done") == {task_id(1)}
            assert await listed_ids(crm, str(choice.name)) == {task_id(1)}
        assert await listed_ids(crm, "Cancelled") == set()


@pytest.mark.parametrize("unset", ["yes", "no"])
@pytest.mark.parametrize("seen", READINGS)
async def test_overdue_tasks_are_found_with_every_status_that_a_custom_stage_may_have(seen: str, unset: str) -> None:
    time, readings = Time(), (*OPEN, "stages=custom", f"custom_stage={seen}", f"unset_differs={unset}")
    rows = [row(number, hs_timestamp="2026-02-20T12:00:00Z") for number in range(1, 262)]
    done = row(262, hs_timestamp="2026-02-20T12:00:00Z", hs_task_status="COMPLETED")
    sandbox = hubspot(time, seed(rows=[*rows, done]), spec_variant=readings)
    for number in range(1, 261):
        sandbox.edit(task_id(number), hs_pipeline_stage=IN_PROGRESS if number == 260 else CANCELLED)
    async with served(sandbox, time) as crm:
        await crm.backend.statuses()
        crm.hubspot.clear_requests()
        page = await crm.backend.list_tasks(TaskQuery(overdue=True))
        assert [task.id for task in page.tasks] == [task_id(260), task_id(261)]
        assert crm.sent.count("POST /crm/v3/objects/tasks/search") <= (2 if seen == "unset" else 1)


async def test_an_agent_sees_sets_and_leaves_an_accounts_own_stage() -> None:
    sandbox, time = own("last_option")
    async with served(sandbox, time) as crm, Client(create_server(crm.app)) as client:
        agent = Agent(client)
        statuses = await agent("list_statuses")
        assert [one["name"] for one in statuses["statuses"]] == ["Pendiente", "In progress", "Completado", "Cancelled"]
        await agent("update_task", id=task_id(1), newStatusName="Cancelled")
        assert crm.stored_properties(1)["hs_pipeline_stage"] == CANCELLED
        (row,) = (await agent("list_tasks", status=["Cancelled"]))["tasks"]
        assert (row["id"], row["status"]) == (task_id(1), "Cancelled")
        await agent("complete_task", id=task_id(1))
        assert crm.stored_properties(1)["hs_task_status"] == "COMPLETED"
        assert (await agent("get_task", id=task_id(1)))["task"]["status_config"]["type"] == "done"


async def test_a_first_stage_that_hubspot_refuses_is_not_named_as_an_argument_of_the_new_task() -> None:
    """The stage goes with an option of the status that the account does not have."""
    time = Time()
    first = {"id": "af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "label": "Not Started", "status": "NOT_STARTED"}
    options = [{"value": "COMPLETED", "label": "Completed"}]
    world = seed(0) | {"statuses": options, "stages": [first | {"isClosed": False}]}
    body = {"title": "New", "dueDate": "2026-03-09", "responsibleIds": [], "priority": "1"}
    why = "HubSpot refused the status that the task would get: HubSpot does not have that value among its options."
    async with (
        served(hubspot(time, world, spec_variant=OPEN), time) as crm,
        Client(create_server(crm.app)) as client,
    ):
        agent = Agent(client)
        with pytest.raises(Refused) as refused:
            await agent("create_task", **body)
        assert (refused.value.code, str(refused.value)) == ("upstream_refused", why)
        assert "pipeline" in refused.value.next
        many = await agent("create_tasks", tasks=[body, body | {"title": "Other"}])
        assert all(why in one["message"] for one in many["outcomes"])
        assert not crm.hubspot.tasks


@pytest.mark.parametrize("not_started", ["af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "NOT_STARTED", None])
async def test_a_new_task_starts_in_not_started_else_in_the_accounts_own_first_stage(not_started: str | None) -> None:
    time = Time()
    mine = {"id": "1", "label": "Inbox", "isClosed": False}
    done = {"id": "2", "label": "Done", "isClosed": True, "status": "COMPLETED"}
    usual = {"id": not_started, "label": "Not Started", "isClosed": False, "status": "NOT_STARTED"}
    stages = [mine, *([usual] if not_started else []), done]
    async with served(hubspot(time, seed(0) | {"stages": stages}, spec_variant=OPEN), time) as crm:
        edit = Edit(title="New", due=Due(date(2026, 3, 9)), priority=1)
        made = (await crm.backend.create_task(edit)).task
        assert made.task_status_config_id == ("NOT_STARTED" if not_started else "1")


async def test_a_stage_that_was_added_is_known_within_seconds_and_a_task_in_it_at_once() -> None:
    time = Time()
    usual = [("af0e6a5c-2ea3-4c72-b69f-7c6cb3fdb591", "Not Started", False, "NOT_STARTED")]
    usual += [("61bafb31-e7fa-46ed-aaa9-1322438d6e67", "Completed", True, "COMPLETED")]
    names = ("id", "label", "isClosed", "status")
    world = seed(rows=[row(number, hs_timestamp="2026-02-20T13:00:00Z") for number in (1, 2)])
    world["stages"] = [dict(zip(names, one, strict=True)) for one in usual]
    sandbox = hubspot(time, world, spec_variant=(*OPEN, "custom_stage=stage_id"))
    async with served(sandbox, time) as crm, Client(create_server(crm.app)) as client:
        agent = Agent(client)
        assert len(await agent.listed(overdue=True)) == 2
        world["stages"] += [
            {"id": "8888", "label": "Bloqueada"},
            {"id": "8889", "label": "Archivada", "isClosed": True},
        ]
        time.now += 11
        crm.hubspot.edit(task_id(2), hs_pipeline_stage="8889")
        assert await agent.listed(overdue=True) == ["Call Acme 1"]
        assert "Archivada" in str(await agent("get_task", id=task_id(2)))
        world["stages"] += [{"id": "8890", "label": "En revisión"}]
        time.now += 11
        assert "En revisión" in str(await agent("update_task", id=task_id(1), newStatusName="En revisión"))
        assert crm.stored_properties(1)["hs_pipeline_stage"] == "8890"
        before = sum(one.route == PIPELINES for one in crm.hubspot.requests)
        world["stages"] = world["stages"][:2]  # a stage that is gone is asked for no more than once in some seconds
        for _ in range(3):
            await agent("get_task", id=task_id(1))
        assert sum(one.route == PIPELINES for one in crm.hubspot.requests) <= before + 1


async def test_a_deleted_task_of_a_custom_stage_is_made_again_in_the_initial_status() -> None:
    sandbox, time = own()
    async with served(sandbox, time) as crm:
        known = (await crm.backend.statuses()).statuses
        custom = next(one for one in known if str(one.id).isdecimal())
        choice = (await crm.backend.account.all_statuses()).initial({"hs_pipeline_stage": custom.id})
    assert choice == next(StatusChoice.of(one) for one in known if one.type == "initial")


@pytest.mark.parametrize("options", [[], [{"label": "Done"}], [{"value": ""}]])
def test_a_property_without_any_status_is_an_invalid_answer(options: list[dict[str, str]]) -> None:
    with pytest.raises(InvalidAnswer, match="without any status"):
        TaskStatuses.of_options({"options": options}, complete=True)

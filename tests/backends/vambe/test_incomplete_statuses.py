"""Statuses, where only those seen on tasks are known."""

from typing import Any

import pytest

from backends.vambe.expected_tasks import STATUS_NAMES, expected_task, sandbox_of, stored_task
from backends.vambe.sandboxed_app import KEY
from backends.vambe.scenario import (
    OLD,
    SEED,
)
from backends.vambe.vambe_agent import connected
from behaviour.agent import Refused
from behaviour.world import STATUSES
from taskhand.sandbox.vambe import SpecVariant

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
        assert (answer["unapplied"], answer["task"]) == ([], expected_task(sandbox, OLD))
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
            assert (answer["unapplied"], answer["task"]) == ([], expected_task(sandbox, OLD))
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


async def test_a_refusal_that_names_the_status_is_explained_though_other_fields_were_sent() -> None:
    async with connected(sandbox_of("unknown_status=400"), vambe_api_key=KEY, vambe_statuses=None) as agent:
        with pytest.raises(Refused) as refused:
            await agent("update_task", **UNKNOWN, title="x")
    assert (refused.value.code, refused.value.values) == ("unknown_status", ["Pendiente"])


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
    assert stored_task(sandbox, OLD)["status_config"]["order"] == status
    assert answer["task"] == expected_task(sandbox, OLD)
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
    assert answer["task"] == expected_task(sandbox, OLD)
    assert answer["task"]["status_config"]["name"] == "Completado"


@pytest.mark.parametrize("filters", [{"status": ["Pendiente"]}, {"overdue": False}])
async def test_a_filter_that_needs_statuses_is_an_error_where_tasks_have_none(filters: dict[str, Any]) -> None:
    async with connected(sandbox_of("status_config=null"), vambe_api_key=KEY) as agent:
        with pytest.raises(Refused) as refused:
            await agent("list_tasks", **filters)
    assert refused.value.code == "status_unknown"


async def test_statuses_seen_nearby_are_listed_despite_a_limit_on_windows() -> None:
    async with connected(sandbox_of("max_window_days=400"), vambe_api_key=KEY, vambe_statuses=None) as agent:
        answer = await agent("list_statuses")
    assert [row["name"] for row in answer["statuses"]] == ["Pendiente"]
    assert answer["complete"] is False

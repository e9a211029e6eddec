"""A refusal names only sent arguments, and a failure reports the result of the read-back."""

from typing import Any

import pytest

from behaviour.agent import Refused
from safety.account import ServedCrm, open_crm
from safety.crms import CRMS, VAMBE, SandboxedCrm
from taskhand.sandbox.emulator import Emulator
from taskhand.sandbox.faults import Fault

CONTACT = "c0a00000-0000-4000-8000-000000000001"


async def answer(
    served: ServedCrm, kind: str, status: int, *, commit: bool = False, **arguments: Any
) -> dict[str, Any]:
    """What the agent is told of a write whose every request ends with this status; the text of all of it is `said`."""
    sandbox = served.sandbox
    assert isinstance(sandbox, Emulator)
    sandbox.faults = [Fault("status", served.crm.routes[kind], nth="every", status=status, commit=commit)]
    tools = {"one": "update_task", "many": "bulk_update_tasks", "create": "create_task", "delete": "delete_task"}
    one = {"id": served.ids[0]}
    given: dict[str, dict[str, Any]] = {"one": one, "many": {"taskIds": served.ids}, "delete": one}
    try:
        told = await served.agent(tools[kind], **given.get(kind, {}), **arguments)
        told = await served.agent("apply_plan", planId=told["planId"]) if kind == "delete" else told
    except Refused as refused:
        told = refused.error
    return told | {"said": str(told)}


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_refusal_names_only_arguments_that_were_sent(crm: SandboxedCrm) -> None:
    new: dict[str, Any] = {"title": "New", "responsibleIds": ["me"]}
    async with open_crm(crm, tasks=2) as served:
        refused = await answer(served, "one", 400, title="New")
        assert refused["message"] == f"{served.app.backend.messages.name} refused the value of title."  # type: ignore[attr-defined]
        refused = await answer(served, "one", 400, responsibleIds=["Ana Soto"], dueDate="2026-04-01")
        assert "dueDate or responsibleIds" in refused["message"]
        refused = await answer(served, "create", 400, **new)
        assert "title" in refused["message"]
        assert "aiContactId" not in refused["said"]
        refused = await answer(served, "delete", 400)
        assert f"to delete task {served.ids[0]}" in refused["message"]
        refused = await answer(served, "one", 404, title="New")
        assert refused["code"] == "task_not_found"
        assert not any(word in refused["said"] for word in ("person", "contact", "customer", "responsible"))


@pytest.mark.parametrize("crm", [crm for crm in CRMS if crm.names_references], ids=str)
async def test_an_unknown_reference_is_distinguished_from_an_unknown_task(crm: SandboxedCrm) -> None:
    new: dict[str, Any] = {"title": "New", "responsibleIds": ["me"]}
    async with open_crm(crm, tasks=2) as served:
        refused = await answer(served, "many", 404, changes={"title": "New"})
        assert refused["outcomes"][0]["code"] == "task_not_found"
        refused = await answer(served, "one", 404, responsibleIds=["Ana Soto"])
        assert (refused["code"], "responsibleIds" in refused["message"]) == ("unknown_reference", True)
        assert not any(word in refused["said"] for word in ("ontact", "ustomer"))
        refused = await answer(served, "create", 404, **new)
        assert (refused["code"], "responsibleIds" in refused["message"]) == ("unknown_reference", True)
        assert "ontact" not in refused["said"]


async def test_vambe_names_every_reference_that_may_be_unknown() -> None:
    async with open_crm(VAMBE, tasks=1) as served:
        refused = await answer(served, "one", 404, newStatusName="Completado", aiContactId=CONTACT)
        assert refused["message"] == "Vambe does not know the value of aiContactId or newStatusName."
        refused = await answer(served, "one", 404, aiContactId=CONTACT, title="New")
        assert refused["message"] == "Vambe does not know the value of aiContactId."
        assert refused["next"].startswith("Take it from find_contacts")


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_conflict_is_never_reported_as_an_unknown_status(crm: SandboxedCrm) -> None:
    async with open_crm(crm, tasks=1) as served:
        refused = await answer(served, "one", 409, newStatusName=await done_status(served))
        assert refused["code"] == "conflict"


async def done_status(served: ServedCrm) -> str:
    """The name of the status of a finished task."""
    found: list[dict[str, Any]] = (await served.agent("list_statuses"))["statuses"]
    return next(str(status["name"]) for status in found if status["type"] == "done")


@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_the_answer_after_a_500_reports_the_result_of_reading_back(crm: SandboxedCrm) -> None:
    async with open_crm(crm, tasks=5) as served:
        failed = await answer(served, "one", 500, title="New")
        assert (failed["code"], failed["retryable"]) == ("upstream_error", True)
        assert "was not applied" in failed["message"]
        applied = await answer(served, "one", 500, title="New", commit=True)
        assert "shows it applied" in applied["note"]
        edit = {"responsibleIds": ["Ana Soto"]}
        failed = await answer(served, "many", 500, changes=edit)
        assert "was not applied" in failed["outcomes"][0]["message"]
        applied = await answer(served, "many", 500, changes=edit, commit=True)
        assert applied["totals"] == {"applied": 5}

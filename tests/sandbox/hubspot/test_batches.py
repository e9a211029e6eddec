"""Batches: whole and partial success, and the order of results."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.hubspot.served_sandbox import BINNED, DONE, DRAFT, NOBODY, TASK, TASKS, open_served_sandbox


def subject(task_id: str, text: str, trace: str | None = None, **more: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": task_id, "properties": {"hs_task_subject": text, **more}}
    return row | ({"objectWriteTraceId": trace} if trace else {})


async def test_results_are_in_another_order_than_the_inputs() -> None:
    async with open_served_sandbox() as served:
        inputs = [{"properties": DRAFT, "objectWriteTraceId": str(n)} for n in range(5)]
        status, body = await served.batch("create", *inputs)
        traces = [row["objectWriteTraceId"] for row in body["results"]]
        assert (status, body["status"], sorted(traces)) == (201, "COMPLETE", list("01234"))
        assert traces != sorted(traces)
        assert "errors" not in body
    async with open_served_sandbox("results_order=input") as served:
        _, body = await served.batch("create", *inputs)
        assert [row["objectWriteTraceId"] for row in body["results"]] == list("01234")


async def test_with_trace_ids_on_every_input_an_invalid_one_fails_alone() -> None:
    async with open_served_sandbox() as served:
        status, body = await served.batch("update", subject(TASK, "a", "1"), subject(DONE, "b", "2", missing="x"))
        assert (status, body["numErrors"], [row["id"] for row in body["results"]]) == (207, 1, [TASK])
        [error] = body["errors"]
        assert (error["category"], error["context"]) == ("VALIDATION_ERROR", {"objectWriteTraceId": ["2"]})
        assert error["message"].startswith("Property values were not valid: [{")
        assert (error["errors"][0]["code"], error["links"]) == ("PROPERTY_DOESNT_EXIST", {})


@pytest.mark.parametrize("traces", [(None, None), ("1", None)])
async def test_without_trace_ids_an_invalid_input_fails_the_batch(traces: tuple[str | None, str | None]) -> None:
    async with open_served_sandbox() as served:
        before = served.sandbox.tasks
        wrong = subject(DONE, "b", traces[1], missing="x", other="y")
        status, body = await served.batch("update", subject(TASK, "a", traces[0]), wrong)
        assert (status, served.sandbox.tasks) == (400, before)
        assert '"name":"missing"' in body["message"]


async def test_spec_variants_of_partial_success() -> None:
    async with open_served_sandbox("untraced_update=partial") as served:
        assert (await served.batch("update", subject(TASK, "a"), subject(DONE, "b", missing="x")))[0] == 207
        assert (await served.batch("create", {"properties": DRAFT}, {"properties": {}}))[0] == 400
    async with open_served_sandbox("some_traces=partial") as served:
        status, body = await served.batch("update", subject(TASK, "a", "1"), subject(DONE, "b", missing="x"))
        assert (status, body["errors"][0]["context"]) == (207, {})


async def test_unknown_ids_are_one_error_together() -> None:
    async with open_served_sandbox() as served:
        inputs = [{"id": one} for one in (TASK, NOBODY, BINNED, "abc")]
        status, body = await served.batch("read", *inputs, properties=["hs_task_subject"])
        assert (status, body["numErrors"]) == (207, 1)
        assert [row["properties"]["hs_task_subject"] for row in body["results"]] == ["Revisar contrato"]
        [error] = body["errors"]
        assert error["context"] == {"ids": [NOBODY, BINNED, "abc"]}
        text = "Could not get some TASK objects, they may be deleted or not exist. Check that ids are valid."
        assert (error["category"], error["message"]) == ("OBJECT_NOT_FOUND", text)


async def test_an_unknown_id_does_not_fail_the_other_updates() -> None:
    async with open_served_sandbox() as served:
        status, body = await served.batch("update", subject(TASK, "a"), subject(NOBODY, "b"))
        assert (status, [row["id"] for row in body["results"]]) == (207, [TASK])
        assert body["errors"][0]["context"] == {"ids": [NOBODY]}


async def test_errors_of_a_batch_have_fewer_keys_as_recorded() -> None:
    async with open_served_sandbox("batch_errors=recorded") as served:
        _, body = await served.batch("read", {"id": NOBODY})
        assert set(body["errors"][0]) == {"status", "category", "message", "context"}


@pytest.mark.parametrize(("effect", "text"), [("done", "a"), ("undone", "Revisar contrato")])
async def test_an_input_can_be_missing_from_both_results_and_errors(effect: str, text: str) -> None:
    async with open_served_sandbox("lost_input=1", f"lost_effect={effect}") as served:
        status, body = await served.batch("update", subject(TASK, "a", "1"), subject(DONE, "b", "2"))
        assert (status, [row["id"] for row in body["results"]], "errors" in body) == (200, [DONE], False)
        assert (await served.get_task("hs_task_subject"))["hs_task_subject"] == text
        _, read = await served.batch("read", {"id": NOBODY}, {"id": DONE})
        assert ([row["id"] for row in read["results"]], "errors" in read) == ([DONE], False)


@pytest.mark.parametrize("what", ["read", "create", "update", "upsert", "archive"])
async def test_refuses_more_than_a_hundred_inputs(what: str) -> None:
    async with open_served_sandbox() as served:
        assert (await served.batch(what, *[{"id": TASK, "properties": {}}] * 101))[0] == 400
        status, _ = await served.batch("read", *[{"id": str(n)} for n in range(100)])
        assert status == 207


@pytest.mark.parametrize(("value", "status"), [("rejected", 400), ("accepted", 200)])
async def test_accepts_or_refuses_one_record_twice_in_a_batch(value: str, status: int) -> None:
    async with open_served_sandbox(f"duplicate_ids={value}") as served:
        assert (await served.batch("update", subject(TASK, "a", "1"), subject(TASK, "b", "2")))[0] == status


@pytest.mark.parametrize(("value", "status"), [("empty", 200), ("rejected", 400)])
async def test_accepts_or_refuses_a_batch_without_inputs(value: str, status: int) -> None:
    async with open_served_sandbox(f"no_inputs={value}") as served:
        answer, body = await served.send("POST", f"{TASKS}/batch/update", [{"id": TASK}][0])
        assert (answer, body.get("results", [])) == (status, [])
        assert (await served.send("POST", f"{TASKS}/batch/update", {"inputs": ["x"]}))[0] == 400


async def test_archiving_a_batch_accepts_unknown_ids() -> None:
    async with open_served_sandbox() as served:
        assert await served.batch("archive", {"id": TASK}, {"id": NOBODY}) == (204, {})
        assert [task["id"] for task in served.sandbox.tasks] == [DONE]


async def test_upsert_needs_a_unique_property_which_tasks_do_not_have() -> None:
    row = {"id": "k1", "idProperty": "outer_id", "properties": DRAFT}
    async with open_served_sandbox() as served:
        assert (await served.batch("upsert", row))[0] == 400
        assert (await served.batch("upsert", {"id": "k1", "properties": DRAFT}))[0] == 400
    async with open_served_sandbox("unique_property=outer_id") as served:
        _, first = await served.batch("upsert", row)
        _, second = await served.batch("upsert", row)
        assert [first["results"][0]["new"], second["results"][0]["new"]] == [True, False]
        assert first["results"][0]["id"] == second["results"][0]["id"]
        status, read = await served.batch("read", {"id": "k1"}, idProperty="outer_id")
        assert (status, len(read["results"])) == (200, 1)


async def test_archived_tasks_can_be_read_in_a_batch() -> None:
    async with open_served_sandbox() as served:
        body = {"inputs": [{"id": BINNED}, {"id": TASK}]}
        _, read = await served.send("POST", f"{TASKS}/batch/read?archived=true", body)
        assert [row["id"] for row in read["results"]] == [BINNED]

"""The request log and the sandbox's own routes."""

from __future__ import annotations

from sandbox.vambe.served_sandbox import ANA, BEN, DRAFT, FOREIGN, TASK, TASKS, YEAR, open_served_sandbox
from taskhand.sandbox.faults import Fault

OWN = ("/_sandbox/requests", "/_sandbox/state")


async def test_the_log_has_each_request_and_its_effect() -> None:
    async with open_served_sandbox() as served:
        await served.client.post(TASKS, json=DRAFT)
        [entry] = served.sandbox.requests
        assert (entry.n, entry.method, entry.path, entry.body) == (1, "POST", TASKS, DRAFT)
        assert (entry.status, entry.route, entry.fault) == (201, f"POST {TASKS}", None)
        assert entry.committed


async def test_the_log_never_has_the_key() -> None:
    async with open_served_sandbox(key="s3cret") as served:
        await served.client.get(TASKS, headers={"authorization": "Bearer s3cret"})
        [entry] = served.sandbox.requests
        assert (entry.headers["x-api-key"], entry.headers["authorization"]) == ("***", "***")
        assert "s3cret" not in (await served.client.get("/_sandbox/requests")).text


async def test_the_log_has_every_value_of_a_query() -> None:
    async with open_served_sandbox() as served:
        await served.client.get(TASKS, params={**YEAR, "responsibleIds": [ANA, BEN]})
        assert served.sandbox.requests[0].query["responsibleIds"] == [ANA, BEN]


async def test_refused_requests_and_reads_are_not_committed() -> None:
    async with open_served_sandbox(faults=[Fault("status", "DELETE *")]) as served:
        await served.client.get(TASKS, params=YEAR)
        await served.client.post(TASKS, content=b"nonsense")
        await served.client.delete(f"{TASKS}/{TASK}")
        await served.client.get("/elsewhere")
        seen = [(entry.status, entry.committed, entry.body, entry.fault) for entry in served.sandbox.requests]
        assert seen == [
            (200, False, None, None),
            (400, False, "nonsense", None),
            (500, False, None, "status"),
            (404, False, None, None),
        ]
        assert [entry.route for entry in served.sandbox.requests][2:] == [f"DELETE {TASKS}/{{id}}", None]


async def test_the_log_is_read_back_and_cleared_over_http_without_a_key() -> None:
    async with open_served_sandbox() as served:
        await served.client.get(TASKS, params=YEAR)
        served.client.headers.pop("x-api-key")
        for path in OWN:
            await served.client.get(path)
        entries = (await served.client.get("/_sandbox/requests")).json()
        assert [(entry["n"], entry["path"], entry["status"]) for entry in entries] == [(1, TASKS, 200)]
        assert (await served.client.delete("/_sandbox/requests")).status_code == 204
        assert (await served.client.get("/_sandbox/requests")).json() == []


async def test_the_state_has_nothing_of_another_organisation() -> None:
    async with open_served_sandbox("due_at=echo", "list_priority=word") as served:
        state = (await served.client.get("/_sandbox/state")).json()
        assert set(state) == {"tasks", "members", "statuses", "contacts", "webhooks"}
        assert state["tasks"] == served.sandbox.tasks
        assert (state["tasks"][0]["priority"], state["tasks"][0]["due_at"]) == (2, "2025-10-26T18:00:00.000Z")
        assert FOREIGN not in [task["id"] for task in state["tasks"]]


async def test_sets_the_spec_variant_over_http() -> None:
    async with open_served_sandbox("created=200") as served:
        answer = await served.client.put("/_sandbox/variant", json={"list_priority": "word"})
        assert answer.json()["list_priority"] == "word"
        assert (await served.list_tasks())[0]["priority"] == "high"
        assert served.sandbox.spec_variant.created == 201
        wrong: list[object] = [{"position": "first"}, [], "x"]
        for bad in wrong:
            refused = await served.client.put("/_sandbox/reading", json=bad)
            assert refused.status_code == 400
        assert served.sandbox.spec_variant.list_priority == "word"


async def test_a_reset_goes_back_to_the_start() -> None:
    async with open_served_sandbox(faults=[Fault("status", f"GET {TASKS}", nth=2)]) as served:
        first = await served.create_task()
        await served.list_tasks()
        assert (await served.client.post("/_sandbox/reset")).status_code == 204
        assert [task["id"] for task in served.sandbox.tasks] == [TASK]
        assert served.sandbox.requests == ()
        assert await served.create_task() == first
        assert len(await served.list_tasks()) == 2
        assert (await served.client.get(TASKS, params=YEAR)).status_code == 500

"""list_events on every backend: a change by Taskhand is listed once, with its change id."""

import pytest

from behaviour.agent import Agent, Refused


async def test_an_own_change_is_listed_once_with_its_change_id(worker: Agent) -> None:
    task = await worker.create("Call Acme")
    try:
        await worker("list_events")
    except Refused as refused:
        if refused.code != "unsupported":
            raise
        pytest.skip("the backend does not tell what was changed")
    renamed = await worker("update_task", id=task["id"], title="Call Acme today")
    rows = [one for one in (await worker("list_events"))["events"] if one["kind"] == "updated"]
    told = [(one["id"], one["title"], one["changed"]["title"]["to"], one["changeId"]) for one in rows]
    assert told == [(task["id"], "Call Acme today", "Call Acme today", renamed["changeId"])]
    assert (await worker("list_events"))["events"] == []

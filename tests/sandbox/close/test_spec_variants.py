"""Every switch with each of its values; those of bulk, rate limits and events have files of their own."""

from __future__ import annotations

import datetime as dt

import pytest

from sandbox.close.served_sandbox import BEN, CALL, DRAFT, GIL, MISSED, TASK, open_served_sandbox
from taskhand.sandbox.close import SpecVariant
from taskhand.sandbox.faults import Fault


async def test_a_missing_slash_may_redirect() -> None:
    async with open_served_sandbox("slash=redirect") as served:
        answer = await served.client.get("task?_limit=1")
        assert (answer.status_code, answer.headers["location"]) == (308, "/api/v1/task/?_limit=1")
        assert (await served.client.get("task?_limit=1", follow_redirects=True)).status_code == 200
        assert (await served.client.get("nothing")).status_code == 404


async def test_unknown_names_in_fields_may_be_refused() -> None:
    async with open_served_sandbox("unknown_names=rejected") as served:
        assert (await served.client.get("task/?_fields=id,nothing")).status_code == 400
        assert (await served.client.get("task/?_fields=id,text")).status_code == 200


async def test_params_may_be_merged_with_the_query_string() -> None:
    async with open_served_sandbox("params=merge") as served:
        await served.client.put("task/?id=task_none", json={"assigned_to": BEN, "_params": {"_type": "all"}})
        assert BEN not in [task["assigned_to"] for task in served.sandbox.tasks]


async def test_a_url_may_be_too_long() -> None:
    async with open_served_sandbox("max_url=200") as served:
        assert (await served.client.get("task/", params={"id__in": TASK})).status_code == 200
        assert (await served.client.get("task/", params={"id__in": "x" * 200})).status_code == 414


async def test_a_401_may_have_its_old_words() -> None:
    async with open_served_sandbox("unauthorized=old") as served:
        answer = await served.client.get("me/", auth=("x", ""))
        assert answer.json()["error"].startswith("The server could not verify")


@pytest.mark.parametrize(("name", "cap"), [("_limit", 200), ("_skip", 35000)])
async def test_a_page_over_the_cap_may_be_refused_in_the_older_form(name: str, cap: int) -> None:
    async with open_served_sandbox("over_cap=error") as served:
        body = (await served.client.get("task/", params={name: str(cap + 1)})).json()
        assert body["error"].endswith(f"(max{name} = {cap}).")


async def test_the_maximum_of_limit_and_skip_may_be_lower() -> None:
    async with open_served_sandbox("max_limit=50", "max_skip=5") as served:
        assert (await served.client.get("task/?_limit=51")).status_code == 400
        assert (await served.client.get("task/?_skip=6")).status_code == 400


@pytest.mark.parametrize("name", ["priority", "due_date"])
async def test_a_field_may_be_absent(name: str) -> None:
    async with open_served_sandbox() as served:
        assert name in await served.get_task()
    async with open_served_sandbox(f"{name}=absent") as served:
        assert name not in await served.update_task(priority="high", due_date="2025-12-01")


async def test_a_dateless_task_may_have_no_date_at_all() -> None:
    async with open_served_sandbox("dateless_date=null") as served:
        task = await served.create_task()
        assert (task["date"], task["is_dateless"], task["view"]) == (None, True, "inbox")
        assert task["id"] not in await served.list_ids(date__lte="2099-01-01")
        assert await served.list_ids(_order_by="date") == [TASK, task["id"]]


async def test_a_null_date_may_be_refused() -> None:
    async with open_served_sandbox("null_date=rejected") as served:
        assert list(await served.refuse_update(date=None)) == ["date"]
        assert (await served.update_task(is_dateless=True))["is_dateless"]


@pytest.mark.parametrize(("value", "status"), [("accepted", 200), ("rejected", 400)])
async def test_an_empty_text_is_accepted_or_not(value: str, status: int) -> None:
    async with open_served_sandbox(f"empty_text={value}") as served:
        assert (await served.client.post("task/", json=DRAFT | {"text": ""})).status_code == status


async def test_may_refuse_a_former_member_as_assignee() -> None:
    async with open_served_sandbox("inactive_assignees=rejected") as served:
        assert await served.refuse_update(assigned_to=GIL) == {"assigned_to": "Object does not exist."}


async def test_lists_come_in_any_order() -> None:
    orders = {}
    for value in ("created", "newest", "shuffled"):
        async with open_served_sandbox(f"list_order={value}", seed="demo") as served:
            orders[value] = await served.list_ids(_type="all")
            pages = [await served.list_ids(_type="all", _limit="16", _skip=skip) for skip in ("0", "16")]
            assert pages[0] + pages[1] == orders[value]
    assert orders["newest"] == orders["created"][::-1]
    assert orders["shuffled"] not in (orders["newest"], orders["created"])
    assert sorted(orders["shuffled"]) == sorted(orders["created"])


async def test_a_strict_boolean_is_false_in_lower_case_alone() -> None:
    async with open_served_sandbox("booleans=strict") as served:
        assert await served.list_ids(is_complete="False") == []
        assert await served.list_ids(is_complete="false") == [TASK]


async def test_may_refuse_unknown_filters() -> None:
    async with open_served_sandbox("unknown_filters=rejected") as served:
        answer = await served.client.get("task/?assignedto=x&view=inbox")
        assert (answer.status_code, list(answer.json()["field-errors"])) == (400, ["assignedto"])


async def test_a_forbidden_field_may_be_ignored_or_applied() -> None:
    async with open_served_sandbox("forbidden_fields=ignored") as served:
        task = await served.update_task(CALL, text="x", assigned_to=BEN)
        assert (task["text"], task["assigned_to"]) == ("Qualify", BEN)
    async with open_served_sandbox("forbidden_fields=applied") as served:
        assert (await served.update_task(CALL, text="x"))["text"] == "x"


async def test_an_unknown_field_may_be_ignored() -> None:
    async with open_served_sandbox("unknown_fields=ignored") as served:
        assert (await served.update_task(title="x", text="y"))["text"] == "y"


@pytest.mark.parametrize(("value", "text"), [("applied", "x"), ("ignored", "Renew")])
async def test_may_apply_extra_fields_in_bulk(value: str, text: str) -> None:
    async with open_served_sandbox(f"bulk_extras={value}") as served:
        answer = await served.client.put("task/", params={"id": TASK}, json={"text": "x"})
        assert (answer.json(), (await served.get_task())["text"]) == ({"ok": True}, text)


async def test_a_bulk_update_may_apply_to_every_type() -> None:
    async with open_served_sandbox("bulk_types=all") as served:
        await served.client.put("task/", params={"id__in": MISSED}, json={"is_complete": True})
        assert (await served.get_task(MISSED))["is_complete"]


async def test_the_body_of_a_delete_may_be_empty() -> None:
    async with open_served_sandbox("deleted=empty") as served:
        answer = await served.client.delete(f"task/{TASK}/")
        assert (answer.status_code, answer.content) == (200, b"")


async def test_a_deleted_task_may_stay_readable_for_a_while() -> None:
    async with open_served_sandbox("delete_lag=30") as served:
        served.clock.advance(seconds=1)
        await served.client.delete(f"task/{TASK}/")
        assert (await served.get_task())["text"] == "Renew"
        assert (await served.client.delete(f"task/{TASK}/")).status_code == 404
        served.clock.advance(seconds=31)
        assert (await served.client.get(f"task/{TASK}/")).status_code == 404


async def test_lists_may_lag_behind_while_single_reads_do_not() -> None:
    async with open_served_sandbox("list_lag=10") as served:
        served.clock.advance(seconds=60)
        made = await served.create_task()
        await served.update_task(text="New")
        assert [task["text"] for task in await served.list_tasks()] == ["Renew"]
        assert (await served.get_task(made["id"]))["text"] == "Call back"
        assert (await served.get_task())["text"] == "New"
        served.clock.advance(seconds=10)
        assert [task["text"] for task in await served.list_tasks(_order_by="date_created")] == ["New", "Call back"]


async def test_a_stale_list_misses_the_last_write() -> None:
    async with open_served_sandbox(faults=[Fault("stale_list", "GET /api/v1/task")]) as served:
        await served.create_task()
        await served.client.put(f"task/{TASK}/", json={"text": 5})  # refused: no write
        assert await served.list_ids() == [TASK]
        assert len(await served.list_ids()) == 2


async def test_may_list_former_members_without_an_organization() -> None:
    async with open_served_sandbox("ex_members=listed") as served:
        users = (await served.client.get("user/")).json()["data"]
        assert [user["organizations"] == [] for user in users] == [False, False, True]


@pytest.mark.parametrize(("value", "view"), [("utc", "inbox"), ("user", "future")])
async def test_without_an_offset_the_day_is_in_utc_or_the_users_zone(value: str, view: str) -> None:
    async with open_served_sandbox(f"default_zone={value}") as served:
        served.clock.advance(hours=12)
        del served.client.headers["x-tz-offset"]
        assert (await served.update_task(date="2025-11-06"))["view"] == view


async def test_ignores_an_invalid_offset() -> None:
    async with open_served_sandbox() as served:
        for offset in ("MST", "nan", "99"):
            answer = await served.client.get(f"task/{TASK}/", headers={"x-tz-offset": offset})
            assert answer.json()["view"] == "inbox"


@pytest.mark.parametrize(("value", "hour"), [("utc", 10), ("offset", 17)])
async def test_a_time_without_an_offset_is_in_utc_or_the_callers_zone(value: str, hour: int) -> None:
    async with open_served_sandbox(f"naive_times={value}", offset=-7) as served:
        date = (await served.update_task(date="2025-11-06T10:00:00"))["date"]
        assert dt.datetime.fromisoformat(date) == dt.datetime(2025, 11, 6, hour, tzinfo=dt.UTC)


async def test_a_time_without_an_offset_may_be_refused() -> None:
    async with open_served_sandbox("naive_times=rejected") as served:
        assert list(await served.refuse_update(date="2025-11-06T10:00:00")) == ["date"]


async def test_the_spec_variant_can_change_while_it_serves() -> None:
    async with open_served_sandbox() as served:
        control = str(served.client.base_url).replace("/api/v1/", "/_sandbox/variant")
        answer = await served.client.put(control, json={"priority": "absent"})
        assert answer.json()["priority"] == "absent"
        assert "priority" not in await served.get_task()


def test_every_switch_names_its_values() -> None:
    assert SpecVariant.allowed()["slash"] == ("missing", "redirect")
    with pytest.raises(ValueError, match="priority must be one of"):
        SpecVariant.parse(["priority=maybe"])

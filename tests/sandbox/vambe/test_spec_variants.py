"""Every switch with each of its values."""

from __future__ import annotations

import datetime as dt

import pytest

from sandbox.vambe.served_sandbox import ANA, BEN, CONTACT, DRAFT, GONE, TASK, TASKS, YEAR, ZONE, open_served_sandbox
from taskhand.sandbox.vambe import SpecVariant

THE_DAY = dt.datetime(2025, 10, 20, 10, 30, tzinfo=dt.UTC)
STAMP = "2025-10-26T15:00:00.000Z"


@pytest.mark.parametrize(("value", "position", "name"), [("order", 3, "Completado"), ("index", 3, "Archivado")])
async def test_position_is_the_order_or_the_index(value: str, position: int, name: str) -> None:
    async with open_served_sandbox(f"position={value}") as served:
        assert (await served.update_task(newStatusPosition=position))["status_config"]["name"] == name


async def test_position_zero_exists_only_as_an_index() -> None:
    async with open_served_sandbox() as served:
        assert await served.refuse_update(newStatusPosition=0) == 404
    async with open_served_sandbox("position=index") as served:
        assert (await served.update_task(newStatusPosition=0.0))["status_config"]["name"] == "Pendiente"


@pytest.mark.parametrize(("value", "due_at"), [("utc", "2025-10-26T18:00:00.000Z"), ("wall", STAMP), ("echo", STAMP)])
async def test_due_at_of_the_documented_sample_has_three_forms(value: str, due_at: str) -> None:
    async with open_served_sandbox(f"due_at={value}") as served:
        assert (await served.update_task(dueDate=STAMP, dueTime="15:00", timezone=ZONE))["due_at"] == due_at


async def test_due_at_can_echo_the_sent_text() -> None:
    async with open_served_sandbox("due_at=echo") as served:
        timed = await served.create_task(dueDate="2025-11-01", dueTime="09:05", timezone=ZONE)
        whole = await served.create_task(dueDate="2025-11-01")
        assert (timed["due_at"], whole["due_at"]) == ("2025-11-01T09:05:00", "2025-11-01")


@pytest.mark.parametrize(
    ("value", "due_at"), [("utc", "2025-11-26T00:00:00.000Z"), ("zone", "2025-11-26T03:00:00.000Z")]
)
async def test_midnight_of_a_whole_day_is_in_utc_or_in_the_zone(value: str, due_at: str) -> None:
    async with open_served_sandbox(f"midnight={value}") as served:
        task = await served.create_task(dueDate="2025-11-26", timezone=ZONE)
        assert (task["due_at"], task["is_all_day"]) == (due_at, True)


@pytest.mark.parametrize(("value", "priority"), [("int", 2), ("digit", "2"), ("word", "high")])
async def test_list_priority_has_three_forms_and_update_one(value: str, priority: object) -> None:
    async with open_served_sandbox(f"list_priority={value}") as served:
        assert (await served.list_tasks())[0]["priority"] == priority
        assert (await served.update_task(title="x"))["priority"] == 2


async def test_errors_may_have_the_form_of_nest() -> None:
    async with open_served_sandbox("errors=nest") as served:
        body = (await served.client.put(f"{TASKS}/{TASK}", json={"priority": "high"})).json()
        assert body["errors"][0]["path"] == ["priority"]
        assert "field" not in body["errors"][0]
        malformed = (await served.client.delete(f"{TASKS}/x")).json()
        assert malformed["message"] == "Validation failed (uuid is expected)"
        unknown = (await served.client.delete(f"{TASKS}/{BEN}")).json()
        assert unknown == {"statusCode": 404, "message": "Task not found", "error": "Not Found"}


async def test_an_error_may_have_an_array_of_messages() -> None:
    async with open_served_sandbox("errors=array") as served:
        body = (await served.client.put(f"{TASKS}/{TASK}", json={"title": ""})).json()
        assert body["message"] == ["title: Title must have at least 1 character"]


@pytest.mark.parametrize("value", [200, 201])
async def test_created_is_200_or_201(value: int) -> None:
    async with open_served_sandbox(f"created={value}") as served:
        assert (await served.client.post(TASKS, json=DRAFT)).status_code == value


@pytest.mark.parametrize("value", [400, 404])
async def test_unknown_status_is_400_or_404(value: int) -> None:
    async with open_served_sandbox(f"unknown_status={value}") as served:
        assert await served.refuse_update(newStatusName="Terminado") == value


async def test_status_names_may_match_loosely() -> None:
    async with open_served_sandbox("status_names=loose") as served:
        assert (await served.update_task(newStatusName="  en PROGRÉSO "))["status_config"]["name"] == "En Progreso"


async def test_may_refuse_to_reopen() -> None:
    for value, status in [("allowed", 200), ("refused", 400)]:
        async with open_served_sandbox(f"reopen={value}") as served:
            for _ in range(2):
                await served.update_task(newStatusName="Completado")
            answer = await served.client.put(f"{TASKS}/{TASK}", json={"newStatusName": "Pendiente"})
            assert answer.status_code == status


FORMS = {
    "repeat": f"responsibleIds={ANA}&responsibleIds={BEN}",
    "brackets": f"responsibleIds[]={ANA}&responsibleIds%5B%5D={BEN}",
    "comma": f"responsibleIds={ANA},{BEN}",
    "json": f'responsibleIds=["{ANA}","{BEN}"]',
}


@pytest.mark.parametrize("value", ["any", *FORMS])
@pytest.mark.parametrize("form", FORMS)
async def test_array_query_accepts_only_its_own_encoding(value: str, form: str) -> None:
    async with open_served_sandbox(f"array_query={value}") as served:
        await served.create_task(responsibleIds=[])
        answer = await served.client.get(f"{TASKS}?fromDate=2025-01-01&toDate=2025-12-31&{FORMS[form]}")
        assert answer.status_code == (200 if value in {"any", form} else 400)
        assert value not in {"any", form} or [task["id"] for task in answer.json()] == [TASK]


@pytest.mark.parametrize(
    ("value", "blank"), [("repeat", ""), ("comma", ""), ("brackets", "[]="), ("json", "=[]"), ("any", "=[]")]
)
async def test_everyone_can_be_requested_in_each_encoding(value: str, blank: str) -> None:
    async with open_served_sandbox(f"array_query={value}") as served:
        answer = await served.client.get(f"{TASKS}?fromDate=2025-01-01&toDate=2025-12-31&responsibleIds{blank or '='}")
        assert len(answer.json()) == 1


@pytest.mark.parametrize(("value", "omitted", "blank"), [("any", 200, 200), ("blank", 400, 200), ("omitted", 200, 400)])
async def test_everyone_is_requested_by_omission_or_by_a_blank_value(value: str, omitted: int, blank: int) -> None:
    async with open_served_sandbox(f"everyone={value}") as served:
        assert (await served.client.get(TASKS, params=YEAR)).status_code == omitted
        answer = await served.client.get(TASKS, params=YEAR | {"responsibleIds": ""})
        assert answer.status_code == blank


async def test_a_lone_id_may_arrive_as_a_string() -> None:
    async with open_served_sandbox("lone_id=rejected") as served:
        for ids, status in [([ANA], 400), ([ANA, ANA], 200)]:
            answer = await served.client.get(TASKS, params={**YEAR, "responsibleIds": ids})
            assert answer.status_code == status


@pytest.mark.parametrize(("value", "first", "last"), [("inclusive", 1, 1), ("exclusive", 0, 0), ("half_open", 1, 0)])
async def test_date_bounds_include_or_exclude_their_ends(value: str, first: int, last: int) -> None:
    async with open_served_sandbox(f"date_bounds={value}") as served:
        assert len(await served.list_tasks(fromDate="2025-10-26", toDate="2025-10-27")) == first
        assert len(await served.list_tasks(fromDate="2025-10-25", toDate="2025-10-26")) == last


@pytest.mark.parametrize(("value", "day"), [("task", "2025-11-01"), ("utc", "2025-11-02")])
async def test_date_zone_decides_the_day_of_an_evening(value: str, day: str) -> None:
    async with open_served_sandbox(f"date_zone={value}") as served:
        await served.update_task(dueDate="2025-11-01", dueTime="23:30", timezone=ZONE)
        assert len(await served.list_tasks(fromDate=day, toDate=day)) == 1


@pytest.mark.parametrize(("value", "status"), [("empty", 200), ("rejected", 400)])
async def test_an_inverted_window_is_empty_or_refused(value: str, status: int) -> None:
    async with open_served_sandbox(f"inverted_window={value}") as served:
        answer = await served.client.get(TASKS, params={"fromDate": "2025-12-31", "toDate": "2025-01-01"})
        assert answer.status_code == status


async def test_a_window_may_have_a_maximum_length() -> None:
    async with open_served_sandbox("max_window_days=31") as served:
        assert (await served.client.get(TASKS, params=YEAR)).status_code == 400
        assert len(await served.list_tasks(fromDate="2025-10-01", toDate="2025-11-01")) == 1


@pytest.mark.parametrize(("value", "count"), [("read", 1), ("coerced", 2)])
async def test_without_dates_may_be_coerced_to_true(value: str, count: int) -> None:
    async with open_served_sandbox(f"without_dates={value}") as served:
        await served.create_task()
        assert len(await served.list_tasks(includeTasksWithoutDates="false")) == count


@pytest.mark.parametrize(("value", "titles"), [("created", "abc"), ("newest", "cba"), ("due", "cab")])
async def test_list_order_is_one_of_three(value: str, titles: str) -> None:
    seed = {
        "tasks": [
            {"title": "a", "createdAt": "2025-01-01T00:00:00Z", "dueDate": "2025-05-02"},
            {"title": "b", "createdAt": "2025-01-02T00:00:00Z"},
            {"title": "c", "createdAt": "2025-01-03T00:00:00Z", "dueDate": "2025-05-01"},
        ]
    }
    async with open_served_sandbox(f"list_order={value}", seed=seed) as served:
        assert "".join(task["title"] for task in await served.list_tasks()) == titles


async def test_status_config_may_be_null() -> None:
    async with open_served_sandbox("status_config=null") as served:
        [task] = await served.list_tasks()
        assert task["status_config"] is None
        assert task["task_status_config_id"]


@pytest.mark.parametrize(("value", "description"), [("null", None), ("empty", "")])
async def test_a_cleared_description_is_null_or_empty(value: str, description: str | None) -> None:
    async with open_served_sandbox(f"description={value}") as served:
        assert (await served.update_task(description=None))["description"] == description


async def test_contact_ids_may_be_opaque_everywhere() -> None:
    async with open_served_sandbox("contact_ids=opaque") as served:
        [found] = (await served.client.get("/api/public/contacts/search?email=rosa")).json()
        assert found["id"].startswith("contact-")
        assert (await served.list_tasks())[0]["ai_contact_id"] == found["id"]
        assert (await served.create_task(aiContactId=found["id"]))["ai_contact_id"] == found["id"]
        assert await served.refuse_update(aiContactId=CONTACT) == 404


@pytest.mark.parametrize(("value", "status"), [("accepted", 200), ("rejected", 400)])
async def test_accepts_or_refuses_empty_responsibles(value: str, status: int) -> None:
    async with open_served_sandbox(f"empty_responsibles={value}") as served:
        answer = await served.client.put(f"{TASKS}/{TASK}", json={"responsibleIds": []})
        assert answer.status_code == status
        assert (await served.client.post(TASKS, json=DRAFT | {"responsibleIds": []})).is_success == (status == 200)


@pytest.mark.parametrize(("value", "status"), [("accepted", 200), ("rejected", 404)])
async def test_accepts_or_refuses_inactive_responsibles(value: str, status: int) -> None:
    async with open_served_sandbox(f"inactive_responsibles={value}") as served:
        answer = await served.client.put(f"{TASKS}/{TASK}", json={"responsibleIds": [ANA, GONE]})
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("value", "due_at"), [("all_day", "2025-11-26T00:00:00.000Z"), ("keeps_time", "2025-11-26T18:00:00.000Z")]
)
async def test_a_date_without_a_time_drops_the_old_time_or_keeps_it(value: str, due_at: str) -> None:
    async with open_served_sandbox(f"date_without_time={value}") as served:
        task = await served.update_task(dueDate="2025-11-26")
        assert (task["due_at"], task["is_all_day"]) == (due_at, value == "all_day")


@pytest.mark.parametrize(
    ("value", "due_at"), [("keeps_date", "2025-10-26T11:00:00.000Z"), ("ignored", "2025-10-26T18:00:00.000Z")]
)
async def test_a_time_without_a_date_moves_the_old_date_or_nothing(value: str, due_at: str) -> None:
    async with open_served_sandbox(f"time_without_date={value}") as served:
        assert (await served.update_task(dueTime="08:00", timezone=ZONE))["due_at"] == due_at


async def test_a_time_without_a_date_may_be_refused() -> None:
    async with open_served_sandbox("time_without_date=rejected") as served:
        assert await served.refuse_update(dueTime="08:00") == 400


@pytest.mark.parametrize(("value", "zone"), [("null", None), ("kept", ZONE)])
async def test_clearing_the_date_clears_or_keeps_the_zone(value: str, zone: str | None) -> None:
    async with open_served_sandbox(f"cleared_zone={value}") as served:
        task = await served.update_task(dueDate=None)
        assert (task["due_at"], task["due_timezone"]) == (None, zone)


async def test_unknown_fields_may_be_refused() -> None:
    async with open_served_sandbox("unknown_fields=rejected") as served:
        assert await served.refuse_update(creator_id=BEN) == 400


async def test_accepts_or_refuses_an_empty_body() -> None:
    async with open_served_sandbox() as served:
        assert (await served.update_task())["id"] == TASK
    async with open_served_sandbox("empty_body=rejected") as served:
        assert await served.refuse_update() == 400


async def test_a_single_task_may_be_readable() -> None:
    async with open_served_sandbox("get_task=present") as served:
        answer = await served.client.get(f"{TASKS}/{TASK}")
        assert answer.json()["id"] == TASK


async def test_every_nth_request_is_throttled() -> None:
    async with open_served_sandbox("throttle=3") as served:
        statuses = [(await served.client.get(TASKS, params=YEAR)) for _ in range(6)]
        assert [answer.status_code for answer in statuses] == [200, 200, 429, 200, 200, 429]
        assert statuses[2].headers["retry-after"] == "1"


async def test_answers_only_the_allowed_requests_per_second() -> None:
    clock = [THE_DAY]
    async with open_served_sandbox("per_second=2", clock=lambda: clock[0]) as served:

        async def statuses(after_s: float) -> list[int]:
            clock[0] += dt.timedelta(seconds=after_s)
            answers = [await served.client.get(TASKS, params=YEAR) for _ in range(2)]
            assert {answer.headers.get("retry-after") for answer in answers if answer.is_error} <= {"1"}
            return [answer.status_code for answer in answers]

        assert await statuses(0) == [200, 200]
        assert await statuses(0.999) == [429, 429]
        assert await statuses(0.001) == [200, 200]


async def test_every_request_may_be_redirected_to_another_host() -> None:
    async with open_served_sandbox("redirect=http://other.invalid/") as served:
        answer = await served.client.put(f"{TASKS}/{TASK}?a=1", json={"title": "x"})
        assert answer.status_code == 308
        assert answer.headers["location"] == f"http://other.invalid{TASKS}/{TASK}?a=1"
        assert served.sandbox.tasks[0]["title"] == "Revisar"


def test_parses_a_spec_variant_from_items() -> None:
    assert SpecVariant.parse([]) == SpecVariant()
    assert SpecVariant.parse(["created=200", "throttle=4"]) == SpecVariant(created=200, throttle=4)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("position=first", "position must be one of order, index"),
        ("created=204", "created must be one of 201, 200"),
        ("throttle=often", "throttle must be a whole number from 0"),
        ("colour=red", "one of the names position, due_at"),
        ("position", "must be name=value"),
    ],
)
def test_refuses_an_invalid_item_and_names_the_allowed_values(item: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SpecVariant.parse([item])


def test_every_switch_names_its_values_default_first() -> None:
    allowed = SpecVariant.allowed()
    assert allowed["position"] == ("order", "index")
    assert allowed["throttle"] == ("a whole number from 0",)
    assert allowed["redirect"] == ("any text",)

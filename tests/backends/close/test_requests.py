"""The exact requests to Close, from the sandbox's request log."""

import json
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from backends.close.sandboxed_app import (
    ANA,
    CAROLINA,
    ELENA,
    KEY,
    LEAD,
    LUIS,
    OTHER_LEAD,
    TASK,
    TOKEN,
    WORLD,
    Time,
    close,
    on_close,
    row,
    task_id,
)
from behaviour.world import NOW
from taskhand.backends.close.auth import credential
from taskhand.backends.close.contact_search import contact_of
from taskhand.backends.close.errors import explain
from taskhand.backends.close.fields.task_types import INBOX
from taskhand.backends.close.mapping import CAPABILITIES, DONE, OPEN
from taskhand.domain.date_window import Period
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.errors import CallerError, NotFound, OperatorError, TaskhandError, UpstreamError
from taskhand.domain.task import StatusChoice
from taskhand.domain.task_query import TaskQuery
from taskhand.domain.task_rules import check_id
from taskhand.sandbox.close import CloseSandbox, SpecVariant
from taskhand.sandbox.close.demo import ORGANIZATION
from taskhand.sandbox.faults import Fault
from taskhand.sandbox.messages import ReceivedRequest, Response

SANTIAGO = "America/Santiago"
SUMMER = Due.instant(datetime(2026, 1, 10, 15, tzinfo=UTC), SANTIAGO)


def sent_requests(sandbox: CloseSandbox) -> list[tuple[str, str, Any]]:
    """Method, path and JSON body of every request."""
    return [(one.method, one.path, one.body) for one in sandbox.requests]


def queries(sandbox: CloseSandbox) -> list[dict[str, str]]:
    """The query of every request."""
    return [{name: values[0] for name, values in one.query.items()} for one in sandbox.requests]


async def test_a_new_task_is_created_with_one_post() -> None:
    sandbox = close(0)
    edit = Edit(
        title="Call",
        due=Due(date(2026, 3, 10)),
        responsible_ids=(ANA,),
        ai_contact_id=CAROLINA,
        ai_customer_id=LEAD,
        priority=2,
    )
    async with on_close(sandbox) as backend:
        task = (await backend.create_task(edit)).task
    body = {
        "_type": "lead",
        "lead_id": LEAD,
        "text": "Call",
        "date": "2026-03-10",
        "is_dateless": False,
        "assigned_to": ANA,
        "priority": "high",
        "contact_id": CAROLINA,
    }
    assert sent_requests(sandbox) == [("POST", "/api/v1/task/", body)]
    assert not any(edit.unmet_by(task).given_fields())
    assert task.url == f"https://app.close.com/lead/{LEAD}/"


@pytest.mark.parametrize(
    ("edit", "body"),
    [
        (Edit(title="New"), {"text": "New"}),
        (Edit(status=StatusChoice.of(DONE)), {"is_complete": True}),
        (Edit(status=StatusChoice.of(OPEN)), {"is_complete": False}),
        (Edit(responsible_ids=(ANA,)), {"assigned_to": ANA}),
        (Edit(priority=1), {"priority": "medium"}),
        (Edit(due=SUMMER), {"date": "2026-01-10T15:00:00+00:00"}),
        (Edit(due=Due(date(2026, 1, 10))), {"date": "2026-01-10"}),
        (Edit(due=None), {"is_dateless": True}),
    ],
)
async def test_a_change_is_one_put_of_the_changed_fields(edit: Edit, body: dict[str, Any]) -> None:
    sandbox = close([row(1, date="2026-03-01")])
    async with on_close(sandbox, timezone=SANTIAGO) as backend:
        before = await backend.get_task(TASK)
        sandbox.clear_requests()
        after = (await backend.update_task(before, edit)).task
    assert sent_requests(sandbox) == [("PUT", f"/api/v1/task/{TASK}/", body)]
    assert not any(edit.unmet_by(after).given_fields())


async def test_the_day_of_an_instant_is_known_where_a_zone_is_configured() -> None:
    rows = [row(1, date="2026-03-11T01:30:00+00:00"), row(2, date="2026-03-11"), row(3)]
    for zone, known in ((None, [False, True, True]), (SANTIAGO, [True] * 3)):
        async with on_close(close(rows), timezone=zone) as backend:
            found = await backend.snapshots([task_id(number) for number in (1, 2, 3)])
            tasks = [one.task for one in found.values()]
        assert [backend.sure_of_due(task, of_day=True) for task in tasks] == known
        assert all(backend.sure_of_due(task) for task in tasks)


async def test_a_date_on_a_dateless_task_sends_is_dateless_false() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        after = (await backend.update_task(before, Edit(due=Due(date(2026, 3, 10))))).task
    assert sent_requests(sandbox)[-1][2] == {"date": "2026-03-10", "is_dateless": False}
    assert after.due_at == "2026-03-10T00:00:00.000Z"


async def test_every_path_ends_with_a_slash_and_carries_the_key_as_a_user_name() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        await backend.account.me()
        await backend.account.members()
        await backend.account.find_contacts("Carolina", 5)
        await backend.update_task(before, Edit(title="x"))
        await backend.account.upstream_time()
        await backend.list_tasks(TaskQuery())
    assert all(one.path.endswith("/") and one.status == 200 for one in sandbox.requests)
    assert credential(SecretStr(KEY), None)[1]["authorization"].startswith("Basic ")


async def test_an_access_token_is_a_bearer() -> None:
    async with on_close(close(), close_api_key=None, close_access_token=SecretStr(TOKEN)) as backend:
        assert await backend.account.me() == ELENA
        assert await backend.account.upstream_account() == ORGANIZATION


@pytest.mark.parametrize(("day", "offset"), [("2026-01-10", "-3"), ("2026-07-10", "-4")])
async def test_the_sent_offset_is_that_of_the_due_day(day: str, offset: str) -> None:
    sandbox, edit = close(3), Edit(due=Due(date.fromisoformat(day)))
    async with on_close(sandbox, timezone=SANTIAGO) as backend:
        before = [await backend.get_task(task_id(number)) for number in (1, 2, 3)]
        await backend.update_task(before[0], edit)
        await backend.list_tasks(TaskQuery(from_date=day, to_date=day, include_tasks_without_dates=False))
        await backend.update_tasks([(one, edit) for one in before])
    assert [one.headers["x-tz-offset"] for one in sandbox.requests[3:6]] == [offset] * 3
    assert [one.method for one in sandbox.requests[3:6]] == ["PUT", "GET", "PUT"]


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        (TaskQuery(), {"_order_by": "date"}),
        (TaskQuery(order="created"), {"_order_by": "-date_created"}),
        (TaskQuery(order="priority"), {"_order_by": "date_created"}),
        (TaskQuery(responsible_ids=(ANA,)), {"assigned_to": ANA, "_order_by": "date"}),
        (TaskQuery(contact=LEAD), {"lead_id": LEAD, "_order_by": "date"}),
        (TaskQuery(contact=CAROLINA), {"lead_id": LEAD, "_order_by": "date"}),
        (TaskQuery(statuses=(StatusChoice.of(DONE),)), {"is_complete": "true", "_order_by": "date"}),
        (TaskQuery(statuses=(StatusChoice.of(OPEN),)), {"is_complete": "false", "_order_by": "date"}),
        (TaskQuery(statuses=(StatusChoice.of(OPEN), StatusChoice.of(DONE))), {"_order_by": "date"}),
        (
            TaskQuery(from_date="2026-03-10", to_date="2026-03-11", include_tasks_without_dates=False),
            {"date__gte": "2026-03-08", "date__lte": "2026-03-13", "_order_by": "date"},
        ),
        (TaskQuery(overdue=True), {"is_complete": "false", "date__lte": "2026-03-04", "_order_by": "date"}),
        (
            TaskQuery(period=Period("created", NOW, NOW)),  # wider by a second, of which a list may have a part
            {
                "date_created__gte": "2026-03-02T15:00:00+00:00",
                "date_created__lte": "2026-03-02T15:00:01+00:00",
                "_order_by": "date",
            },
        ),
    ],
)
async def test_a_list_is_filtered_by_documented_parameters(query: TaskQuery, asked: dict[str, str]) -> None:
    sandbox = close(0)
    async with on_close(sandbox) as backend:
        await backend.list_tasks(query)
    kinds = {"_type__in": ",".join(INBOX)}
    lists = [query for query in queries(sandbox) if "_order_by" in query]
    assert lists == [kinds | asked | {"_limit": "100", "_skip": "0"}]


async def test_a_window_with_dateless_tasks_lists_all_only_if_the_dated_ones_do_not_fill_the_page() -> None:
    sandbox = close([row(1), *(row(number, date=f"2026-03-1{number}") for number in range(2, 6))])
    async with on_close(sandbox) as backend:
        full = await backend.list_tasks(TaskQuery(from_date="2026-03-10", limit=3))
        assert [len(full.tasks), full.more, len(sandbox.requests)] == [3, True, 1]
        whole = await backend.list_tasks(TaskQuery(from_date="2026-03-10"))
    assert [task.id for task in whole.tasks] == [task_id(number) for number in (2, 3, 4, 5, 1)]
    assert ["date__gte" in query for query in queries(sandbox)] == [True, True, False]


async def test_users_are_cached_for_half_a_minute_and_the_lead_of_a_contact_for_a_minute() -> None:
    sandbox, time = close(0), Time()
    async with on_close(sandbox, time) as backend:
        for read, kept_s in (
            (backend.account.members, 30.0),
            (lambda: backend.lead_contacts.check(CAROLINA, LEAD), 60.0),
        ):
            sandbox.clear_requests()
            for wait_s in (0.0, kept_s - 1.0, 1.0):
                time.now += wait_s
                await read()
            assert len(sandbox.requests) == 2


async def test_a_few_people_are_asked_for_one_by_one_and_many_all_at_once() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend:
        await backend.list_tasks(TaskQuery(responsible_ids=(ELENA, ANA, LUIS)))
        assert [query.get("assigned_to") for query in queries(sandbox)] == [ELENA, ANA, LUIS]
        sandbox.clear_requests()
        page = await backend.list_tasks(TaskQuery(responsible_ids=tuple(f"user_{n}" for n in range(4))))
    assert (len(sandbox.requests), page.tasks) == (1, ())


@pytest.mark.parametrize(("types", "asked"), [("all", {"_type": "all"}), ("lead", {"_type__in": "lead"})])
async def test_the_configured_types_are_listed(types: str, asked: dict[str, str]) -> None:
    sandbox = close([row(1), row(2, _type="outgoing_call"), row(3, _type="missed_call", text=None)])
    async with on_close(sandbox, close_task_types=types) as backend:
        page = await backend.list_tasks(TaskQuery())
    assert {name: queries(sandbox)[0].get(name) for name in asked} == asked
    assert len(page.tasks) == (3 if types == "all" else 1)


async def test_a_call_is_created_where_that_is_configured() -> None:
    sandbox = close(0)
    edit = Edit(title="Ring", responsible_ids=(ANA,), ai_customer_id=LEAD, ai_contact_id=CAROLINA, priority=1)
    async with on_close(sandbox, close_new_task_type="outgoing_call") as backend:
        task = (await backend.create_task(edit)).task
    assert sandbox.tasks[0]["_type"] == "outgoing_call"
    assert not any(edit.unmet_by(task).given_fields())


@pytest.mark.parametrize("kind", [kind for kind in INBOX if kind != "lead"])
async def test_a_change_that_the_type_does_not_accept_is_refused_before_sending(kind: str) -> None:
    sandbox = close([row(1, _type=kind, text=None, date="2026-03-01")])
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        with pytest.raises(CallerError, match=kind) as refused:
            await backend.check_edit(before, Edit(title="New"))
        assert refused.value.next_step
        moved = Edit(due=Due(date(2026, 4, 1)), status=StatusChoice.of(DONE), responsible_ids=(ANA,))
        after = (await backend.update_task(before, moved)).task
    assert [one.method for one in sandbox.requests] == ["GET", "PUT"]
    assert not any(moved.unmet_by(after).given_fields())


async def test_a_change_that_no_type_accepts_is_refused_before_sending() -> None:
    sandbox = close()
    async with on_close(sandbox) as backend:
        before = await backend.get_task(TASK)
        sandbox.clear_requests()
        for edit in (Edit(responsible_ids=(ANA, ELENA)), Edit(responsible_ids=()), Edit(priority=0)):
            with pytest.raises(CallerError):
                await backend.check_edit(before, edit)
        with pytest.raises(CallerError):
            await backend.check_edit(None, Edit(title="x", responsible_ids=(ANA,)))
    assert sent_requests(sandbox) == []


async def test_a_missing_task_raises_task_not_found() -> None:
    async with on_close(close()) as backend:
        before = await backend.get_task(TASK)
        gone = before.model_copy(update={"id": task_id(99)})
        with pytest.raises(NotFound, match="There is no task") as missing:
            await backend.get_task(task_id(99))
        assert missing.value.code == "task_not_found"
        with pytest.raises(NotFound, match="There is no task"):
            await backend.update_task(gone, Edit(title="x"))


@pytest.mark.parametrize(
    "wrong", ["../task", "task_1/..", "task_1/", "task_1.json", "", "task_1 ", "a,b", "á", "a" * 201]
)
def test_an_id_with_a_path_character_is_invalid(wrong: str) -> None:
    with pytest.raises(CallerError, match="is not a task id"):
        check_id(wrong, CAPABILITIES)
    check_id(TASK, CAPABILITIES)
    for right in ("noti_abc", "1", "A_1", "task-1", "5f2c6c1e-0d3a-4b1e-9a55-0a1b2c3d4e5f", "_", "a" * 200):
        check_id(right, CAPABILITIES)


def test_a_member_id_differs_from_a_name_of_one_word() -> None:
    ids = ("user_1", "user_aBc", "42", "a-1", "5f2c6c1e-0d3a")
    assert all(re.fullmatch(CAPABILITIES.member_id_pattern, one) for one in ids)
    assert not any(re.fullmatch(CAPABILITIES.member_id_pattern, one) for one in ("Elena", "Jean-Luc", "a b_1", ""))


async def test_many_tasks_are_read_a_hundred_at_a_time_in_the_order_asked_for() -> None:
    sandbox = close(250)
    ids = [task_id(number) for number in range(250, 0, -1)]
    async with on_close(sandbox) as backend:
        found = await backend.snapshots([*ids, task_id(999), ids[0]])
        assert await backend.snapshots([]) == {}
    assert [(one, found[one].task.id) for one in found] == [(one, one) for one in ids]
    assert len(sandbox.requests) == 3
    assert all(one.headers["x-http-method-override"] == "GET" for one in sandbox.requests)


@pytest.mark.parametrize("limit", [3, 60])
async def test_no_request_line_is_longer_than_is_recommended(limit: int) -> None:
    sandbox = close(limit, spec_variant=SpecVariant(max_url=2000))
    async with on_close(sandbox) as backend:
        assert len(await backend.snapshots([task_id(number) for number in range(1, limit + 1)])) == limit
    assert [one.method for one in sandbox.requests] == ["GET" if limit == 3 else "POST"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("carolina", ["Carolina Vega"]),
        ("VEGA", ["Carolina Vega"]),
        ("acme.example", ["Carolina Vega"]),
        ("carolina@acme.example", ["Carolina Vega"]),
        ("5555 0101", ["Carolina Vega"]),
        ("Acme", ["Carolina Vega"]),
        ("carolina acme", ["Carolina Vega"]),
        ("caro", ["Carolina Vega"]),
        ("acm veg", ["Carolina Vega"]),
        ("prairie", ["Prairie Solar"]),
        ("nobody at all", []),
    ],
)
async def test_people_are_found_by_their_words_and_by_their_lead(query: str, names: list[str]) -> None:
    async with on_close(close(0)) as backend:
        found = await backend.account.find_contacts(query, 5)
    assert [contact.name for contact in found] == names
    assert [contact.customer_id for contact in found] == ([OTHER_LEAD] if query == "prairie" else [LEAD])[: len(names)]
    assert [contact.id for contact in found] == ([None] if query == "prairie" else [CAROLINA])[: len(names)]


def test_a_contact_without_a_name_to_show_has_its_own_and_the_first_phone_and_e_mail() -> None:
    phones, emails = [{}, {"phone": "+1 44"}, {"phone": "+1 55"}], [{"email": ""}, {"email": "v@b.example"}]
    row = {"id": CAROLINA, "display_name": "", "name": "Vega", "phones": phones, "emails": emails}
    found, _ = contact_of(row, LEAD, "")
    assert (found.name, found.phone, found.email, found.customer_name) == ("Vega", "+1 44", "v@b.example", None)


async def test_contacts_are_found_by_whole_words_after_close_refused_beginnings_once() -> None:
    sandbox = close(0, spec_variant=SpecVariant(word_beginnings="rejected"))
    async with on_close(sandbox) as backend:
        for _ in range(2):
            assert [one.name for one in await backend.account.find_contacts("carolina", 5)] == ["Carolina Vega"]
    assert [one.status for one in sandbox.requests] == [400, 200, 200]


async def test_beginnings_of_words_are_searched_again_after_a_search_that_close_refused_altogether() -> None:
    sandbox = close(0, [Fault("status", "POST /api/v1/data/search", status=400, times=2)])
    async with on_close(sandbox) as backend:
        with pytest.raises(CallerError):
            await backend.account.find_contacts("caro", 5)
        assert [one.name for one in await backend.account.find_contacts("caro", 5)] == ["Carolina Vega"]
    assert [one.status for one in sandbox.requests] == [400, 400, 200]


async def test_a_search_returns_at_most_the_people_asked_for_despite_hidden_characters() -> None:
    contacts = [{"id": f"cont_{number:043}", "name": f"Zo\u200be {number}"} for number in range(1, 4)]
    sandbox = close(0, seed=WORLD | {"leads": [{"id": LEAD, "name": "Acme", "contacts": contacts}]})
    async with on_close(sandbox) as backend:
        assert [one.id for one in await backend.account.find_contacts("zoe", 2)] == [one["id"] for one in contacts[:2]]


async def test_a_contact_is_found_by_the_beginning_of_a_word_among_many_leads() -> None:
    many = [{"id": f"lead_many{number:039}", "name": f"Company {number}"} for number in range(300)]
    sandbox = close(0, seed=WORLD | {"leads": [*many, *WORLD["leads"]]})
    async with on_close(sandbox) as backend:
        assert [one.name for one in await backend.account.find_contacts("carol", 5)] == ["Carolina Vega"]
    assert len(sandbox.requests) == 1


class IdsOnlySandbox(CloseSandbox):
    """A Close whose search answers ids alone, whatever is asked for."""

    def answer(self, call: ReceivedRequest, *, stale: bool) -> Response:
        found = super().answer(call, stale=stale)
        if not call.path.endswith("/search/"):
            return found
        rows = [{"__object_type": row["__object_type"], "id": row["id"]} for row in json.loads(found.body)["data"]]
        return Response.of_json(found.status, {"data": rows, "cursor": None})


async def test_a_lead_that_a_search_answers_without_contacts_is_read() -> None:
    sandbox = IdsOnlySandbox(seed=WORLD, key=KEY)
    async with on_close(sandbox) as backend:
        (found,) = await backend.account.find_contacts("carolina", 5)
    assert (found.id, found.name, found.customer_id) == (CAROLINA, "Carolina Vega", LEAD)
    assert [one.path for one in sandbox.requests] == ["/api/v1/data/search/", f"/api/v1/lead/{LEAD}/"]
    assert sandbox.requests[1].query == {"_fields": ["id,display_name,contacts"]}


async def test_a_search_reads_25_leads_that_it_answers_without_contacts_and_refuses_one_more() -> None:
    leads = [{"id": f"lead_{n}", "name": "Acme", "contacts": [{"id": f"cont_{n}", "name": "Vega"}]} for n in range(26)]
    async with on_close(IdsOnlySandbox(seed=WORLD | {"leads": leads}, key=KEY)) as backend:
        with pytest.raises(CallerError) as refused:
            await backend.account.find_contacts("vega", 100)
    assert (refused.value.code, len(refused.value.candidates)) == ("query_too_wide", 25)


async def test_a_lead_that_was_deleted_since_the_search_hides_no_other() -> None:
    leads = [{"id": f"lead_{n}", "name": "Acme", "contacts": [{"id": f"cont_{n}", "name": "Vega"}]} for n in range(2)]
    deleted = Fault("status", "GET /api/v1/lead/{id}", nth=1, status=404)
    async with on_close(IdsOnlySandbox(seed=WORLD | {"leads": leads}, key=KEY, faults=[deleted])) as backend:
        (found,) = await backend.account.find_contacts("vega", 5)
    assert found.name == "Vega"


async def test_the_users_are_cached_and_exclude_those_who_left() -> None:
    sandbox = close(spec_variant=SpecVariant(ex_members="listed"))
    async with on_close(sandbox) as backend:
        first, again = await backend.account.members(), await backend.account.members()
        assert await backend.account.me() == await backend.account.me() == ELENA
    assert [member.name for member in first][:2] == ["Elena", "Ana Soto"]
    assert first == again
    assert [one.path for one in sandbox.requests] == ["/api/v1/user/", "/api/v1/me/"]


async def test_a_user_without_an_id_is_an_invalid_response_and_is_read_again() -> None:
    async with on_close(close(faults=[Fault("without_field", "GET /api/v1/me", field="id")])) as backend:
        with pytest.raises(UpstreamError) as invalid:
            await backend.account.me()
        assert invalid.value.code == "upstream_invalid"
        assert await backend.account.me() == ELENA


async def test_the_list_of_two_statuses_is_complete() -> None:
    async with on_close(close()) as backend:
        known = await backend.statuses()
    assert known.complete
    assert [(one.name, one.order, one.type) for one in known.statuses] == [
        ("Open", 1, "initial"),
        ("Completed", 2, "done"),
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (
            {"errors": [], "field-errors": {"lead": "Object does not exist."}},
            "Close refused the value of aiCustomerId.",
        ),
        (
            {"errors": [], "field-errors": {"assigned_to": "x", "date": "y"}},
            "Close refused the value of dueDate, responsibleIds.",
        ),
        ({"field-errors": {"is_dateless": "x", "due_date": "y"}}, "Close refused the value of dueDate."),
        (
            {"field-errors": {"_limit": "less than 200"}},
            "Close refused a `_limit` this large; the maximum is 200.",
        ),
        ({"field-errors": {"_limit": "less"}}, "Close refused a `_limit` this large."),
        ({"field-errors": {"_skip": "less"}}, "Close refused a `_skip` this large."),
        ({"field-errors": {}}, None),
        ({"field-errors": ["text"]}, None),
        ({"errors": ["It's not allowed to update more than 1000 objects at once"]}, None),
        ({"error": "Unauthorized"}, None),
        ({"error": "text"}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_refusal_names_fields_of_the_contract_and_no_text_of_close(body: Any, sentence: str | None) -> None:
    explained = explain(400, body)
    assert (explained and explained.sentence) == sentence


@pytest.mark.parametrize(("key", "token"), [(None, None), (SecretStr("a"), SecretStr("b"))])
def test_exactly_one_credential_is_taken(key: SecretStr | None, token: SecretStr | None) -> None:
    with pytest.raises(OperatorError, match="CLOSE_API_KEY"):
        credential(key, token)


async def test_a_refused_write_names_fields_of_the_contract() -> None:
    async with on_close(close()) as backend:
        before = await backend.get_task(TASK)
        with pytest.raises(CallerError, match=r"^Close refused the value of responsibleIds\.$"):
            await backend.update_task(before, Edit(responsible_ids=("user_nobody",)))
        with pytest.raises(CallerError, match=r"^Close refused the value of aiCustomerId\.$"):
            await backend.create_task(Edit(title="x", responsible_ids=(ANA,), ai_customer_id="lead_nobody"))


async def test_a_wrong_key_is_an_operator_error() -> None:
    async with on_close(close(key="another")) as backend:
        with pytest.raises(TaskhandError) as refused:
            await backend.account.members()
    assert refused.value.code == "unauthorized"
    assert refused.value.next_step is not None
    assert "CLOSE_API_KEY" in refused.value.next_step

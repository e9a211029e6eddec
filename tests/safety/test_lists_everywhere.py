"""One list of tasks over a HubSpot, a Close and a store: what each has, whichever of them can be reached."""

from contextlib import AsyncExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from backends.close import sandboxed_app as on_close
from backends.hubspot import sandboxed_app as on_hubspot
from backends.slow_transport import NetworkTime
from behaviour.agent import Refused
from safety.crms import CLOSE, HUBSPOT, VAMBE
from safety.mixed_connections import MixedConnections, open_mixed_connections
from taskhand.domain.due import Due
from taskhand.domain.edit import Edit
from taskhand.domain.task_query import Order, TaskFilter, ascends, task_sort_key
from taskhand.sandbox.close import CloseSandbox
from taskhand.sandbox.server import serve_sandbox
from taskhand.service.list_tasks import list_tasks
from taskhand.service.list_tasks_everywhere import list_tasks_everywhere

if TYPE_CHECKING:
    from taskhand.domain.task import Task
    from taskhand.service.app_context import AppContext

CALL_S = 45.0
ALL = ["home", "north", "south"]
NORTH_ME, SOUTH_ME = on_hubspot.ELENA, on_close.ELENA
ORDERS: Final[tuple[Order, ...]] = ("due", "created")
FEED = {"title": "Feed the cat", "responsibleIds": ["me"], "priority": "1"}


def by_connection(answer: dict[str, Any]) -> dict[str, int]:
    """How many rows of each connection an answer has."""
    names = [row["connection"] for row in answer["tasks"]]
    return {name: names.count(name) for name in dict.fromkeys(names)}


def missing_connections(answer: dict[str, Any], field: str = "leftOut") -> dict[str, str]:
    """The connections that an answer says are missing, with the code of each."""
    return {name: row["code"] for row in answer.get(field, ()) for name in named_connections(row)}


def named_connections(row: dict[str, Any]) -> list[str]:
    """The connections that a row, or a candidate, names."""
    return row.get("connections") or [row["connection"]] if {"connection", "connections"} & row.keys() else []


async def all_rows(mixed: MixedConnections, **asked: Any) -> list[tuple[str, str]]:
    """The connection and id of the rows on all pages."""
    rows: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await mixed.agent("list_tasks", **asked, **cursor)
        rows += [(row["connection"], row["id"]) for row in answer["tasks"]]
        if "nextCursor" not in answer:
            return rows
        cursor = {"cursor": answer["nextCursor"]}


async def test_own_tasks_of_all_connections_are_one_list(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        await mixed.agent("create_task", connection="home", dueDate="2026-03-05", **FEED)
        answer = await mixed.agent("list_tasks", responsibleIds=["me"])
        assert by_connection(answer) == {"home": 1, "north": 3, "south": 3}
        assert [row["due"] and row["due"][:10] for row in answer["tasks"]] == [
            "2026-03-05",
            *["2026-03-06"] * 3,
            *[None] * 3,
        ]
        assert answer["zones"] == {"north": "America/Santiago", "south": "America/Santiago", "home": "Europe/Madrid"}
        assert {row["connection"] for row in answer["matched"]} == {*ALL}
        assert not {"leftOut", "unreachable", "nextCursor"} & answer.keys()
        rows = await all_rows(mixed, responsibleIds=["me"], limit=2)
        assert rows == [(row["connection"], row["id"]) for row in answer["tasks"]]


async def test_all_crms_and_two_accounts_of_one_are_one_list() -> None:
    time, day = NetworkTime(), date(2026, 3, 1)
    crms = {"sales": HUBSPOT, "support": CLOSE, "partners": HUBSPOT, "field": VAMBE}
    async with AsyncExitStack() as stack:
        apps: dict[str, AppContext] = {}
        for index, (name, crm) in enumerate(crms.items()):
            url = await stack.enter_async_context(serve_sandbox(crm.sandbox(4, time, ())))
            app = apps[name] = await stack.enter_async_context(crm.sandboxed_app(url, time))
            for number, task in enumerate((await list_tasks(app, TaskFilter())).tasks[:3]):
                due = Due(day + timedelta(days=4 * number + (index + number) % 4))
                await app.backend.update_task(task, Edit(due=due))
        for order in ORDERS:
            alone = {name: (await list_tasks(app, TaskFilter(), order=order)).tasks for name, app in apps.items()}
            rows: list[tuple[str, Task]] = []
            page = await list_tasks_everywhere(apps, TaskFilter(), order=order, limit=6)
            rows += page.rows
            while (cursor := page.cursor_after(len(page.rows))) is not None:
                page = await list_tasks_everywhere(apps, TaskFilter(), order=order, limit=6, cursor=cursor)
                rows += page.rows
            for name, tasks in alone.items():
                assert [task.id for own, task in rows if own == name] == [task.id for task in tasks]
            keys = [task_sort_key(task, order) for _, task in rows]
            assert keys == sorted(keys, reverse=not ascends(order))


async def test_a_page_needs_few_requests_of_each_connection(tmp_path: Path) -> None:
    async def count(mixed: MixedConnections, **asked: Any) -> dict[str, int]:
        mixed.forget_requests()
        await mixed.agent("list_tasks", **asked)
        return {name: len(mixed.requests(name)) for name in mixed.sandboxes}

    async with open_mixed_connections(tmp_path) as cold:
        assert [await count(cold), await count(cold)] == [{"north": 4, "south": 2}, {"north": 1, "south": 1}]
        page = await cold.agent("list_tasks", limit=3)
        assert by_connection(page) == {"north": 3}
        # north has come to its end
        assert await count(cold, limit=3, cursor=page["nextCursor"]) == {"north": 0, "south": 1}
    async with open_mixed_connections(tmp_path / "alone") as alone:
        assert await count(alone, connection="north") == {"north": 4, "south": 0}
        assert await count(alone, connection="south") == {"north": 0, "south": 2}


@pytest.mark.parametrize("closed", ["north", "south"])
async def test_an_unreachable_crm_is_reported_and_does_not_delay_the_others(tmp_path: Path, closed: str) -> None:
    async with open_mixed_connections(tmp_path, closed=closed) as mixed:
        await mixed.agent("create_task", connection="home", dueDate="2026-03-05", **FEED)
        answer = await mixed.agent("list_tasks")
        other = "north" if closed == "south" else "south"
        assert by_connection(answer) == {"home": 1, other: 3}
        assert missing_connections(answer, "unreachable") == {closed: "upstream_error"}
        assert "could not be reached" in answer["unreachable"][0]["message"]
        counts = await mixed.agent("list_tasks", countBy="priority")
        assert (counts["connections"], counts["total"]) == ({other: 3, "home": 1}, 4)
        assert missing_connections(counts, "unreachable") == {closed: "upstream_error"}
        assert [row["connection"] for row in (await mixed.agent("list_changes"))["changes"]] == ["home"]


async def test_a_mute_crm_costs_only_part_of_a_list_and_its_rows_follow_later(
    tmp_path: Path,
) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        mixed.transports["north"].is_silent = lambda _: True
        began = mixed.time.now
        page = await mixed.agent("list_tasks", limit=2)
        assert mixed.time.now - began < CALL_S / 2
        assert (by_connection(page), missing_connections(page, "unreachable")) == (
            {"south": 2},
            {"north": "upstream_error"},
        )
        mixed.transports["north"].is_silent = lambda _: False
        rest = await mixed.agent("list_tasks", limit=25, cursor=page["nextCursor"])
        assert by_connection(rest) == {"north": 3, "south": 1}
        assert "unreachable" not in rest
        ids = [row["id"] for row in page["tasks"] + rest["tasks"]]
        assert len(ids) == len(set(ids)) == 6


async def test_the_rows_of_a_mute_crm_follow_after_all_other_connections_have_ended(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        mixed.transports["south"].is_silent = lambda _: True
        page = await mixed.agent("list_tasks")
        assert by_connection(page) == {"north": 3}
        with pytest.raises(Refused) as refused:
            await mixed.agent("list_tasks", cursor=page["nextCursor"])
        assert (refused.value.code, refused.value.error["retryable"]) == ("upstream_error", True)
        message = refused.value.error["message"]
        assert message.startswith("south: Close did not answer in time")
        assert message.endswith(" All other connections have been listed to their end.")
        mixed.transports["south"].is_silent = lambda _: False
        rest = await mixed.agent("list_tasks", cursor=page["nextCursor"])
        assert by_connection(rest) == {"south": 3}
        assert "nextCursor" not in rest


async def test_a_crm_that_refuses_the_credential_is_reported_and_is_not_waited_for(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        south = mixed.sandboxes["south"]
        assert isinstance(south, CloseSandbox)
        south.key = "another"
        answer = await mixed.agent("list_tasks")
        assert (by_connection(answer), [*missing_connections(answer, "unreachable")]) == ({"north": 3}, ["south"])
        assert "nextCursor" not in answer


FILTERS: list[tuple[dict[str, Any], list[str] | None, object]] = [
    ({"dealId": "4711"}, None, "unknown_deal"),
    ({"taskType": "TODO"}, ["north", "south"], {"home": "unknown_argument"}),
    ({"taskType": "lead"}, ["south"], {"north": "unknown_task_type", "home": "unknown_argument"}),
    ({"priority": "0"}, [], {"south": "invalid_priority"}),
    ({"status": ["Pendiente"]}, ALL, {}),
    ({"status": ["Pendiente", "Open"]}, ALL, {}),
    ({"status": ["Pendiente", "En Progreso"]}, ALL, dict.fromkeys(["home", "south"], "unknown_status")),
    ({"status": ["Pendiente", "En Progreso", "Con Legal"]}, ALL, dict.fromkeys(ALL, "unknown_status")),
    ({"status": ["initial"]}, ALL, {}),
    ({"status": ["Nowhere"]}, None, "unknown_status"),
    ({"responsibleIds": ["Ana Soto"]}, [], {"home": "unknown_member"}),
    ({"responsibleIds": [NORTH_ME, SOUTH_ME]}, ["north", "south"], dict.fromkeys(ALL[:2], "unknown_member")),
    ({"responsibleIds": ["me", "Nobody Known"]}, None, "unknown_member"),
    ({"responsibleIds": ["Maria Rodriguez"]}, None, "ambiguous_member"),
    ({"dateField": "completed", "fromDate": "2026-01-01"}, [], {"south": "invalid_window"}),
    ({"fromDate": "2026-03-09", "toDate": "2026-03-01"}, None, "invalid_window"),
    ({"fromDate": "some day"}, None, "invalid_date"),
    ({"cursor": "abc"}, None, "invalid_cursor"),
]
"""A filter, the connections that have rows for it, and the codes of those left out; or the code of the error."""


async def test_a_filter_applies_to_connections_that_support_it_and_the_others_are_named(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        await mixed.agent("create_task", connection="home", dueDate="2026-03-05", **FEED)
        for asked, shown, left_out in FILTERS:
            found = await rows_and_codes(mixed, asked)
            assert (asked, *found) == (asked, shown, left_out)


async def rows_and_codes(mixed: MixedConnections, asked: dict[str, Any]) -> tuple[list[str] | None, object]:
    """The connections that have rows, and the codes of those left out; or the code of the error."""
    try:
        answer = await mixed.agent("list_tasks", **asked)
    except Refused as refused:
        return None, refused.code
    return sorted(by_connection(answer)), missing_connections(answer)


async def test_a_connection_without_a_filters_field_is_not_asked_and_other_errors_come_first(
    tmp_path: Path,
) -> None:
    async with open_mixed_connections(tmp_path, closed="south") as mixed:
        with pytest.raises(Refused) as refused:
            await mixed.agent("list_tasks", dealId="Acme")
        assert refused.value.error["message"] == (
            "north: No deal matches 'Acme'. south, home: There is no argument 'dealId' with this CRM."
        )
        assert (refused.value.code, refused.value.error["retryable"]) == ("unknown_deal", False)
        assert refused.value.next.startswith("north: Send a deal's id")
        assert "arguments are" not in refused.value.next


async def test_candidates_for_an_ambiguous_name_are_accepted_by_each_connection(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        with pytest.raises(Refused) as refused:
            await mixed.agent("list_tasks", responsibleIds=["Maria Rodriguez"])
        candidates = refused.value.error["candidates"]
        assert [one["value"] for one in candidates] == [
            "Maria Rodriguez <maria.one@example.com>",
            "María Rodríguez <maria.two@example.com>",
        ]
        for one in candidates:
            answer = await mixed.agent("list_tasks", responsibleIds=[one["value"]])
            assert not {"north", "south"} & missing_connections(answer).keys()


async def test_a_count_is_of_all_connections_and_of_each(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        await mixed.agent("create_task", connection="home", dueDate="2026-03-05", **FEED)
        counts = await mixed.agent("list_tasks", countBy="status")
        assert counts["counts"] == {"Pendiente": 4, "Open": 3}
        assert (counts["total"], counts["connections"]) == (7, {"north": 3, "south": 3, "home": 1})
        assert "tasks" not in counts
        assert (await mixed.agent("list_tasks", countBy="responsible"))["counts"] == {"Elena": 7}
        days = await mixed.agent("list_tasks", countBy="completedDay")
        assert (days["counts"], missing_connections(days)) == ({"not finished": 4}, {"south": "invalid_arguments"})


async def test_days_in_words_are_the_days_of_each_connection(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path) as mixed:
        await mixed.agent("create_task", connection="home", dueDate="2026-03-03", **FEED)
        mixed.time.now += 10 * 3600  # Monday evening in Santiago, Tuesday in Madrid
        answer = await mixed.agent("list_tasks", fromDate="today", toDate="today", includeTasksWithoutDates=False)
        assert by_connection(answer) == {"home": 1}
        days = {row["connection"]: row["name"] for row in answer["matched"] if row["argument"] == "fromDate"}
        assert days["home"] != days["north"] == days["south"]
        assert answer["zones"]["home"] == "Europe/Madrid"


async def test_a_row_that_cannot_be_read_is_counted_with_its_connection(tmp_path: Path) -> None:
    async with open_mixed_connections(tmp_path, odd={"properties.hs_timestamp": "never"}) as mixed:
        answer = await mixed.agent("list_tasks")
        assert answer["unreadable"] == {"count": 1, "connections": {"north": [on_hubspot.task_id(1)]}}
        assert by_connection(answer) == {"north": 2, "south": 3}
        assert (await mixed.agent("list_tasks", countBy="priority"))["unreadableCount"] == 1

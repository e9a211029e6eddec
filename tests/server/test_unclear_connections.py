"""Calls to a server with several connections whose connection is missing, wrong, ambiguous or misplaced.

The built-in store is north, Close south, HubSpot west; nothing is sent to any of them.
"""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from server.mixes import MIXED, open_mixed
from server.store_connections import answer_of
from taskhand.config.settings import Settings
from taskhand.domain.truncation import truncate
from taskhand.journal.journal import ChangeQuery
from taskhand.server.app import create_server
from taskhand.service.connections import Connections
from taskhand.wiring import open_app

UUID = "0f0e0d0c-0b0a-4908-8706-050403020100"
NEW = {"title": "Llamar", "responsibleIds": []}
CANDIDATES = [
    {"value": "north", "name": "the built-in store, The sales team in Santiago"},
    {"value": "south", "name": "Close, Support in Mexico City"},
    {"value": "west", "name": "HubSpot"},
]
REQUIRED = "connection is required: several CRM accounts are possible."
OTHER_CALL = "Leave {} out, or send the call to the right connection."

FILLERS: tuple[Any, ...] = ("", " ", None, [], "null")

UNCLEAR: list[tuple[str, dict[str, Any], str, str]] = [
    ("create_task", NEW, "connection_required", REQUIRED),
    *(("create_task", NEW | {"connection": filler}, "connection_required", REQUIRED) for filler in FILLERS),
    ("create_task", NEW | {"connection": "all"}, "unknown_connection", "There is no connection 'all'."),
    ("create_task", NEW | {"connection": "store or"}, "unknown_connection", "There is no connection 'store or'."),
    (
        "create_task",
        NEW | {"connection": ["north", "south"]},
        "invalid_arguments",
        "connection must be the name of one connection.",
    ),
    ("list_statuses", {}, "connection_required", REQUIRED),
    ("find_contacts", {"query": "Ana"}, "connection_required", REQUIRED),
    ("get_task", {"id": "no-id"}, "connection_required", REQUIRED),
    ("update_task", {"id": "x" * 300, "title": "x"}, "connection_required", REQUIRED),
    ("delete_task", {"ids": ["123", "no-id"]}, "connection_required", REQUIRED),
    ("bulk_update_tasks", {"filter": {"overdue": True}, "changes": {"title": "x"}}, "connection_required", REQUIRED),
]

NEEDS_CUSTOMER = "aiCustomerId is required: Customer id from find_contacts."

REFUSED: list[tuple[str, dict[str, Any], str, str, str]] = [
    (
        "create_task",
        NEW | {"connection": "south", "dealId": "1"},
        "unknown_argument",
        f"There is no argument 'dealId' with this CRM; it is only on west. {NEEDS_CUSTOMER}",
        OTHER_CALL.format("dealId"),
    ),
    (
        "create_task",
        NEW | {"connection": "South", "description": "x"},
        "unknown_argument",
        f"There is no argument 'description' with this CRM; it is only on north and west. {NEEDS_CUSTOMER}",
        "Send such text as addNote, with update_task once the task exists.",
    ),
    (
        "update_task",
        {"connection": "south", "id": "task_1", "description": "x"},
        "unknown_argument",
        "There is no argument 'description' with this CRM; it is only on north and west.",
        "Send such text as addNote.",
    ),
    (
        "create_tasks",
        {"connection": "north", "dryRun": True, "tasks": [NEW | {"taskType": "CALL"}]},
        "unknown_argument",
        "tasks[0] 'Llamar': There is no argument 'taskType' with this CRM; it is only on south and west.",
        OTHER_CALL.format("taskType"),
    ),
    (
        "bulk_update_tasks",
        {"connection": "north", "taskIds": [UUID], "changes": {"dealId": "1"}},
        "unknown_argument",
        "There is no argument 'changes.dealId' with this CRM; it is only on west.",
        OTHER_CALL.format("changes.dealId"),
    ),
    (
        "update_task",
        {"connection": "west", "id": "1", "addResponsibleIds": ["2"]},
        "unknown_argument",
        "There is no argument 'addResponsibleIds' with this CRM; it is only on north.",
        "A task has one person here: responsibleIds replaces them. Ask whether that is meant.",
    ),
    (
        "update_task",
        {"connection": "south", "id": "task_1", "priority": "0"},
        "invalid_priority",
        "priority '0' is not one of 1, 2.",
        'Send "1" or "2".',
    ),
    (
        "create_task",
        NEW | {"connection": "west"},
        "missing_argument",
        (
            "dueDate is required: YYYY-MM-DD or words, Spanish too ('tomorrow at 3pm'); all day without a time. "
            "Or an ISO 8601 datetime with offset."
        ),
        "Send the call again with these arguments added.",
    ),
    (
        "get_task",
        {"connection": "WEST ", "id": UUID},
        "invalid_id",
        f"west: '{UUID}' is not a task id.",
        (
            "Take id from list_tasks, and send it unchanged. "
            "If it is the value of a unique property, name that in idProperty. An id is of one connection only."
        ),
    ),
    (
        "get_task",
        {"connection": "north", "id": "task_1"},
        "invalid_id",
        "north: 'task_1' is not a task id.",
        "Take id from list_tasks, and send it unchanged. An id is of one connection only.",
    ),
]


@pytest.fixture
async def mixed(tmp_path: Path) -> AsyncIterator[Connections]:
    """The three connections."""
    async with open_mixed(tmp_path, *MIXED) as connections:
        yield connections


async def test_a_call_with_an_unclear_connection_is_refused_with_the_connections(mixed: Connections) -> None:
    async with Client(create_server(mixed)) as client:
        for tool, arguments, code, message in UNCLEAR:
            error = await answer_of(client, tool, **arguments)
            assert (error["code"], error["message"], error["candidates"]) == (code, message, CANDIDATES), arguments
            assert error["next"] == f"Send one of the candidates as connection{_or_title(arguments.get('id'))}."


def _or_title(task_id: str | None) -> str:
    """What else to do about an id that fits no connection."""
    if task_id is None:
        return ""
    return f"; if {truncate(task_id, 60)!r} is a title, call list_tasks with text to find the task's id first"


OF_SEVERAL = "These are ids of several connections: send one call for each; nothing was written."
MIXED_IDS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("delete_task", {"ids": ["123", "task_1"]}, ["south", "west"]),
    ("delete_task", {"ids": [123, "noti_1", "a1b2c3d4"]}, ["north", "south", "west"]),
    ("bulk_update_tasks", {"taskIds": [UUID, "12345678"], "changes": {"title": "x"}}, ["north", "west"]),
]


async def test_ids_of_several_connections_are_refused_before_anything_is_read(mixed: Connections) -> None:
    async with Client(create_server(mixed)) as client:
        for tool, arguments, names in MIXED_IDS:
            error = await answer_of(client, tool, **arguments)
            assert (error["code"], error["message"]) == ("connection_required", OF_SEVERAL), arguments
            assert [one["value"] for one in error["candidates"]] == names
            assert "next" in error
        for app in mixed:
            assert (await app.journal.page(ChangeQuery())).changes == ()


@pytest.mark.parametrize(
    ("backends", "arguments", "names"),
    [
        (("hubspot", "hubspot", "close"), {"id": "12345678"}, ["north", "south"]),
        (("hubspot", "hubspot", "close"), {"id": 12345678}, ["north", "south"]),
        (("hubspot", "hubspot", "close"), {"id": "ABC-1", "idProperty": "ticket"}, ["north", "south"]),
        (("close", "local", "close"), {"id": "task_1"}, ["north", "west"]),
        (("local", "hubspot", "local"), {"id": UUID}, ["north", "west"]),
    ],
)
async def test_the_candidates_are_the_connections_that_an_id_can_be_of(
    tmp_path: Path, backends: tuple[str, ...], arguments: dict[str, Any], names: list[str]
) -> None:
    async with open_mixed(tmp_path, *backends) as connections, Client(create_server(connections)) as client:
        error = await answer_of(client, "delete_task", **arguments)
        assert (error["code"], error["message"]) == ("connection_required", REQUIRED)
        assert [one["value"] for one in error["candidates"]] == names


async def test_a_plan_or_change_sent_with_the_wrong_connection_is_refused_with_the_right_one(
    mixed: Connections,
) -> None:
    async with Client(create_server(mixed)) as client:
        made = await answer_of(client, "create_task", connection="north", **NEW)
        plan = await answer_of(client, "delete_task", id=made["task"]["id"], dryRun=True)
        for tool, argument, change_id in (
            ("apply_plan", "planId", plan["planId"]),
            ("undo_change", "changeId", made["changeId"]),
            ("list_changes", "changeId", made["changeId"]),
        ):
            error = await answer_of(client, tool, connection="west", **{argument: change_id})
            assert error["code"] == "wrong_connection"
            assert error["message"] == f"{change_id} is of the connection north, not of west; nothing was done."
            assert error["next"] == "Send the same call without connection."
            assert [one["value"] for one in error["candidates"]] == ["north"]
        assert (await mixed.find("west").journal.page(ChangeQuery())).changes == ()
        assert "deleted" in str(await answer_of(client, "apply_plan", planId=plan["planId"]))


async def test_another_word_for_one_connection_has_that_one_as_its_candidate(mixed: Connections) -> None:
    async with Client(create_server(mixed)) as client:
        for said, at in (("hubspot", 2), ("HubSpot ", 2), ("support in mexico", 1), ("nort", 0), ("built-in", 0)):
            error = await answer_of(client, "create_task", connection=said, **NEW)
            assert (error["code"], error["candidates"]) == ("unknown_connection", [CANDIDATES[at]]), said
        of_two = await answer_of(client, "create_task", connection="th", **NEW)
        assert of_two["candidates"] == CANDIDATES


OUTERMOST = "connection stands once, beside the call's other arguments: send one call for each."
WITHIN: list[tuple[str, dict[str, Any]]] = [
    ("create_tasks", {"tasks": [NEW, NEW | {"connection": "south"}]}),
    ("bulk_update_tasks", {"filter": {"overdue": True, "connection": "south"}, "changes": {"priority": "1"}}),
    ("bulk_update_tasks", {"taskIds": [UUID], "changes": {"priority": "1", "connection": "north"}}),
]


async def test_a_connection_inside_another_argument_is_refused_with_its_proper_place(mixed: Connections) -> None:
    async with Client(create_server(mixed)) as client:
        for tool, arguments in WITHIN:
            error = await answer_of(client, tool, **arguments)
            assert (error["code"], error["next"]) == ("connection_required", OUTERMOST), arguments
            told = str(await answer_of(client, tool, connection="north", **arguments))
            assert ("unknown_argument" in told, OUTERMOST in told) == (True, True), arguments


async def test_a_tool_that_asks_all_connections_takes_words_for_all(tmp_path: Path) -> None:
    async with open_mixed(tmp_path, "local", "local") as connections, Client(create_server(connections)) as client:
        await answer_of(client, "create_task", connection="south", **NEW)
        for tool, rows in (("list_tasks", "tasks"), ("list_changes", "changes")):
            for said in ("all", "ALL", "*", ["*"]):
                found = await answer_of(client, tool, connection=said)
                assert [row["connection"] for row in found[rows]] == ["south"]
            for said, code in (("todas", "unknown_connection"), (["north", "south"], "invalid_arguments")):
                error = await answer_of(client, tool, connection=said)
                step = "Send one of the candidates as connection, or leave it out for all."
                assert (error["code"], error["next"]) == (code, step)


async def test_an_argument_of_another_connection_is_refused_with_the_name_of_that_connection(
    mixed: Connections,
) -> None:
    async with Client(create_server(mixed)) as client:
        for tool, arguments, code, message, step in REFUSED:
            error = await answer_of(client, tool, **arguments)
            assert (error["code"], error["message"], error["next"]) == (code, message, step), arguments


async def test_an_id_that_fits_one_connection_alone_needs_no_name(tmp_path: Path) -> None:
    async with open_mixed(tmp_path, "local", "hubspot") as connections, Client(create_server(connections)) as client:
        made = await answer_of(client, "create_task", connection="NORTH", **NEW)
        assert await answer_of(client, "get_task", id=made["task"]["id"], connection="") == await answer_of(
            client, "get_task", id=made["task"]["id"], connection="north"
        )
        assert (await answer_of(client, "delete_task", ids=[made["task"]["id"]]))["connection"] == "north"


async def test_the_address_of_a_task_names_its_connection_too(tmp_path: Path) -> None:
    async with open_mixed(tmp_path, "local", "local") as connections, Client(create_server(connections)) as client:
        task = (await answer_of(client, "create_task", connection="south", **NEW))["task"]["id"]
        address = f"task://south/{task}"
        assert (await answer_of(client, "get_task", id=address))["connection"] == "south"
        assert (await answer_of(client, "get_task", id=address, connection="South"))["task"]["id"] == task
        assert (await answer_of(client, "get_task", id=address, connection="north"))["code"] == "invalid_id"
        several = await answer_of(client, "delete_task", ids=[address, f"task://north/{task}"])
        assert several["code"] == "connection_required"


async def test_an_unknown_plan_or_change_is_not_a_question_of_the_connection(mixed: Connections) -> None:
    async with Client(create_server(mixed)) as client:
        for tool, argument in (("apply_plan", "planId"), ("undo_change", "changeId"), ("list_changes", "changeId")):
            error = await answer_of(client, tool, **{argument: "chg_x"})
            assert error == await answer_of(client, tool, connection="west", **{argument: "chg_x"})
            assert error["code"] in ("plan_not_found", "change_not_found")
        assert (await answer_of(client, "list_changes", connection="north"))["changes"] == []
        assert {row["connection"] for row in (await answer_of(client, "list_changes"))["changes"]} == {"west"}


async def test_the_candidates_for_an_unknown_change_are_of_all_connections_or_of_the_named_one(tmp_path: Path) -> None:
    async with open_mixed(tmp_path, "local", "local") as connections, Client(create_server(connections)) as client:
        made = [await answer_of(client, "create_task", connection=name, **NEW) for name in ("north", "south")]
        for tool, names, of in (
            ("undo_change", {}, made),
            ("list_changes", {}, made),
            ("undo_change", {"connection": "south"}, made[1:]),
        ):
            error = await answer_of(client, tool, changeId="last", **names)
            assert {one["value"] for one in error["candidates"]} == {one["changeId"] for one in of}
            assert all(f" on {one['connection']}, " in str(error["candidates"]) for one in of)


async def test_every_answer_about_a_task_names_its_connection(mixed: Connections) -> None:
    async with Client(create_server(mixed)) as client:
        made = await answer_of(client, "create_task", connection="north", **NEW)
        named = {"connection": "north", "id": made["task"]["id"]}
        answers = [
            made,
            await answer_of(client, "get_task", **named),
            await answer_of(client, "update_task", **named, title="Otra"),
            await answer_of(
                client, "bulk_update_tasks", connection="north", taskIds=[named["id"]], changes={"priority": "2"}
            ),
            plan := await answer_of(client, "delete_task", **named),
            await answer_of(client, "apply_plan", planId=plan["planId"]),
        ]
        assert [answer.get("connection") for answer in answers] == ["north"] * len(answers)
        rows = (await answer_of(client, "list_changes", connection="north"))["changes"]
        assert {row["connection"] for row in rows} == {"north"}


async def test_answers_of_a_single_connection_do_not_name_it(store_file: Path) -> None:
    async with open_app(Settings(db=store_file)) as app, Client(create_server(app)) as client:
        made = await answer_of(client, "create_task", **NEW)
        answers = [made, await answer_of(client, "get_task", id=made["task"]["id"])]
        answers.append(await answer_of(client, "list_changes"))
    assert "connection" not in json.dumps(answers)


async def test_a_host_that_fills_in_every_argument_can_use_the_merged_schemas(mixed: Connections) -> None:
    filled = {"clear": [], "title": "", "description": "", "dueDate": "", "dueTime": "", "timezone": "", "addNote": ""}
    filled |= {"newStatusName": "", "taskType": "", "dealId": "", "aiContactId": "", "aiCustomerId": ""}
    async with Client(create_server(mixed)) as client:
        made = await answer_of(client, "create_task", connection="north", **NEW)
        task_id = made["task"]["id"]
        changes = {name: value for name, value in filled.items() if name not in ("taskType", "dealId")}
        changed = await answer_of(
            client,
            "bulk_update_tasks",
            connection="north",
            taskIds=[task_id],
            filter={"fromDate": "", "text": "", "status": [], "overdue": None},
            changes=changes | {"priority": "2"},
        )
        assert changed["tasks"][0]["changed"] == {"priority": {"from": 1, "to": 2}}

"""Arguments that hosts add or fill in: they change no field that the caller did not mean."""

import random
from typing import Any

import pytest

from behaviour.agent import Agent, Refused
from behaviour.world import BackendCase
from taskhand.server.arguments.coercion import is_empty
from taskhand.server.arguments.host_keys import HOST_KEYS

FILLERS: tuple[Any, ...] = (None, "", [], {}, 0)
DUE = {"dueDate": "2026-03-10", "dueTime": "15:00", "timezone": "America/Santiago"}


async def _schemas(agent: Agent) -> dict[str, dict[str, Any]]:
    return {tool.name: tool.input_schema for tool in (await agent.client.list_tools()).tools}


def _types(schema: dict[str, Any]) -> set[str]:
    return {branch["type"] for branch in schema.get("anyOf", [schema])}


def _clearable(schemas: dict[str, dict[str, Any]]) -> list[str]:
    """The fields of a change that null empties on this backend."""
    update = schemas["update_task"]["properties"]
    documented = ("description", "dueDate", "dueTime", "timezone", "aiContactId", "aiCustomerId")
    return [name for name in documented if name in update and "null" in _types(update[name])]


async def _full_task(agent: Agent, backend: BackendCase) -> dict[str, Any]:
    """A task with something in every field that the backend has."""
    schema = (await _schemas(agent))["create_task"]["properties"]
    body = DUE | {"description": "Why", "aiCustomerId": backend.customer}
    task = await agent.create(**{name: value for name, value in body.items() if name in schema})
    assert await agent.read(task["id"]) == task
    return task


async def test_every_nullable_field_null_beside_a_change_is_refused_and_clear_is_named(
    agent: Agent, backend: BackendCase
) -> None:
    task = await _full_task(agent, backend)
    nulls = dict.fromkeys(_clearable(await _schemas(agent)))
    for tool, sent, clear in (
        ("update_task", {"id": task["id"], "priority": "2"} | nulls, "clear"),
        ("bulk_update_tasks", {"taskIds": [task["id"]], "changes": {"priority": "2"} | nulls}, "changes.clear"),
        ("bulk_update_tasks", {"taskIds": [task["id"]], "changes": nulls, "shiftDueDays": 1}, "changes.clear"),
    ):
        with pytest.raises(Refused) as refused:
            await agent(tool, **sent)
        assert refused.value.code == "ambiguous_nulls"
        assert set(refused.value.values) == set(nulls)
        assert clear in refused.value.next
    assert await agent.read(task["id"]) == task


SOME_NULLS: list[dict[str, Any]] = [
    {"priority": "2", "dueDate": "", "dueTime": None, "timezone": None},
    {"priority": "2", "dueTime": None, "timezone": None},
    {"dueDate": "2026-03-12", "dueTime": None, "timezone": None},
    {"newStatusPosition": 1, "priority": None, "dueTime": None, "timezone": None},
    {"priority": "2", "timezone": ""},
    {"priority": "2", "dueTime": "", "timezone": ""},
]


async def test_a_part_of_the_nulls_beside_a_change_is_refused_too(worker: Agent, backend: BackendCase) -> None:
    task = await _full_task(worker, backend)
    for sent in SOME_NULLS:
        with pytest.raises(Refused) as refused:
            await worker("update_task", id=task["id"], **sent)
        assert refused.value.code == "ambiguous_nulls", sent
        assert await worker.read(task["id"]) == task, sent


async def test_a_single_null_beside_a_change_empties_its_field(worker: Agent, backend: BackendCase) -> None:
    task = await _full_task(worker, backend)
    after = (await worker("update_task", id=task["id"], priority="2", dueTime=None))["task"]
    assert (after["priority"], after["is_all_day"]) == (2, True)


async def test_nulls_without_another_change_empty_their_fields(worker: Agent, backend: BackendCase) -> None:
    task = await _full_task(worker, backend)
    after = (await worker("update_task", id=task["id"], dueTime=None, timezone=None))["task"]
    assert after["is_all_day"] is True


@pytest.mark.parametrize("clear", [[], "[]", ""])
async def test_with_clear_null_and_blanks_are_not_given(worker: Agent, backend: BackendCase, clear: Any) -> None:
    task = await _full_task(worker, backend)
    unused = dict.fromkeys((await _schemas(worker))["update_task"]["properties"])
    for filler in (None, ""):
        fields = {name: filler for name in unused if name not in ("id", "priority", "clear", "responsibleIds")}
        answer = await worker("update_task", **fields | {"id": task["id"], "priority": "2", "clear": clear})
    assert answer["task"] == task | {"priority": 2}
    await worker("update_task", id=task["id"], priority="1")
    options = {"id", "idProperty", "dryRun", "reason"}
    changes = {name: None for name in unused if name not in options} | {"priority": "2", "clear": clear}
    await worker("bulk_update_tasks", taskIds=[task["id"]], changes=changes)
    assert await worker.read(task["id"]) == task | {"priority": 2}


async def test_clear_empties_only_the_named_fields(worker: Agent, backend: BackendCase) -> None:
    task = await _full_task(worker, backend)
    clearable = _clearable(await _schemas(worker))
    names = [name for name in ("description", "dueTime") if name in clearable]
    after = (await worker("update_task", id=task["id"], title="New", clear=[*names, *names[:1]]))["task"]
    assert (after["title"], after["is_all_day"]) == ("New", True)
    assert after["due_at"][:10] == "2026-03-10"
    assert after["description"] is None
    kept = ("priority", "ai_customer_id", "task_responsibles", "status_config")
    assert {key: after[key] for key in kept} == {key: task[key] for key in kept}


async def test_clear_is_understood_in_a_bulk_change_and_in_other_spellings(worker: Agent, backend: BackendCase) -> None:
    task = await _full_task(worker, backend)
    for sent in ({"clear": "due_time, timezone"}, '{"clear": ["due-time"], "timezone": null}'):
        await worker("update_task", id=task["id"], **DUE)
        await worker("bulk_update_tasks", taskIds=[task["id"]], changes=sent)
        assert (await worker.read(task["id"]))["is_all_day"] is True


async def test_clear_names_only_fields_that_can_be_emptied_here(agent: Agent, backend: BackendCase) -> None:
    task = await _full_task(agent, backend)
    clearable = _clearable(await _schemas(agent))
    for name in ("title", "priority", "newStatusName", "id", "zzz", "clear", *({"dueDate"} - {*clearable})):
        with pytest.raises(Refused) as refused:
            await agent("update_task", id=task["id"], priority="2", clear=[name])
        assert refused.value.code == "invalid_arguments"
        assert set(refused.value.values) >= set(clearable)
    with pytest.raises(Refused) as refused:
        await agent("update_task", id=task["id"], dueTime="16:00", timezone="America/Santiago", clear=["dueTime"])
    assert refused.value.code == "invalid_arguments"
    assert await agent.read(task["id"]) == task


async def test_a_change_removes_all_responsibles_with_clear_and_never_with_an_empty_list(
    worker: Agent, backend: BackendCase
) -> None:
    task = await _full_task(worker, backend)
    for tool, sent in (
        ("update_task", {"id": task["id"], "responsibleIds": []}),
        ("update_task", {"id": task["id"], "responsibleIds": [], "priority": "2"}),
        ("update_task", {"id": task["id"], "responsibleIds": "[]", "priority": "2", "clear": []}),
        ("reassign_task", {"id": task["id"], "responsibleIds": []}),
        ("bulk_update_tasks", {"taskIds": [task["id"]], "changes": {"priority": "2", "responsibleIds": []}}),
    ):
        with pytest.raises(Refused) as refused:
            await worker(tool, **sent)
        assert refused.value.code == "responsible_required"
    assert await worker.read(task["id"]) == task
    people = (await _schemas(worker))["update_task"]["properties"]["responsibleIds"]["anyOf"][0]
    if not people.get("minItems"):
        after = (await worker("update_task", id=task["id"], clear=["responsibleIds"]))["task"]
        assert after == task | {"task_responsibles": []}


async def test_both_status_arguments_may_be_filled_with_null(worker: Agent) -> None:
    task = await worker.create()
    done = (await worker("list_statuses"))["statuses"][-1]
    nulls = {"newStatusName": None, "newStatusPosition": None}
    assert (await worker("update_task", **nulls | {"id": task["id"], "priority": "2"}))["task"]["priority"] == 2
    for given in ({"newStatusName": done["name"]}, {"newStatusPosition": done["position"]}):
        after = (await worker("update_task", id=task["id"], **nulls | given))["task"]
        assert after["status_config"]["name"] == done["name"]
    with pytest.raises(Refused) as refused:
        await worker("update_task", id=task["id"], priority="1", newStatusPosition=0)
    assert "newStatusPosition" in refused.value.error["message"]
    assert (await worker.read(task["id"]))["priority"] == 2


async def test_fillers_of_optional_fields_are_ignored_in_a_new_task(worker: Agent) -> None:
    schema = (await _schemas(worker))["create_task"]
    for number, filler in enumerate((None, "")):
        fields = {name: filler for name in schema["properties"] if name not in schema["required"]}
        task = await worker.create(f"Call {number}", **fields | {"clear": [], "dryRun": False})
        plain = await worker.create(f"Call again {number}")
        assert {key: task[key] for key in ("description", "due_at", "ai_contact_id")} == {
            key: plain[key] for key in ("description", "due_at", "ai_contact_id")
        }


async def test_blank_filters_do_not_filter(worker: Agent) -> None:
    await worker.create("a")
    await worker.create("b")
    blanks = dict.fromkeys(["text", "fromDate", "toDate", "priority", "contact", "order", "cursor", "overdue"], "")
    empty = {"responsibleIds": [], "status": [], "fields": [], "limit": 0, "includeTasksWithoutDates": ""}
    assert await worker("list_tasks", **blanks, **empty) == await worker("list_tasks")
    assert await worker("list_tasks", fields=["id", "title"]) == await worker("list_tasks", fields="title")


async def test_blank_arguments_beside_changes_are_ignored_in_a_bulk_change(worker: Agent) -> None:
    ids = [(await worker.create(f"Task {number}", dueDate="2026-03-10"))["id"] for number in range(2)]
    nothing = {"addResponsibleIds": [], "removeResponsibleIds": [], "shiftDueDays": 0, "filter": {}}
    properties = (await _schemas(worker))["bulk_update_tasks"]["properties"]
    nothing = {name: value for name, value in nothing.items() if name in properties}
    done = await worker("bulk_update_tasks", **nothing, taskIds=ids, changes={"priority": "2"})
    assert done["totals"] == {"applied": 2}
    blank_filter: dict[str, Any] = {"text": "", "status": [], "responsibleIds": [], "priority": None, "overdue": None}
    sent = nothing | {"filter": blank_filter, "shiftDueDays": 1, "changes": {"title": "", "priority": None}}
    assert (await worker("bulk_update_tasks", **sent, taskIds=ids))["totals"] == {"applied": 2}
    tasks = [await worker.read(one) for one in ids]
    assert [(task["title"], task["priority"], task["due_at"][:10]) for task in tasks] == [
        ("Task 0", 2, "2026-03-11"),
        ("Task 1", 2, "2026-03-11"),
    ]


MAY_MEAN_ALL: list[dict[str, Any]] = [
    {"taskIds": []},
    {"taskIds": [], "filter": {}},
    {"taskIds": "", "filter": ""},
    {"taskIds": None, "filter": None},
    {"filter": {}},
    {"filter": {"text": None, "priority": None}},
    {"filter": {"text": ""}},
    {"filter": {"status": []}},
    {"filter": {"responsibleIds": [], "priority": "1"}},
    {"filter": {"contact": "", "priority": "1"}},
]


async def test_targets_that_could_mean_every_task_are_refused(worker: Agent) -> None:
    ids = [(await worker.create(title))["id"] for title in ("a", "b")]
    for sent in MAY_MEAN_ALL:
        with pytest.raises(Refused) as refused:
            await worker("bulk_update_tasks", **sent, changes={"priority": "2"})
        assert refused.value.code in {"nothing_to_change", "no_targets", "empty_filter"}, sent
    assert [(await worker.read(one))["priority"] for one in ids] == [1, 1]


BASE: dict[str, dict[str, Any]] = {
    "list_statuses": {},
    "list_team_members": {},
    "list_tasks": {"limit": 5},
    "get_task": {"id": "{task}"},
    "find_contacts": {"query": "carolina"},
    "create_task": {"title": "Another", "responsibleIds": ["me"], "priority": "1"},
    "update_task": {"id": "{task}", "priority": "2"},
    "complete_task": {"id": "{task}"},
    "reassign_task": {"id": "{task}", "responsibleIds": ["Ana Soto"]},
    "bulk_update_tasks": {"taskIds": ["{task}"], "changes": {"priority": "2"}},
    "delete_task": {"id": "{task}"},
    "apply_plan": {"planId": "{plan}"},
    "list_changes": {"limit": 5},
    "list_events": {"limit": 5, "since": "2026-03-02"},
    "undo_change": {"changeId": "{change}"},
}
"""A call of each tool with nothing but what is meant; writes are planned only."""
OF_THE_CALL = ("planId", "expiresAt", "changeId", "dryRun")


async def _prepare(agent: Agent, backend: BackendCase) -> dict[str, dict[str, Any]]:
    """The base calls with the ids of a task, of a plan and of a change."""
    task = await _full_task(agent, backend)
    change = (await agent("update_task", id=task["id"], title="Changed"))["changeId"]
    plan = (await agent("update_task", id=task["id"], priority="2", dryRun=True))["planId"]
    ids = {"{task}": task["id"], "{plan}": plan, "{change}": change}

    def filled(value: Any) -> Any:
        return (
            [filled(one) for one in value]
            if isinstance(value, list)
            else ids.get(value, value)
            if isinstance(value, str)
            else value
        )

    schemas = await _schemas(agent)
    calls = {tool: {name: filled(value) for name, value in sent.items()} for tool, sent in BASE.items()}
    calls["create_task"] |= agent.needs
    if isinstance(await _outcome(agent, "list_events", calls["list_events"]), Refused):
        del calls["list_events"]  # the backend does not tell what was changed
    return {
        tool: sent | ({"dryRun": True} if "dryRun" in schemas[tool]["properties"] else {})
        for tool, sent in calls.items()
    }


async def _outcome(agent: Agent, tool: str, sent: dict[str, Any]) -> dict[str, Any] | Refused:
    try:
        answer = await agent(tool, **sent)
    except Refused as refused:
        return refused
    return {key: value for key, value in answer.items() if key not in OF_THE_CALL}


def _check_same(outcome: dict[str, Any] | Refused, expected: dict[str, Any] | Refused, filled: dict[str, Any]) -> None:
    """The call had the outcome of the one without fillers, or was refused by the name of one of them."""
    assert isinstance(expected, dict)
    if isinstance(outcome, Refused):
        told = str(outcome.error)
        assert any(name in told for name in filled), (filled, told)
    else:
        assert outcome == expected, filled


async def test_keys_that_hosts_add_change_nothing(worker: Agent, backend: BackendCase) -> None:
    added = dict.fromkeys(HOST_KEYS, "x") | {"toolCallId": "call_1", "action": "sendMessage", "wait_for_previous": True}
    for tool, sent in (await _prepare(worker, backend)).items():
        expected = await _outcome(worker, tool, sent)
        outcome = await _outcome(worker, tool, added | {"tool": tool} | sent)
        assert isinstance(outcome, dict), (tool, outcome)
        assert outcome == expected
        with pytest.raises(Refused) as refused:
            await worker(tool, **sent | {"sesionId": "x"})
        assert refused.value.code == "unknown_argument"


async def test_every_tool_can_be_called_where_every_argument_must_be_sent(worker: Agent, backend: BackendCase) -> None:
    schemas, calls = await _schemas(worker), await _prepare(worker, backend)
    for tool, sent in calls.items():
        nulls = dict.fromkeys(schemas[tool]["properties"])
        if "changes" in nulls:
            inner = dict.fromkeys(schemas[tool]["properties"]["changes"]["properties"]) | {"clear": []}
            sent = sent | {"changes": inner | sent["changes"]}  # noqa: PLW2901
        nulls |= {name: [] for name in nulls if name == "clear"}
        assert await _outcome(worker, tool, nulls | sent) == await _outcome(worker, tool, sent), tool
        # OpenAI's own conversion requires every argument, and adds null to none.
        strict = _fill(schemas[tool]) | sent
        if "changes" in sent:
            strict["changes"] = _fill(schemas[tool]["properties"]["changes"]) | BASE[tool]["changes"]
        assert await _outcome(worker, tool, strict) == await _outcome(worker, tool, sent), tool


async def test_a_bulk_change_by_filter_can_be_called_where_every_argument_must_be_sent(worker: Agent) -> None:
    await worker.create("Call Acme")
    schema = (await _schemas(worker))["bulk_update_tasks"]
    sent: dict[str, Any] = {"filter": {"text": "acme"}, "changes": {"priority": "2"}}
    filled: dict[str, Any] = _fill(schema) | {"dryRun": False}
    filled |= {name: _fill(schema["properties"][name]) | fields for name, fields in sent.items()}
    plan, expected = [await worker("bulk_update_tasks", **given) for given in (filled, sent)]
    assert plan["difference"] == expected["difference"] != []
    with pytest.raises(Refused) as refused:
        await worker("bulk_update_tasks", **filled | {"filter": _fill(schema["properties"]["filter"])})
    assert refused.value.code == "empty_filter"


DEFAULTS = {"order": "due", "mode": "replace", "limit": 5, "dryRun": True}
"""What a model sends where it must choose a value."""


def _fill(schema: dict[str, Any]) -> dict[str, Any]:
    """An object with every argument of the schema, each with a value that it allows and that says nothing."""
    filled: dict[str, Any] = {}
    for name, node in schema["properties"].items():
        types = _types(node)
        if "null" in types:
            filled[name] = None
        elif "object" in types:
            filled[name] = _fill(node)
        else:
            filled[name] = DEFAULTS.get(name, [] if "array" in types else 0 if "integer" in types else "")
    return filled


async def test_fillers_change_no_field_or_are_refused_by_name(worker: Agent, backend: BackendCase) -> None:
    schemas, calls = await _schemas(worker), await _prepare(worker, backend)
    chosen = random.Random(backend.name)  # noqa: S311  examples
    before = await worker("list_tasks")
    for tool, sent in calls.items():
        expected = await _outcome(worker, tool, sent)
        unused = [name for name in schemas[tool]["properties"] if name not in sent]
        nullable = _clearable(schemas) if tool == "update_task" else []
        for _ in range(12 if unused else 0):
            filled = {name: chosen.choice(FILLERS) for name in chosen.sample(unused, chosen.randint(1, len(unused)))}
            if filled.get("priority") == 0:
                del filled["priority"]  # the number of a low priority
            nulls = [name for name in nullable if filled.get(name, 0) is None]
            if len(nulls) == 1 and not isinstance(filled.get("clear"), list):
                del filled[nulls[0]]  # a single null is meant
            if filled:
                assert all(map(is_empty, filled.values()))
                _check_same(await _outcome(worker, tool, filled | sent), expected, filled)
    assert await worker("list_tasks") == before

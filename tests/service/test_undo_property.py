"""Whatever was done to two tasks, an undo restores the fields of its change that are as the change left them."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client

from behaviour.agent import Agent, Refused
from behaviour.backend_cases import BACKEND_CASES
from taskhand.server.app import create_server

_VALUES: dict[str, list[Any]] = {
    "title": ["One", "Two"],
    "description": [None, "Text", "Text. More."],
    "dueDate": [None, "2026-03-10", "2026-03-11"],
    "priority": ["0", "1", "2"],
    "responsibleIds": [["Ana Soto"], ["Luis Pereira"], ["Ana Soto", "Luis Pereira"]],
}
_SHOWN = {"dueDate": ("due_at", "is_all_day"), "responsibleIds": ("task_responsibles",)}
_BODIES = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in _VALUES.items()}
).filter(bool)
_STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from([(0,), (1,), (0, 1)]), _BODIES), min_size=1, max_size=6)
"""Whether we do it, to which tasks, and what is set."""

_State = dict[str, Any]


async def _states(agent: Agent, ids: list[str]) -> list[_State]:
    return [(await agent("get_task", id=one))["task"] for one in ids]


def _expected_state(before: _State, after: _State, now: _State, names: set[str]) -> _State:
    """The task after the undo: what the change changed is as before, where it is still as the change left it."""
    restored: _State = {}
    for shown in (_SHOWN.get(name, (name,)) for name in names):
        if all(now[field] == after[field] for field in shown):
            restored |= {field: before[field] for field in shown}
    return now | restored


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    clear = [name for name, value in body.items() if value is None]
    return {name: value for name, value in body.items() if value is not None} | ({"clear": clear} if clear else {})


async def _check(folder: Path, steps: list[tuple[bool, tuple[int, ...], dict[str, Any]]], undone: int) -> None:
    local = BACKEND_CASES[0].open(folder)
    async with local as app, Client(create_server(app)) as ours, Client(create_server(app)) as theirs:
        agent, other = Agent(ours), Agent(theirs)
        ids = [(await agent.create("One", idempotencyKey=str(number)))["id"] for number in range(2)]
        done = []
        for is_ours, tasks, body in steps:
            before = await _states(agent, ids)
            sent = {"taskIds": [ids[number] for number in tasks], "changes": _changes(body)}
            change = await (agent if is_ours else other)("bulk_update_tasks", **sent)
            done.append((change["changeId"], before, await _states(agent, ids), set(body)))
        change_id, before, after, names = done[undone % len(done)]
        now = await _states(agent, ids)
        expected = [_expected_state(*states, names) for states in zip(before, after, now, strict=True)]
        code = None
        try:
            await agent("undo_change", changeId=change_id)
        except Refused as refused:
            code = refused.code
        assert await _states(agent, ids) == expected
        assert code in {None, "changed_since", "nothing_to_undo"}
        assert code is None or expected == now


@settings(max_examples=15, deadline=None)
@given(steps=_STEPS, undone=st.integers(0, 5))
def test_an_undo_restores_exactly_the_fields_that_are_as_its_change_left_them(
    steps: list[tuple[bool, tuple[int, ...], dict[str, Any]]], undone: int
) -> None:
    with TemporaryDirectory() as folder:
        anyio.run(_check, Path(folder), steps, undone)

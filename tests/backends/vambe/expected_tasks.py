"""What tools are to show of the tasks that a Vambe sandbox really has."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from mcp import Client

from backends.vambe.sandboxed_app import KEY, Time, sandboxed_app
from backends.vambe.scenario import SEED
from behaviour.agent import Agent
from behaviour.world import NOW, PEOPLE, STATUSES
from taskhand.sandbox.server import serve_sandbox
from taskhand.sandbox.vambe import SpecVariant, VambeSandbox
from taskhand.server.app import create_server
from whole_answers import with_whole_answers

__all__ = [
    "STATUS_NAMES",
    "WINDOW",
    "connected_in_virtual_time",
    "due_shown",
    "expected_row",
    "expected_task",
    "expected_titles",
    "sandbox_of",
    "stored_task",
    "without_status_names",
]

WINDOW = {"fromDate": "2026-03-01", "toDate": "2026-12-31"}
STATUS_NAMES = {status["id"]: status["name"] for status in STATUSES}
PEOPLE_NAMES = {someone["id"]: someone["name"] for someone in PEOPLE}


def sandbox_of(*spec_variants: str, seed: dict[str, Any] = SEED) -> VambeSandbox:
    return VambeSandbox(seed=seed, clock=lambda: NOW, spec_variant=SpecVariant.parse(spec_variants), key=KEY)


@asynccontextmanager
async def connected_in_virtual_time(sandbox: VambeSandbox, time: Time, **settings: Any) -> AsyncIterator[Agent]:
    """As `connected`, in a time that only waiting and the test move."""
    async with (
        serve_sandbox(sandbox) as url,
        sandboxed_app(url, time, **settings) as app,
        Client(create_server(with_whole_answers(app))) as client,
    ):
        yield Agent(client)


def stored_task(sandbox: VambeSandbox, task_id: str) -> dict[str, Any]:
    """The task as the sandbox really has it."""
    return next(task for task in sandbox.tasks if task["id"] == task_id)


def expected_task(sandbox: VambeSandbox, task_id: str) -> dict[str, Any]:
    """The task as a tool is to show it: opaque ids and statuses without a name are all that an agent can be given."""
    task = stored_task(sandbox, task_id) | {"url": None}
    if task["ai_contact_id"] and sandbox.spec_variant.contact_ids == "opaque":
        task["ai_contact_id"] = "contact-" + task["ai_contact_id"].replace("-", "")
    return task if sandbox.spec_variant.status_config == "object" else task | {"status_config": None}


def without_status_names(sandbox: VambeSandbox, shown: dict[str, Any]) -> dict[str, Any]:
    """What a tool shows, but for names of statuses that Vambe never says: they may be learned from what was sent."""
    if sandbox.spec_variant.status_config == "object":
        return shown
    return shown | {name: None for name in ("status_config", "status") if name in shown}


def due_shown(task: dict[str, Any]) -> str | None:
    """The local due date and time of a true task, as a row shows it."""
    if task["due_at"] is None:
        return None
    if task["is_all_day"]:
        day = date.fromisoformat(str(task["due_at"])[:10])
        return f"{day} {day:%a}"
    local = datetime.fromisoformat(task["due_at"]).astimezone(ZoneInfo(task["due_timezone"]))
    return f"{local.isoformat(timespec='minutes')} {local:%a}"


def expected_row(sandbox: VambeSandbox, task_id: str) -> dict[str, Any]:
    """The compact row of a true task."""
    task = expected_task(sandbox, task_id)
    people = [person["responsible_id"] for person in task["task_responsibles"]]
    return {
        "id": task_id,
        "title": task["title"],
        "status": STATUS_NAMES[task["task_status_config_id"]] if task["status_config"] else None,
        "due": due_shown(task),
        "priority": task["priority"],
        "responsibles": [PEOPLE_NAMES.get(person, person) for person in people],
    }


def expected_titles(sandbox: VambeSandbox, people: list[str], first: str, last: str, *, dateless: bool) -> list[str]:
    """The titles of the tasks that a list by person and window is to have."""
    titles: list[str] = []
    for task in sandbox.tasks:
        day = (due_shown(task) or "")[:10]
        whose = {person["responsible_id"] for person in task["task_responsibles"]}
        if (not people or whose & set(people)) and (first <= day <= last if day else dateless):
            titles.append(task["title"])
    return sorted(titles)

"""Vambe in the suites of all CRMs: its sandbox, its requests, and what an odd task of it looks like."""

from typing import Any

from backends.vambe import wired
from passing import Time
from safety.crm import Crm, OddTasks, Sandbox, Sight
from safety.odd_row import ABSENT
from taskhand.backends.vambe import account
from taskhand.sandbox.vambe import SpecVariant

__all__ = ["CRM"]
HUGE = 10**400


def _sandbox(tasks: int, time: Time, spec_variant: tuple[str, ...]) -> Sandbox:
    del time
    return wired.vambe(tasks, spec_variant=SpecVariant.parse(spec_variant))


def _sight(row: dict[str, Any]) -> Sight:
    people = tuple(one["responsible_id"] for one in row["task_responsibles"])
    return Sight(row["title"], people, row["status_config"]["type"] == "done")


CRM = Crm(
    name="vambe",
    sandbox=_sandbox,
    wired=wired.wired,
    task_id=wired.task_id,
    sight=_sight,
    routes={
        "many": "PUT /api/public/tasks/{id}",
        "one": "PUT /api/public/tasks/{id}",
        "delete": "DELETE /api/public/tasks/{id}",
        "create": "POST /api/public/tasks",
        "read": "GET /api/public/tasks",
    },
    me=wired.ELENA,
    ana=wired.ANA,
    reader=account,
    confirms_deletions=True,
    odd=OddTasks(
        unreadable=[
            ({"priority": None}, "priority"),
            ({"priority": "urgent"}, "priority"),
            ({"priority": ABSENT}, "priority"),
            ({"due_at": "soon"}, "due_at"),
            ({"due_at": "9999-12-31T23:59:59.999-23:59"}, "due_at"),
            ({"task_responsibles": {"id": "x"}}, "task_responsibles"),
            ({"task_responsibles": [{"user": {"id": "x"}}]}, "task_responsibles"),
            ({"task_responsibles": ABSENT}, "task_responsibles"),
            ({"title": {"text": "x"}}, "title"),
            ({"title": ABSENT}, "title"),
            ({"description": ["x"]}, "description"),
            ({"status_config": 7}, "status_config"),
            ({"status_config": {"id": "x", "order": HUGE}}, "status_config"),
            ({"ai_contact_id": 7}, "ai_contact_id"),
            ({"created_at": "yesterday"}, "created_at"),
        ],
        due={"due_at": "soon"},
        nameless={"id": 7},
        whose=lambda member: {"task_responsibles": [{"responsible_id": member}]},
        of_unknown={"task_responsibles": ABSENT},
        names=[
            *("id", "title", "description", "due_timezone", "due_at", "is_all_day", "created_at", "ai_contact_id"),
            *(
                "ai_customer_id",
                "task_status_config_id",
                "priority",
                "creator_id",
                "task_responsibles",
                "status_config",
            ),
            *("status_config.name", "status_config.order", "status_config.type", "status_config.color"),
        ],
        lists=[("GET /api/public/tasks", "")],
    ),
)

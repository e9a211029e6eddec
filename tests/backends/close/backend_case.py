"""Close in the behaviour suite: its sandbox with the small world, and Taskhand in front of it."""

from typing import Any

from pydantic import SecretStr

from behaviour.sandboxed_backend import open_with
from behaviour.world import CAROLINA, DUE, NOW, SANTIAGO, SMALL_WORLD, BackendCase, World
from settings_of import settings_of
from taskhand.config.settings import Settings
from taskhand.sandbox.close import CloseSandbox

__all__ = ["BACKEND", "LEAD", "close_sandbox", "close_settings"]

LEAD = f"lead_{1:043}"


def close_sandbox(world: World = SMALL_WORLD) -> CloseSandbox:
    """A Close with the world in it, and the statuses that it always has."""
    users = [
        {
            "id": f"user_{n:043}",
            **{key: who[key] for key in ("first_name", "last_name", "email", "active") if key in who},
        }
        for n, who in enumerate(world.people, start=1)
    ]
    theirs = {"_type": "lead", "text": world.theirs, "assigned_to": users[-1]["id"], "lead_id": LEAD, "date": DUE}
    contact = {"name": world.carolina, "emails": [CAROLINA["email"]], "phones": ["+56 9 5555 0101"]}
    lead = {"id": LEAD, "name": "Acme", "contacts": [contact | {"id": f"cont_{1:043}"}]}
    tasks = [theirs] if world.theirs else []
    return CloseSandbox(
        seed={"users": users, "leads": [lead], "tasks": tasks, "key_owner": users[0]["id"]}, clock=lambda: NOW
    )


def close_settings(url: str, **changed: Any) -> Settings:
    """The settings that a user would make for it."""
    given: dict[str, Any] = {
        "close_api_key": SecretStr("api_close-sandbox-key"),
        "close_base_url": f"{url}/api/v1",
        "close_rate": 1000,
        "timezone": SANTIAGO,
        "clock": NOW,
    }
    return settings_of(given | changed)


BACKEND = BackendCase(
    "close",
    open_with(close_sandbox, close_settings),
    needs={"aiCustomerId": LEAD},
    customer=LEAD,
    absent=f"task_{9:043}",
    customer_name="Acme",
    has_zone=True,
)

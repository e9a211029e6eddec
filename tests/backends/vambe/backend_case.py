"""Vambe in the behaviour suite: its sandbox with the small world, and Taskhand in front of it."""

from typing import Any

from behaviour.sandboxed_backend import open_with
from behaviour.world import CAROLINA, DUE, NOW, PEOPLE, SMALL_WORLD, STATUSES, BackendCase, World
from settings_of import settings_of
from taskhand.config.settings import Settings
from taskhand.sandbox.vambe import VambeSandbox

__all__ = ["BACKEND", "WORLD", "vambe_sandbox", "vambe_settings"]

WORLD = {"members": PEOPLE, "statuses": STATUSES, "contacts": [CAROLINA], "tasks": [], "key_owner": PEOPLE[0]["id"]}


def vambe_sandbox(world: World = SMALL_WORLD, **options: Any) -> VambeSandbox:
    """A Vambe with the world in it."""
    theirs = {"title": world.theirs, "responsibleIds": [world.people[-1]["id"]], "dueDate": DUE}
    seed = WORLD | {
        "members": world.people,
        "statuses": world.statuses,
        "contacts": [CAROLINA | {"name": world.carolina}],
        "tasks": [theirs] if world.theirs else [],
    }
    return VambeSandbox(seed=seed, clock=lambda: NOW, **options)


def vambe_settings(url: str, **changed: Any) -> Settings:
    """The settings that a user would make for it."""
    given: dict[str, Any] = {
        "vambe_api_key": "vambe-sandbox-key",
        "vambe_base_url": url,
        "vambe_user_id": PEOPLE[0]["id"],
        "vambe_statuses": "Pendiente,En Progreso,Completado",
        "vambe_rate": 1000,
        "clock": NOW,
    }
    return settings_of(given | changed)


def _statuses_of(world: World) -> dict[str, str]:
    return {"vambe_statuses": ",".join(status["name"] for status in world.statuses)}


BACKEND = BackendCase("vambe", open_with(vambe_sandbox, vambe_settings, _statuses_of), names_former_members=False)

"""HubSpot in the behaviour suite: its sandbox with the small world, and Taskhand in front of it."""

from typing import Any

from pydantic import SecretStr

from behaviour.sandboxed_backend import open_with
from behaviour.world import CAROLINA, DUE, NOW, SANTIAGO, SMALL_WORLD, BackendCase, World
from settings_of import settings_of
from taskhand.config.settings import Settings
from taskhand.sandbox.hubspot import HubSpotSandbox, SpecVariant

__all__ = ["BACKEND", "hubspot_sandbox", "hubspot_settings"]

_COMPANY = "201"


def hubspot_sandbox(world: World = SMALL_WORLD) -> HubSpotSandbox:
    """A HubSpot with the world in it.

    Its clock stands still, so limits that end with time are switched off.
    """
    owners = [
        {"id": str(64492916 + n), "userId": 98499704 + n, "email": who["email"]}
        | {"firstName": who["first_name"], "lastName": who["last_name"], "archived": not who.get("active", True)}
        for n, who in enumerate(world.people, start=1)
    ]
    values = zip(("NOT_STARTED", "IN_PROGRESS", "COMPLETED"), world.statuses, strict=True)
    first, _, last = world.carolina.partition(" ")
    contact = {"firstname": first, "lastname": last, "email": CAROLINA["email"], "phone": "+56 9 5555 0101"}
    theirs = {
        "hs_task_subject": world.theirs,
        "hs_timestamp": f"{DUE}T12:00:00+00:00",
        "hubspot_owner_id": owners[-1]["id"],
    }
    seed = {
        "owners": owners,
        "statuses": [{"value": value, "label": status["name"]} for value, status in values],
        "contacts": [{"id": "101", "properties": contact | {"associatedcompanyid": _COMPANY}}],
        "companies": [{"id": _COMPANY, "properties": {"name": "Acme SpA"}}],
        "tasks": [{"properties": theirs}] if world.theirs else [],
    }
    spec_variant = SpecVariant.parse(["searches=0", "burst=0", "search_lag=0"])
    return HubSpotSandbox(seed=seed, clock=lambda: NOW, spec_variant=spec_variant)


def hubspot_settings(url: str, **changed: Any) -> Settings:
    """The settings that a user would make for it."""
    given: dict[str, Any] = {
        "hubspot_access_token": SecretStr("pat-na1-sandbox"),
        "hubspot_base_url": url,
        "hubspot_user_id": "elena@example.com",
        "hubspot_rate": 1000,
        "timezone": SANTIAGO,
        "clock": NOW,
    }
    return settings_of(given | changed)


BACKEND = BackendCase(
    "hubspot",
    open_with(hubspot_sandbox, hubspot_settings),
    needs={"dueDate": "2026-12-31"},
    customer=_COMPANY,
    absent="99999999999",
    gaps={"test_an_own_change_is_listed_once_with_its_change_id": "HubSpot's search shows a change some seconds late"},
    customer_name="Acme SpA",
    has_zone=True,
)

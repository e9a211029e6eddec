"""The routes and their endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.close import bulk_update, completions, events, leads, notes, people, search, tasks, webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskhand.sandbox.close.context import RequestContext

    Endpoint = Callable[[RequestContext], dict[str, Any]]

ROOT = "/api/v1"
ENDPOINTS: dict[str, Endpoint] = {
    f"{verb} {ROOT}{path}": endpoint
    for verb, path, endpoint in (
        ("GET", "/task", tasks.list_tasks),
        ("POST", "/task", tasks.create_task),
        ("PUT", "/task", bulk_update.update_tasks),
        ("GET", "/task/{id}", tasks.get_task),
        ("PUT", "/task/{id}", tasks.update_task),
        ("DELETE", "/task/{id}", tasks.delete_task),
        ("GET", "/activity/task_completed", completions.list_completions),
        ("GET", "/activity/task_completed/{id}", completions.get_completion),
        ("DELETE", "/activity/task_completed/{id}", completions.delete_completion),
        ("GET", "/activity/note", notes.list_notes),
        ("POST", "/activity/note", notes.create_note),
        ("GET", "/activity/note/{id}", notes.get_note),
        ("PUT", "/activity/note/{id}", notes.update_note),
        ("DELETE", "/activity/note/{id}", notes.delete_note),
        ("GET", "/me", people.get_me),
        ("GET", "/user", people.list_users),
        ("GET", "/user/{id}", people.get_user),
        ("GET", "/organization/{id}", people.get_organization),
        ("GET", "/lead", leads.list_leads),
        ("GET", "/lead/{id}", leads.get_lead),
        ("GET", "/contact", leads.list_contacts),
        ("GET", "/contact/{id}", leads.get_contact),
        ("POST", "/data/search", search.search),
        ("GET", "/event", events.list_events),
        ("GET", "/event/{id}", events.get_event),
        ("GET", "/webhook", webhooks.list_webhooks),
        ("POST", "/webhook", webhooks.create_webhook),
        ("GET", "/webhook/{id}", webhooks.get_webhook),
        ("PUT", "/webhook/{id}", webhooks.update_webhook),
        ("DELETE", "/webhook/{id}", webhooks.delete_webhook),
    )
}
DELETING = frozenset(key for key in ENDPOINTS if key.startswith("DELETE "))
CREATING = frozenset({f"POST {ROOT}/webhook"})  # answered with 201, in contrast to the creation of a task
HARMLESS = frozenset({f"POST {ROOT}/data/search"})  # a POST that only reads

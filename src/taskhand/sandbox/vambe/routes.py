"""The routes and their endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe import contacts, people, tasks, webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskhand.sandbox.vambe.context import RequestContext

    Endpoint = Callable[[RequestContext], Any]

ENDPOINTS: dict[str, Endpoint] = {
    "GET /api/public/tasks": tasks.list_tasks,
    "POST /api/public/tasks": tasks.create_task,
    "GET /api/public/tasks/{id}": tasks.get_task,
    "PUT /api/public/tasks/{id}": tasks.update_task,
    "DELETE /api/public/tasks/{id}": tasks.delete_task,
    "GET /api/public/team-members/all": people.list_members,
    "GET /api/public/contacts/search": contacts.search_contacts,
    "GET /api/public/contacts": contacts.recent_contacts,
    "GET /api/public/contact/{aiContactId}/info": contacts.contact_info,
    "GET /api/webhooks/topics": webhooks.list_topics,
    "GET /api/webhooks/calls": webhooks.list_deliveries,
    "GET /api/webhooks": webhooks.list_webhooks,
    "POST /api/webhooks": webhooks.create_webhook,
    "GET /api/webhooks/{id}": webhooks.get_webhook,
    "PUT /api/webhooks/{id}": webhooks.update_webhook,
    "DELETE /api/webhooks/{id}": webhooks.delete_webhook,
    "POST /api/webhooks/{id}/restore": webhooks.restore_webhook,
}
CREATING = frozenset({"POST /api/public/tasks", "POST /api/webhooks"})

"""The webhook endpoints of https://docs.vambe.me/docs/webhooks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from taskhand.sandbox.vambe.errors import Issue, not_found, validation_error
from taskhand.sandbox.vambe.validation import read_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskhand.sandbox.vambe.context import RequestContext
    from taskhand.sandbox.vambe.spec_variant import SpecVariant

OLD_TOPICS = ("message.received", "message.sent", "ticket.opened", "ticket.closed")
NEW_TOPICS = (
    "message.received",
    "message.sent",
    "ticket.created",
    "ticket.updated",
    "ticket.closed",
    "contact.created",
    "contact.updated",
    "stage.changed",
)
TASK_TOPICS = ("task.updated", "task.completed", "task.reassigned")  # in neither list, though update-task names them
TOPICS = {"old": OLD_TOPICS, "new": NEW_TOPICS, "tasks": NEW_TOPICS + TASK_TOPICS}


@dataclass(frozen=True)
class Webhook:
    """One subscription; its secret is stored, and never returned."""

    id: str
    url: str
    topics: tuple[str, ...]
    secret: str | None = None
    active: bool = True
    description: str | None = None
    is_deleted: bool = False
    first_event: int = 0  # the number of the first event after its creation


def list_topics(ctx: RequestContext) -> list[str]:
    """`GET /api/webhooks/topics`: the topics' names."""
    return list(TOPICS[ctx.spec_variant.topics])


def list_deliveries(_: RequestContext) -> list[dict[str, Any]]:
    """`GET /api/webhooks/calls`: the delivery log, whose form is unknown; always empty here."""
    return []


def list_webhooks(ctx: RequestContext) -> list[dict[str, Any]]:
    """`GET /api/webhooks`: includes deleted ones, unless the spec variant hides them."""
    hidden = ctx.spec_variant.deleted_webhooks == "hidden"
    return [_render(hook) for hook in ctx.store.webhooks.values() if not (hidden and hook.is_deleted)]


def get_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`GET /api/webhooks/{id}`."""
    return _render(_find_live(ctx))


def create_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`POST /api/webhooks`: answers `{"status": "created", "id": ...}`."""
    body = read_object(ctx.request)
    _check(body, ctx.spec_variant, is_new=True)
    hook = _apply_body(
        Webhook(f"webhook_{len(ctx.store.webhooks) + 1}", body["url"], (), first_event=len(ctx.store.events)), body
    )
    ctx.store.webhooks[hook.id] = hook
    return {"status": "created", "id": hook.id}


def update_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`PUT /api/webhooks/{id}`: changes the sent fields; the response is assumed."""
    hook = _find_live(ctx)
    body = read_object(ctx.request)
    _check(body, ctx.spec_variant, is_new=False)
    ctx.store.webhooks[hook.id] = _apply_body(hook, body)
    return {"status": "updated", "id": hook.id}


def delete_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`DELETE /api/webhooks/{id}`: a soft delete."""
    hook = _find_live(ctx)
    ctx.store.webhooks[hook.id] = replace(hook, is_deleted=True)
    return {"status": "success"}


def restore_webhook(ctx: RequestContext) -> dict[str, Any]:
    """`POST /api/webhooks/{id}/restore`: undoes a delete; the response is assumed."""
    hook = _find(ctx)
    ctx.store.webhooks[hook.id] = replace(hook, is_deleted=False)
    return {"status": "restored", "id": hook.id}


def _find(ctx: RequestContext) -> Webhook:
    hook = ctx.store.webhooks.get(ctx.values["id"])
    if hook is None:
        raise not_found("Webhook")
    return hook


def _find_live(ctx: RequestContext) -> Webhook:
    hook = _find(ctx)
    if hook.is_deleted:
        raise not_found("Webhook")
    return hook


def _check(body: Mapping[str, Any], spec_variant: SpecVariant, *, is_new: bool) -> None:
    form = _form(body, spec_variant)
    # topic, url and secret are documented; third-party clients send url and topics
    required = {"topic": ("topic", "url", "secret"), "topics": ("topics", "url")}[form] if is_new else ()
    issues = [Issue(name, "invalid_type", f"{name} is required") for name in required if name not in body]
    if not all(isinstance(body.get(name, ""), str) for name in ("topic", "url", "secret")):
        issues.append(Issue("url", "invalid_type", "Expected strings"))
    if not all(topic in TOPICS[spec_variant.topics] for topic in _topics(body) or ()):
        issues.append(Issue(form, "invalid_value", f"Expected of: {', '.join(TOPICS[spec_variant.topics])}"))
    if issues:
        raise validation_error(*issues)


def _form(body: Mapping[str, Any], spec_variant: SpecVariant) -> str:
    """Return the key that holds the topics; a spec variant may accept only one of the two."""
    sent = "topics" if "topics" in body else "topic"
    form = sent if spec_variant.webhook_body == "any" else spec_variant.webhook_body
    if sent in body and sent != form:
        raise validation_error(Issue(sent, "unrecognized_keys", f"Unrecognized key: {sent}"))
    return form


def _topics(body: Mapping[str, Any]) -> list[Any] | None:
    if "topics" in body:
        return body["topics"] if isinstance(body["topics"], list) else [body["topics"]]
    return [body["topic"]] if "topic" in body else None


def _apply_body(hook: Webhook, body: Mapping[str, Any]) -> Webhook:
    topics = _topics(body)
    return replace(
        hook,
        url=body.get("url", hook.url),
        topics=hook.topics if topics is None else tuple(topics),
        secret=body.get("secret", hook.secret),
        active=bool(body.get("active", hook.active)),
        description=body.get("description", hook.description),
    )


def _render(hook: Webhook) -> dict[str, Any]:
    # undocumented, so the object has both spellings of the topic
    return {
        "id": hook.id,
        "url": hook.url,
        "topic": hook.topics[0] if hook.topics else None,
        "topics": list(hook.topics),
        "active": hook.active,
        "description": hook.description,
        "deleted": hook.is_deleted,
    }

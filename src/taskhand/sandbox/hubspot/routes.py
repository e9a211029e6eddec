"""The routes, their endpoints, and the scopes that each needs; maps paths of other versions to v3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from taskhand.sandbox.hubspot import (
    account,
    app_webhooks,
    association_batches,
    associations,
    batch,
    objects,
    people,
    properties,
    schemas,
    search,
)
from taskhand.sandbox.hubspot.auth import OWNERS, PROPERTIES, SCHEMAS, scopes_for
from taskhand.sandbox.hubspot.object_types import BY_NAME, OBJECT_TYPES
from taskhand.sandbox.hubspot.reply import JsonResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.messages import ReceivedRequest
    from taskhand.sandbox.routing import RouteMatch

    Endpoint = Callable[[RequestContext], JsonResponse]

# documented for objects, assumed for the other families
DATED = re.compile(r"/crm/(objects|owners|properties|pipelines|associations)/(2026-03|2026-09)(/.*|)")
DATED_OAUTH = re.compile(r"^/oauth/(?:2026-03|2026-09)(/.*)")
DATED_SCHEMAS = re.compile(r"^/crm-object-schemas/(?:2026-03|2026-09)(/.*)")
OBJECT_TYPE_AT = 4  # the object type's index in `/crm/v3/objects/{kind}`, split at slashes


class Route(NamedTuple):
    """An endpoint; the token needs one of `scopes`. `object_type` is set if the route's key has no `{kind}`."""

    endpoint: Endpoint
    scopes: tuple[str, ...] = ()
    object_type: str | None = None
    is_search: bool = False
    has_token: bool = True


def unknown_object_type(ctx: RequestContext) -> JsonResponse:
    """Answer 404: known object types have routes of their own, which are tried first."""
    return JsonResponse(404, ctx.object_type.name)


# method, rest of the path, endpoint, whether it writes
_OBJECTS: tuple[tuple[str, str, Endpoint, bool], ...] = (
    ("GET", "", objects.list_objects, False),
    ("POST", "", objects.create_object, True),
    ("POST", "/search", search.search_objects, False),
    ("POST", "/batch/read", batch.batch_read, False),
    ("POST", "/batch/create", batch.batch_create, True),
    ("POST", "/batch/update", batch.batch_update, True),
    ("POST", "/batch/upsert", batch.batch_upsert, True),
    ("POST", "/batch/archive", batch.batch_archive, True),
    ("GET", "/{id}", objects.get_object, False),
    ("PATCH", "/{id}", objects.update_object, True),
    ("DELETE", "/{id}", objects.archive_object, True),
)
_TASKS_READ, _TASKS_WRITE = scopes_for("tasks", writes=False), scopes_for("tasks", writes=True)
_PAIR = "/crm/v4/objects/{kind}/{id}/associations"
_PAIRS = "/crm/v4/associations/{kind}/{to}"
_V3_PAIR = "/crm/v3/objects/{kind}/{id}/associations/{to}/{toId}/{typeId}"
_OTHERS: dict[str, Route] = {
    f"GET {_PAIR}/{{to}}": Route(associations.list_associations, _TASKS_READ),
    f"PUT {_PAIR}/default/{{to}}/{{toId}}": Route(associations.associate_default, _TASKS_WRITE),
    f"PUT {_PAIR}/{{to}}/{{toId}}": Route(associations.associate, _TASKS_WRITE),
    f"DELETE {_PAIR}/{{to}}/{{toId}}": Route(associations.dissociate, _TASKS_WRITE),
    f"PUT {_V3_PAIR}": Route(associations.associate_v3, _TASKS_WRITE),
    f"DELETE {_V3_PAIR}": Route(associations.dissociate_v3, _TASKS_WRITE),
    f"POST {_PAIRS}/batch/read": Route(association_batches.read_links, _TASKS_READ),
    f"POST {_PAIRS}/batch/create": Route(association_batches.create_links, _TASKS_WRITE),
    f"POST {_PAIRS}/batch/associate/default": Route(association_batches.create_default_links, _TASKS_WRITE),
    f"POST {_PAIRS}/batch/archive": Route(association_batches.archive_links, _TASKS_WRITE),
    f"GET {_PAIRS}/labels": Route(association_batches.list_labels, _TASKS_READ),
    "GET /crm/v3/owners": Route(people.list_owners, OWNERS),
    "GET /crm/v3/owners/{id}": Route(people.get_owner, OWNERS),
    "GET /crm/v3/properties/{kind}": Route(properties.list_properties, PROPERTIES),
    "GET /crm/v3/properties/{kind}/{name}": Route(properties.get_property, PROPERTIES),
    "GET /crm/v3/pipelines/{kind}": Route(properties.list_pipelines, PROPERTIES),
    "GET /crm/v3/pipelines/{kind}/{id}/stages": Route(properties.list_stages, PROPERTIES),
    "GET /crm-object-schemas/v3/schemas": Route(schemas.list_schemas, SCHEMAS),
    "GET /account-info/v3/details": Route(account.details),
    "GET /account-info/v3/api-usage/daily/private-apps": Route(account.usage),
    "GET /webhooks/v3/{appId}/settings": Route(app_webhooks.get_settings, has_token=False),
    "PUT /webhooks/v3/{appId}/settings": Route(app_webhooks.put_settings, has_token=False),
    "DELETE /webhooks/v3/{appId}/settings": Route(app_webhooks.delete_settings, has_token=False),
    "GET /webhooks/v3/{appId}/subscriptions": Route(app_webhooks.list_subscriptions, has_token=False),
    "POST /webhooks/v3/{appId}/subscriptions": Route(app_webhooks.create_subscription, has_token=False),
    "DELETE /webhooks/v3/{appId}/subscriptions/{id}": Route(app_webhooks.delete_subscription, has_token=False),
    "POST /oauth/v2/private-apps/get/access-token-info": Route(account.token_info, has_token=False),
}


def _of_objects() -> dict[str, Route]:
    """Return the routes of records, one set for each object type, so that a fault can affect one type."""
    table = {
        f"{verb} /crm/v3/objects/{object_type.name}{rest}": Route(
            endpoint, scopes_for(object_type.name, writes=writes), object_type.name, endpoint is search.search_objects
        )
        for object_type in OBJECT_TYPES
        for verb, rest, endpoint, writes in _OBJECTS
    }
    unknown = {f"{verb} /crm/v3/objects/{{kind}}{rest}": Route(unknown_object_type) for verb, rest, _, _ in _OBJECTS}
    return table | unknown


ROUTES: dict[str, Route] = _of_objects() | _OTHERS
HARMLESS = frozenset(key for key in ROUTES if key.endswith(("/search", "/batch/read", "-info")))


def linked_types(request: ReceivedRequest, match: RouteMatch) -> set[str]:
    """Return the names of the object types whose links a request reads or writes."""
    asked = [part for key, text in request.pairs if key == "associations" for part in text.split(",")]
    named = [match.values[end] for end in ("kind", "to") if end in match.values and "associations" in match.key]
    return {BY_NAME[name].name for name in (*asked, *named) if name in BY_NAME}


def v3_path(path: str) -> str:
    """Return the v3 path of a path: dated versions become v3 or v4, and ids such as `0-27` become names."""
    path = DATED_OAUTH.sub(r"/oauth/v3\1", path)
    path = DATED_SCHEMAS.sub(r"/crm-object-schemas/v3\1", path)
    dated = DATED.fullmatch(path)
    if dated:
        family, rest = dated[1], dated[3]
        is_v4 = family == "associations" or (family == "objects" and "/associations/" in rest)
        path = f"/crm/{'v4' if is_v4 else 'v3'}/{family}{rest}"
    parts = path.split("/")
    if len(parts) > OBJECT_TYPE_AT and parts[3] == "objects" and parts[OBJECT_TYPE_AT] in BY_NAME:
        parts[OBJECT_TYPE_AT] = BY_NAME[parts[OBJECT_TYPE_AT]].name
    return "/".join(parts)

"""Which endpoint answers which route, and what it needs; and the v3 path that any other path stands for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from taskhand.sandbox.hubspot import (
    account,
    association_batches,
    associations,
    batch,
    objects,
    people,
    properties,
    search,
)
from taskhand.sandbox.hubspot.auth import OPEN, OWNERS, PROPERTIES, scopes_for
from taskhand.sandbox.hubspot.object_types import BY_NAME, KINDS
from taskhand.sandbox.hubspot.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskhand.sandbox.hubspot.context import RequestContext

    Endpoint = Callable[[RequestContext], Reply]

# §1 SPEC for objects; for the other families INF
DATED = re.compile(r"/crm/(objects|owners|properties|pipelines|associations)/(2026-03|2026-09)(/.*|)")
KIND_AT = 4  # the kind's place in `/crm/v3/objects/{kind}`, the first part being empty


class Route(NamedTuple):
    """An endpoint; `scopes` of which the token needs one, `kind` of record when the path's template names it."""

    endpoint: Endpoint
    scopes: tuple[str, ...] = OPEN
    kind: str | None = None
    is_search: bool = False
    has_token: bool = True


def list_owners(ctx: RequestContext) -> Reply:
    """Answer with owners."""
    return Reply(200, people.list_owners(ctx))


def get_owner(ctx: RequestContext) -> Reply:
    """Answer with one owner."""
    return Reply(200, people.get_owner(ctx))


def unknown_kind(ctx: RequestContext) -> Reply:
    """Refuse a kind that does not exist: the template's own kinds came first."""
    return Reply(404, ctx.kind.name)


# key, endpoint, whether it writes
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
    "GET /crm/v3/owners": Route(list_owners, OWNERS),
    "GET /crm/v3/owners/{id}": Route(get_owner, OWNERS),
    "GET /crm/v3/properties/{kind}": Route(properties.list_properties, PROPERTIES),
    "GET /crm/v3/properties/{kind}/{name}": Route(properties.get_property, PROPERTIES),
    "GET /crm/v3/pipelines/{kind}": Route(properties.list_pipelines, PROPERTIES),
    "GET /crm/v3/pipelines/{kind}/{id}/stages": Route(properties.list_stages, PROPERTIES),
    "GET /account-info/v3/details": Route(account.details),
    "GET /account-info/v3/api-usage/daily/private-apps": Route(account.usage),
    "POST /oauth/v2/private-apps/get/access-token-info": Route(account.token_info, has_token=False),
}


def _of_objects() -> dict[str, Route]:
    """Make the routes of records, one set for each kind, so that a fault can be about one of them."""
    table = {
        f"{verb} /crm/v3/objects/{kind.name}{rest}": Route(
            endpoint, scopes_for(kind.name, writes=writes), kind.name, endpoint is search.search_objects
        )
        for kind in KINDS
        for verb, rest, endpoint, writes in _OBJECTS
    }
    unknown = {f"{verb} /crm/v3/objects/{{kind}}{rest}": Route(unknown_kind) for verb, rest, _, _ in _OBJECTS}
    return table | unknown


ROUTES: dict[str, Route] = _of_objects() | _OTHERS
HARMLESS = frozenset(key for key in ROUTES if key.endswith(("/search", "/batch/read", "-info")))


def v3_path(path: str) -> str:
    """Give the path by which routes are named: dated and v3 paths, `0-27` and `tasks`, are the same here."""
    dated = DATED.fullmatch(path)
    if dated:
        family, rest = dated[1], dated[3]
        is_v4 = family == "associations" or (family == "objects" and "/associations/" in rest)
        path = f"/crm/{'v4' if is_v4 else 'v3'}/{family}{rest}"
    parts = path.split("/")
    if len(parts) > KIND_AT and parts[3] == "objects" and parts[KIND_AT] in BY_NAME:
        parts[KIND_AT] = BY_NAME[parts[KIND_AT]].name
    return "/".join(parts)

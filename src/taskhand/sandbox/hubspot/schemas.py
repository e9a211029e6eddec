"""The endpoint of custom objects: https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/schemas/get-schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import PORTAL
from taskhand.sandbox.hubspot.object_types import OBJECT_TYPES
from taskhand.sandbox.hubspot.properties import CREATED
from taskhand.sandbox.hubspot.reply import Reply

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType


def list_schemas(ctx: RequestContext) -> Reply:
    """`GET /crm-object-schemas/v3/schemas`: the custom objects that the account uses, without pages."""
    used = [one for one in OBJECT_TYPES if one.is_custom and any(ctx.store.all(one))]
    return Reply(200, {"results": [_render(one) for one in used]})


def _render(one: ObjectType) -> dict[str, Any]:
    return {
        "id": one.type_id.removeprefix("2-"),
        "objectTypeId": one.type_id,
        "name": one.singular,
        "fullyQualifiedName": f"p{PORTAL}_{one.singular}",
        "labels": {"singular": one.singular.capitalize(), "plural": one.name.capitalize()},
        "metaType": "PORTAL_SPECIFIC",
        "primaryDisplayProperty": "name",
        "requiredProperties": [],
        "searchableProperties": list(one.searched),
        "properties": [],
        "associations": [],
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "archived": False,
    }

"""The endpoint of custom objects: https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/schemas/get-schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import PORTAL
from taskhand.sandbox.hubspot.object_types import OBJECT_TYPES
from taskhand.sandbox.hubspot.properties import CREATED
from taskhand.sandbox.hubspot.reply import JsonResponse

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.object_types import ObjectType


def list_schemas(ctx: RequestContext) -> JsonResponse:
    """`GET /crm-object-schemas/v3/schemas`: the custom objects that the account uses, without pages."""
    used = [object_type for object_type in OBJECT_TYPES if object_type.is_custom and any(ctx.store.all(object_type))]
    return JsonResponse(200, {"results": [_render(object_type) for object_type in used]})


def _render(object_type: ObjectType) -> dict[str, Any]:
    return {
        "id": object_type.type_id.removeprefix("2-"),
        "objectTypeId": object_type.type_id,
        "name": object_type.singular,
        "fullyQualifiedName": f"p{PORTAL}_{object_type.singular}",
        "labels": {"singular": object_type.singular.capitalize(), "plural": object_type.name.capitalize()},
        "metaType": "PORTAL_SPECIFIC",
        "primaryDisplayProperty": "name",
        "requiredProperties": [],
        "searchableProperties": list(object_type.searched),
        "properties": [],
        "associations": [],
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "archived": False,
    }

"""The endpoints of property definitions and of the task pipeline: https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskhand.sandbox.hubspot.errors import ApiError
from taskhand.sandbox.hubspot.object_types import TASKS
from taskhand.sandbox.hubspot.pipeline import PIPELINE
from taskhand.sandbox.hubspot.rendering import property_definitions
from taskhand.sandbox.hubspot.reply import JsonResponse

if TYPE_CHECKING:
    from taskhand.sandbox.hubspot.context import RequestContext
    from taskhand.sandbox.hubspot.pipeline import Stage
    from taskhand.sandbox.hubspot.property_definitions import Definition

CREATED = "2020-01-01T00:00:00Z"


def list_properties(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v3/properties/{kind}`: all definitions, without pages; none is archived."""
    rows = (
        []
        if ctx.flag("archived")
        else [_render_property(definition) for definition in property_definitions(ctx, ctx.object_type).values()]
    )
    return JsonResponse(200, {"results": rows})


def get_property(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v3/properties/{kind}/{name}`: an unknown name is a 404, which is assumed."""
    definition = property_definitions(ctx, ctx.object_type).get(ctx.values["name"])
    if definition is None:
        text = f'Property "{ctx.values["name"]}" does not exist'
        raise ApiError(404, text, "OBJECT_NOT_FOUND", context={"propertyName": [ctx.values["name"]]})
    return JsonResponse(200, _render_property(definition))


def list_pipelines(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v3/pipelines/{kind}`."""
    return JsonResponse(
        200, {"results": [_render_pipeline(ctx)] if ctx.object_type == TASKS and ctx.pipeline.stages else []}
    )


def list_stages(ctx: RequestContext) -> JsonResponse:
    """`GET /crm/v3/pipelines/{kind}/{id}/stages`."""
    if ctx.object_type != TASKS or ctx.values["id"] != PIPELINE:
        raise ApiError(404, "resource not found", "OBJECT_NOT_FOUND")
    return JsonResponse(200, {"results": _render_pipeline(ctx)["stages"]})


def _render_pipeline(ctx: RequestContext) -> dict[str, Any]:
    stages = [_render_stage(stage, order) for order, stage in enumerate(ctx.pipeline.stages)]
    return {
        "label": "Task Pipeline",
        "displayOrder": 0,
        "id": PIPELINE,
        "stages": stages,
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "archived": False,
    }


def _render_stage(stage: Stage, order: int) -> dict[str, Any]:
    state = "CLOSED" if stage.is_closed else "OPEN"
    return {
        "label": stage.label,
        "displayOrder": order,
        "metadata": {"isClosed": "true" if stage.is_closed else "false", "state": state},
        "id": stage.id,
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "archived": False,
    }


def _render_property(definition: Definition) -> dict[str, Any]:
    # the keys are those of the OpenAPI file; the values of the flags are assumed
    options = [
        {"label": option.label, "value": option.value, "displayOrder": order, "hidden": False}
        for order, option in enumerate(definition.options)
    ]
    rights = {"archivable": True, "readOnlyDefinition": True, "readOnlyOptions": True}
    return {
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "fieldType": definition.field_type,
        "description": definition.description,
        "groupName": definition.group,
        "options": options,
        "hubspotDefined": not definition.is_own,
        "hidden": False,
        "calculated": definition.is_read_only,
        "externalOptions": definition.is_external,
        "hasUniqueValue": definition.is_unique,
        "formField": False,
        "displayOrder": -1,
        "archived": False,
        "dataSensitivity": "non_sensitive",
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "modificationMetadata": rights | {"readOnlyValue": definition.is_read_only},
    }

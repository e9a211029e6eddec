"""The definitions of all properties: names, types and options."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.pipeline import PIPELINE, Option

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskhand.sandbox.hubspot.object_types import ObjectType
    from taskhand.sandbox.hubspot.pipeline import TaskPipeline
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant


@dataclass(frozen=True)
class Definition:
    """One property. `type` is string, enumeration, bool, number, date or datetime; `group` is the name of its group."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    options: tuple[Option, ...] = ()
    is_read_only: bool = False
    is_external: bool = False
    is_unique: bool = False
    is_own: bool = False
    group: str = "task"
    description: str = ""


FIELD_TYPES = {
    "string": "text",
    "enumeration": "select",
    "bool": "booleancheckbox",
    "number": "number",
    "date": "date",
    "datetime": "date",
}
PRIORITIES = (Option("NONE", "None"), Option("LOW", "Low"), Option("MEDIUM", "Medium"), Option("HIGH", "High"))
TYPES = (
    Option("CALL", "Call"),
    Option("EMAIL", "Email"),
    Option("LINKED_IN", "LinkedIn"),
    Option("MEETING", "Meeting"),
    Option("LINKED_IN_CONNECT", "Sales Navigator - Connection Request"),
    Option("LINKED_IN_MESSAGE", "Sales Navigator - InMail"),
    Option("TODO", "To Do"),
)
BOOLEANS = (Option("true", "True"), Option("false", "False"))

# documented and recorded names; the last ones are assumed to be writable
_WRITABLE = (
    Definition("hs_timestamp", "Due date", "datetime", description="The due date of the task"),
    Definition("hs_task_subject", "Task Title", description="The title of the task"),
    Definition("hs_task_body", "Notes", field_type="html", description="The body text of the task"),
    Definition("hs_task_status", "Task Status", "enumeration", description="The status of the task"),
    Definition("hs_task_priority", "Priority", "enumeration", options=PRIORITIES),
    Definition("hs_task_type", "Task Type", "enumeration", options=TYPES),
    Definition("hubspot_owner_id", "Assigned to", "enumeration", is_external=True),
    Definition("hs_task_reminders", "Reminders", "number", description="Epoch milliseconds only"),
    Definition("hs_queue_membership_ids", "Queues", "enumeration", "checkbox", is_external=True),
    Definition("hs_pipeline", "Pipeline", "enumeration", options=(Option(PIPELINE, "Task Pipeline"),)),
    Definition("hs_pipeline_stage", "Pipeline stage", "enumeration"),
    Definition("hs_task_is_all_day", "All day", "bool", options=BOOLEANS),
    Definition("hs_task_relative_reminders", "Relative reminders"),
    Definition("hs_task_send_default_reminder", "Send default reminder", "bool", options=BOOLEANS),
    Definition("hs_task_repeat_interval", "Repeat interval"),
    Definition("hs_at_mentioned_owner_ids", "At-mentioned owners"),
    Definition("hs_attachment_ids", "Attachments"),
    Definition("hs_unique_creation_key", "Unique creation key"),
    Definition("hubspot_team_id", "Team", "enumeration", is_external=True),
)
_NUMBERS = [
    "hs_object_id",
    "hs_task_completion_count",
    "hs_task_is_completed",
    "hs_task_is_completed_call",
    "hs_task_is_completed_email",
    "hs_task_is_completed_linked_in",
    "hs_task_is_completed_sequence",
    "hs_task_missed_due_date_count",
    "hs_created_by_user_id",
    "hs_updated_by_user_id",
    "hs_object_source_user_id",
    "hs_task_probability_to_complete",
]
_DATES = [
    "hs_createdate",
    "hs_lastmodifieddate",
    "hs_task_completion_date",
    "hubspot_owner_assigneddate",
    "hs_task_last_contact_outreach",
    "hs_task_last_sales_activity_timestamp",
]
_FLAGS = [
    "hs_body_preview_is_truncated",
    "hs_task_is_overdue",
    "hs_task_is_past_due_date",
    "hs_task_missed_due_date",
    "hs_read_only",
    "hs_was_imported",
    "hs_gdpr_deleted",
    "hs_task_sequence_enrollment_active",
]
_TEXTS = [
    "hs_body_preview",
    "hs_body_preview_html",
    "hs_created_by",
    "hs_modified_by",
    "hs_object_source",
    "hs_object_source_id",
    "hs_object_source_label",
    "hs_object_source_detail_1",
    "hs_object_source_detail_2",
    "hs_object_source_detail_3",
    "hs_all_owner_ids",
    "hs_all_team_ids",
    "hs_all_accessible_team_ids",
    "hs_all_assigned_business_unit_ids",
    "hs_associated_company_labels",
    "hs_associated_contact_labels",
    "hs_calendar_event_id",
    "hs_engagement_source",
    "hs_engagement_source_id",
    "hs_follow_up_action",
    "hs_marketing_task_category",
    "hs_marketing_task_category_id",
    "hs_merged_object_ids",
    "hs_msteams_message_id",
    "hs_product_name",
    "hs_repeat_status",
    "hs_scheduled_tasks",
    "hs_shared_team_ids",
    "hs_shared_user_ids",
    "hs_task_campaign_guid",
    "hs_task_contact_timezone",
    "hs_task_family",
    "hs_task_for_object_type",
    "hs_task_ms_teams_payload",
    "hs_task_sequence_step_enrollment_contact_id",
    "hs_task_sequence_step_enrollment_id",
    "hs_task_sequence_step_order",
    "hs_task_template_id",
    "hs_unique_id",
    "hs_user_ids_of_all_notification_followers",
    "hs_user_ids_of_all_notification_unfollowers",
    "hs_user_ids_of_all_owners",
]
_OTHERS = {  # the properties that searches for other record types need
    "contacts": "email firstname lastname phone company associatedcompanyid",  # the last is the primary company's id
    "companies": "name domain website phone",
    "deals": "dealname amount",
    "tickets": "subject content",
    "vehicles": "name",
}


def _calculated(names: Iterable[str], of_type: str) -> list[Definition]:
    return [Definition(name, name, of_type, FIELD_TYPES[of_type], is_read_only=True) for name in names]


_TASK = (
    *_WRITABLE,
    *_calculated(_NUMBERS, "number"),
    *_calculated(_DATES, "datetime"),
    *_calculated(_FLAGS, "bool"),
    *_calculated(_TEXTS, "string"),
)


@lru_cache(maxsize=32)
def definitions(object_type: ObjectType, pipeline: TaskPipeline, spec_variant: SpecVariant) -> dict[str, Definition]:
    """Return the definitions of an object type, by name."""
    if object_type.name == "tasks":
        return {definition.name: definition for definition in _task_definitions(pipeline, spec_variant)}
    texts = [
        Definition(name, name, group=f"{object_type.singular}information") for name in _OTHERS[object_type.name].split()
    ]
    system = [
        *_calculated((object_type.created, object_type.modified), "datetime"),
        *_calculated(("hs_object_id",), "number"),
    ]
    return {
        definition.name: definition
        for definition in [*texts, Definition("hubspot_owner_id", "Owner", is_external=True), *system]
    }


def _task_definitions(pipeline: TaskPipeline, spec_variant: SpecVariant) -> list[Definition]:
    choices: Mapping[str, tuple[Option, ...]] = {
        "hs_task_status": pipeline.statuses,
        "hs_pipeline_stage": tuple(Option(stage.id, stage.label) for stage in pipeline.stages),
    }
    rows = [replace(definition, options=choices.get(definition.name, definition.options)) for definition in _TASK]
    rows = [replace(definition, field_type=_field_type(definition)) for definition in rows]
    if spec_variant.all_day == "read_only":
        rows = [
            replace(definition, is_read_only=definition.is_read_only or definition.name == "hs_task_is_all_day")
            for definition in rows
        ]
    own = [
        Definition(
            name=definition.name,
            label=definition.label,
            type=definition.type,
            field_type=definition.field_type or FIELD_TYPES[definition.type],
            options=BOOLEANS if definition.type == "bool" and not definition.options else definition.options,
            is_read_only=definition.is_read_only,
            is_unique=definition.is_unique,
            is_own=True,
        )
        for definition in pipeline.properties
    ]
    unique = [Definition(spec_variant.unique_property, spec_variant.unique_property, is_unique=True, is_own=True)]
    return rows + own + (unique if spec_variant.unique_property else [])


def _field_type(definition: Definition) -> str:
    return FIELD_TYPES[definition.type] if definition.field_type == "text" else definition.field_type

"""The values of `_type`: the extra fields of each type and those that may change.

They are documented at https://developer.close.com/api/resources/tasks.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAD = "lead"
CALL = "outgoing_call"
PHONE = ("phone", "phone_formatted", "phone_number_description", "local_phone")
ON_ALL = frozenset({"assigned_to", "date", "is_complete"})  # changeable on every type by the page's text


@dataclass(frozen=True)
class TaskType:
    """A task type: the type of its related object, its extra fields, the fields that PUT may change, its id prefix."""

    name: str
    object_type: str | None = None
    extra: tuple[str, ...] = ()
    changeable: frozenset[str] = ON_ALL | {"due_date"}  # the deprecated name of `date`
    prefix: str = "noti"
    can_be_dateless: bool = False
    is_completion_recorded: bool = False  # recorded for `lead`, assumed for calls


TASK_TYPES = {
    task_type.name: task_type
    for task_type in (
        TaskType(
            LEAD,
            extra=("resolution",),  # recorded in 2026; the page shows it on calls only
            # the page's text allows `text`; the schema has the other fields
            changeable=ON_ALL | {"due_date", "is_dateless", "text", "priority", "contact_id", "lead_id", "resolution"},
            prefix="task",
            can_be_dateless=True,
            is_completion_recorded=True,
        ),
        TaskType(
            CALL,
            extra=("agent_config_id", "resolution", "sequence_id", "sequence_subscription_id", "step_id"),
            changeable=ON_ALL | {"due_date", "is_dateless", "contact_id", "agent_config_id", "resolution"},
            prefix="task",
            can_be_dateless=True,
            is_completion_recorded=True,
        ),
        TaskType("incoming_email", "emailthread", ("emails", "subject", "body_preview")),
        TaskType("email_followup", "emailthread", ("email_id", "subject", "body_preview")),
        TaskType("missed_call", "call", PHONE),
        TaskType("answered_detached_call", "call", (*PHONE, "recording_url")),
        TaskType("voicemail", "call", (*PHONE, "voicemail_duration", "voicemail_url")),
        TaskType(
            "opportunity_due",
            "opportunity",
            (
                "opportunity_note",
                "opportunity_value",
                "opportunity_value_currency",
                "opportunity_value_formatted",
                "opportunity_value_period",
            ),
        ),
        TaskType(
            "incoming_sms",
            "sms",
            ("remote_phone", "remote_phone_formatted", "remote_phone_description", "local_phone", "attachments"),
        ),
    )
}
CREATABLE = (LEAD, CALL)
WITH_TEXT = frozenset({LEAD, CALL, "incoming_sms"})

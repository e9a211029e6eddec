"""The kinds of tasks, `_type`: what each shows besides the common fields, and what of it may change (§2.1, §2.6)."""

from __future__ import annotations

from dataclasses import dataclass

LEAD = "lead"
CALL = "outgoing_call"
PHONE = ("phone", "phone_formatted", "phone_number_description", "local_phone")
ON_ALL = frozenset({"assigned_to", "date", "is_complete"})  # §2.6 [D]: the prose


@dataclass(frozen=True)
class Kind:
    """One kind: the object it is about, its extra fields, the fields that PUT changes, and its id's prefix."""

    name: str
    object_type: str | None = None
    extra: tuple[str, ...] = ()
    changeable: frozenset[str] = ON_ALL | {"due_date"}  # §2.2: the deprecated twin of `date`
    prefix: str = "noti"
    can_be_dateless: bool = False
    is_completion_recorded: bool = False  # §2.1 [R]: seen on `lead`; on calls [I]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            LEAD,
            # §2.6: `text` is the prose's; the schema has the others, of which no error is known
            changeable=ON_ALL | {"due_date", "is_dateless", "text", "priority", "contact_id", "lead_id"},
            prefix="task",
            can_be_dateless=True,
            is_completion_recorded=True,
        ),
        Kind(
            CALL,
            extra=("agent_config_id", "resolution", "sequence_id", "sequence_subscription_id", "step_id"),
            changeable=ON_ALL | {"due_date", "is_dateless", "contact_id", "agent_config_id", "resolution"},
            prefix="task",  # §2.1 [D]: in the sample of a creation
            can_be_dateless=True,
            is_completion_recorded=True,
        ),
        Kind("incoming_email", "emailthread", ("emails", "subject", "body_preview")),
        Kind("email_followup", "emailthread", ("email_id", "subject", "body_preview")),
        Kind("missed_call", "call", PHONE),
        Kind("answered_detached_call", "call", (*PHONE, "recording_url")),
        Kind("voicemail", "call", (*PHONE, "voicemail_duration", "voicemail_url")),
        Kind(
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
        Kind(
            "incoming_sms",
            "sms",
            ("remote_phone", "remote_phone_formatted", "remote_phone_description", "local_phone", "attachments"),
        ),
    )
}
CREATABLE = (LEAD, CALL)  # §2.1, §2.4 [D]
WITH_TEXT = frozenset({LEAD, CALL, "incoming_sms"})  # §2.1 [D]

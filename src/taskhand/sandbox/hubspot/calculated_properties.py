"""The properties that HubSpot writes itself: side effects of a write, and calculated properties."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

from taskhand.sandbox.hubspot.dates import format_instant, parse_instant, to_millis
from taskhand.sandbox.hubspot.errors import APP
from taskhand.sandbox.hubspot.pipeline import PIPELINE

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from taskhand.sandbox.hubspot.people import Owner
    from taskhand.sandbox.hubspot.pipeline import TaskPipeline
    from taskhand.sandbox.hubspot.record import RecordVersion
    from taskhand.sandbox.hubspot.spec_variant import SpecVariant

DEFAULTS = {"hs_task_status": "NOT_STARTED", "hs_task_type": "TODO", "hs_task_priority": "NONE"}
STATUS, STAGE = "hs_task_status", "hs_pipeline_stage"
PREVIEW = 150  # characters
TAG = re.compile(r"<[^>]*>")


def apply_write(
    old: Mapping[str, str], sent: Mapping[str, str], now: dt.datetime, pipeline: TaskPipeline, spec_variant: SpecVariant
) -> dict[str, str]:
    """Return a task's stored properties after a write and its side effects; "" clears a property."""
    new = {**old, **sent, **_coupled_fields(old, sent, pipeline, spec_variant)}
    if sent.get("hubspot_owner_id", old.get("hubspot_owner_id")) != old.get("hubspot_owner_id"):
        new["hubspot_owner_assigneddate"] = format_instant(now) if sent["hubspot_owner_id"] else ""
    if is_done(new, pipeline) and not is_done(old, pipeline):
        new["hs_task_completion_date"] = format_instant(now)
        new["hs_task_completion_count"] = str(int(old.get("hs_task_completion_count", "0")) + 1)
    elif not is_done(new, pipeline):
        new["hs_task_completion_date"] = ""
    return {name: text for name, text in new.items() if text}


def defaults_for(properties: Mapping[str, str]) -> dict[str, str]:
    """Return the defaults of the properties that a new task omits; its stage determines the status."""
    return {name: text for name, text in DEFAULTS.items() if name != STATUS or STAGE not in properties}


def is_done(properties: Mapping[str, str], pipeline: TaskPipeline) -> bool:
    """Whether the status is COMPLETED or the stage is closed."""
    stage = pipeline.stage(properties.get(STAGE, ""))
    return properties.get(STATUS) == "COMPLETED" or (stage is not None and stage.is_closed)


def _coupled_fields(
    old: Mapping[str, str], sent: Mapping[str, str], pipeline: TaskPipeline, spec_variant: SpecVariant
) -> dict[str, str]:
    """Return the stage for a sent status, or the status for a sent stage."""
    if spec_variant.stage == "apart" or not (sent.get(STATUS) or sent.get(STAGE)):
        return {}
    by_stage = sent.get(STAGE) and not (sent.get(STATUS) and spec_variant.status_or_stage == "status")
    if not by_stage:
        stage = pipeline.stage_of(sent[STATUS])
        return {STAGE: stage.id if stage else ""}
    chosen = pipeline.stage(sent[STAGE])
    last = pipeline.statuses[-1].value
    own = {"kept": old.get(STATUS, ""), "unset": "", "stage_id": sent[STAGE], "last_option": last}[
        spec_variant.custom_stage
    ]
    return {STATUS: chosen.status if chosen and chosen.status else own}


def with_calculated(
    record: RecordVersion,
    now: dt.datetime,
    pipeline: TaskPipeline,
    owners: tuple[Owner, ...],
    spec_variant: SpecVariant,
) -> dict[str, str]:
    """Return all properties of a record, stored and calculated."""
    object_type = record.object_type
    facts = {
        "hs_object_id": record.id,
        object_type.created: format_instant(record.created_at),
        object_type.modified: format_instant(record.updated_at),
    }
    if object_type.name != "tasks":
        return {**record.properties, **facts}
    stored = dict(record.properties)
    if not record.is_settled:  # recorded: absent from the response of a create and present later
        stored.pop(STAGE, None)
    elif STAGE in stored:
        stored["hs_pipeline"] = PIPELINE
    if spec_variant.due_echo == "millis" and (due := parse_instant(stored.get("hs_timestamp", ""))):
        stored["hs_timestamp"] = str(to_millis(due))
    return (
        _source_properties(record)
        | stored
        | facts
        | _due_properties(record, now, pipeline)
        | _body_properties(record)
        | _owner_properties(record, owners)
    )


def _source_properties(record: RecordVersion) -> dict[str, str]:
    # as in the recorded response of a create
    source = record.made_by
    return {
        "hs_object_source": source,
        "hs_object_source_id": str(APP) if source == "INTEGRATION" else f"userId:{record.maker_id}",
        "hs_object_source_label": source,
        # inferred: a task made by a private app has no such user, a task made by a signed-in user has one
        **({} if record.maker_id is None else {"hs_created_by_user_id": str(record.maker_id)}),
        "hs_task_completion_count": "0",
        "hs_task_family": "SALES",
        "hs_task_for_object_type": "OWNER",
        "hs_task_is_all_day": "false",
    }


def _due_properties(record: RecordVersion, now: dt.datetime, pipeline: TaskPipeline) -> dict[str, str]:
    done = is_done(record.properties, pipeline)
    due = parse_instant(record.properties.get("hs_timestamp", ""))
    finished = parse_instant(record.properties.get("hs_task_completion_date", ""))
    late = due is not None and not done and due < now
    missed = late or (due is not None and finished is not None and done and due < finished)
    task_types = {"call": "CALL", "email": "EMAIL", "linked_in": "LINKED_IN", "sequence": ""}
    own_type = record.properties.get("hs_task_type")
    return {
        "hs_task_is_completed": str(int(done)),
        **{f"hs_task_is_completed_{name}": str(int(done and own_type == value)) for name, value in task_types.items()},
        "hs_task_is_overdue": _word(late),
        "hs_task_is_past_due_date": _word(late),
        "hs_task_missed_due_date": _word(missed),
        "hs_task_missed_due_date_count": str(int(missed)),
    }


def _body_properties(record: RecordVersion) -> dict[str, str]:
    body = record.properties.get("hs_task_body")
    if body is None:
        return {}
    text = " ".join(html.unescape(TAG.sub(" ", body)).split())
    return {
        "hs_body_preview": text[:PREVIEW],
        "hs_body_preview_html": f"<html>\n <head></head>\n <body>\n {text[:PREVIEW]}\n </body>\n</html>",
        "hs_body_preview_is_truncated": _word(len(text) > PREVIEW),
    }


def _owner_properties(record: RecordVersion, owners: tuple[Owner, ...]) -> dict[str, str]:
    owner_id = record.properties.get("hubspot_owner_id")
    if owner_id is None:
        return {}
    users = [str(owner.user_id) for owner in owners if owner.id == owner_id]
    return {"hs_all_owner_ids": owner_id, "hs_user_ids_of_all_owners": ";".join(users)}


def _word(value: bool) -> str:  # noqa: FBT001  # the only argument
    return "true" if value else "false"

"""The readings of HubSpot's record: what it leaves open or contradicts, and each value it could have.

Each switch names its section of the contract and the evidence: SPEC, DOC, CAP, SDK, 3P, INF or MEM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.switches import Switches


@dataclass(frozen=True)
class SpecVariant(Switches):
    """One reading of the contract; the defaults follow its best evidence, and the lenient value where none is."""

    # calls in any ten seconds, in a day, and searches in a second; 0 for no limit
    burst: int = 100
    daily: int = 250_000
    searches: int = 5
    # `Retry-After` on a 429 is not documented
    retry_after: Literal["absent", "sent"] = "absent"
    # an OAuth app has no daily limit and none of its headers
    app: Literal["private", "oauth"] = "private"
    # the body of a scripted 429
    limit_policy: Literal["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"] = "TEN_SECONDLY_ROLLING"
    # a token that has expired; and what a token that cannot be read is called
    credentials: Literal["valid", "expired"] = "valid"
    unknown_credentials: Literal["invalid", "expired"] = "invalid"
    # scopes that this app lacks, separated by commas; and the newer or the older key of the 403
    missing_scopes: str = ""
    scope_key: Literal["requiredGranularScopes", "requiredScopes"] = "requiredGranularScopes"
    # the category of a 404 for a numeric id, in two variants
    missing_category: Literal["OBJECT_NOT_FOUND", "none"] = "OBJECT_NOT_FOUND"
    # archiving an id that is not there; 204 is MEM
    archive_unknown: Literal[204, 404] = 204
    # an error of a 207 as SPEC requires it, or without `errors` and `links` as CAP has it
    batch_errors: Literal["spec", "recorded"] = "spec"
    # the results of a batch come in an order of their own
    results_order: Literal["shuffled", "input"] = "shuffled"
    # a batch without `inputs` was answered 200 and empty (2020)
    no_inputs: Literal["empty", "rejected"] = "empty"
    # two inputs for one record
    duplicate_ids: Literal["rejected", "accepted"] = "rejected"
    # an update without trace ids whose values are wrong fails whole, or in part
    untraced_update: Literal["fails", "partial"] = "fails"
    # trace ids on some of the inputs only
    some_traces: Literal["fails", "partial"] = "fails"
    # the nth input (from 1; 0 for none) is in neither list of the answer, though done or not
    lost_input: int = 0
    lost_effect: Literal["done", "undone"] = "done"
    # milliseconds after which the calculated properties are written; after creates, or INF all writes
    settle_ms: int = 500
    settles: Literal["creates", "writes"] = "creates"
    # seconds by which the search index is behind ("a few moments", 3P up to 30)
    search_lag: int = 5
    # archived records never appear in it, or INF leave it as late as all else
    archived_index: Literal["hidden", "lags"] = "hidden"
    # how many results of one search can be paged through
    search_cap: int = 10_000
    # whether NEQ, NOT_IN and NOT_CONTAINS_TOKEN hold for a record without the property; MEM: they do not
    unset_differs: Literal["no", "yes"] = "no"
    # the longest page of a list
    list_limit: int = 100
    # an update answers with what changed; whether a property sent with the value it had is among that
    update_shows: Literal["sent", "changed"] = "sent"
    # null in the properties of an update is not documented
    null_value: Literal["clears", "ignored", "rejected"] = "clears"
    # the code for a bad moment since 2026-08, or before
    bad_datetime: Literal["INVALID_DATE", "INVALID_LONG"] = "INVALID_DATE"
    # a moment in epoch seconds, since 2026-08 and before
    epoch_seconds: Literal["rejected", "read_as_ms"] = "rejected"
    # a due date that comes back in another form than ISO
    due_echo: Literal["instant", "millis"] = "instant"
    # characters that `hs_task_body` may have; 0 for no limit
    body_limit: int = 65_536
    # whether `hs_task_is_all_day` can be set
    all_day: Literal["writable", "read_only"] = "writable"
    # status, priority and type when they were not sent
    defaults: Literal["filled", "unset"] = "filled"
    # whether status and stage follow each other; §13: which of them wins when both are sent
    stage: Literal["coupled", "apart"] = "coupled"
    status_or_stage: Literal["status", "stage"] = "status"
    # a portal's own stages; §13: what `hs_task_status` reads for one of them
    stages: Literal["default", "custom"] = "default"
    custom_stage: Literal["kept", "unset", "stage_id"] = "kept"
    # the order of the status options
    status_order: Literal["alphabetical", "workflow"] = "alphabetical"
    # an archived owner as a task's owner
    archived_owner: Literal["rejected", "accepted"] = "rejected"
    # a wrong association type made the task without the association
    wrong_type: Literal["ignored", "rejected"] = "ignored"
    # ids in association bodies are strings or numbers
    association_ids: Literal["string", "number"] = "string"
    # whether a default association names both directions
    directions: Literal["one", "both"] = "one"
    # in a batch read, a record without associations is left out, or an error of a 207
    no_associations: Literal["left_out", "error"] = "left_out"
    # a task property with unique values, for `idProperty` and upsert; none is shipped
    unique_property: str = ""

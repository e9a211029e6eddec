"""The points that HubSpot's documentation leaves open or contradicts, and the values that each could have.

The pages are https://developers.hubspot.com/docs/api-reference/crm-tasks-v3/guide and its neighbours, and HubSpot's
OpenAPI files, https://github.com/HubSpot/HubSpot-public-api-spec-collection. "Recorded" is a response of the live API
that others published; "reported" comes from other users of the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.oauth.spec_variant import OAuthSwitches


@dataclass(frozen=True)
class SpecVariant(OAuthSwitches):
    """One possible behaviour of HubSpot. Defaults follow the best evidence, and are lenient if there is none."""

    # Documented: an access token is good for half an hour, and revoking a refresh token leaves it good; reported: a
    # refresh brings the same refresh token.
    oauth_access_life: int = 1800
    oauth_refresh: Literal["rotated", "kept"] = "kept"
    oauth_revoke: Literal["grant", "token"] = "token"
    # OAuth errors have the fields of RFC 6749 too (since 2026), or only the old ones.
    oauth_errors: Literal["both", "old"] = "both"
    # Version 1 of the OAuth paths is served, or gone, as announced for February 2027.
    oauth_v1: Literal["served", "gone"] = "served"
    # Whether a write of an OAuth app shows the user who signed in (inferred), or only the app.
    oauth_author: Literal["user", "app"] = "user"
    # Documented limits: requests in any ten seconds, requests in a day, searches in a second; 0 for no limit.
    burst: int = 100
    daily: int = 250_000
    searches: int = 5
    # Whether a 429 has `Retry-After`, which is undocumented.
    retry_after: Literal["absent", "sent"] = "absent"
    # An OAuth app has no daily limit and no headers for one.
    app: Literal["private", "oauth"] = "private"
    # The policy of a scripted 429.
    limit_policy: Literal["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"] = "TEN_SECONDLY_ROLLING"
    # Whether the token has expired, and the status for an unknown token (both recorded); the 530 for a malformed token
    # is reported.
    credentials: Literal["valid", "expired"] = "valid"
    unknown_credentials: Literal["invalid", "expired", "wrong_form"] = "invalid"
    # Scopes that the token lacks, separated by commas, and the key of the 403 that lists them (both recorded).
    missing_scopes: str = ""
    scope_key: Literal["requiredGranularScopes", "requiredScopes"] = "requiredGranularScopes"
    # The category of a 404 for a numeric id (both recorded).
    missing_category: Literal["OBJECT_NOT_FOUND", "none"] = "OBJECT_NOT_FOUND"
    # The status for archiving an unknown id.
    archive_unknown: Literal[204, 404] = 204
    # An error of a 207 has `errors` and `links` as in the OpenAPI file, or lacks them as recorded.
    batch_errors: Literal["spec", "recorded"] = "spec"
    # The results of a batch are in another order than its inputs (recorded), or in the same order.
    results_order: Literal["shuffled", "input"] = "shuffled"
    # A batch without `inputs` is answered 200 and empty (recorded in 2020), or refused.
    no_inputs: Literal["empty", "rejected"] = "empty"
    # The answer to two inputs for one record.
    duplicate_ids: Literal["rejected", "accepted"] = "rejected"
    # A batch update without trace ids and with a wrong value fails whole, or in part.
    untraced_update: Literal["fails", "partial"] = "fails"
    # The same for a batch with trace ids on only some inputs.
    some_traces: Literal["fails", "partial"] = "fails"
    # A batch is COMPLETE (recorded); or PENDING (documented), and executed at once, two seconds later, or never
    # (inferred); or CANCELED (documented), and not executed (inferred).
    batch_update: Literal["complete", "pending_done", "pending_later", "pending_never", "canceled"] = "complete"
    batch_create: Literal["complete", "pending_done", "pending_later", "pending_never", "canceled"] = "complete"
    # The nth input is in neither list of the response, whether it was written or not (reported); 0 for none.
    lost_input: int = 0
    lost_effect: Literal["done", "undone"] = "done"
    # Milliseconds until calculated properties are written (recorded): after creates, or after all writes.
    settle_ms: int = 500
    settles: Literal["creates", "writes"] = "creates"
    # Seconds by which the search index lags: documented as "a few moments", reported up to 30.
    search_lag: int = 5
    # Further seconds by which every second record, by its id, lags in the index, so that records overtake each other.
    late_records: int = 0
    # Whether responses have `propertiesWithHistory`, and the number of latest values in it.
    histories: Literal["told", "left_out"] = "told"
    history_values: int = 20
    # Archived records disappear from the index at once (documented), or with the lag of other changes.
    archived_index: Literal["hidden", "lags"] = "hidden"
    # The documented number of results of a search that can be paged through.
    search_cap: int = 10_000
    # Whether NEQ, NOT_IN and NOT_CONTAINS_TOKEN match a record without the property.
    unset_differs: Literal["no", "yes"] = "no"
    # The maximum number of records in a page of a list.
    list_limit: int = 100
    # The response to an update has the changed properties (recorded), or also the sent ones that did not change.
    update_shows: Literal["sent", "changed"] = "sent"
    # The answer to null in the properties of an update.
    null_value: Literal["clears", "ignored", "rejected"] = "clears"
    # The code for an invalid date: since August 2026, or before.
    bad_datetime: Literal["INVALID_DATE", "INVALID_LONG"] = "INVALID_DATE"
    # The answer to a date in epoch seconds: since August 2026, or before (both reported).
    epoch_seconds: Literal["rejected", "read_as_ms"] = "rejected"
    # A due date is sent as ISO 8601 (documented, recorded), or in milliseconds.
    due_echo: Literal["instant", "millis"] = "instant"
    # The maximum length of `hs_task_body` in characters; 0 for no limit.
    body_limit: int = 65_536
    # Whether `hs_task_is_all_day` can be set.
    all_day: Literal["writable", "read_only"] = "writable"
    # Whether a create fills omitted status, priority and type.
    defaults: Literal["filled", "unset"] = "filled"
    # Whether status and pipeline stage change together, and which one wins when both are sent.
    stage: Literal["coupled", "apart"] = "coupled"
    status_or_stage: Literal["status", "stage"] = "status"
    # Whether the pipeline has custom stages (recorded) or does not exist (inferred), and the value of `hs_task_status`
    # in a custom stage, which was never recorded.
    stages: Literal["default", "custom", "none"] = "default"
    custom_stage: Literal["kept", "unset", "stage_id", "last_option"] = "kept"
    # The order of the status options.
    status_order: Literal["alphabetical", "workflow"] = "alphabetical"
    # The answer to an archived owner in `hubspot_owner_id`.
    archived_owner: Literal["rejected", "accepted"] = "rejected"
    # With a wrong association type, a task is created without the association (recorded), or refused.
    wrong_type: Literal["ignored", "rejected"] = "ignored"
    # Ids in association bodies are strings (OpenAPI file), or numbers (guide).
    association_ids: Literal["string", "number"] = "string"
    # The response to a default association has one direction, or both.
    directions: Literal["one", "both"] = "one"
    # A batch read of associations omits a record without any, or reports it as an error of a 207.
    no_associations: Literal["left_out", "error"] = "left_out"
    # The name of a custom task property with unique values, for `idProperty` and upsert; empty for none.
    unique_property: str = ""

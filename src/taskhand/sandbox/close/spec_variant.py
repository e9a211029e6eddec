"""The points that Close's documentation leaves open or contradicts, and the values that each could have.

The pages are https://developer.close.com/api/overview and https://developer.close.com/api/resources/tasks with their
neighbours, and Close's OpenAPI file https://api.close.com/api/openapi.json. "Recorded" is a response that others
published, "observed" is a report of others on the live API, "mongorest" is https://github.com/closeio/flask-mongorest,
the framework on which Close built its API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.oauth.spec_variant import OAuthSwitches


@dataclass(frozen=True)
class SpecVariant(OAuthSwitches):
    """One possible behaviour of Close. Defaults follow the best evidence, or the most common behaviour."""

    # The documented sample sends a code without `redirect_uri`.
    oauth_code_redirect: Literal["required", "optional"] = "optional"
    # A path without its trailing slash is a 404, or redirects to the path with it.
    slash: Literal["missing", "redirect"] = "missing"
    # Unknown names in `_fields` are dropped (mongorest), or refused.
    unknown_names: Literal["dropped", "rejected"] = "dropped"
    # `_params` in the body replaces the query string (mongorest), or both count.
    params: Literal["replace", "merge"] = "replace"
    # Maximum characters of path and query; 0 for no limit. The documentation advises 2000.
    max_url: int = 0
    # The message of a 401: as observed in 2026, or as recorded in 2017.
    unauthorized: Literal["short", "old"] = "short"
    # A limit or skip over its maximum is refused under `field-errors` (observed), or under `error` (mongorest).
    over_cap: Literal["field", "error"] = "field"
    # Whether tasks have `priority`.
    priority: Literal["shown", "absent"] = "shown"
    # Whether tasks have the deprecated `due_date` (recorded), or no longer (current samples).
    due_date: Literal["shown", "absent"] = "shown"
    # The `date` of a dateless task: the day of its creation (recorded), or null.
    dateless_date: Literal["day", "null"] = "day"
    # `date: null` makes a task dateless, or is refused, as the schema implies.
    null_date: Literal["dateless", "rejected"] = "dateless"
    # The answer to `text: ""`.
    empty_text: Literal["accepted", "rejected"] = "accepted"
    # The answer to a former member in `assigned_to`.
    inactive_assignees: Literal["accepted", "rejected"] = "accepted"
    # The answer to a contact of another lead than the task's, which Close's MCP server refuses.
    foreign_contacts: Literal["rejected", "accepted"] = "rejected"
    # The order of a list without `_order_by`; "shuffled" is stable and arbitrary.
    list_order: Literal["created", "newest", "shuffled"] = "created"
    # `is_complete=False` with a capital is false, or every text but `false` is true (mongorest).
    booleans: Literal["lax", "strict"] = "lax"
    # Unknown filters are ignored (mongorest), or refused.
    unknown_filters: Literal["ignored", "rejected"] = "ignored"
    # The answer to a field that the task's type does not allow to change.
    forbidden_fields: Literal["rejected", "ignored", "applied"] = "rejected"
    # The answer to a field that is not in the schema.
    unknown_fields: Literal["rejected", "ignored"] = "rejected"
    # The answer to bulk fields that the schema has but the text of the page excludes.
    bulk_extras: Literal["rejected", "applied", "ignored"] = "rejected"
    # A bulk update without `_type` applies to tasks of type lead, or to every type.
    bulk_types: Literal["lead", "all"] = "lead"
    # The number of matches from which a bulk update is refused (mongorest).
    bulk_limit: int = 1000
    # The number of tasks after which a bulk update fails, without undoing them (mongorest); 0 for never.
    bulk_fails_after: int = 0
    # The body of a delete: {} as documented, or empty (observed).
    deleted: Literal["object", "empty"] = "object"
    # Seconds for which a deleted task can still be read (observed).
    delete_lag: int = 0
    # Seconds by which lists lag (observed).
    list_lag: int = 0
    # Seconds by which lists of notes lag; observed for tasks only.
    note_lag: int = 0
    # The maximum of `_limit` (observed on leads).
    max_limit: int = 200
    # The maximum of `_skip` (observed on leads).
    max_skip: int = 35_000
    # The answer to a search by the beginning of words, which is recorded but not documented.
    word_beginnings: Literal["found", "rejected"] = "found"
    # Whether `/user/` lists former members, without an organization (recorded in 2017).
    ex_members: Literal["hidden", "listed"] = "hidden"
    # The RateLimit header is sent without a limit in force, the limit is enforced, or there is no header (observed).
    rates: Literal["shown", "enforced", "hidden"] = "shown"
    # Requests in a window, for each method and path (recorded in 2017).
    rate_limit: int = 320
    # Seconds in a window (recorded in 2017).
    rate_window: int = 8
    # Every nth request is a 429 although requests remain, as documented for hidden limits; 0 for never.
    throttle: int = 0
    # The body of a 429: an error, that of 2017 (recorded), or none.
    rate_body: Literal["error", "old", "empty"] = "error"
    # Whether a webhook subscription shows its key after its creation.
    signature_key: Literal["shown", "hidden"] = "shown"
    # Seconds within which updates of one object are merged into one event.
    consolidation: int = 0
    # Seconds after which every second event becomes visible in the log, so that events may appear out of order.
    event_lag: int = 0
    # The event log shows changed values always, as to admins, or for one hour.
    event_data: Literal["always", "hour"] = "always"
    # The events of a task that is completed: an update and a completion as documented, or one of them alone.
    completion_events: Literal["both", "updated", "completed"] = "both"
    # The day without `x-tz-offset`: in UTC, or in the time zone of the key's user.
    default_zone: Literal["utc", "user"] = "utc"
    # A date-time without an offset is in UTC, in `x-tz-offset`, or refused.
    naive_times: Literal["utc", "offset", "rejected"] = "utc"

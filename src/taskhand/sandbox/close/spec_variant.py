"""The readings of Close's record: what it leaves open or tells twice, and each value it could have.

Each switch names its section of the contract. The evidence that a value has, if any, is marked [D] documented,
[R] recorded, [L] seen live by others, [S] read from the framework's source, [I] inferred; the rest is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.switches import Switches


@dataclass(frozen=True)
class SpecVariant(Switches):
    """One reading of the contract; the defaults follow its best evidence, and what a client meets most often."""

    # a path without its trailing slash is not there, or redirects to the one with it
    slash: Literal["missing", "redirect"] = "missing"
    # unknown names in `_fields` are dropped, or refused
    unknown_names: Literal["dropped", "rejected"] = "dropped"
    # with `_params` the query string is ignored, or both count
    params: Literal["replace", "merge"] = "replace"
    # the longest path and query in characters; 0 for no limit. Documented is advice alone: 2000
    max_url: int = 0
    # the words of a 401, as in 2026 [L] or in 2017
    unauthorized: Literal["short", "old"] = "short"
    # a limit or skip over the cap is refused under `field-errors`, or under `error`
    over_cap: Literal["field", "error"] = "field"
    # `priority` in answers (no sample has it), or nowhere
    priority: Literal["shown", "absent"] = "shown"
    # the deprecated `due_date` in answers, or no more (the current samples)
    due_date: Literal["shown", "absent"] = "shown"
    # the `date` of a dateless task is the day of its creation, or null
    dateless_date: Literal["day", "null"] = "day"
    # `date: null` makes a task dateless, or is refused as the schema has it
    null_date: Literal["dateless", "rejected"] = "dateless"
    # `text: ""`
    empty_text: Literal["accepted", "rejected"] = "accepted"
    # someone who has left the organization as `assigned_to`
    inactive_assignees: Literal["accepted", "rejected"] = "accepted"
    # the order of a list that asks for none; `shuffled` is steady and follows nothing
    list_order: Literal["created", "newest", "shuffled"] = "created"
    # `is_complete=False`, capital and all, is false, or anything but `false` is true
    booleans: Literal["lax", "strict"] = "lax"
    # filters of an unknown name widen the result, or are refused
    unknown_filters: Literal["ignored", "rejected"] = "ignored"
    # a field that the task's type does not let change
    forbidden_fields: Literal["rejected", "ignored", "applied"] = "rejected"
    # a field that no schema names
    unknown_fields: Literal["rejected", "ignored"] = "rejected"
    # bulk fields that the schema has and the prose excludes
    bulk_extras: Literal["rejected", "applied", "ignored"] = "rejected"
    # a bulk update without `_type` is about tasks of type lead, or of every type
    bulk_types: Literal["lead", "all"] = "lead"
    # so many matches are too many
    bulk_limit: int = 1000
    # a bulk update fails after so many tasks, which stay changed; 0 for never
    bulk_fails_after: int = 0
    # the body of a delete is {}, or empty
    deleted: Literal["object", "empty"] = "object"
    # for so many seconds after its delete, a task can still be read
    delete_lag: int = 0
    # lists show the tasks of so many seconds ago
    list_lag: int = 0
    # the most that `_limit` may ask for, measured on leads alone
    max_limit: int = 200
    # the most that `_skip` may pass over, measured on leads alone
    max_skip: int = 35_000
    # whether `/user/` has those who left, without an organization
    ex_members: Literal["hidden", "listed"] = "hidden"
    # the RateLimit header is shown and nothing is refused, the limit is kept, or nothing is said
    rates: Literal["shown", "enforced", "hidden"] = "shown"
    # requests in a window, for each method and path
    rate_limit: int = 320
    # seconds in a window
    rate_window: int = 8
    # every nth request is refused with 429 though requests remain, as by a hidden limit; 0 for never
    throttle: int = 0
    # the body of a 429: an error, that of 2017, or none
    rate_body: Literal["error", "old", "empty"] = "error"
    # whether a subscription shows its key again after its creation
    signature_key: Literal["shown", "hidden"] = "shown"
    # updates of one object within so many seconds become one event
    consolidation: int = 0
    # without `x-tz-offset`, the day is that of UTC, or that of the key's user
    default_zone: Literal["utc", "user"] = "utc"
    # a date-time without an offset is one in UTC, in `x-tz-offset`, or is refused
    naive_times: Literal["utc", "offset", "rejected"] = "utc"

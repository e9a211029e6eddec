"""The readings of Close's record: what it leaves open or tells twice, and each value it could have.

Each switch names its section of the contract. The evidence that a value has, if any, is marked [D] documented,
[R] recorded, [L] seen live by others, [S] read from the framework's source, [I] inferred; the rest is [?].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.switches import Switches


@dataclass(frozen=True)
class SpecVariant(Switches):
    """One reading of the contract; the defaults follow its best evidence, and what a client meets most often."""

    # §1.1: a path without its trailing slash is not there, or redirects to the one with it
    slash: Literal["missing", "redirect"] = "missing"
    # §1.1: unknown names in `_fields` are dropped [S], or refused
    unknown_names: Literal["dropped", "rejected"] = "dropped"
    # §1.1, §11: with `_params` the query string is ignored [S], or both count
    params: Literal["replace", "merge"] = "replace"
    # §1.1: the longest path and query in characters; 0 for no limit. Documented is advice alone: 2000
    max_url: int = 0
    # §1.4: the words of a 401, as in 2026 [L] or in 2017 [R]
    unauthorized: Literal["short", "old"] = "short"
    # §1.4: a limit or skip over the cap is refused under `field-errors` [L], or under `error` [S]
    over_cap: Literal["field", "error"] = "field"
    # §2.2: `priority` in answers ([I]: no sample has it), or nowhere
    priority: Literal["shown", "absent"] = "shown"
    # §2.2: the deprecated `due_date` in answers [R], or no more (the current samples [D])
    due_date: Literal["shown", "absent"] = "shown"
    # §2.4: the `date` of a dateless task is the day of its creation [R], or null
    dateless_date: Literal["day", "null"] = "day"
    # §2.6: `date: null` makes a task dateless, or is refused as the schema has it [I]
    null_date: Literal["dateless", "rejected"] = "dateless"
    # §2.4: `text: ""`
    empty_text: Literal["accepted", "rejected"] = "accepted"
    # §2.4, §2.6: someone who has left the organization as `assigned_to`
    inactive_assignees: Literal["accepted", "rejected"] = "accepted"
    # §2.3: the order of a list that asks for none; `shuffled` is steady and follows nothing
    list_order: Literal["created", "newest", "shuffled"] = "created"
    # §2.3: `is_complete=False`, capital and all, is false, or anything but `false` is true [S]
    booleans: Literal["lax", "strict"] = "lax"
    # §2.3: filters of an unknown name widen the result [S], or are refused
    unknown_filters: Literal["ignored", "rejected"] = "ignored"
    # §2.6: a field that the task's type does not let change
    forbidden_fields: Literal["rejected", "ignored", "applied"] = "rejected"
    # §2.6: a field that no schema names
    unknown_fields: Literal["rejected", "ignored"] = "rejected"
    # §2.7: bulk fields that the schema has and the prose excludes
    bulk_extras: Literal["rejected", "applied", "ignored"] = "rejected"
    # §2.7.3: a bulk update without `_type` is about tasks of type lead [I], or of every type
    bulk_types: Literal["lead", "all"] = "lead"
    # §2.7.5: so many matches are too many [S]
    bulk_limit: int = 1000
    # §2.7.4: a bulk update fails after so many tasks, which stay changed [S]; 0 for never
    bulk_fails_after: int = 0
    # §2.8: the body of a delete is {} [D], or empty [L]
    deleted: Literal["object", "empty"] = "object"
    # §2.8: for so many seconds after its delete, a task can still be read [L]
    delete_lag: int = 0
    # §2.8, §10.6: lists show the tasks of so many seconds ago [L]
    list_lag: int = 0
    # §3: the most that `_limit` may ask for, measured on leads alone [L]
    max_limit: int = 200
    # §3: the most that `_skip` may pass over, measured on leads alone [L]
    max_skip: int = 35_000
    # §4: whether `/user/` has those who left, without an organization [R 2017]
    ex_members: Literal["hidden", "listed"] = "hidden"
    # §5: the RateLimit header is shown and nothing is refused, the limit is kept, or nothing is said [L]
    rates: Literal["shown", "enforced", "hidden"] = "shown"
    # §5: requests in a window, for each method and path [R 2017]
    rate_limit: int = 320
    # §5: seconds in a window [R 2017]
    rate_window: int = 8
    # §5: every nth request is refused with 429 though requests remain, as by a hidden limit [D]; 0 for never
    throttle: int = 0
    # §5: the body of a 429: an error [I], that of 2017 [R], or none
    rate_body: Literal["error", "old", "empty"] = "error"
    # §6.1: whether a subscription shows its key again after its creation [D]
    signature_key: Literal["shown", "hidden"] = "shown"
    # §6.2: updates of one object within so many seconds become one event [D]
    consolidation: int = 0
    # §9: without `x-tz-offset`, the day is that of UTC, or that of the key's user
    default_zone: Literal["utc", "user"] = "utc"
    # §9: a date-time without an offset is one in UTC, in `x-tz-offset`, or is refused
    naive_times: Literal["utc", "offset", "rejected"] = "utc"

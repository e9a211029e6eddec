"""The readings of Vambe's documentation: what its record leaves open, and each value it could have.

Each switch names its section of the contract. All of them are [?] there: the documentation says nothing, or
two things. The evidence that a value has, if any, is marked [D] or.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.switches import Switches


@dataclass(frozen=True)
class SpecVariant(Switches):
    """One reading of the contract; the defaults follow its best evidence, and the lenient value where none is."""

    # `newStatusPosition` is the status's `order`, or its 0-based index
    position: Literal["order", "index"] = "order"
    # `due_at` is a true UTC instant, the wall clock wearing a Z, or the request's own words; the page's
    # sample [D] fits the last two
    due_at: Literal["utc", "wall", "echo"] = "utc"
    # an all-day `due_at` is midnight in UTC, or in the task's zone
    midnight: Literal["utc", "zone"] = "utc"
    # `priority` in the list is 2 (as PUT), "2", or "high" (the list's own table)
    list_priority: Literal["int", "digit", "word"] = "int"
    # error bodies as on the page, as nestjs-zod sends them, or with `message` as an array
    errors: Literal["docs", "nest", "array"] = "docs"
    # the success status of POST
    created: Literal[201, 200] = 201
    # an unknown status is an invalid reference, or an invalid body
    unknown_status: Literal[404, 400] = 404
    # status names match to the letter, or without regard to case, accents and outer blanks
    status_names: Literal["exact", "loose"] = "exact"
    # whether a finished task may go back to an open status
    reopen: Literal["allowed", "refused"] = "allowed"
    # the one form of `responsibleIds` in the query that is understood
    array_query: Literal["any", "repeat", "brackets", "comma", "json"] = "any"
    # with repeated keys, a lone id arrives as a string, which validation may refuse
    lone_id: Literal["accepted", "rejected"] = "accepted"
    # how "everyone" is said: with a blank value, by leaving the key out, or either
    everyone: Literal["any", "blank", "omitted"] = "any"
    # whether the days named by fromDate and toDate are inside the window
    date_bounds: Literal["inclusive", "exclusive", "half_open"] = "inclusive"
    # the window's dates are read in the task's zone, or in UTC
    date_zone: Literal["task", "utc"] = "task"
    # fromDate after toDate
    inverted_window: Literal["empty", "rejected"] = "empty"
    # the longest window in days, 0 for no limit
    max_window_days: int = 0
    # a naive coercion makes "false" true
    without_dates: Literal["read", "coerced"] = "read"
    # the order of the list
    list_order: Literal["created", "newest", "due"] = "created"
    # `status_config` may be null
    status_config: Literal["object", "null"] = "object"
    # a description that was cleared comes back as null, or as ""
    description: Literal["null", "empty"] = "null"
    # contact ids are UUIDs, or opaque words as in the page's sample
    contact_ids: Literal["uuid", "opaque"] = "uuid"
    # `responsibleIds: []`
    empty_responsibles: Literal["accepted", "rejected"] = "accepted"
    # a deactivated user as a responsible
    inactive_responsibles: Literal["accepted", "rejected"] = "accepted"
    # a new `dueDate` without `dueTime` makes an all-day task, or keeps the old time
    date_without_time: Literal["all_day", "keeps_time"] = "all_day"
    # `dueTime` or `timezone` without `dueDate` moves the old date's time, or does nothing, or is refused
    time_without_date: Literal["keeps_date", "ignored", "rejected"] = "keeps_date"
    # whether `dueDate: null` clears `due_timezone` as well
    cleared_zone: Literal["null", "kept"] = "null"
    # fields that the page does not name
    unknown_fields: Literal["ignored", "rejected"] = "ignored"
    # `{}`
    empty_body: Literal["accepted", "rejected"] = "accepted"
    # GET of one task, of which no page was found
    get_task: Literal["absent", "present"] = "absent"
    # the webhook body is {topic, url, secret}, or {url, topics, ...}
    webhook_body: Literal["any", "topic", "topics"] = "any"
    # the newer topics, the older ones, or the newer ones with `task.*`
    topics: Literal["new", "old", "tasks"] = "new"
    # whether the list of webhooks has the deleted ones
    deleted_webhooks: Literal["listed", "hidden"] = "listed"
    # every nth request is answered 429 with `Retry-After: 1`; 0 for never
    throttle: int = 0
    # how many requests are answered in any second; the others get 429 with `Retry-After: 1`; 0 for no limit
    per_second: int = 0
    # another base URL to which every request is redirected; empty for none
    redirect: str = ""

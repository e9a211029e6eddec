"""The readings of Vambe's documentation: what its record leaves open, and each value it could have.

Each switch names its section of the contract. All of them are [?] there: the documentation says nothing, or
two things. The evidence that a value has, if any, is marked [D] or [I].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.switches import Switches


@dataclass(frozen=True)
class SpecVariant(Switches):
    """One reading of the contract; the defaults follow its best evidence, and the lenient value where none is."""

    # §4, §8.6: `newStatusPosition` is the status's `order`, or its 0-based index
    position: Literal["order", "index"] = "order"
    # §8.4: `due_at` is a true UTC instant, the wall clock wearing a Z, or the request's own words; the page's
    # sample [D] fits the last two
    due_at: Literal["utc", "wall", "echo"] = "utc"
    # §8.5: an all-day `due_at` is midnight in UTC, or in the task's zone
    midnight: Literal["utc", "zone"] = "utc"
    # §8.3: `priority` in the list is 2 (as PUT [D]), "2", or "high" (the list's own table [D])
    list_priority: Literal["int", "digit", "word"] = "int"
    # §1.3: error bodies as on the page [D], as nestjs-zod sends them [I], or with `message` as an array [I]
    errors: Literal["docs", "nest", "array"] = "docs"
    # §2.3 [I]: the success status of POST
    created: Literal[201, 200] = 201
    # §2.4: an unknown status is an invalid reference, or an invalid body
    unknown_status: Literal[404, 400] = 404
    # §2.4: status names match to the letter, or without regard to case, accents and outer blanks
    status_names: Literal["exact", "loose"] = "exact"
    # §2.4: whether a finished task may go back to an open status
    reopen: Literal["allowed", "refused"] = "allowed"
    # §2.2: the one form of `responsibleIds` in the query that is understood
    array_query: Literal["any", "repeat", "brackets", "comma", "json"] = "any"
    # §2.2: with repeated keys, a lone id arrives as a string, which validation may refuse
    lone_id: Literal["accepted", "rejected"] = "accepted"
    # §2.2, §8.9: how "everyone" is said: with a blank value, by leaving the key out, or either
    everyone: Literal["any", "blank", "omitted"] = "any"
    # §2.2: whether the days named by fromDate and toDate are inside the window
    date_bounds: Literal["inclusive", "exclusive", "half_open"] = "inclusive"
    # §2.2: the window's dates are read in the task's zone, or in UTC
    date_zone: Literal["task", "utc"] = "task"
    # §2.2: fromDate after toDate
    inverted_window: Literal["empty", "rejected"] = "empty"
    # §2.2: the longest window in days, 0 for no limit
    max_window_days: int = 0
    # §2.2: a naive coercion makes "false" true
    without_dates: Literal["read", "coerced"] = "read"
    # §2.2: the order of the list
    list_order: Literal["created", "newest", "due"] = "created"
    # §2.1: `status_config` may be null
    status_config: Literal["object", "null"] = "object"
    # §2.1, §8.11: a description that was cleared comes back as null, or as ""
    description: Literal["null", "empty"] = "null"
    # §8.12: contact ids are UUIDs, or opaque words as in the page's sample
    contact_ids: Literal["uuid", "opaque"] = "uuid"
    # §2.3, §2.4: `responsibleIds: []`
    empty_responsibles: Literal["accepted", "rejected"] = "accepted"
    # §3: a deactivated user as a responsible
    inactive_responsibles: Literal["accepted", "rejected"] = "accepted"
    # §2.4: a new `dueDate` without `dueTime` makes an all-day task, or keeps the old time
    date_without_time: Literal["all_day", "keeps_time"] = "all_day"
    # §2.4: `dueTime` or `timezone` without `dueDate` moves the old date's time, or does nothing, or is refused
    time_without_date: Literal["keeps_date", "ignored", "rejected"] = "keeps_date"
    # §2.4: whether `dueDate: null` clears `due_timezone` as well
    cleared_zone: Literal["null", "kept"] = "null"
    # §2.4: fields that the page does not name
    unknown_fields: Literal["ignored", "rejected"] = "ignored"
    # §2.4: `{}`
    empty_body: Literal["accepted", "rejected"] = "accepted"
    # §2: GET of one task, of which no page was found
    get_task: Literal["absent", "present"] = "absent"
    # §5: the webhook body is {topic, url, secret}, or {url, topics, ...}
    webhook_body: Literal["any", "topic", "topics"] = "any"
    # §5, §8.7: the newer topics, the older ones, or the newer ones with `task.*`
    topics: Literal["new", "old", "tasks"] = "new"
    # §5: whether the list of webhooks has the deleted ones
    deleted_webhooks: Literal["listed", "hidden"] = "listed"
    # §6: every nth request is answered 429 with `Retry-After: 1`; 0 for never
    throttle: int = 0
    # §6: how many requests are answered in any second; the others get 429 with `Retry-After: 1`; 0 for no limit
    per_second: int = 0
    # §1.1: another base URL to which every request is redirected; empty for none
    redirect: str = ""

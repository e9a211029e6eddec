"""The points that Vambe's documentation leaves open, and the values that each could have.

The pages are https://docs.vambe.me/reference/tasks/get-tasks, create-task, update-task and delete-task beside it, and
https://docs.vambe.me/docs/webhooks. On each point below they are silent or contradict each other; comments cite them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from taskhand.sandbox.spec_variant import Switches


@dataclass(frozen=True)
class SpecVariant(Switches):
    """One possible behaviour of Vambe. Defaults follow the best evidence, and are lenient if there is none."""

    # Meaning of `newStatusPosition`: the status's `order`, or its 0-based index.
    position: Literal["order", "index"] = "order"
    # `due_at` is a true UTC instant, the local time with a Z, or the sent text. The sample of update-task
    # fits the last two.
    due_at: Literal["utc", "wall", "echo"] = "utc"
    # `due_at` of an all-day task: midnight in UTC, or in the task's time zone.
    midnight: Literal["utc", "zone"] = "utc"
    # `priority` in the list: 2 as in update-task, "2", or "high" as in the table of get-tasks.
    list_priority: Literal["int", "digit", "word"] = "int"
    # Error bodies: as in update-task, as nestjs-zod sends them, or with `message` as an array.
    errors: Literal["docs", "nest", "array"] = "docs"
    # Status of a successful POST; Vambe's other POST pages document 201.
    created: Literal[201, 200] = 201
    # An unknown status is an invalid reference (404) or an invalid body (400).
    unknown_status: Literal[404, 400] = 404
    # Status names match exactly, or without regard to case, accents and outer blanks.
    status_names: Literal["exact", "loose"] = "exact"
    # Whether a finished task may return to an open status.
    reopen: Literal["allowed", "refused"] = "allowed"
    # The only accepted encoding of `responsibleIds` in the query.
    array_query: Literal["any", "repeat", "brackets", "comma", "json"] = "any"
    # With repeated keys, a single id arrives as a string, which validation may refuse.
    lone_id: Literal["accepted", "rejected"] = "accepted"
    # The request for everyone's tasks: a blank value, an omitted key, or either.
    everyone: Literal["any", "blank", "omitted"] = "any"
    # Whether `fromDate` and `toDate` belong to the window; "half_open" excludes `toDate`.
    date_bounds: Literal["inclusive", "exclusive", "half_open"] = "inclusive"
    # The time zone of the window's dates: the task's, or UTC.
    date_zone: Literal["task", "utc"] = "task"
    # The answer to a `fromDate` after `toDate`.
    inverted_window: Literal["empty", "rejected"] = "empty"
    # Maximum days of a window; 0 for no limit.
    max_window_days: int = 0
    # `includeTasksWithoutDates=false` is read as false, or coerced to true as any text is.
    without_dates: Literal["read", "coerced"] = "read"
    # The order of the list: by creation, newest first, or by due date.
    list_order: Literal["created", "newest", "due"] = "created"
    # Whether `status_config` is an object or null.
    status_config: Literal["object", "null"] = "object"
    # A cleared description comes back as null, or as "".
    description: Literal["null", "empty"] = "null"
    # Contact ids are UUIDs, or opaque as in the sample of update-task.
    contact_ids: Literal["uuid", "opaque"] = "uuid"
    # The answer to `responsibleIds: []`.
    empty_responsibles: Literal["accepted", "rejected"] = "accepted"
    # The answer to a deactivated user in `responsibleIds`.
    inactive_responsibles: Literal["accepted", "rejected"] = "accepted"
    # A new `dueDate` without `dueTime` makes an all-day task, or keeps the old time.
    date_without_time: Literal["all_day", "keeps_time"] = "all_day"
    # `dueTime` or `timezone` without `dueDate` changes the old date's time, does nothing, or is refused.
    time_without_date: Literal["keeps_date", "ignored", "rejected"] = "keeps_date"
    # Whether `dueDate: null` also clears `due_timezone`.
    cleared_zone: Literal["null", "kept"] = "null"
    # The answer to undocumented fields.
    unknown_fields: Literal["ignored", "rejected"] = "ignored"
    # The answer to the body `{}`.
    empty_body: Literal["accepted", "rejected"] = "accepted"
    # Whether `GET /api/public/tasks/{id}` exists; no page documents it.
    get_task: Literal["absent", "present"] = "absent"
    # The body of a webhook: {topic, url, secret}, {url, topics, ...}, or either.
    webhook_body: Literal["any", "topic", "topics"] = "any"
    # The webhook topics: the newer page's, the older page's, or the newer ones with `task.*` as in update-task.
    topics: Literal["new", "old", "tasks"] = "new"
    # Whether the list of webhooks includes deleted ones.
    deleted_webhooks: Literal["listed", "hidden"] = "listed"
    # Every nth request is answered with 429 and `Retry-After: 1`; 0 for never.
    throttle: int = 0
    # Maximum requests in any second; further ones get 429 and `Retry-After: 1`. 0 for no limit.
    per_second: int = 0
    # A base URL to which every request is redirected; empty for none. Two hosts are documented.
    redirect: str = ""

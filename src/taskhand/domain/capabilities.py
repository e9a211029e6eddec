"""The capabilities of a backend, by which tool schemas and rules are narrowed; pure."""

from dataclasses import dataclass

from taskhand.domain.priority import Priority
from taskhand.domain.task_times import Known

__all__ = ["UUID", "Capabilities"]

UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of a backend. They narrow tool schemas and rules; a backend's name never does.

    `absent` are request fields that the backend does not have, `absent_on_update` those that only a new task can be
    given. `not_clearable` are fields that cannot be set to null. `required_on_create` are fields that a new task needs
    besides the documented ones. `keeps_timezone` is whether a due time keeps its zone; if not, due times are shown in
    the configured zone. `html_description` names the native value that has the description as HTML, None if a
    description is text. `lists_are_current` is whether a list shows a write at once. `midnight_is_day` is whether the
    CRM writes a day as midnight in UTC, also for a task with a time. `known` are the times of tasks that it reports.
    `notes` is a short text on what its tasks lack and what else it lists; `lists_also` is the second part alone.
    `knows_me` is whether the settings or the credential identify `me`, `writes_as_me` whether the CRM reports writes as
    done by `me`. `status_names` are set if all accounts have the same statuses; `finished_names` are the finished ones.
    `task_types` are set likewise; a new task can have the `new_task_types` (`new_task_types_note` is a remark on them)
    and has `usual_type` by default. A finished task of the `resolved_types` can have a resolution. `longest_title` is
    in characters: a longer one is most likely a mistake if the title is not all that a task says. `status_effects` are
    the documented side effects of a change of status in the CRM. `id_pattern` matches every possible id of a task.
    `usual_id_pattern` matches all ids known so far, if that is narrower: it distinguishes this backend's ids from those
    of others, and refuses none. `contact_id_pattern` and `customer_id_pattern` match ids of contacts and customers,
    None for any word.
    """

    absent: frozenset[str] = frozenset({"taskType", "dealId", "properties", "resolution"})
    absent_on_update: frozenset[str] = _NONE
    not_clearable: frozenset[str] = _NONE
    required_on_create: frozenset[str] = _NONE
    priorities: tuple[Priority, ...] = ("0", "1", "2")
    id_pattern: str = UUID
    usual_id_pattern: str | None = None
    member_id_pattern: str = UUID
    deal_id_pattern: str = UUID
    contact_id_pattern: str | None = None
    customer_id_pattern: str | None = None
    least_responsibles: int = 0
    most_responsibles: int = 50
    keeps_timezone: bool = True
    html_description: str | None = None
    lists_are_current: bool = False
    midnight_is_day: bool = False
    known: tuple[Known, ...] = ("created",)
    notes: str | None = None
    lists_also: str | None = None
    knows_me: bool = True
    writes_as_me: bool = True
    status_names: tuple[str, ...] = ()
    finished_names: tuple[str, ...] = ()
    status_effects: str | None = None
    task_types: tuple[str, ...] = ()
    new_task_types: tuple[str, ...] = ()
    new_task_types_note: str | None = None
    usual_type: str | None = None
    resolved_types: tuple[str, ...] = ()
    longest_title: int = 1_000

"""The capabilities of a backend, by which tool schemas and rules are narrowed; pure."""

from dataclasses import dataclass

from taskhand.domain.priority import Priority
from taskhand.domain.task_times import Known

__all__ = ["UUID", "Capabilities"]

UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The capabilities of a backend. They narrow tool schemas and rules; a backend's name never does."""

    absent: frozenset[str] = frozenset({"taskType", "dealId", "properties", "resolution"})
    """Request fields that the backend does not have."""
    absent_on_update: frozenset[str] = _NONE
    """Fields that only a new task can be given."""
    not_clearable: frozenset[str] = _NONE
    """Fields that cannot be set to null."""
    required_on_create: frozenset[str] = _NONE
    """Fields that a new task needs besides the documented ones."""
    priorities: tuple[Priority, ...] = ("0", "1", "2")
    id_pattern: str = UUID
    """Matches every possible id of a task."""
    usual_id_pattern: str | None = None
    """Matches all ids known so far, if that is narrower: it tells them from another backend's, and refuses none."""
    member_id_pattern: str = UUID
    deal_id_pattern: str = UUID
    contact_id_pattern: str | None = None
    """Like `customer_id_pattern`, None for any word."""
    customer_id_pattern: str | None = None
    least_responsibles: int = 0
    most_responsibles: int = 50
    keeps_timezone: bool = True
    """Whether a due time keeps its zone; if not, due times are shown in the configured zone."""
    html_description: str | None = None
    """The native value that has the description as HTML; None if a description is text."""
    lists_are_current: bool = False
    """Whether `list_tasks` shows a write at once: the CRM does, and nothing is cached."""
    midnight_is_day: bool = False
    """Whether the CRM writes a day as midnight in UTC, also for a task with a time."""
    known: tuple[Known, ...] = ("created",)
    """The times of tasks that the CRM reports."""
    notes: str | None = None
    """What its tasks lack, and what else it lists."""
    lists_also: str | None = None
    """The second part of `notes` alone."""
    knows_me: bool = True
    """Whether the settings or the credential identify `me`."""
    writes_as_me: bool = True
    """Whether the CRM reports writes as done by `me`."""
    status_names: tuple[str, ...] = ()
    """Set if all accounts have the same statuses, as `task_types` are."""
    finished_names: tuple[str, ...] = ()
    status_effects: str | None = None
    """The documented side effects of a change of status in the CRM."""
    task_types: tuple[str, ...] = ()
    new_task_types: tuple[str, ...] = ()
    """The types that a new task can have."""
    new_task_types_note: str | None = None
    usual_type: str | None = None
    """The type of a new task by default."""
    resolved_types: tuple[str, ...] = ()
    """The types whose finished tasks can have a resolution."""
    longest_title: int = 1_000
    """In characters: a longer one is most likely a mistake if the title is not all that a task says."""

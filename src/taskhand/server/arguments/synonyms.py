"""The meanings of unknown arguments: names that other task managers use, typos, and work of another tool; pure."""

from collections.abc import Container, Iterable
from difflib import SequenceMatcher
from typing import Final

__all__ = ["nearest_names", "other_tool", "usual_names"]

_LIKE: Final = 0.6
_ALIKE: Final = 0.78
"""Minimum similarity of a typo to the intended name: a short name has 0.6 with many others."""
_WORD: Final = len("due")
"""Minimum length of a name that is found inside a longer one."""

_FINISHES: Final = "complete_task"
_SEVERAL: Final = "bulk_update_tasks"
_OF_SEVERAL: Final = frozenset({"ids", "taskids"})
_IDS: Final = _OF_SEVERAL | {"id", "taskid"}
_SELECTS: Final = _OF_SEVERAL | {"except", "exclude", "skip", "only", "keep"}
_SEARCHES: Final = frozenset({"query", "search", "q", "keyword", "keywords", "name", "title", "subject"})
_FILTERS: Final = frozenset({"text", "filter", "where"})
"""Arguments that find tasks, of tools that take ids only."""
_EXCEPTS: Final = frozenset({"except", "exclude", "skip", "keep"})
_EACH: Final = frozenset({"tasks", "items", "list"})
_SHIFTS: Final = frozenset({"shiftduedays", "shiftdays", "shift", "days", "postpone", "snooze"})
_STATUSES: Final = frozenset({"status", "state", "stage", "statusname", "newstatus", "newstatusname", "estado"})
_REPEATS: Final = frozenset(
    {"recurrence", "recurring", "repeat", "repeats", "rrule", "frequency", "recurrencia", "repetir", "frecuencia"}
)
_TOOLS: Final = {
    **dict.fromkeys(("delete", "deleted", "borrar", "eliminar"), "delete_task"),
    **dict.fromkeys(("done", "isdone", "finish", "finished", "complete", "completed", "iscomplete"), _FINISHES),
    **dict.fromkeys(("iscompleted", "hecho", "terminada", "completada", "completar"), _FINISHES),
    **dict.fromkeys(_OF_SEVERAL, _SEVERAL),
    **dict.fromkeys(("undo", "deshacer"), "undo_change"),
}
"""The tool that does what an argument of a write asks for, by the normalized name of the argument."""
_DOES: Final = {
    "delete_task": "deletes tasks",
    _FINISHES: "finishes a task",
    _SEVERAL: "changes several tasks at once, with taskIds and changes",
    "undo_change": "undoes a change",
}

_PEOPLE: Final = (
    "assignee assignees assigneeid assigneeids assignto assigned assignedto owner owners ownerid user users userid "
    "person people member members memberid responsible responsibles responsable responsables asignado who"
)
_USUAL: Final = {
    word: tuple(map(str.casefold, names.split()))
    for words, names in (
        (_PEOPLE, "responsibleIds people"),
        ("deadline due dueat dueon duedate duedatetime date day when fecha", "dueDate fromDate toDate since until"),
        ("time hour duehour hora", "dueTime since"),
        ("tz zone timezoneid", "timezone"),
        ("note notes comment comments remark nota notas", "addNote description text"),
        ("description desc details body content", "description addNote text"),
        ("query search q keyword keywords term searchtext buscar", "text query"),
        ("text", "query addNote description"),
        ("name subject summary title titulo nombre", "title query text"),
        ("status state stage newstatus statusname statusid estado column", "newStatusName status outcome"),
        ("includecompleted includedone includefinished showcompleted excludecompleted excludedone onlyopen", "status"),
        ("done completed finished isdone iscompleted open", "status kinds outcome"),
        ("id task taskid identifier", "id planId changeId taskId taskIds ids"),
        ("ids taskids tasks", "taskIds ids id taskId"),
        ("plan", "planId"),
        ("change undo", "changeId changes"),
        ("contact contactid contactname client", "contact aiContactId query"),
        ("customer customerid company companyid account accountid lead leadid cliente", "aiCustomerId contact query"),
        ("deal dealname opportunity", "dealId"),
        ("type kind category", "taskType kinds"),
        ("importance urgency prio prioridad", "priority"),
        ("sort sortby orderby sorting", "order"),
        ("page pagetoken offset nextcursor next after", "cursor"),
        ("max count pagesize perpage top maxresults n", "limit"),
        ("from start startdate datefrom duefrom dueafter begin since fromdate", "fromDate since"),
        ("to end enddate dateto dueto duebefore before until todate", "toDate until"),
        ("where criteria selector", "filter"),
        ("update updates patch data set values", "changes"),
        ("days shift shiftdays move postpone", "shiftDueDays"),
        ("columns select include", "fields"),
        ("groupby group aggregate", "countBy"),
        ("preview simulate test validateonly", "dryRun"),
        ("why motive because", "reason"),
        ("key requestid idempotency", "idempotencyKey"),
        ("add", "addResponsibleIds"),
        ("remove", "removeResponsibleIds"),
        ("skip exclude keep", "except"),
        ("action operation", "mode tool"),
        ("items list", "tasks"),
    )
    for word in words.split()
}
"""The arguments that a name of other task managers may mean, the likeliest first, by that name; all normalized."""


def usual_names(normalized: str, known_names: Iterable[str]) -> list[str]:
    """Those of the normalized names that the name usually stands for, the likeliest first."""
    own = {*known_names}
    return [name for name in _USUAL.get(normalized, ()) if name in own]


def nearest_names(normalized: str, known_names: Iterable[str]) -> list[str]:
    """At most three of the normalized names that may be intended: similar, or one contained in the other."""

    def similarity(name: str) -> float:
        return SequenceMatcher(None, name, normalized).ratio()

    near = [name for name in known_names if similarity(name) >= (_LIKE if _is_part(name, normalized) else _ALIKE)]
    return sorted(near, key=similarity, reverse=True)[:3]


def other_tool(tool: str, normalized: str, names: Iterable[str], *, reads: bool, finished_by: str | None) -> str | None:
    """What to do in place of sending this argument, which the tool does not take; None if that is not known.

    `names` are the normalized arguments of the tool, `reads` is whether it only reads. `finished_by` is the dotted
    argument that finishes several tasks; None if the tool has none.
    """
    own = {*names}
    if (step := _step_to_select(tool, normalized, own)) is not None:
        return step
    if normalized in _SHIFTS and "id" in own and not reads:
        or_by_day = ", or send the new day as dueDate" if "duedate" in own else ""
        return f"Call {_SEVERAL} with taskIds and shiftDueDays{or_by_day}."
    if normalized in _STATUSES and tool in ("create_task", "create_tasks"):
        return "A new task has the initial status: send newStatusName with update_task once the task exists."
    if normalized in _REPEATS and not reads:
        return "Leave it out: a task is due once and does not repeat. create_tasks makes one for each day."
    meant = None if reads else _TOOLS.get(normalized)
    if meant is None or (meant == _SEVERAL and ("id" not in own or not _OF_SEVERAL.isdisjoint(own))):
        return None
    return _step_to(meant, tool, finished_by)


def _step_to_select(tool: str, normalized: str, own_names: Container[str]) -> str | None:
    """How the tool is given its tasks, if the argument selects some in another way."""
    if normalized in _OF_SEVERAL and tool == "get_task":
        return f"{tool} takes one task: send id, once for each."
    if normalized in _IDS and tool == "list_tasks":
        return "Call get_task instead: it reads one task by its id."
    if normalized in _SELECTS and tool == "apply_plan":
        return "Leave it out: a plan is carried out whole. For some of its tasks, make another plan with their ids."
    if normalized in _EXCEPTS and "filter" in own_names and "taskids" in own_names:
        return "Leave it out: find the tasks with list_tasks, and send taskIds of those that are meant."
    if normalized in _EACH and "taskids" in own_names and "changes" in own_names:
        return "Call update_task for each task if their values differ; the same for all is taskIds with changes."
    if (
        normalized in (_SEARCHES if "addnote" in own_names else _SEARCHES | _FILTERS)
        and "id" in own_names
        and "title" not in own_names
    ):
        return "Call list_tasks with text to find the task, then send its id."
    return None


def _step_to(meant: str, tool: str, finished_by: str | None) -> str:
    """The call of the tool that is meant, in place of an argument of another tool."""
    if meant == tool:
        return f"Leave it out: {tool} {_DOES[meant]}."
    if meant == _FINISHES and finished_by is not None:
        return f"Send {finished_by} instead: a finished status, or an unfinished one to reopen tasks."
    if meant == _FINISHES:
        return f"To finish a task call {meant} instead; to reopen one call update_task with newStatusName."
    return f"Call {meant} instead: it {_DOES[meant]}."


def _is_part(one: str, other: str) -> bool:
    return min(len(one), len(other)) >= _WORD and (one in other or other in one)

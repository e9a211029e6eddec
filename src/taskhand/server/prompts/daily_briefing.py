"""The prompt `daily_briefing`."""

from collections.abc import Mapping
from datetime import timedelta

from taskhand.server.prompt import Argument, Prompt, PromptContext

__all__ = ["DAILY_BRIEFING"]

_AHEAD = timedelta(days=6)
_CHANGED = (
    'list_events with since "yesterday" and people [{}], following nextCursor while more: what was changed since then, '
    "and by whom."
)
_FIRST = "what happened since yesterday, in a line or two, then "


def _text(context: PromptContext, arguments: Mapping[str, str]) -> str:
    member = arguments.get("member")
    whose, person = (f"the CRM tasks of {member}", member) if member else ("my CRM tasks", '"me"')
    step, first = f"4. {_CHANGED.format(person)}\n5.", _FIRST
    if not context.lists_events:
        step, first = "4.", ""
    return f"""\
Brief me on {whose}. Today is {context.day}.
1. list_tasks with responsibleIds [{person}] and overdue true: what is late.
2. list_tasks with responsibleIds [{person}], fromDate {context.today}, toDate {context.today + _AHEAD} and \
includeTasksWithoutDates false: what is due in the next seven days.
3. Follow nextCursor to the end of both. Leave out finished tasks; one that is in both lists is late.
{step} Tell me first {first}what is late, then what is due today, then the rest of the seven days: a line for each \
task with title, due and status, the highest priority first. Close with the one thing to begin with.
Only read; change nothing unless I ask for it.
{context.closing}"""


DAILY_BRIEFING = Prompt(
    name="daily_briefing",
    title="Daily briefing",
    description="What changed since yesterday, what is late, due today and in the next seven days. Only reads.",
    arguments=(Argument("member", "Whose tasks: a name, an e-mail or an id. Your own if left out."),),
    uses=("list_tasks",),
    mentions_events=True,
    text=_text,
)

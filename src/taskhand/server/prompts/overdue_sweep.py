"""The prompt `overdue_sweep`."""

from collections.abc import Mapping

from taskhand.server.prompt import Argument, Prompt, PromptContext

__all__ = ["OVERDUE_SWEEP"]

_CHANGED = (
    'Then list_events with since "yesterday"{}, following nextCursor while more: show with each task what was changed '
    "since then, and by whom."
)


def _text(context: PromptContext, arguments: Mapping[str, str]) -> str:
    member = arguments.get("member")
    whose, only = (f" of {member}", f" and responsibleIds [{member}]") if member else ("", "")
    people = f" and people [{member}]" if member else ""
    changed = f"\n{_CHANGED.format(people)}" if context.lists_events else ""
    return f"""\
Help me clear the overdue CRM tasks{whose}. Today is {context.day}.
1. list_tasks with overdue true{only}; follow nextCursor to the end. If there is none, say so and stop.{changed}
2. Propose one thing for each task: complete it, move its due date, give it to somebody else, or leave it; with the \
reason in a few words. Show me the list and wait for what I decide. Write nothing before.
3. For each change that I agree to, call bulk_update_tasks once, with its taskIds and dryRun true:
   - complete: changes {{"newStatusName": "done"}}
   - move: shiftDueDays, or changes {{"dueDate": "YYYY-MM-DD"}}
   - give: changes {{"responsibleIds": [the new person]}}
4. Show me the difference of each plan. Only after my yes call apply_plan with its planId.
5. Report the outcome of each task, and the tasks to try again (retryIds).
{context.closing}"""


OVERDUE_SWEEP = Prompt(
    name="overdue_sweep",
    title="Overdue sweep",
    description="Go through what is overdue: complete, move or reassign it. Each change is shown before it is made.",
    arguments=(Argument("member", "Whose tasks: a name, an e-mail or an id. Everyone's if left out."),),
    uses=("list_tasks", "bulk_update_tasks", "apply_plan"),
    mentions_events=True,
    text=_text,
)

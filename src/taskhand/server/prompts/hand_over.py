"""The prompt `hand_over`."""

from collections.abc import Mapping

from taskhand.server.prompt import Argument, Prompt, PromptContext

__all__ = ["HAND_OVER"]


def _text(context: PromptContext, arguments: Mapping[str, str]) -> str:
    leaver, heir, status = arguments["from"], arguments["to"], arguments.get("status")
    what = f"CRM tasks in status {status}" if status else "unfinished CRM tasks"
    return f"""\
Hand over the {what} of {leaver} to {heir}.
1. {_search_step(leaver, status)} Follow nextCursor to the end. If there is none, say so and stop.
2. If a name has several candidates, ask me which one is meant.
3. bulk_update_tasks with all their ids as taskIds, {_change(context, leaver, heir)} and dryRun true: this only plans.
4. Show me the count and the difference. Only after my yes call apply_plan with the planId.
5. Report the outcome, and the tasks to try again (retryIds).
{context.closing}"""


def _search_step(leaver: str, status: str | None) -> str:
    """The sentence that describes the found tasks."""
    if status:
        return f"list_tasks with responsibleIds [{leaver}] and status [{status}]."
    return (
        "list_statuses: unfinished are those whose type is neither done nor master_done. Then list_tasks with "
        f"responsibleIds [{leaver}] and those names as status; if `complete` is false, leave status out and skip what "
        "is finished."
    )


def _change(context: PromptContext, leaver: str, heir: str) -> str:
    """The arguments that replace one person by another, and keep the other people of a task."""
    if context.capabilities.most_responsibles > 1:
        return f'changes {{"addResponsibleIds": [{heir}], "removeResponsibleIds": [{leaver}]}}'
    return f'changes {{"responsibleIds": [{heir}]}}'


HAND_OVER = Prompt(
    name="hand_over",
    title="Hand over",
    description="Move one person's tasks to another, seen as a plan before it is done.",
    arguments=(
        Argument("from", "Who hands over: a name, an e-mail or an id.", required=True),
        Argument("to", "Who takes over: a name, an e-mail or an id.", required=True),
        Argument("status", "Only tasks in this status. All that are unfinished if left out."),
    ),
    uses=("list_statuses", "list_tasks", "bulk_update_tasks", "apply_plan"),
    text=_text,
    needs_connection=True,
)

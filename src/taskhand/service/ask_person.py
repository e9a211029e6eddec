"""Ask a person before a plan is applied: the question, and the effect of each answer.

No argument that a model can send counts as the person's yes: only the client's own answer to the question does.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Protocol

from taskhand.domain.bulk_receipt import BulkReceipt
from taskhand.domain.display_text import one_line
from taskhand.domain.errors import CallerError
from taskhand.domain.plan import Difference, Plan
from taskhand.domain.receipt import Receipt
from taskhand.domain.truncation import truncate, truncate_change
from taskhand.domain.wording import Wording
from taskhand.service.answer_names import load_wording
from taskhand.service.write_call import Call

__all__ = [
    "CONFIRM_FIELD",
    "SHARE_OF_CALL",
    "Approval",
    "AskPerson",
    "Question",
    "act_on_answer",
    "confirm",
    "question_text",
    "to_answer",
]

Approval = Literal["yes", "no", "none"]
"""The person's answer; `none` if the question was closed or never shown."""

CONFIRM_FIELD: Final = "confirm"
"""The field of the form that holds the answer; a boolean."""
SHARE_OF_CALL: Final = 0.65
"""The part of the call's time in which a person may answer; the rest is needed to carry the plan out."""

_MAX_TASKS, _MAX_LINE, _MAX_TITLE, _MAX_VALUE = 5, 160, 60, 40


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the person at the client: whether to carry out the plan `plan_id`."""

    plan_id: str
    text: str


class AskPerson(Protocol):
    """Shows a question to the person at the client."""

    def __call__(self, question: Question, /) -> Awaitable[Approval | None]:
        """The person's answer; None if it arrives with a later call of the same tool."""
        ...


async def confirm(call: Call, plan: Plan, ask: AskPerson) -> Receipt | BulkReceipt | Plan | Question:
    """Ask the person about the plan and act on the answer; returns the question if the answer comes later.

    A plan that only others may apply is returned unasked: its maker's yes cannot apply it.
    """
    if plan.is_for_others:
        return plan
    wording = await load_wording(call.app, plan.people, plan.links)
    question = Question(plan.id, question_text(plan, wording, call.app.connection.name))
    answer = await ask(question)
    return question if answer is None else await act_on_answer(call, plan.id, answer)


async def act_on_answer(call: Call, plan_id: str, answer: Approval) -> Receipt | BulkReceipt | Plan:
    """Apply the plan after a yes; return the plan if there is no answer. CallerError after a no.

    A host without a person answers by itself: `claude -p` cancels at once, and `codex exec` says no.
    """
    from taskhand.service.apply_plan import apply_plan, decline_plan, review_plan  # noqa: PLC0415  no start waits for it

    call.forget_plan()
    if answer == "none":
        note = (
            "Nothing was written. The person did not answer the question, or the host did not show it. "
            "apply_plan asks again; a person whose host never shows it can set TASKHAND_ASK=never."
        )
        return replace(await review_plan(call, plan_id), note=note)
    if answer == "yes":
        return await apply_plan(call, plan_id)
    await decline_plan(call, plan_id)
    raise CallerError(
        "The person declined, or the host did for them; nothing was written.",
        code="declined",
        next_step="Ask the person what they want instead.",
    )


def to_answer(action: Literal["accept", "decline", "cancel"], content: Mapping[str, Any] | None) -> Approval:
    """The answer in a returned form: accepting the form is a yes, unless the form says false."""
    confirmed = (content or {}).get(CONFIRM_FIELD, True)  # a person who accepts an empty form says yes
    if action == "decline" or (action == "accept" and confirmed is False):
        return "no"
    return "yes" if action == "accept" and confirmed is True else "none"


def question_text(plan: Plan, wording: Wording, connection: str | None = None) -> str:
    """The plan in words: the number of tasks, the first few changes, how many more, and what is lost or left out.

    `connection` names the connection, None if there is only one.
    """
    count, where = len(plan.differences), f" on {connection}" if connection else ""
    is_counted = plan.guard is not None and all(one.does == "delete" for one in plan.differences)
    number = "" if is_counted else f": {count} {'task' if count == 1 else 'tasks'}"
    lines = [f"{plan.guard or 'This change'}{number}{where}."]
    lines += [f"- {_difference_line(task_difference, wording)}" for task_difference in plan.differences[:_MAX_TASKS]]
    lines += [f"- and {count - _MAX_TASKS} more"] if count > _MAX_TASKS else []
    lines += [plan.note] if plan.note else []
    return "\n".join([*lines, *_left_out_lines(plan), "Carry it out?"])


def _left_out_lines(plan: Plan) -> list[str]:
    """The line on the tasks that were asked for and are refused; none if there are none."""
    left_out = [result.title or result.id for result in plan.skipped if result.outcome != "unchanged"]
    if not left_out:
        return []
    named = ", ".join(f"“{truncate(one_line(title), _MAX_TITLE)}”" for title in left_out[:_MAX_TASKS])
    more = f" and {len(left_out) - _MAX_TASKS} more" if len(left_out) > _MAX_TASKS else ""
    return [f"Left out, because refused: {named}{more}."]


def _difference_line(task_difference: Difference, wording: Wording) -> str:
    title, difference = one_line(task_difference.title), wording.difference(task_difference.changed)
    if task_difference.does == "create":
        difference.pop("title", None)
    for field, sides in difference.items():
        names = wording.links(field, *sides.values())
        sides |= {side: f"{names[str(value)]} ({value})" for side, value in sides.items() if str(value) in names}
    changed = "; ".join(f"{field}: {_change(it['from'], it['to'])}" for field, it in difference.items())
    line = f"{task_difference.does} “{truncate(title, _MAX_TITLE)}”"
    if task_difference.does == "delete" and (
        facts := [*filter(None, (wording.due(task_difference.due),)), *wording.people(task_difference.responsible_ids)]
    ):
        line = f"{line} ({one_line(', '.join(facts))})"
    return truncate(f"{line}: {changed}" if changed else line, _MAX_LINE)


def _change(before: object, after: object) -> str:
    return " → ".join(truncate_change(_text(before), _text(after), _MAX_VALUE))


def _text(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return one_line(text) or "nothing"

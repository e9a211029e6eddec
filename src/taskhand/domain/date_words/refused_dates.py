"""What to send in place of a text that is no single date: a repetition, no date, or a distance from a date; pure."""

import re
from typing import Final

from taskhand.domain.name_matching import fold

__all__ = ["step_for_no_date", "step_for_repetition", "step_for_shift"]

_REPEATS: Final = re.compile(
    r"(?:every|each|cada|tod[oa]s l[oa]s|(?:dai|week|month|year)ly|diario|(?:diaria|semanal|mensual)(?:mente)?)\b.*"
)
_NO_DATE: Final = re.compile(
    r"none|null|n/?a|no|tb[ad]|(?:to be|por|sin) (?:defin|determin)(?:ed|ir)"
    r"|never|undated|ningun[oa]|nunca|(?:remove|clear|quitar|borrar)(?: .*)?"
    r"|(?:no|without|sin)(?: a| due| una)? (?:due date|date|deadline|fecha).*"
)
_UNIT: Final = r"(?:d|days?|w|weeks?|dias?|semanas?)"
_SIGNED: Final = re.compile(rf"([+-]) ?(\d{{1,3}} ?{_UNIT})")
"""A distance with a sign: from today, or from the due date of each task."""
_MOVED: Final = re.compile(
    rf"(?:the |el |la )?(?:\w+ )?{_UNIT} (?:more|later|earlier|sooner|after|before|mas(?: tarde)?|despues|antes|menos)"
)
_MOVE: Final = re.compile(
    r"(?:postpon|delay|defer|mov|mueve|push|shift|extend|bring|pospong?|aplaz|retras|atras|adelant|corr|prorrog)"
    r"(?:e[ds]?|ing|a|[ae]r|(?:[ae]r?)?l[oa]s?)?"  # so "movie" and "correo" are no such words
    rf"(?: (?!(?:to|next|this|esta|proxima)\b)\w+){{0,4}} {_UNIT}(?:\W.*)?"
)
_MOVES: Final = "call bulk_update_tasks with taskIds and shiftDueDays."


def step_for_repetition(argument: str, text: str) -> str | None:
    """The next step for words such as 'every Monday'; None for any other text."""
    if _REPEATS.fullmatch(fold(text)) is None:
        return None
    if argument == "dueDate":
        return "A task is due once and does not repeat: send its first day, or a task for each day with create_tasks."
    return f"Send one day or one period as {argument}, such as 'this week'."


def step_for_no_date(argument: str, text: str) -> str | None:
    """The next step for words such as 'none' or 'sin fecha'; None for any other text."""
    if _NO_DATE.fullmatch(fold(text)) is None:
        return None
    if argument == "dueDate":
        return (
            'To remove the due date send clear ["dueDate"]; a new task without one leaves dueDate out. '
            "If tasks of this CRM must have one, ask the person for a day."
        )
    if argument in ("fromDate", "toDate"):
        return f"For tasks without a due date send withoutDate true, and leave {argument} out."
    return f"Leave {argument} out."


def step_for_shift(text: str) -> str | None:
    """The next step for a distance from a task's own due date, such as '+7 days'; None for any other text."""
    if (signed := _SIGNED.fullmatch(fold(text))) is not None and signed[1] == "+":
        word = "en" if re.search(r"dias?$|semanas?$", signed[2]) else "in"
        return f"Send {f'{word} {signed[2]}'!r} to count from today. To move due dates, {_MOVES}"
    if signed is not None or _MOVED.fullmatch(fold(text)) or _MOVE.fullmatch(fold(text)):
        return f"To move due dates, {_MOVES} To count from today, send words such as 'in 2 days'."
    return None

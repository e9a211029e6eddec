"""Which changes and plans of the journal a caller is shown: its own, and all where a rule says so."""

from taskhand.journal.journal import Change
from taskhand.service.app_context import AppContext

__all__ = ["describe_owner", "is_for_second_person", "is_shown", "shown_subject"]


def shown_subject(app: AppContext) -> str | None:
    """The person whose changes this caller is shown; None for all changes, as where nobody asked who calls.

    Who sees own tasks only does not see all changes, whatever the rules say besides: these show others' tasks.
    """
    rules = app.principal.rules
    return None if rules.sees_all_changes and not rules.own_tasks_only else app.principal.subject


def is_shown(app: AppContext, change: Change) -> bool:
    """Whether this caller is shown a change or a plan; any other is answered as one that does not exist.

    A change that was made before anyone was asked who calls is nobody's.
    """
    subject = shown_subject(app)
    return subject is None or change.opening.caller.subject == subject


def is_for_second_person(app: AppContext, plan: Change) -> bool:
    """Whether another person than its maker has to apply this plan, and the caller is one.

    Somebody with the maker's e-mail is the maker, at another issuer or with a key.
    """
    person, maker = app.principal.person, plan.opening.caller
    is_other = person is not None and {maker.subject, maker.email}.isdisjoint(person.names)
    return plan.opening.second_person and is_other


def describe_owner(app: AppContext, change: Change) -> str | None:
    """Whose change it is, in a sentence, where it is not the caller's own; None where no person calls."""
    owner = change.opening.caller.subject
    if app.principal.person is None or owner == app.principal.subject:
        return None
    return (
        f"{change.id} is a change of {change.opening.caller.person}."
        if owner
        else f"{change.id} was made by a caller who was not asked."
    )

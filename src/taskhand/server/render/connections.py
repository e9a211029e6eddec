"""The answer of list_connections: each CRM account, and what it lacks compared with the others, in words; pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import MISSING

from taskhand.domain.capabilities import Capabilities
from taskhand.domain.capability_notes import NOTES
from taskhand.domain.receipt import join_notes
from taskhand.domain.task import TaskDraft, TaskPatch
from taskhand.server.render.answer import Answer
from taskhand.server.schemas.narrowed import input_schema
from taskhand.server.schemas.portable import model_fields
from taskhand.service.app_context import AppContext

__all__ = ["ConnectionsAnswer"]


class ConnectionRow(Answer):
    """A connection.

    `me` is the configured identity of the caller there: an id, an e-mail or a name. `lacks` are the arguments that
    others have, or do not require.
    """

    name: str
    backend: str
    description: str | MISSING = MISSING
    only_reads: bool | MISSING = MISSING
    me: str | MISSING = MISSING
    lacks: tuple[str, ...] | MISSING = MISSING
    note: str | MISSING = MISSING
    statuses: tuple[str, ...] | MISSING = MISSING
    task_types: tuple[str, ...] | MISSING = MISSING


class ConnectionsAnswer(Answer):
    """The connections that the caller may use."""

    connections: tuple[ConnectionRow, ...]
    note: str | MISSING = MISSING

    @classmethod
    def of(cls, apps: Sequence[AppContext], credentials: Sequence[str | None]) -> "ConnectionsAnswer":
        """The answer for these connections; `credentials` say whose credential the caller uses for each."""
        every = [app.backend.capabilities for app in apps]
        notes = {app.principal.rules.note_on_lists for app in apps}
        return cls(
            connections=tuple(_row(app, every, credential) for app, credential in zip(apps, credentials, strict=True)),
            note=next(iter(notes), None) or MISSING,
        )


def _row(app: AppContext, every: Sequence[Capabilities], credential: str | None) -> ConnectionRow:
    can = app.backend.capabilities
    return ConnectionRow(
        name=app.connection.name or "default",
        backend=app.connection.backend,
        description=app.connection.description or MISSING,
        only_reads=app.surface.only_reads or MISSING,
        me=_member_id(app) or MISSING,
        lacks=tuple(_describe_gaps(can, every)) or MISSING,
        note=join_notes(_problem(app), credential, can.lists_also) or MISSING,
        statuses=can.status_names or MISSING,
        task_types=can.task_types or MISSING,
    )


def _problem(app: AppContext) -> str | None:
    """Why the shared credential cannot be used."""
    problem = app.connection.problem
    return f"Cannot be used now: {problem.message} {problem.next_step}" if problem else None


def _member_id(app: AppContext) -> str | None:
    """The caller's identity by people.toml, or by the settings without authentication; None if only the CRM knows it.

    If persons link credentials of their own, the CRM's answer has priority over a file.
    """
    if app.principal.person is None:
        return app.connection.configured_me
    return None if app.own_credentials.backends is not None else app.principal.members.get(app.connection.name or "")


def _describe_gaps(can: Capabilities, every: Sequence[Capabilities]) -> Iterator[str]:
    """What others have and this one lacks, and what only this one requires."""
    yield from (f"no {name}" for name in _values_of_others(_fields(can), map(_fields, every)))
    if fixed := [
        name
        for name in sorted(can.absent_on_update - can.absent)
        if any(name not in capabilities.absent | capabilities.absent_on_update for capabilities in every)
    ]:
        yield f"fixed once a task is created: {', '.join(fixed)}"
    yield from (
        f"no priority {priority}"
        for priority in _values_of_others(can.priorities, (other.priorities for other in every))
    )
    yield from (f"no time {time}" for time in _values_of_others(_times(can), map(_times, every)))
    if can.most_responsibles < max(capabilities.most_responsibles for capabilities in every):
        yield f"{'exactly' if can.least_responsibles else 'at most'} {can.most_responsibles} responsible"
    yield from (
        f"a new task needs {name}"
        for name in _fields_only_here(can, every, lambda capabilities: capabilities.required_on_create)
    )
    yield from (
        f"{name} cannot be cleared"
        for name in _fields_only_here(can, every, lambda capabilities: capabilities.not_clearable)
    )
    if not can.keeps_timezone and any(capabilities.keeps_timezone for capabilities in every):
        yield "due times keep no zone of their own"


def _fields(can: Capabilities) -> list[str]:
    """The fields of a new task or of a change, without those that only several people need."""
    known = {**model_fields(TaskPatch), **model_fields(TaskDraft)}
    names = dict.fromkeys(name for model in (TaskDraft, TaskPatch) for name in input_schema(model, can)["properties"])
    return [name for name in names if not known[name].get(NOTES, {}).get("for_several_people")]


def _times(can: Capabilities) -> list[str]:
    return [name for name in can.known if not name.endswith("_by")]


def _fields_only_here(
    can: Capabilities, every: Sequence[Capabilities], rule: Callable[[Capabilities], frozenset[str]]
) -> list[str]:
    """The fields that this rule names for this connection but not for all."""
    return sorted(name for name in rule(can) if not all(name in rule(capabilities) for capabilities in every))


def _values_of_others(own_values: Sequence[str], others: Iterable[Sequence[str]]) -> list[str]:
    return [*dict.fromkeys(value for other in others for value in other if value not in own_values)]

"""The errors, divided by who can act on them.

TaskhandError
├── CallerError             the caller can send corrected arguments
│   ├── NotFound            the given task, person, status or contact does not exist
│   └── Ambiguous           several match what was given
├── NotAttempted            a write that was stopped before it was sent
├── OperatorError           the operator of the server can correct its configuration
│   ├── Forbidden           the CRM does not allow the request to the credential
│   ├── CommitUnknown       the database did not say whether it stored the last write
│   ├── NotAllowed          a scope or the policy forbids it to this caller
│   ├── LinkRequired        the caller has to link a credential of their own
│   └── LinkBroken          the caller's own credential cannot be decrypted
└── UpstreamError           the CRM refused the request, failed, or sent an invalid answer
    ├── InvalidAnswer       it answered a read with something else than it documents
    ├── UpstreamFailed      it failed while it handled a request: a write may have been applied
    ├── RateLimited         it asked to wait
    └── OutcomeUnknown      a write was sent, and it is not known whether it was applied
        └── NoAnswer        no answer came in time: the CRM may apply the write yet

Any other exception is a bug of ours: the caller gets `internal_error` with a reference, and the log gets the trace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

__all__ = [
    "Ambiguous",
    "CallerError",
    "Candidate",
    "CommitUnknown",
    "Explanation",
    "Forbidden",
    "InvalidAnswer",
    "LinkBroken",
    "LinkRequired",
    "NoAnswer",
    "NotAllowed",
    "NotAttempted",
    "NotFound",
    "OperatorError",
    "OutcomeUnknown",
    "RateLimited",
    "TaskhandError",
    "UpstreamError",
    "UpstreamFailed",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that would have been accepted: `value` is what to send, `name` is for people.

    `is_free_text` says that `value` is itself text written by others, as the name of a status is. `connections` are
    those that accept it, of several that were asked; none if all do.
    """

    value: str
    name: str | None = None
    is_free_text: bool = False
    connections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a refusal means: a sentence of ours, and the arguments that it names; subclasses mean one refusal."""

    sentence: str
    arguments: frozenset[str] = frozenset()


class TaskhandError(Exception):
    """Anything that Taskhand refuses or fails to do, with an instruction for the reader who can act.

    `code` is stable, for programs. `message` is one sentence without secrets and without upstream text. `next_step`
    says what to call or send. `candidates` are values that would have been accepted. `details` is JSON for programs.
    `connection` is the CRM account that it is about, if there are several and the message does not say.
    `explanation` is what the refusal means, if the CRM's body or our rule says so, for the code that handles the error.
    `private_step` takes the place of `next_step` in the answer to the caller, and is in no log and no trace.
    An error never changes; code that knows more of it on its way to the caller raises a copy (`but`).
    """

    default_retryable: ClassVar[bool] = False
    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        next_step: str | None = None,
        candidates: Sequence[Candidate] = (),
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        details: Mapping[str, object] | None = None,
        explanation: Explanation | None = None,
    ) -> None:
        super().__init__(message)
        self.message: Final = message
        self.code: Final = code or self.default_code
        self.next_step: Final = next_step
        self.candidates: Final = tuple(candidates)
        self.retryable: Final = self.default_retryable if retryable is None else retryable
        self.retry_after_s: Final = retry_after_s
        self.details: Final[Mapping[str, object]] = dict(details or {})
        self.explanation: Final = explanation
        self.connection: Final[str | None] = None
        self.private_step: Final[str | None] = None

    def but(
        self,
        *,
        message: str | None = None,
        next_step: str | None = None,
        candidates: Sequence[Candidate] | None = None,
        connection: str | None = None,
        private_step: str | None = None,
    ) -> Self:
        """A copy with these values, None for the error's own; an error that is kept is raised as one.

        A raise would add its traceback to the kept error.
        """
        changed = {
            "message": message,
            "next_step": next_step,
            "candidates": None if candidates is None else tuple(candidates),
            "connection": connection,
            "private_step": private_step,
        }
        copied = type(self).__new__(type(self), message or self.message)
        vars(copied).update(vars(self), **{name: value for name, value in changed.items() if value is not None})
        return copied


class CallerError(TaskhandError):
    """The arguments break a rule of the contract; nothing was sent and nothing was written."""

    default_code = "invalid_arguments"


class NotFound(CallerError):
    """No task, person, status or contact matches what was given."""

    default_code = "not_found"

    @classmethod
    def of_task(cls, task_id: str) -> "NotFound":
        """The error for an id without a task."""
        step = "Call list_tasks to find the task's id."
        return cls(f"There is no task {task_id}.", code="task_not_found", next_step=step)


class Ambiguous(CallerError):
    """Several things match what was given: `candidates` are all of them, and none was chosen."""

    default_code = "ambiguous"


class NotAttempted(TaskhandError):
    """A write that was stopped before it was sent, or that its call had no time for; it may be sent again."""

    default_code = "not_attempted"
    default_retryable = True


class OperatorError(TaskhandError):
    """The configuration, the store or a credential has to be corrected by the operator of the server."""

    default_code = "configuration"


class Forbidden(OperatorError):
    """The CRM accepts the credential, and does not allow it this request."""

    default_code = "forbidden"


class CommitUnknown(OperatorError):
    """The database did not say whether it stored the last write."""

    default_code = "store_unavailable"


class NotAllowed(OperatorError):
    """A scope of the credential or a rule of the policy forbids this to the caller; nothing was read or sent for it."""

    default_code = "not_allowed"

    @classmethod
    def by(cls, rule: str, message: str) -> "NotAllowed":
        """The error that names the rule: `scope`, or a field of `domain.policy.Rules`."""
        next_step = f"Tell the person: the operator of Taskhand decides it, by the rule {rule}."
        return cls(message, next_step=next_step, details={"rule": rule})


class LinkRequired(OperatorError):
    """The caller has to link a credential of their own, for the first time or again; nothing was sent with another."""

    default_code = "link_required"

    @classmethod
    def first(cls, connection: str, person: str, *, has_vault: bool = True) -> "LinkRequired":
        """The error for a person who has none, if the shared one is not for the person."""
        first = "" if has_vault else "sets TASKHAND_VAULT_KEY, restarts it, and then "
        return cls(
            f"You have no own credential for {connection}, and may not use the shared one; nothing was sent.",
            next_step=f"Tell the person: the operator of Taskhand {first}links it with "
            f"`taskhand people link {person} {connection}`.",
            details={"connection": connection, "rule": "own_credential"},
        )

    @classmethod
    def of_unlinked(cls, connection: str) -> "LinkRequired":
        """The error for a credential that is removed while a call uses it."""
        return cls(
            f"Your own credential for {connection} was unlinked during this call; the rest was not sent.",
            next_step=f"Tell the person, who can link {connection} again.",
            details={"connection": connection},
        )

    @classmethod
    def again(cls, connection: str) -> "LinkRequired":
        """The error for a credential that the CRM accepts no longer."""
        return cls(
            f"Your own credential for {connection} is not accepted any more.",
            next_step=f"Tell the person to link {connection} again.",
            details={"connection": connection},
        )


class LinkBroken(OperatorError):
    """The caller's own credential is kept, and cannot be decrypted: it was altered, or its key is not there."""

    default_code = "link_broken"

    @classmethod
    def at(cls, connection: str, flaw: str, next_step: str | None = None) -> "LinkBroken":
        """The error that says why, as "it ..."."""
        return cls(
            f"Your own credential for {connection} cannot be used: it {flaw}.",
            next_step=next_step or f"Tell the person to link {connection} again.",
            details={"connection": connection, "flaw": flaw},
        )

    @property
    def flaw(self) -> str:
        """Why it cannot be decrypted, as "it ..."."""
        return str(self.details["flaw"])


class UpstreamError(TaskhandError):
    """The CRM refused the request, failed, or sent an invalid answer; nothing is known to be written."""

    default_code = "upstream_error"


class InvalidAnswer(UpstreamError):
    """The CRM answered a read with something else than it documents."""

    default_code = "upstream_invalid"


class UpstreamFailed(UpstreamError):
    """The CRM failed while it handled a request (status 500 or above), or redirected a write.

    Such a write must be read back before it is sent again.
    """

    default_retryable = True


class RateLimited(UpstreamError):
    """The CRM asked to wait longer than a call may take; `retry_after_s` says how long, if known."""

    default_code = "rate_limited"
    default_retryable = True


class OutcomeUnknown(UpstreamError):
    """A write was sent and its outcome could not be learned; `next_step` says what to check before trying again."""

    default_code = "outcome_unknown"


class NoAnswer(OutcomeUnknown):
    """A write was sent and no answer came in time: the CRM may apply it yet, so a task without it proves nothing."""

"""What can go wrong, divided by who can act on it.

TaskhandError
├── CallerError             the caller can send something better
│   ├── NotFound            what was named does not exist
│   └── Ambiguous           what was named exists more than once
├── NotAttempted            one of many writes that was not sent, because the bulk was stopped before
├── OperatorError           whoever runs the server can mend its configuration
└── UpstreamError           the CRM refused, failed or answered nonsense
    ├── UpstreamFailed      it failed while it handled a request: a write may have been applied
    ├── RateLimited         it asked to wait
    └── OutcomeUnknown      a write left, and nobody knows whether it arrived

Anything else that is raised is a bug of ours: it reaches the caller as `internal_error` with a reference, and the log
with its trace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "Ambiguous",
    "CallerError",
    "Candidate",
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
    """One thing that the caller may have meant: what to send (`value`), and how a person knows it (`name`)."""

    value: str
    name: str | None = None


class TaskhandError(Exception):
    """Anything that Taskhand refuses or fails to do, as an instruction to whoever can act.

    `code` is stable and for programs; `message` is one sentence without secrets and without upstream text;
    `next_step` says what to call or send; `candidates` are the values that would have been accepted; `details` is
    anything else that a program needs, as JSON.
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
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.next_step = next_step
        self.candidates = tuple(candidates)
        self.retryable = self.default_retryable if retryable is None else retryable
        self.retry_after_s = retry_after_s
        self.details = dict(details or {})


class CallerError(TaskhandError):
    """The arguments break a rule of the contract; nothing was sent and nothing was written."""

    default_code = "invalid_arguments"


class NotFound(CallerError):
    """No task, person, status or contact answers to what was given."""

    default_code = "not_found"


class Ambiguous(CallerError):
    """Several answer to what was given; `candidates` are all of them and none was chosen."""

    default_code = "ambiguous"


class NotAttempted(TaskhandError):
    """One of many writes that was not sent: the others were stopped before its turn. It may be sent as it is."""

    default_code = "not_attempted"
    default_retryable = True


class OperatorError(TaskhandError):
    """The configuration, the store or a credential needs the person who runs the server."""

    default_code = "configuration"


class UpstreamError(TaskhandError):
    """The CRM refused, failed or answered something that is not an answer; nothing is known to be written."""

    default_code = "upstream_error"


class UpstreamFailed(UpstreamError):
    """The CRM failed while it handled a request (a status from 500); a write must be looked up, not sent again."""

    default_retryable = True


class RateLimited(UpstreamError):
    """The CRM asked to wait longer than a call may take; `retry_after_s` says how long, where known."""

    default_code = "rate_limited"
    default_retryable = True


class OutcomeUnknown(UpstreamError):
    """A write was sent and its outcome could not be learned; `next_step` says what to check before trying again."""

    default_code = "outcome_unknown"

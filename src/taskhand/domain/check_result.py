"""The result of a health check: the state of one subject, and how to repair it."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["CheckResult", "CheckState"]

CheckState = Literal[
    "ok",
    "warning",  # it works, but may be configured wrongly
    "failed",  # it does not work
    "unknown",  # it could not be checked
]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result for one `subject`: a sentence (`found`), and a `remedy` unless the state is ok."""

    subject: str
    outcome: CheckState
    found: str
    remedy: str | None = None

"""What a look at something found: whether it is well, and where it is not, what to do."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["CheckResult", "CheckState"]

CheckState = Literal[
    "ok",
    "warning",  # it works, and something about it may not be meant
    "failed",  # it does not work
    "unknown",  # it could not be looked at, or nobody tells
]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One thing that was looked at: the `subject`, what was `found` in a sentence, and a `remedy` if it is not well."""

    subject: str
    outcome: CheckState
    found: str
    remedy: str | None = None

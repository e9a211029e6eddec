"""What a look at the embedded store's file finds."""

from pathlib import Path
from typing import Final

from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.sqlite.health import health, size_of
from taskhand.sqlite.store import Store

__all__ = ["examination"]

_COPY: Final = "Keep a copy of the file, then put back the last good one, or set TASKHAND_DB to another one."


async def examination(store: Store, path: Path) -> CheckResult:
    """Whether the file is sound and can be written, and how large it is; one that is not there is made."""
    try:
        fault = await health(store)
    except OperatorError as error:
        return CheckResult("store", "failed", error.message, error.next_step)
    if fault:
        return CheckResult("store", "failed", f"{path} is damaged: {fault}.", _COPY)
    return CheckResult("store", "ok", f"{path}, {await size_of(path)}: sound, and can be written.")

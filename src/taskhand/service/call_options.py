"""The options of a call of a tool that writes: they are beside the arguments about tasks."""

from typing import Annotated

from pydantic import MISSING, Field

from taskhand.domain.task import Body

__all__ = ["Options", "RepeatableOptions"]


class Options(Body):
    """Options of every tool that writes."""

    dry_run: Annotated[bool, Field(description="Only plan")] | MISSING = MISSING
    reason: Annotated[str, Field(description="Why")] | MISSING = MISSING


class RepeatableOptions(Options):
    """Options of tools that take an idempotency key."""

    idempotency_key: Annotated[str, Field(description="Any text; a repeat writes nothing")] | MISSING = MISSING

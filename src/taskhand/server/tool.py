"""A tool as data: everything that is said of it and done by it, in one value."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from taskhand.service.desk import Desk

__all__ = ["Kind", "Tool"]

Kind = Literal["read", "create", "update"]
"""What a tool does to tasks: nothing; adds one; sets fields of one, again and again with the same outcome."""

_Arguments = TypeVar("_Arguments", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tool(Generic[_Arguments]):
    """A verb on tasks: `run` is given the desk and the checked arguments, and answers with an `answer`."""

    name: str
    title: str
    description: str
    kind: Kind
    arguments: type[_Arguments]
    answer: type[BaseModel]
    run: Callable[[Desk, _Arguments], Awaitable[BaseModel]]

    async def call(self, desk: Desk, arguments: Any) -> BaseModel:
        """Run the tool on arguments that its own model has checked."""
        return await self.run(desk, arguments)

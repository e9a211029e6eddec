"""A tool as data: everything that is said of it and done by it, in one value."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from taskhand.domain.bulk import BulkReceipt
from taskhand.domain.change import Receipt
from taskhand.domain.plan import Plan
from taskhand.service.call import Call

__all__ = ["Kind", "Tool", "Written"]

Kind = Literal["read", "create", "update", "repeat", "destroy"]
"""What a tool does to tasks.

Nothing; adds one; sets fields, again and again with the same outcome; changes them anew each time; may lose something.
"""

Written = Receipt | BulkReceipt | Plan
"""What a tool that writes has to say."""

_Arguments = TypeVar("_Arguments", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tool(Generic[_Arguments]):
    """A verb on tasks: `run` is given the call and the checked arguments; a read answers with an `answer`."""

    name: str
    title: str
    description: str
    kind: Kind
    arguments: type[_Arguments]
    answer: type[BaseModel]
    run: Callable[[Call, _Arguments], Awaitable[BaseModel | Written]]

    async def call(self, call: Call, arguments: Any) -> BaseModel | Written:
        """Run the tool on arguments that its own model has checked."""
        return await self.run(call, arguments)

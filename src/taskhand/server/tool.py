"""A tool as data: everything that a client is shown of it, and the function that it runs.

It may take a list of objects: each is checked alone, and an error in one does not refuse the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from mcp.types import ToolAnnotations
from pydantic import BaseModel

from taskhand.domain.errors import CallerError
from taskhand.domain.principal import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskhand.domain.bulk_receipt import BulkReceipt
    from taskhand.domain.plan import Plan
    from taskhand.domain.receipt import Receipt
    from taskhand.service.write_call import Call

__all__ = ["Kind", "ListItem", "ListOf", "Tool", "WriteResult", "lists_of"]

Kind = Literal["read", "create", "update", "repeat", "destroy"]
"""The effect of a tool on tasks.

`read` changes nothing, `create` adds a task, `update` sets fields and is idempotent, `repeat` changes tasks again each
time, `destroy` may delete something.
"""

WriteResult: TypeAlias = "Receipt | BulkReceipt | Plan"
"""The result of a tool that writes."""

_Arguments = TypeVar("_Arguments", bound=BaseModel)


class Tool(NamedTuple, Generic[_Arguments]):
    """A verb on tasks. `run` gets the call and the checked arguments; a read returns an `answer`.

    `verb` continues the tool's name in the list of tools in the server's instructions; `advice` is a sentence of its
    own there. `shows_tasks` is whether the description ends with the notes on the backend's tasks. `run_everywhere`
    gets a call for each connection, by its name, if the caller names none; None if the caller must name one.
    `only_with_several` is whether the tool is offered only if there are several connections.
    """

    name: str
    title: str
    description: str
    kind: Kind
    arguments: type[_Arguments]
    answer: type[BaseModel]
    run: "Callable[[Call, _Arguments], Awaitable[BaseModel | WriteResult]]"
    verb: str | None = None
    advice: str | None = None
    shows_tasks: bool = False
    run_everywhere: "Callable[[Mapping[str, Call], _Arguments], Awaitable[BaseModel]] | None" = None
    only_with_several: bool = False
    needs_scope: Scope | None = None
    """The scope that a caller needs; None: the scope of its kind."""
    is_drawn_by_board: bool = False
    """Whether the board shows the answer, as it does for every tool that writes: each of them can stop at a plan."""
    is_called_by_board: bool = False
    """Whether the board may call the tool: a host refuses it all others."""

    @property
    def scope(self) -> Scope:
        """The scope that a caller needs to be offered the tool."""
        return self.needs_scope or {"read": "read", "destroy": "destructive"}.get(self.kind, "write")  # type: ignore[return-value]  # words of Scope

    @property
    def is_on_board(self) -> bool:
        """Whether a host shows the board beside the answer."""
        return self.is_drawn_by_board or self.writes

    @property
    def writes(self) -> bool:
        """Whether the tool writes."""
        return self.kind != "read"

    @property
    def annotations(self) -> ToolAnnotations:
        """All four hints by which a host decides whether to ask before a call; a missing one counts as the worst."""
        return ToolAnnotations(
            read_only_hint=not self.writes,
            destructive_hint=self.kind == "destroy",
            idempotent_hint=self.kind not in {"create", "repeat"},
            open_world_hint=False,
        )


@dataclass(frozen=True, slots=True)
class ListOf:
    """Marks an argument as a list of these objects; the tool gets a `ListItem` for each."""

    body: type[BaseModel]


class ListItem:
    """One object of a list: as it was `sent`, and either parsed or with the error that says what is wrong."""

    def __init__(self, sent: Any, value: BaseModel | CallerError) -> None:
        self.sent = sent
        self.value = value

    def text(self, name: str) -> str:
        """A field as it was sent, if it is a text; else empty."""
        sent_value = self.sent.get(name) if isinstance(self.sent, Mapping) else None
        return sent_value if isinstance(sent_value, str) else ""


@cache
def lists_of(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The models of the objects in lists, by the argument's alias."""
    return {
        field.alias or name: mark.body
        for name, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, ListOf)
    }

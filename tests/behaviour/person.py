"""A person at the client, who answers questions as the test wants."""

from typing import Any, Literal

from mcp.types import ElicitRequestParams, ElicitResult

__all__ = ["Person"]

_FILLED_IN: dict[str, Any] = {"confirm": True}


class Person:
    """Answers yes or no, or closes the question (`nothing`), and records the questions."""

    def __init__(self, says: Literal["yes", "no", "nothing"], form: dict[str, Any] | None = _FILLED_IN) -> None:
        """`form` is the content that the client sends with a yes; None sends no content."""
        self.says = says
        self.form = form
        self.questions: list[str] = []

    async def asked(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        """The client's answer to the server's question."""
        del context
        self.questions.append(params.message)
        if self.says == "yes":
            return ElicitResult(action="accept", content=self.form)
        return ElicitResult(action="decline" if self.says == "no" else "cancel")

"""A person at the client: is asked, and says what the test wants."""

from typing import Any, Literal

from mcp.types import ElicitRequestParams, ElicitResult

__all__ = ["Person"]


class Person:
    """Says yes or no, or closes the question (`nothing`), and remembers what was asked."""

    def __init__(self, says: Literal["yes", "no", "nothing"], form: dict[str, Any] | None = None) -> None:
        """`form` is what stands in the form that is sent with a yes."""
        self.says = says
        self.form = {"confirm": True} if form is None else form
        self.questions: list[str] = []

    async def asked(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        """The client's answer to the server's question."""
        del context
        self.questions.append(params.message)
        if self.says == "yes":
            return ElicitResult(action="accept", content=self.form)
        return ElicitResult(action="decline" if self.says == "no" else "cancel")

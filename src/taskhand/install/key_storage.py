"""Where a credential goes, and what stands in the host's file for it; pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from taskhand.backends.factory import InstallQuestion
from taskhand.backends.registry import find_factory
from taskhand.config.credentials import MARK, keyring_reference
from taskhand.config.settings import BackendName
from taskhand.config.variables import SECRETS, describe_variable, is_secret_variable
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.install.host import Host

__all__ = ["Answer", "EntryVariables", "KeyStore", "build_environment", "choose_store"]

KeyStore = Literal["host", "keyring", "environment", "file"]
"""The host asks and keeps it; the system's keyring; the environment that starts the host; the file, in the open."""

Answer = Callable[[InstallQuestion], str | None]
"""What a person (or the environment) says a variable is; None for nothing."""


@dataclass(slots=True)
class EntryVariables:
    """The variables of an entry, the inputs that the host asks for, and what goes into the keyring."""

    variables: dict[str, str] = field(default_factory=dict)
    inputs: list[Mapping[str, object]] = field(default_factory=list)
    to_keep: dict[str, str] = field(default_factory=dict)

    @property
    def forget(self) -> Sequence[str]:
        """What an entry of another backend has, and this one has no use for."""
        return sorted(SECRETS) if "TASKHAND_BACKEND" in self.variables else []


def choose_store(host: Host, asked: KeyStore | None, *, project: bool, keyring: bool) -> KeyStore:
    """Where keys go: as asked, else the safest place that there is. CallerError for one that cannot be."""
    match asked:
        case None if host.asks:
            return "host"
        case None if keyring:
            return "keyring"
        case None:
            return "environment" if project else "file"
        case "host" if not host.asks:
            raise CallerError(f"{host.name} does not keep keys itself.")
        case "environment" if not host.expands:
            raise CallerError(f"{host.name} does not fill in variables of its environment.")
        case "file" if project:
            raise CallerError("A project's file is read by others: a key does not go into it.")
        case "keyring" if not keyring:
            raise OperatorError(
                "There is no system keyring to use here.", next_step="pip install '.[keyring]', and try again."
            )
    return asked


def build_environment(
    host: Host, backend: BackendName | None, store: KeyStore, *, present: Mapping[str, object], answer: Answer
) -> EntryVariables:
    """The variables that make the server work on `backend`; `present` are those of the entry that is there.

    CallerError where one that is required is neither answered nor present.
    """
    made = EntryVariables({"TASKHAND_BACKEND": backend} if backend else {})
    for question in find_factory(backend).questions if backend else ():
        variable = question.variable
        if is_secret_variable(variable) and store == "host":
            made.inputs.append(host.asking(variable, describe_variable(variable)))
            made.variables[variable] = host.asked(variable)
        elif is_secret_variable(variable) and store == "environment":
            made.variables[variable] = host.expanded(variable) or ""
        elif value := answer(question):
            made.variables[variable] = _stored(made, variable, value, store)
        elif isinstance(there := present.get(variable), str) and there:
            made.variables[variable] = there
        elif question.required:
            raise CallerError(
                f"{variable} is needed for {backend}: {describe_variable(variable)}",
                next_step=f"Run this in a terminal to be asked for it, or set {variable} for this command.",
            )
    return made


def _stored(made: EntryVariables, variable: str, value: str, store: KeyStore) -> str:
    """What stands in the file for a value."""
    if not is_secret_variable(variable) or store == "file" or value.startswith(MARK):
        return value
    made.to_keep[variable] = value
    return keyring_reference(variable)

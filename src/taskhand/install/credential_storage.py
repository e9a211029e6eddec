"""The storage of a credential, and the value that refers to it in the host's file; pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from taskhand.backends.registry import NAMES, find_factory
from taskhand.config.credentials import FILE_SUFFIX, REFERENCES, KeyringState, keyring_reference, no_keyring
from taskhand.config.environment_variables import (
    FILE_VARIABLES,
    SECRETS,
    describe_variable,
    is_required_variable,
    is_secret_variable,
)
from taskhand.config.settings import BackendName
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.install.hosts import Host

__all__ = ["AskSecret", "EntryVariables", "KeyStore", "build_environment", "choose_store"]

KeyStore = Literal["host", "keyring", "environment", "file"]
"""The host's own store; the system's keyring; the environment that starts the host; the file, as plain text."""

AskSecret = Callable[[str], str | None]
"""Returns the value of a variable from a person or the environment; None without an answer."""


@dataclass(slots=True)
class EntryVariables:
    """The variables of an entry, the names of those that the host passes on, the inputs that it asks for.

    `for_keyring` are the credentials for the keyring, by their names there.
    """

    variables: dict[str, str] = field(default_factory=dict)
    forwarded: list[str] = field(default_factory=list)
    inputs: list[Mapping[str, object]] = field(default_factory=list)
    for_keyring: dict[str, str] = field(default_factory=dict)

    @property
    def forget(self) -> Sequence[str]:
        """The variables to remove from a present entry: credentials, which may be those of another backend."""
        return sorted(SECRETS | FILE_VARIABLES) if "TASKHAND_BACKEND" in self.variables else []


def choose_store(host: Host, store: KeyStore | None, *, project: bool, keyring: KeyringState) -> KeyStore:
    """The store for keys: the requested one, else the safest one. CallerError for one that is not available."""
    match store:
        case None if host.asks:
            return "host"
        case None if keyring == "usable":
            return "keyring"
        case None:
            return "environment" if project else "file"
        case "host" if not host.asks:
            raise CallerError(f"{host.name} does not store keys itself.")
        case "environment" if not (host.expands or host.forwards):
            raise CallerError(f"{host.name} does not fill in environment variables in its file.")
        case "file" if project:
            raise CallerError("A project's file is shared, so a key cannot be stored in it.")
        case "keyring" if keyring != "usable":
            missing = no_keyring(keyring)
            step = f"Use {_other_stores(host, project=project)}. {missing.next_step}"
            raise OperatorError(missing.message, next_step=step if keyring == "none" else missing.next_step)
    return store


def _other_stores(host: Host, *, project: bool) -> str:
    """The options that store a key elsewhere than in the keyring."""
    possible = {"host": host.asks, "file": not project, "environment": bool(host.expands or host.forwards)}
    return " or ".join(f"`--keys {store}`" for store, is_possible in possible.items() if is_possible)


def build_environment(
    host: Host, backend: BackendName | None, store: KeyStore, *, present: Mapping[str, object], answer: AskSecret
) -> EntryVariables:
    """The variables of a server on `backend`; `present` are those of the present entry and of --set.

    CallerError if a credential or a required value is neither answered nor present.
    """
    made = EntryVariables({"TASKHAND_BACKEND": backend} if backend else {})
    for variable in _find_questions(backend, present):
        file = f"{variable}{FILE_SUFFIX}"
        if file in FILE_VARIABLES and isinstance(path := present.get(file), str) and path:
            made.variables[file] = path
        elif is_secret_variable(variable) and store == "host":
            made.inputs.append(host.input_for(variable, describe_variable(variable)))
            made.variables[variable] = host.input_reference(variable)
        elif is_secret_variable(variable) and store == "environment" and host.forwards:
            made.forwarded.append(variable)
        elif is_secret_variable(variable) and store == "environment":
            made.variables[variable] = host.variable_reference(variable) or ""
        elif value := answer(variable):
            made.variables[variable] = _store_value(made, host, variable, value, store)
        elif isinstance(there := present.get(variable), str) and there:
            made.variables[variable] = there
        elif is_secret_variable(variable) or is_required_variable(variable):
            raise CallerError(
                f"{variable} is needed for {backend}: {describe_variable(variable)}",
                next_step=f"Run this in a terminal to be asked for it, or set {variable} for this command.",
            )
    return made


def _find_questions(backend: BackendName | None, present: Mapping[str, object]) -> Sequence[str]:
    """The variables to ask for: those of the backend; without one, those of the current entry without keys."""
    if backend:
        return find_factory(backend).questions
    chosen = present.get("TASKHAND_BACKEND", "local")
    factory = find_factory(chosen if isinstance(chosen, str) and chosen in NAMES else "local")
    return [
        question
        for question in factory.questions
        if not is_secret_variable(question) and question != factory.me_variable
    ]


def _store_value(made: EntryVariables, host: Host, variable: str, value: str, store: KeyStore) -> str:
    """The value to write to the file: itself, or a reference to the keyring."""
    if not is_secret_variable(variable) or store == "file" or value.startswith(REFERENCES):
        return value
    name = host.keyring_name(variable)
    made.for_keyring[name] = value
    return keyring_reference(name)

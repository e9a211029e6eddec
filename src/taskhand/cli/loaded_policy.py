"""The policy in force: read at start, and again on SIGHUP."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from taskhand.config.effective_settings import Configuration
from taskhand.config.paths import expand_path
from taskhand.domain.check_result import CheckResult
from taskhand.domain.errors import OperatorError
from taskhand.domain.policy import NO_POLICY, Policy
from taskhand.domain.principal import Person

# Imported only if a policy exists.

if TYPE_CHECKING:
    from taskhand.config.policy_file import PolicyFile

__all__ = [
    "PolicySource",
    "check_policy",
    "configured_person",
    "policy_path",
    "read_policy",
    "warn_of_writers",
]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class PolicySource:
    """The `current` policy, the configuration that names its file, and whether the file `existed`.

    For people: `noun` is the file's name, `if_missing` the meaning of a missing file (None to say nothing).
    """

    found: Configuration
    current: Policy = NO_POLICY
    existed: bool = False
    noun: str = "policy"
    if_missing: str | None = "allows everything"

    @classmethod
    def open(cls, configuration: Configuration) -> "PolicySource":
        """The policy of this configuration; OperatorError if its file cannot be used."""
        source = cls(configuration)
        path, is_named = policy_path(configuration)
        if is_named or os.path.lexists(path):
            source.read()()
        return source

    @property
    def path(self) -> Path:
        """The policy's file, which may be missing."""
        return policy_path(self.found)[0]

    def read(self) -> Callable[[], None]:
        """Read the file again; returns a function that puts it in force. OperatorError if it cannot be used.

        A missing file lifts no rule; an empty file lifts all.
        """
        file = read_policy(self.found, must_exist=self.existed)
        if file.writable_by_others:
            _log.warning("%s %s", *warn_of_writers(file.path))
        if file.policy.needs_own():
            from taskhand.cli.doctor_own_credential import warn_of_rule

            for sentence in warn_of_rule(self.found, file.policy):
                _log.warning("%s", sentence)

        def put_in_force() -> None:
            self.current, self.existed = file.policy, file.exists

        return put_in_force


def policy_path(configuration: Configuration) -> tuple[Path, bool]:
    """The policy's file, and whether the configuration names it; otherwise it may be missing."""
    named = configuration.settings.policy
    if named is not None:
        return expand_path("TASKHAND_POLICY", named), True
    return configuration.file.path.with_name("policy.toml"), False


def configured_person(configuration: Configuration) -> Person | None:
    """The caller on transports without authentication; OperatorError for an id that no policy can name."""
    given = configuration.settings.person
    if given is None:
        return None
    from taskhand.domain.person_id import flaw_of_person

    if (flaw := flaw_of_person(given.strip())) is not None:
        raise OperatorError(
            f"TASKHAND_PERSON {given[:60]!r} is not a person: {flaw}.",
            next_step="Set it to the e-mail address or id that the policy and the keys have.",
        )
    return Person.parse(given)


def read_policy(configuration: Configuration, *, must_exist: bool = False) -> "PolicyFile":
    """The policy file.

    OperatorError names the key and the file of an error. A file that the configuration names must exist.
    """
    from taskhand.config.policy_file import read_policy_file
    from taskhand.server.offered_tools import select_names
    from taskhand.server.tools import tool_table

    connections = configuration.connection_names
    table = tool_table(several=len(connections) > 1)
    path, is_named = policy_path(configuration)
    return read_policy_file(
        path,
        must_exist=is_named or must_exist,
        connections=connections,
        select_tools=lambda chosen, called: select_names(table, chosen, called),
    )


def check_policy(configuration: Configuration) -> CheckResult:
    """A summary of the policy file, or its error."""
    try:
        file, person = read_policy(configuration), configured_person(configuration)
    except OperatorError as error:
        return CheckResult("policy", "failed", error.message, error.next_step or "Correct the policy file.")
    if file.writable_by_others:
        return CheckResult("policy", "warning", *warn_of_writers(file.path))
    return CheckResult("policy", "ok", _describe_policy(file, person))


def _describe_policy(file: "PolicyFile", person: Person | None) -> str:
    """The persons and groups with rules; `person` is the caller without authentication."""
    if not file.exists:
        return f"Everyone may do everything: there is no {file.path}."
    policy = file.policy
    tables = ["everyone"] if policy.everyone else []
    tables += [f"{len(policy.groups)} {'group' if len(policy.groups) == 1 else 'groups'}"] if policy.groups else []
    tables += [f"{len(policy.people)} {'person' if len(policy.people) == 1 else 'people'}"] if policy.people else []
    owner = f"those of {person.id}" if person else "those for everyone, because TASKHAND_PERSON is not set"
    return (
        f"{file.path} has rules for {', '.join(tables) or 'nobody'}. Over standard input and output they are {owner}."
    )


def warn_of_writers(path: Path) -> tuple[str, str]:
    """The warning about a file that others may write, and the remedy."""
    import shlex

    return f"Other users of this machine can write {path}.", f"Run: chmod go-w {shlex.quote(str(path))}"

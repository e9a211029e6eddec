"""The entry that `taskhand install` writes: built, started once, kept in the keyring, printed."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from taskhand.backends.registry import find_factory
from taskhand.cli.install_questions import InstallOptions, Questions, refuse_unusable
from taskhand.cli.terminal import print_line, print_lines
from taskhand.config import credentials
from taskhand.config.environment_variables import is_secret_variable
from taskhand.config.settings import BackendName, Settings
from taskhand.domain.errors import CallerError, OperatorError
from taskhand.install import Host
from taskhand.install.credential_storage import EntryVariables, KeyStore, build_environment, choose_store
from taskhand.install.entry_check import run_entry
from taskhand.install.installed_program import check_lasting, find_installation
from taskhand.install.known_entries import KnownEntry, find_known_entries, this_machine
from taskhand.install.launch_command import Launch, launch_by_interpreter
from taskhand.install.server_entry import MASK, WantedEntry, add_server, is_plain_key, is_reference

__all__ = [
    "build_entry",
    "check_entry",
    "choose_key_store",
    "keep_in_keyring",
    "needed_extra",
    "print_entry",
    "show_by_hand",
]

_YOUR_KEY = "your key"


def build_entry(request: InstallOptions, current: Mapping[str, object]) -> tuple[EntryVariables, WantedEntry]:
    """The entry to write, and its variables. `current` is the entry as it is."""
    env = current.get("env", {})
    inherited = _inherited_settings(request)
    given = {**({} if request.project else inherited), **request.variables}
    present = {**(env if isinstance(env, dict) else {}), **given}
    if request.me is not None:
        _check_me_option(request.backend)
    _print_inherited(request, inherited)
    questions = Questions(request, {**inherited, **present})
    made = build_environment(
        request.host, request.backend, choose_key_store(request), present=present, answer=questions
    )
    questions.check_key()
    questions.tell_connections()
    call = {} if "TASKHAND_CALL_S" in present else request.host.call_variables
    made.variables |= {**call, **given}
    _check_values(made)
    # A file that a team shares has the command's name, because its path differs between members.
    launch = Launch(env=made.variables) if request.project else launch_by_interpreter(sys.executable, made.variables)
    return made, WantedEntry(replace(launch, forwarded=made.forwarded), made.inputs, made.forget)


def _check_me_option(backend: BackendName | None) -> None:
    """CallerError if `me` cannot be chosen."""
    if backend is None:
        raise CallerError("--me needs --backend, whose members it chooses from.")
    factory = find_factory(backend)
    if factory.me_variable:
        return
    if factory.credentials:
        raise CallerError(
            f"--me chooses nobody on {factory.title}: `me` is the owner of the key there.",
            next_step="Leave --me out, or give the key of another person.",
        )
    raise CallerError(
        f"--me has no effect with {factory.title}: `me` is its first member.",
        next_step="Leave --me out. `--set TASKHAND_USER=NAME` names the first member of a new store.",
    )


def _inherited_settings(request: InstallOptions) -> dict[str, str]:
    """The CRM's settings in this command's environment that no question asks for, such as its base URL."""
    if request.backend is None:
        return {}
    factory = find_factory(request.backend)
    names = [Settings.variable(name) for name in factory.settings.model_fields if name not in factory.credentials]
    inherited = {name: value for name in names if (value := os.environ.get(name, "").strip())}
    return {name: value for name, value in inherited.items() if name not in {*factory.questions, *request.variables}}


def _print_inherited(request: InstallOptions, inherited: Mapping[str, str]) -> None:
    """Say which settings of the environment are used: in the entry, or only in the checks of a shared entry."""
    for name in inherited if not request.project or request.checks else ():
        use = " for the checks; it is not written to the shared file" if request.project else ""
        print_line(f"{name} is taken from the environment{use}.", err=True)


def choose_key_store(request: InstallOptions) -> KeyStore:
    """The storage of keys: the requested one, else the best that this machine offers."""
    return choose_store(request.host, request.store, project=request.project, keyring=credentials.find_keyring())


def needed_extra(request: InstallOptions) -> str:
    """The extra of the package that a permanent installation needs."""
    return "[keyring]" if request.backend not in {None, "local"} and choose_key_store(request) == "keyring" else ""


def _check_values(made: EntryVariables) -> None:
    """OperatorError, which names the variable, for values that the server would refuse at its start."""
    given = made.variables
    refuse_unusable({name: value for name, value in given.items() if not is_reference(value) and value != MASK})


def check_entry(request: InstallOptions, entry: Mapping[str, object]) -> None:
    """Start the entry as the host will. OperatorError if it does not start, or a fatal check fails."""
    if not request.checks:
        return
    if request.project and shutil.which("taskhand") is None:
        command = find_installation().install_command()
        print_line(f"! `taskhand` is not on your PATH, so the entry does not start here: {command}", err=True)
        return
    if request.project:
        env = entry.get("env")
        entry = {**entry, "env": {**_inherited_settings(request), **(env if isinstance(env, dict) else {})}}
    report = run_entry(request.host, entry, os.environ, is_ours=not request.project)
    if fatal := report.fatal:
        raise OperatorError(
            f"The entry would not work, so nothing is written. {' '.join(finding.found for finding in fatal)}",
            next_step=" ".join(dict.fromkeys(finding.remedy for finding in fatal if finding.remedy)),
        )
    for finding in report.failed:
        print_line(f"! {finding.subject}: {finding.found} {finding.remedy or ''}".rstrip(), err=True)
    if report.missing:
        print_line(f"{request.host.name} gives {', '.join(report.missing)} to the server when it starts it.", err=True)
    print_line(f"The entry starts: {report.start.found}", err=request.prints)


@contextmanager
def keep_in_keyring(request: InstallOptions, made: EntryVariables) -> Iterator[None]:
    """Store the keys in the keyring; restore the previous ones if the body raises."""
    with credentials.keep_credentials({} if request.dry_run else made.for_keyring) as before:
        yield
    for name, former in before.items():
        print_line(f"{name} is stored in the system keyring (service {credentials.SERVICE}).", err=request.prints)
        users = [
            str(entry)
            for entry in find_known_entries()
            if isinstance(entry, KnownEntry) and name in entry.keyring_names
        ]
        if former not in {None, made.for_keyring[name]} and len(users) > 1:
            print_line(f"! {', '.join(users)} use this key now. For another account, give a --name.", err=True)


def print_entry(request: InstallOptions) -> None:
    """Print only the entry on standard output; its keys are in the keyring, or left for the person to fill in."""
    check_lasting(find_installation(), this_machine().home, needed_extra(request))
    if not request.checks and _lacks_key(request):
        request = replace(request, dry_run=True, store="file")
    made, wanted = build_entry(request, {})
    with keep_in_keyring(request, made):
        if not request.dry_run:
            _check_printed(request, wanted.launch)
    _print_block(request.host, wanted)


def _lacks_key(request: InstallOptions) -> bool:
    """Whether the entry or the keyring needs a key that this command's environment does not have."""
    if request.backend is None or choose_key_store(request) not in {"keyring", "file"}:
        return False
    keys = [question for question in find_factory(request.backend).questions if is_secret_variable(question)]
    return not all(os.environ.get(key, "").strip() for key in keys)


def _check_printed(request: InstallOptions, launch: Launch) -> None:
    """Start an entry that is only printed, on a temporary store if it names none."""
    with tempfile.TemporaryDirectory(prefix="taskhand-") as folder:
        env = {"TASKHAND_DB": os.path.join(folder, "tasks.sqlite"), **launch.env}  # noqa: PTH118  text
        check_entry(request, request.host.entry(replace(launch, env=env)))


def show_by_hand(request: InstallOptions) -> None:
    """Print the entry without questions and without keys, for a file that cannot be changed."""
    _, wanted = build_entry(replace(request, dry_run=True), {})
    print_line("The entry, to be added by hand:")
    _print_block(request.host, wanted)


def _print_block(host: Host, entry: WantedEntry) -> None:
    """Print a whole file that contains only the entry, without keys."""
    plain = {name: _YOUR_KEY for name, value in entry.launch.env.items() if is_plain_key(name, value) or value == MASK}
    launch = replace(entry.launch, env={**entry.launch.env, **plain})
    print_lines(add_server("", host, replace(entry, launch=launch)).splitlines())
    if plain:
        print_line(f"Put your key in place of `{_YOUR_KEY}`.", err=True)

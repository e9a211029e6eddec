"""The command `taskhand config`: the effective settings, and where each value comes from."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from taskhand.cli.terminal import print_json, print_lines
from taskhand.config.configuration import Configuration
from taskhand.config.connections import DEFAULT
from taskhand.config.file import key_of
from taskhand.config.settings import Settings
from taskhand.domain.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["CONFIGURATION", "config", "setting_rows"]

CONFIGURATION = "taskhand.config.configuration"
"""The key in `click.Context.meta` of the Configuration, or of the OperatorError that prevented it."""

_WIDEST = 56


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def config(context: click.Context, *, as_json: bool) -> None:
    """Show the effective settings, and where each comes from.

    That is a flag, a variable, the configuration file or a default. A flag overrides a variable, and a variable
    overrides the configuration file. A secret is shown as "set".
    """
    found: Configuration = context.meta[CONFIGURATION]
    if as_json:
        print_json(_to_json(found))
        return
    print_lines(_lines(found))


def setting_rows(found: Configuration) -> list[dict[str, Any]]:
    """Every setting: its `variable`, its `key` in the file, its `value` as text, and its `origin`.

    TASKHAND_CONFIG has no key: the file cannot name itself.
    """
    effective = _effective(found)
    return [
        {
            "variable": Settings.variable(name),
            "key": None if name == "config" else key_of(Settings.variable(name)),
            "value": effective.get(name) or found.display_value(name),
            "secret": Settings.is_secret(name),
            "origin": str(found.origins.get(name, DEFAULT)),
        }
        for name in Settings.model_fields
    ]


def _to_json(found: Configuration) -> dict[str, Any]:
    from taskhand.cli.policy import check_policy

    backend, why = _backend(found)
    return {
        "backend": backend,
        "why": why,
        "file": {"path": str(found.file.path), "found": found.file.there},
        "policy": asdict(check_policy(found)),
        "settings": setting_rows(found),
        "warnings": _warnings(found),
    }


def _lines(found: Configuration) -> "Iterator[str]":
    from taskhand.cli.policy import check_policy

    (backend, why), policy = _backend(found), check_policy(found)
    yield f"backend  {backend or 'none'}: {why}"
    yield f"file     {found.file.path}{'' if found.file.there else ' (not there)'}"
    yield f"policy   {policy.found}"
    yield ""
    rows = [("setting", "value", "origin")]
    rows += [(row["variable"], row["value"] or "-", row["origin"]) for row in setting_rows(found)]
    first = max(len(row[0]) for row in rows)
    second = min(_WIDEST, max(len(row[1]) for row in rows))
    yield from (f"{name:{first}}  {value:{second}}  {origin}" for name, value, origin in rows)
    warnings = _warnings(found)
    warnings += [{"found": policy.found, "remedy": policy.remedy}] if policy.remedy else []
    for warning in warnings:
        yield f"! {warning['found']}"
        yield f"    {warning['remedy']}"


def _backend(found: Configuration) -> tuple[str | None, str]:
    """The backend, None where none can be chosen, and the reason."""
    try:
        return found.settings.backend, f"{found.why}."
    except OperatorError as error:
        return None, error.message


def _warnings(found: Configuration) -> list[dict[str, str | None]]:
    """The warnings about the configuration, and what a start would refuse."""
    warnings = [{"found": one.found, "remedy": one.remedy} for one in found.warnings]
    return warnings + [{"found": error.message, "remedy": error.next_step} for error in _refusals(found.settings)]


def _refusals(settings: Settings) -> "Iterator[OperatorError]":
    """The errors with which the server would refuse these settings, each once."""
    from taskhand.server.offered_tools import choose_tools
    from taskhand.server.tools import TOOLS
    from taskhand.wiring import journal_path, keys_path, store_path

    told = set()
    checks: tuple[Callable[[], object], ...] = (
        lambda: settings.backend,
        lambda: store_path(settings),
        lambda: journal_path(settings),
        lambda: keys_path(settings),
        lambda: choose_tools(TOOLS, settings.tools, only_reads=settings.read_only),
    )
    for check in checks:
        try:
            check()
        except OperatorError as error:
            if error.message not in told:
                told.add(error.message)
                yield error


def _effective(found: Configuration) -> dict[str, str | None]:
    """The effective values of settings whose defaults depend on other settings."""
    from taskhand.wiring import journal_path, keys_path, store_path

    return {
        "chosen_backend": _backend(found)[0],
        "db": _path(store_path, found.settings),
        "journal": _path(journal_path, found.settings),
        "keys": _path(keys_path, found.settings),
        "config": str(found.file.path),
    }


def _path(of: "Callable[[Settings], Path]", settings: Settings) -> str | None:
    """The path of a file; None where it cannot be resolved, and the value is shown as it was given."""
    try:
        return str(of(settings))
    except OperatorError:
        return None

"""Test files that are compiled once before the workers start: each worker would compile all of them by itself.

pytest rewrites the asserts of a test file, which takes most of the time of a first collection.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from os import sched_getaffinity
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import PYC_TAIL, _rewrite_test, _write_pyc, assertstate_key, get_cache_dir

__all__ = ["compile_tests"]

_FEW = 50
"""So many are compiled by each worker just as well."""


def compile_tests(config: pytest.Config) -> None:
    """Compile those of this run that have changed, on all processors."""
    if sys.platform != "linux":
        return
    changed = [path for path in _test_files(config) if _is_older(_compiled(path), path)]
    if len(changed) <= _FEW:
        return
    processors = len(sched_getaffinity(0))
    fork = get_context("fork")
    shares = [fork.Process(target=_compile, args=(config, changed[start::processors])) for start in range(processors)]
    for share in shares:
        share.start()
    for share in shares:
        share.join()


def _test_files(config: pytest.Config) -> Iterator[Path]:
    for argument in config.args:
        path = config.invocation_params.dir / argument.partition("::")[0]
        yield from path.rglob("test_*.py") if path.is_dir() else [path]


def _compiled(path: Path) -> Path:
    return get_cache_dir(path) / (path.stem + PYC_TAIL)


def _is_older(compiled: Path, path: Path) -> bool:
    return not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime


def _compile(config: pytest.Config, paths: Sequence[Path]) -> None:
    for path in paths:
        with suppress(SyntaxError):  # which the worker that collects the file reports
            stat, code = _rewrite_test(path, config)
            target = _compiled(path)
            target.parent.mkdir(exist_ok=True)
            _write_pyc(config.stash[assertstate_key], code, stat, target)

"""Detects the pytest plugin that runs an async test: the server's fixture must run in the test's event loop.

The plugin imports this module, and pytest imports the plugin in every project: import nothing heavy at its top.
"""

from collections.abc import AsyncIterator, Callable
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any, Final

import pytest

__all__ = ["ANYIO_FIXTURE", "fixture_of_test", "fixtures_for_asyncio"]

ANYIO_FIXTURE: Final = "_taskhand_on_anyio"
_SCOPES: Final = ("function", "class", "module", "package", "session")


def fixture_of_test(request: pytest.FixtureRequest) -> str:
    """The name of the fixture that opens the server in the event loop of the test; fails the test without one.

    anyio's plugin runs a test that uses the fixture `anyio_backend`. pytest-asyncio runs a test with the mark
    `asyncio`, or every async test in the mode "auto".
    """
    if not _is_async(request.function):
        return _fail("The fixture `taskhand` is for async tests.", "In any other test, use `taskhand_open`.")
    is_asyncio, is_anyio = _is_run_by_asyncio(request), "anyio_backend" in request.fixturenames
    if is_asyncio and is_anyio:
        return _fail(
            "Both pytest-asyncio and anyio would run this test, each in an event loop of its own.",
            "Remove the mark `anyio` and the setting `anyio_mode`, or set `asyncio_mode = strict` and remove the mark "
            "`asyncio`.",
        )
    if is_asyncio:
        return _asyncio_name(_loop_scope(request))
    if is_anyio:
        backend = request.getfixturevalue("anyio_backend")
        if (backend if isinstance(backend, str) else backend[0]) != "asyncio":
            return _fail(
                "Taskhand's server runs on asyncio, and this test runs on trio.",
                'Let the fixture `anyio_backend` return "asyncio".',
            )
        return ANYIO_FIXTURE
    if request.node.get_closest_marker("trio"):
        return _fail(
            "Taskhand's server runs on asyncio, and this test runs on trio.", "Mark the test with `anyio` instead."
        )
    return _fail(
        "No plugin runs this async test.",
        "Mark it with `@pytest.mark.anyio`, which is installed with Taskhand, or install pytest-asyncio and mark it "
        "with `@pytest.mark.asyncio`.",
    )


def fixtures_for_asyncio(
    asyncio_plugin: Any, opened: Callable[[pytest.FixtureRequest], AsyncIterator[object]]
) -> ModuleType:
    """A plugin with a fixture for each loop scope of pytest-asyncio, so that the server opens in the test's loop."""
    module = ModuleType("taskhand_on_asyncio")
    for scope in _SCOPES:

        async def fixture(request: pytest.FixtureRequest) -> AsyncIterator[object]:
            async for bench in opened(request):
                yield bench

        setattr(module, _asyncio_name(scope), asyncio_plugin.fixture(loop_scope=scope)(fixture))
    return module


def _is_async(function: Any) -> bool:
    """Whether the test, or the function that hypothesis wraps, is async."""
    return iscoroutinefunction(getattr(getattr(function, "hypothesis", None), "inner_test", function))


def _is_run_by_asyncio(request: pytest.FixtureRequest) -> bool:
    config = request.config
    if not config.pluginmanager.has_plugin("asyncio"):
        return False
    mode = config.getoption("asyncio_mode", None) or config.getini("asyncio_mode")
    return mode == "auto" or request.node.get_closest_marker("asyncio") is not None


def _loop_scope(request: pytest.FixtureRequest) -> str:
    mark = request.node.get_closest_marker("asyncio")
    scope = mark.kwargs.get("loop_scope") if mark else None
    return str(scope or request.config.getini("asyncio_default_test_loop_scope") or "function")


def _asyncio_name(scope: str) -> str:
    return f"_taskhand_on_asyncio_{scope}"


def _fail(problem: str, remedy: str) -> str:
    pytest.fail(f"{problem} {remedy}", pytrace=False)

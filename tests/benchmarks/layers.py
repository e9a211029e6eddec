"""The time of profiled functions by layer: which library, or which part of Taskhand, a call spends it in."""

from collections.abc import Iterator, Mapping
from typing import Final

__all__ = ["Stats", "layer_table"]

_Function = tuple[str, int, str]
Stats = Mapping[_Function, tuple[int, int, float, float, Mapping[_Function, tuple[int, int, float, float]]]]
"""The rows of `pstats`: of each function its calls, its own time, the time with what it calls, and its callers."""

_LAYERS: Final = {
    "taskhand/server/transports/": "Taskhand: HTTP and stdio",
    "taskhand/server/render/": "Taskhand: answers",
    "taskhand/server/": "Taskhand: tools and their arguments",
    "taskhand/service/": "Taskhand: use cases",
    "taskhand/journal/": "Taskhand: the journal",
    "taskhand/sqlite/": "Taskhand: SQLite files",
    "taskhand/backends/": "Taskhand: the backend",
    "taskhand/": "Taskhand: values, HTTP to the CRM",
    "/mcp/": "the MCP library",
    "/mcp_types/": "the MCP library",
    "/opentelemetry/": "the MCP library",
    "/pydantic": "pydantic",
    "/uvicorn/": "uvicorn, h11 and Starlette",
    "/h11/": "uvicorn, h11 and Starlette",
    "/starlette/": "uvicorn, h11 and Starlette",
    "/httpcore": "the HTTP client",
    "/httpx": "the HTTP client",
    "/anyio/": "asyncio and anyio",
    "/asyncio/": "asyncio and anyio",
    "/selectors.py": "asyncio and anyio",
}
"""By a part of a file's path; the first that fits counts. What is in none of them is other Python."""


def layer_table(stats: Stats, waiting: tuple[str, ...], calls: int) -> str:
    """The share of each layer in the time, and its function calls in one call; `waiting` are functions that only wait.

    What a function of C takes counts for the layer that calls it.
    """
    times: dict[str, float] = {}
    counts: dict[str, int] = {}
    for layer, count, seconds in _by_caller(stats, waiting):
        times[layer] = times.get(layer, 0.0) + seconds
        counts[layer] = counts.get(layer, 0) + count
    total = sum(times.values())
    rows = [
        f"| {layer} | {times[layer] / total:.0%} | {counts[layer] / calls:,.0f} |"
        for layer in sorted(times, key=lambda one: -times[one])
    ]
    return "\n".join(["| layer | share | function calls |", "| --- | --- | --- |", *rows])


def _by_caller(stats: Stats, waiting: tuple[str, ...]) -> Iterator[tuple[str, int, float]]:
    """The layer, the number of calls and the own seconds of each function; of one of C, for each of its callers."""
    for function, (_, count, own, _, callers) in stats.items():
        if any(word in function[2] for word in waiting):
            continue
        if function[0] != "~" or not callers:
            yield _layer(function), count, own
            continue
        for caller, (_, times, seconds, _) in callers.items():
            yield _layer(caller), times, seconds


def _layer(function: _Function) -> str:
    return next((layer for part, layer in _LAYERS.items() if part in function[0]), "other Python")

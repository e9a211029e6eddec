"""The goals by name. The first part of a name is the measurement that the value comes from."""

from typing import Final

from benchmarks.figure import Goal
from server.token_limits import CORE, WITH_OUTPUT

__all__ = ["GOALS"]

_BARE = "a bare one-tool `MCPServer`"
_FASTMCP = "the same in `fastmcp`"

GOALS: Final = {
    "start_up time": Goal("spawn to `tools/list` over stdio: time", _BARE, "<=", 1.12),
    "start_up memory": Goal("the same: peak memory", _BARE, "<=", 1.25),
    "start_up time, fastmcp": Goal("the same: time", _FASTMCP, "<", 1.0),
    "start_up memory, fastmcp": Goal("the same: peak memory", _FASTMCP, "<", 1.0),
    "vambe_update": Goal("one `update_task` on Vambe, read before", "a bare tool making the same PUT", "<=", 1.2),
    "store_update": Goal("one `update_task` on the built-in store", "a bare tool doing the same SQL", "<=", 1.35),
    "bulk vambe": Goal("1,000 tasks in one call on Vambe", "the rate limit", ">=", 95, "%"),
    "bulk close": Goal("1,000 tasks in one call on Close", "one request for each", "<=", 60, "requests"),
    "bulk hubspot": Goal("1,000 tasks in one call on HubSpot", "one request for each", "<=", 30, "requests"),
    "large_store": Goal("`list_tasks` on 1,000,000 tasks of the store, the worst", "itself on 1,000", "<=", 2.0),
    "large_store_postgres": Goal("the same in PostgreSQL, the worst", "itself on 1,000", "<=", 2.0),
    "http_calls": Goal("calls a second over HTTP, 1 to 64 clients: the worst", "a bare no-op tool", ">=", 0.75),
    "tokens tools": Goal("tokens of the tool list", "the smallest typed peer's", "<", 1.0),
    "tokens page": Goal("tokens of a page of 25 tasks", "the smallest typed peer's", "<", 1.0),
    "tokens write": Goal("tokens of a write's answer", "the smallest typed peer's", "<", 1.0),
    "tokens core": Goal("tokens of the core of the tool list", "the budget", "<=", CORE, "tokens"),
    "tokens whole list": Goal("tokens of the whole tool list", "the budget", "<=", WITH_OUTPUT, "tokens"),
    "tokens whole page": Goal("tokens of a page of 25, text and structure", "the budget", "<=", 2_000, "tokens"),
    "tokens whole write": Goal("tokens of a write's answer, text and structure", "the budget", "<=", 240, "tokens"),
    "board page": Goal("the page of the board", "the budget", "<=", 20_000, "bytes"),
    "board tokens": Goal("tokens of the tool list with the board", "without it", "<=", 1.0),
    "memory local": Goal("memory after 10,000 calls, built-in store", "after 100 calls", "<=", 1.05),
    "memory vambe": Goal("memory after 10,000 calls, Vambe", "after 100 calls", "<=", 1.05),
    "instructions": Goal("instructions of the pure parts: the worst", "those on record", "<=", 1.05),
}

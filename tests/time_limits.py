"""The limit of the waits in all tests. It only ends a wait that would never end: no test measures a time by it."""

__all__ = ["BOUND_S"]

BOUND_S = 60.0

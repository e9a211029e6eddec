"""Vambe's tasks over its public HTTP API (https://docs.vambe.me/reference/tasks)."""

"""Vambe's public API as a local server: its documentation made playable, in each reading it allows."""

from taskhand.sandbox.vambe.reading import Reading
from taskhand.sandbox.vambe.sandbox import VambeSandbox

__all__ = ["Reading", "VambeSandbox"]

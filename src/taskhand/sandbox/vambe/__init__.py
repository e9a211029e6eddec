"""Vambe's public API as a local server: its documentation made playable, in each reading it allows."""

from taskhand.sandbox.vambe.sandbox import VambeSandbox
from taskhand.sandbox.vambe.spec_variant import SpecVariant

__all__ = ["SpecVariant", "VambeSandbox"]

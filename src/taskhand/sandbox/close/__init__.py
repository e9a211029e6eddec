"""Close's API for tasks as a local server, in each behaviour that its documentation allows."""

from taskhand.sandbox.close.sandbox import CloseSandbox
from taskhand.sandbox.close.spec_variant import SpecVariant

__all__ = ["CloseSandbox", "SpecVariant"]

"""Close's API, as far as a task client goes, as a local server: its record made playable, in each reading."""

from taskhand.sandbox.close.sandbox import CloseSandbox
from taskhand.sandbox.close.spec_variant import SpecVariant

__all__ = ["CloseSandbox", "SpecVariant"]

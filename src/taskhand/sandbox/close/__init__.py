"""Close's API, as far as a task client goes, as a local server: its record made playable, in each reading."""

from taskhand.sandbox.close.reading import Reading
from taskhand.sandbox.close.sandbox import CloseSandbox

__all__ = ["CloseSandbox", "Reading"]

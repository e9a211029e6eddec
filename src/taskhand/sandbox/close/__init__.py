"""Close's API for tasks as a local server, in each behaviour that its documentation allows."""

from taskhand.sandbox.close.sandbox import CloseSandbox
from taskhand.sandbox.close.spec_variant import SpecVariant
from taskhand.sandbox.factory import Served

__all__ = ["SERVED", "CloseSandbox", "SpecVariant"]

SERVED = Served(
    "api_close-sandbox-key", lambda key, **options: CloseSandbox(key=key, **options), SpecVariant, path="/api/v1"
)

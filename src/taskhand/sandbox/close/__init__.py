"""Close's API for tasks as a local server, in each behaviour that its documentation allows."""

from taskhand.sandbox.close.sandbox import CloseSandbox
from taskhand.sandbox.close.spec_variant import SpecVariant
from taskhand.sandbox.factory import CrmSandbox

__all__ = ["SERVED", "CloseSandbox", "SpecVariant"]

SERVED = CrmSandbox(
    "api_close-sandbox-key", lambda key, **options: CloseSandbox(key=key, **options), SpecVariant, path="/api/v1"
)

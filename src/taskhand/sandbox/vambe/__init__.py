"""Vambe's public API as a local server, in each behaviour that its documentation allows."""

from taskhand.sandbox.factory import CrmSandbox
from taskhand.sandbox.vambe.sandbox import VambeSandbox
from taskhand.sandbox.vambe.spec_variant import SpecVariant

__all__ = ["SERVED", "SpecVariant", "VambeSandbox"]

SERVED = CrmSandbox("vambe-sandbox-key", lambda key, **options: VambeSandbox(key=key, **options), SpecVariant)

"""The tests that cannot pass on a CRM are skipped there with the reason."""

import pytest

from safety.sandboxed_crm import SandboxedCrm


@pytest.fixture(autouse=True)
def skip_gaps(request: pytest.FixtureRequest) -> None:
    """Skip a test that is one of its CRM's gaps."""
    callspec = getattr(request.node, "callspec", None)
    crm = callspec and callspec.params.get("crm")
    if isinstance(crm, SandboxedCrm) and (reason := crm.gaps.get(request.function.__name__)):
        pytest.skip(reason)

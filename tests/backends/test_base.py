"""The methods that a class of the backend protocols must have."""

import pytest

from taskhand.backends.base import Account, Backend
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.remote.account import CrmAccount


@pytest.mark.parametrize(
    ("complete", "protocol", "name"),
    [
        (LocalBackend, Backend, "get_task"),
        (LocalBackend, Backend, "aclose"),
        (LocalBackend, Account, "members"),
        (CrmAccount, Account, "check_health"),
    ],
)
def test_a_backend_class_without_a_required_method_cannot_be_instantiated(
    complete: type, protocol: type, name: str
) -> None:
    incomplete = type("Incomplete", (complete,), {name: vars(protocol)[name]})
    with pytest.raises(TypeError, match=rf"abstract .*\b{name}\b"):
        incomplete()

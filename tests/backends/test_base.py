"""The methods that a class of the backend protocols must have."""

import pytest

from taskhand.backends.base import Account, Backend, BulkProgress
from taskhand.backends.local.backend import LocalBackend
from taskhand.backends.local.people_and_statuses import LocalAccount
from taskhand.backends.remote.account import CrmAccount
from taskhand.domain.errors import CallerError, NotAttempted


@pytest.mark.parametrize(
    ("complete", "protocol", "name"),
    [
        (LocalBackend, Backend, "get_task"),
        (LocalBackend, Backend, "aclose"),
        (LocalAccount, Account, "members"),
        (CrmAccount, Account, "check_health"),
    ],
)
def test_a_backend_class_without_a_required_method_cannot_be_instantiated(
    complete: type, protocol: type, name: str
) -> None:
    incomplete = type("Incomplete", (complete,), {name: vars(protocol)[name]})
    with pytest.raises(TypeError, match=rf"abstract .*\b{name}\b"):
        incomplete()


def test_all_updates_that_a_stop_left_unsent_have_the_same_error() -> None:
    progress = BulkProgress()
    first, second = (progress.heed(NotAttempted(why)) for why in ("No time is left.", "No turn came."))
    assert first is second is progress.stopped
    assert progress.is_out_of_time
    refused = CallerError("No.")
    assert progress.heed(refused) is refused

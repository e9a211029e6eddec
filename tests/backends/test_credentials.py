"""The credential of each CRM: the header that carries it, and the refusal of a backend without one."""

from base64 import b64encode
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from taskhand.backends.close.auth import credential as of_close
from taskhand.backends.hubspot.auth import credential as of_hubspot
from taskhand.backends.vambe.auth import credential as of_vambe
from taskhand.domain.errors import OperatorError

Credential = tuple[str, dict[str, str]]
KEY, NONE = SecretStr("key-4711"), SecretStr("")


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (of_vambe(KEY), ("VAMBE_API_KEY", {"x-api-key": "key-4711"})),
        (of_hubspot(KEY), ("HUBSPOT_ACCESS_TOKEN", {"authorization": "Bearer key-4711"})),
        (of_close(None, KEY), ("CLOSE_ACCESS_TOKEN", {"authorization": "Bearer key-4711"})),
        (of_close(KEY, None), ("CLOSE_API_KEY", {"authorization": f"Basic {b64encode(b'key-4711:').decode()}"})),
    ],
)
def test_each_crm_gets_its_credential_in_the_documented_header(made: Credential, expected: Credential) -> None:
    assert made == expected


@pytest.mark.parametrize("none", [None, NONE])
@pytest.mark.parametrize(
    ("make", "variable"),
    [
        (of_vambe, "VAMBE_API_KEY"),
        (of_hubspot, "HUBSPOT_ACCESS_TOKEN"),
        (lambda none: of_close(none, none), "CLOSE_API_KEY"),
    ],
)
def test_a_crm_without_a_credential_is_refused_with_the_variable_to_set(
    make: Callable[[SecretStr | None], Credential], variable: str, none: SecretStr | None
) -> None:
    with pytest.raises(OperatorError, match=f"{variable}.* set") as missing:
        make(none)
    assert missing.value.code == "unauthorized"
    assert str(missing.value.next_step).startswith(f"Set {variable}")


def test_two_credentials_of_close_are_refused_because_they_may_be_of_different_people() -> None:
    with pytest.raises(OperatorError, match="both set") as both:
        of_close(KEY, KEY)
    assert both.value.code == "unauthorized"

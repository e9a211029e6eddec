"""Which forms come from a page of this server."""

import pytest
from starlette.datastructures import Headers

from taskhand.server.linking.csrf_cookie import is_cross_site

BASE = "https://tasks.example.com"


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),
        ({"origin": "null"}, False),  # browsers send it from a page without a referrer
        ({"origin": BASE}, False),
        ({"origin": BASE, "sec-fetch-site": "same-origin"}, False),
        ({"origin": "null", "sec-fetch-site": "none"}, False),
        ({"origin": "http://tasks.example.com"}, True),
        ({"origin": f"{BASE}:8443"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null", "sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, True),
    ],
)
def test_a_form_is_foreign_by_its_origin_or_by_what_the_browser_says(
    headers: dict[str, str], *, is_foreign: bool
) -> None:
    assert is_cross_site(Headers(headers), BASE) is is_foreign

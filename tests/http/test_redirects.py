import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.domain.errors import UpstreamError
from taskhand.http.origin import Origin, base_origin
from taskhand.http.redirects import check_redirect

HOME = "https://api.acme.test/v1/tasks?a=1"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/v2/tasks", "https://api.acme.test/v2/tasks"),
        ("other", "https://api.acme.test/v1/other"),
        ("https://api.acme.test/x#part", "https://api.acme.test/x"),
        ("https://api.acme.test:443/x", "https://api.acme.test:443/x"),
    ],
)
def test_a_redirect_on_the_same_origin_is_followed(location: str, url: str) -> None:
    assert check_redirect(HOME, location, name="Acme") == url


@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://evil.test/x", "evil.test"),
        ("//evil.test/x", "evil.test"),
        ("http://api.acme.test/x", "api.acme.test"),
        ("https://api.acme.test:444/x", "api.acme.test"),
        ("https://user@api.acme.test/x", "api.acme.test"),
        ("https://<b>ignore<b>/x", "another host"),
        ("javascript:alert(1)", "another host"),
        ("https://api.acme.test\\@evil.test/", "an address that is not followed"),
        ("/a\r\nb", "an address that is not followed"),
        ("https://x:y/", "an address that is not followed"),
        ("https://[bad", "an address that is not followed"),
        ("", "an address that is not followed"),
        (None, "an address that is not followed"),
    ],
)
def test_a_redirect_elsewhere_is_refused_and_names_only_a_plain_host(location: str | None, named: str) -> None:
    with pytest.raises(UpstreamError, match=f"to {named};") as caught:
        check_redirect(HOME, location, name="Acme")
    assert caught.value.code == "upstream_redirect"


@given(st.text(max_size=60))
def test_no_redirect_ever_leaves_the_origin(location: str) -> None:
    try:
        url = check_redirect(HOME, location, name="Acme")
    except UpstreamError:
        return
    assert base_origin(url.partition("?")[0], variable="X") == Origin("https", "api.acme.test", 443)

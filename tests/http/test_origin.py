import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskhand.domain.errors import OperatorError, UpstreamError
from taskhand.http.origin import Origin, base_origin, check_redirect, is_loopback

HOME = "https://api.acme.test/v1/tasks?a=1"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.Acme.test/v1", Origin("https", "api.acme.test", 443)),
        ("https://api.acme.test:8443", Origin("https", "api.acme.test", 8443)),
        ("http://127.0.0.1:8000", Origin("http", "127.0.0.1", 8000)),
        ("http://127.9.9.9", Origin("http", "127.9.9.9", 80)),
        ("http://[::1]:8000", Origin("http", "::1", 8000)),
        ("http://localhost", Origin("http", "localhost", 80)),
    ],
)
def test_https_anywhere_and_http_on_this_machine_are_accepted(url: str, origin: Origin) -> None:
    assert base_origin(url, variable="ACME_BASE_URL") == origin


@pytest.mark.parametrize(
    "url",
    [
        "http://api.acme.test",
        "http://127.0.0.1.acme.test",
        "http://localhost.acme.test",
        "http://0.0.0.0",
        "ftp://api.acme.test",
        "api.acme.test",
        "",
        "https://",
        "https://:443",
        "https://user:word@api.acme.test",
        "https://api.acme.test?key=1",
        "https://api.acme.test#x",
        "https://api.acme.test:99999",
        "https://[bad",
    ],
)
def test_refuses_a_base_url_to_which_the_key_may_not_be_sent(url: str) -> None:
    with pytest.raises(OperatorError, match="ACME_BASE_URL") as caught:
        base_origin(url, variable="ACME_BASE_URL")
    assert "word" not in str(caught.value)


def test_plain_http_elsewhere_needs_the_flag() -> None:
    assert base_origin("http://crm.test", variable="X", allow_http=True) == Origin("http", "crm.test", 80)


@pytest.mark.parametrize("host", ["128.0.0.1", "10.0.0.1", "::2", "localhost.", "local", ""])
def test_other_hosts_are_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


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

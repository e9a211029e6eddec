import pytest

from taskhand.domain.errors import OperatorError
from taskhand.http.origin import Origin, base_origin, is_loopback


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


@pytest.mark.parametrize("host", ["128.0.0.1", "10.0.0.1", "::2", "localhost.", "local", ""])
def test_only_loopback_hosts_count_as_this_machine(host: str) -> None:
    assert not is_loopback(host)

"""The route of requests, described without the password of a proxy."""

import pytest

from taskhand.http.origin import Origin, base_origin
from taskhand.http.proxy import choose_proxy, is_exempt, proxy_route_for
from taskhand.http.rate_headers import RateHeaders
from taskhand.http.rate_limiter import Headroom, Rate, RateState, headroom, with_headers, with_pause

CLOSE = "https://api.close.com/api/v1"
PROXY = "http://ana:s3cr3t@proxy.example:3128"
NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "all_proxy", "no_proxy")


@pytest.mark.parametrize(
    ("base_url", "environ", "said", "proxy"),
    [
        (CLOSE, {}, "https://api.close.com directly", None),
        (CLOSE, {"https_proxy": PROXY}, "https://api.close.com through the proxy proxy.example:3128", PROXY),
        (CLOSE, {"all_proxy": "proxy.example:1"}, "https://api.close.com through the proxy proxy.example:1", None),
        (
            CLOSE,
            {"https_proxy": PROXY, "no_proxy": "close.com"},
            "https://api.close.com directly, as NO_PROXY says",
            None,
        ),
        (CLOSE, {"http_proxy": PROXY}, "https://api.close.com directly", None),
        ("http://127.0.0.1:8010", {"all_proxy": PROXY}, "http://127.0.0.1:8010 directly", None),
        ("http://[::1]:8010", {}, "http://[::1]:8010 directly", None),
        ("https://crm.example:8443", {}, "https://crm.example:8443 directly", None),
    ],
)
def test_a_proxy_route_is_described_without_its_password(
    base_url: str, environ: dict[str, str], said: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    proxy_route = proxy_route_for(base_origin(base_url, variable="CLOSE_BASE_URL"))
    assert str(proxy_route) == said
    assert proxy is None or proxy_route.proxy == proxy
    assert "s3cr3t" not in repr(proxy_route) + str(proxy_route)


@pytest.mark.parametrize(
    ("no_proxy", "is_direct"),
    [
        ("*.close.com", True),
        ("*.api.close.com", True),
        (".close.com", True),
        ("close.com", True),
        ("API.CLOSE.COM", True),
        ("api.*.com", True),
        ("*", True),
        ("localhost, *.close.com", True),
        ("localhost *.close.com", True),
        ("'*.close.com'", True),
        ("*.close.com.", True),
        ("https://api.close.com", True),
        ("api.close.com:443", True),
        ("*.close.com:443", True),
        ("api.close.com:8443", False),
        ("lose.com", False),
        ("*lose.net", False),
        ("api.close.com.evil.test", False),
        ("10.0.0.0/8", False),
        ("", False),
        (",,", False),
    ],
)
def test_no_proxy_exempts_names_with_their_subdomains(
    no_proxy: str, *, is_direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", no_proxy)
    route = proxy_route_for(base_origin(CLOSE, variable="CLOSE_BASE_URL"))
    assert (route.proxy is None, route.is_exempt) == (is_direct, is_direct)


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [
        ("https://10.1.2.3", "10.0.0.0/8", True),
        ("https://10.1.2.3", "10.1.2.3", True),
        ("https://10.1.2.3", "10.1.*", True),
        ("https://192.168.1.1", "10.0.0.0/8", False),
        ("https://[fd00::1]", "fd00::/8", True),
        ("https://[fd00::1]:8443", "[fd00::1]:8443", True),
        ("https://[fd00::1]", "10.0.0.0/8", False),
    ],
)
def test_no_proxy_exempts_addresses_and_networks(url: str, no_proxy: str, *, is_direct: bool) -> None:
    assert is_exempt(base_origin(url, variable="CLOSE_BASE_URL"), no_proxy) is is_direct


def test_headroom_follows_the_upstreams_limit_until_its_window_ends() -> None:
    rate, told = Rate(10, 1.0), with_headers(RateState(), RateHeaders(remaining=7, reset_s=5.0), 100.0)
    assert headroom(rate, RateState(), 100.0) == Headroom(rate, ready=rate.requests)
    assert headroom(rate, told, 102.0) == Headroom(rate, 7, 3.0, ready=7)
    assert headroom(rate, told, 105.0) == Headroom(rate, ready=rate.requests)
    assert headroom(rate, with_pause(told, 30.0, 100.0), 110.0) == Headroom(rate, paused_s=20.0)


def test_headroom_follows_the_configured_rate_if_the_upstream_names_no_limit() -> None:
    rate = Rate(3, 10.0)
    state = RateState(sent=(90.0, 95.0, 99.0))
    assert [headroom(rate, state, now).ready for now in (99.5, 100.0, 105.0, 109.0)] == [0, 1, 2, 3]


def test_the_environments_proxy_is_used_for_its_scheme() -> None:
    origin = Origin("https", "api.acme.test", 443)
    assert choose_proxy(origin, {"https": "http://proxy:3128"}, bypassed=False) == "http://proxy:3128"
    assert choose_proxy(origin, {"all": "proxy:3128"}, bypassed=False) == "http://proxy:3128"
    assert choose_proxy(origin, {"http": "http://proxy:3128"}, bypassed=False) is None
    assert choose_proxy(origin, {"https": "http://proxy:3128"}, bypassed=True) is None


def test_this_machine_is_never_reached_through_a_proxy() -> None:
    assert choose_proxy(Origin("http", "127.0.0.1", 80), {"http": "http://proxy:3128"}, bypassed=False) is None

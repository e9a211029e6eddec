"""Which limits `taskhand serve --http` applies: those of one machine only if nobody else can call."""

import os
from contextlib import nullcontext

import pytest

from taskhand.cli.authentication import AuthOptions
from taskhand.cli.http_server import configure_endpoint
from taskhand.cli.serve import ListenOptions
from taskhand.config.effective_settings import load_configuration
from taskhand.domain.errors import OperatorError
from taskhand.server.transports.http_limits import HttpLimits

UNCONFIGURED = OperatorError("Nothing is configured.")
KEYS = AuthOptions(("keys",))


@pytest.mark.parametrize(
    ("host", "names", "proxies", "auth", "is_of_this_machine"),
    [
        ("127.0.0.1", (), (), None, True),
        ("localhost", (), (), None, True),
        ("127.0.0.1", (), (), KEYS, False),
        ("127.0.0.1", ("tasks.example.com",), (), None, False),
        ("127.0.0.1", (), ("192.0.2.1",), None, False),
        ("192.0.2.1", (), (), None, False),
    ],
)
def test_one_caller_may_use_the_whole_limit_only_if_just_this_machine_can_call(
    host: str, names: tuple[str, ...], proxies: tuple[str, ...], auth: AuthOptions | None, *, is_of_this_machine: bool
) -> None:
    listen = ListenOptions(host, 0, names, is_insecure=True, proxies=proxies)
    endpoint = configure_endpoint(UNCONFIGURED, listen, auth=auth, keeps_sessions=True)
    assert endpoint.limits == (HttpLimits.of_this_machine() if is_of_this_machine else HttpLimits())


@pytest.mark.parametrize("proxies", [(), ("192.0.2.1",)])
def test_tokens_need_no_address_of_the_server_only_if_just_this_machine_can_call(proxies: tuple[str, ...]) -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull}, {})
    listen = ListenOptions("127.0.0.1", 0, (), is_insecure=True, proxies=proxies)
    auth = AuthOptions(("oauth",), ("https://login.example.com",))
    needs_address = pytest.raises(OperatorError, match="the server's address") if proxies else nullcontext()
    with needs_address:
        assert configure_endpoint(found, listen, auth=auth, keeps_sessions=True).auth is not None


@pytest.mark.parametrize(("given", "rate"), [({}, HttpLimits().requests_s), ({"TASKHAND_REQUESTS_S": "0"}, 0)])
def test_a_configured_rate_of_zero_removes_the_limit(given: dict[str, str], rate: float) -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull} | given, {})
    listen = ListenOptions("192.0.2.1", 0, (), is_insecure=True)
    endpoint = configure_endpoint(found, listen, auth=None, keeps_sessions=True)
    assert endpoint.limits.requests_s == rate


def test_a_server_that_shares_no_state_is_not_told_what_several_servers_do_not_share(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = load_configuration({"TASKHAND_CONFIG": os.devnull}, {})
    configure_endpoint(found, ListenOptions("127.0.0.1", 0, ()), auth=None, keeps_sessions=True)
    assert capsys.readouterr() == ("", "")

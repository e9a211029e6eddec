"""The class of each error, its text about proxy and network, and whether a write may have been applied."""

from dataclasses import replace

import pytest

from taskhand.domain.errors import NoAnswer, OperatorError, OutcomeUnknown, UpstreamError, UpstreamFailed
from taskhand.http.certificates import explain_distrust, remedy_for_distrust
from taskhand.http.errors import (
    CredentialRefused,
    is_from_elsewhere,
    no_answer_error,
    page_error,
    proxy_error,
    redirected_write_error,
    status_error,
    unconfirmed_write_error,
)
from taskhand.http.retry import AttemptEnd, RequestKind
from taskhand.http.upstream import Upstream

ACME = Upstream(
    name="Acme", base_url="https://acme.test", auth={}, credential_name="ACME_KEY", base_url_name="ACME_BASE_URL"
)
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize("status", [401, 402, 403])
def test_an_error_with_an_own_key_does_not_name_the_setting_of_the_server(status: int) -> None:
    shared, own = (status_error(one, status) for one in (ACME, replace(ACME, is_own=True)))
    assert "ACME_KEY" in str(shared.next_step)
    assert "ACME_KEY" not in str(own.next_step)
    assert str(own.next_step).startswith("Tell the person")
    assert shared.code == own.code


CODES = {
    **dict.fromkeys((400, 413, 414, 422), "upstream_refused"),
    401: "unauthorized",
    **dict.fromkeys((402, 403), "forbidden"),
    **dict.fromkeys((404, 410), "not_found"),
    **dict.fromkeys((407, 511), "configuration"),
    409: "conflict",
    **dict.fromkeys((423, 425, 429, 477), "rate_limited"),
}
"""The codes of all statuses with a meaning of their own."""


def test_each_status_has_one_code_may_pass_or_not_and_only_a_redirect_or_a_failure_may_have_applied_a_write() -> None:
    for status in range(300, 600):
        error = status_error(ACME, status)
        assert error.code == CODES.get(status, "upstream_error"), status
        may_pass = status >= 500 if status not in CODES else CODES[status] == "rate_limited"
        assert error.retryable is may_pass, status
        is_in_doubt = status not in CODES and not 400 <= status < 500
        assert isinstance(error, UpstreamFailed) is is_in_doubt, status


def test_only_an_error_that_may_pass_says_to_try_again_later() -> None:
    for status in range(300, 600):
        error = status_error(ACME, status)
        assert error.retryable or "Try again later" not in str(error.next_step), status


def test_a_refusal_with_any_status_can_mean_that_the_key_is_not_accepted() -> None:
    refused = CredentialRefused("Acme does not accept the key.")
    assert status_error(replace(ACME, explain=lambda *_: refused), 418).code == "unauthorized"
    assert status_error(ACME, 418).code == "upstream_error"


@pytest.mark.parametrize(
    ("status", "kind", "found"),
    [
        (407, OperatorError, "asks for a user name and a password (status 407)"),
        (511, OperatorError, "asks to sign in first (status 511)"),
        (403, OperatorError, "refused to connect to Acme (status 403)"),
        (499, OperatorError, "refused to connect to Acme (status 499)"),
        (500, UpstreamError, "could not connect to Acme (status 500)"),
        (502, UpstreamError, "could not connect to Acme (status 502)"),
    ],
)
def test_a_refusal_by_the_proxy_says_nothing_about_the_crm_or_its_key(status: int, kind: type, found: str) -> None:
    error = proxy_error(ACME, "proxy.test", status)
    assert type(error) is kind
    assert found in error.message
    assert ("proxy.test" in error.message) is (status != 511)
    assert error.retryable is (kind is UpstreamError)
    assert "ACME_KEY" not in f"{error.message} {error.next_step}"
    if status in {407, 511}:  # no CRM answers so
        assert status_error(ACME, status).code == "configuration"


@pytest.mark.parametrize(
    ("status", "body", "is_elsewhere"),
    [
        (403, PAGE, True),
        (404, PAGE, True),
        (302, PAGE, True),
        (403, b'{"error": "x"}', False),
        (403, b"", False),
        (413, PAGE, False),
        (414, PAGE, False),
        (407, PAGE, False),
        (429, PAGE, False),
        (500, PAGE, False),
        (503, PAGE, False),
        (200, PAGE, False),
    ],
)
def test_a_page_in_place_of_a_refusal_is_not_the_crms(status: int, body: bytes, *, is_elsewhere: bool) -> None:
    assert is_from_elsewhere(status, body) is is_elsewhere


@pytest.mark.parametrize(
    ("status", "request_kind", "kind"),
    [
        (200, RequestKind.READ, UpstreamError),
        (200, RequestKind.WRITE, OutcomeUnknown),
        (201, RequestKind.CREATE, OutcomeUnknown),
        (403, RequestKind.WRITE, UpstreamError),
        (403, RequestKind.READ, UpstreamError),
    ],
)
def test_a_page_leaves_a_write_in_doubt_if_its_status_is_a_success(
    status: int, request_kind: RequestKind, kind: type
) -> None:
    error = page_error(ACME, status, request_kind, "ref-7")
    assert (type(error), error.code, error.retryable) == (kind, "upstream_invalid", False)
    assert str(error.next_step).startswith("Read or search for the task") is (request_kind is not RequestKind.READ)
    assert "ACME_BASE_URL" in str(error.next_step)


def test_a_failure_behind_a_page_may_be_a_proxys() -> None:
    assert status_error(ACME, 502, page=True).message.startswith(
        "Acme, or a proxy or a firewall in front of it, failed"
    )
    assert status_error(ACME, 502).message == "Acme failed with status 502."


def test_the_network_and_the_proxy_are_to_be_checked_if_no_connection_was_made() -> None:
    unreached, silent, broken = (
        no_answer_error(ACME, event, RequestKind.WRITE, "ref-7", proxy="proxy.test")
        for event in (AttemptEnd.UNREACHED, AttemptEnd.TIMED_OUT, AttemptEnd.BROKEN)
    )
    assert unreached.message == "Acme could not be reached through the proxy proxy.test (reference ref-7)."
    assert silent.message == "Acme did not answer in time (reference ref-7)."
    assert broken.message == "Acme broke the connection off (reference ref-7)."
    assert ["ACME_BASE_URL" in str(one.next_step) for one in (unreached, silent, broken)] == [True, False, False]
    assert all(one.retryable for one in (unreached, silent, broken))
    assert "through" not in no_answer_error(ACME, AttemptEnd.UNREACHED, RequestKind.READ, "ref-7").message
    refused = no_answer_error(ACME, AttemptEnd.PROXY_REFUSED, RequestKind.READ, "ref-7", code=407, proxy="proxy.test")
    assert refused.message.startswith("The proxy proxy.test asks for a user name")


def test_an_answer_that_was_cut_leaves_a_write_in_doubt_and_no_read() -> None:
    for event, why in ((AttemptEnd.CUT, "cut off"), (AttemptEnd.OVERSIZED, "larger than is accepted")):
        read, write = (no_answer_error(ACME, event, kind, "r") for kind in (RequestKind.READ, RequestKind.CREATE))
        assert (type(read), type(write)) == (UpstreamError, OutcomeUnknown)
        assert (read.code, write.code) == ("upstream_invalid", "upstream_invalid")
        assert why in read.message
        assert why in write.message


def test_a_write_without_an_answer_may_be_applied_yet_if_the_answer_may_come_yet() -> None:
    late, settled = (unconfirmed_write_error(ACME, "r", is_late=is_late) for is_late in (True, False))
    assert (type(late), type(settled)) == (NoAnswer, OutcomeUnknown)
    redirected = redirected_write_error(ACME)
    assert (type(redirected), redirected.code, redirected.retryable) == (UpstreamFailed, "upstream_redirect", False)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (9, "not valid yet"),
        (10, "has expired"),
        (18, "self-signed"),
        (2, "its authority is not known"),
        (19, "its authority is not known"),
        (20, "its authority is not known"),
        (21, "its authority is not known"),
        (62, "for another host"),
        (64, "for another host"),
        (99, "not valid here"),
        (None, "not valid here"),
    ],
)
def test_a_certificate_is_refused_for_the_reason_that_openssl_has(code: int | None, why: str) -> None:
    assert why in explain_distrust(code)
    error = no_answer_error(ACME, AttemptEnd.UNTRUSTED, RequestKind.READ, "r", code=code)
    assert why in error.message
    assert error.next_step == remedy_for_distrust(code, "ACME_BASE_URL")
    assert ("SSL_CERT_FILE" in str(error.next_step)) is (code not in {9, 10, 62, 64})

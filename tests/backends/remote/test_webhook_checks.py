"""Which deliveries of a webhook are taken for the CRM's: its documented signatures, and none other."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from taskhand.backends.close.events.webhooks import CloseWebhookCheck
from taskhand.backends.hubspot.events.webhooks import HubSpotWebhookCheck
from taskhand.backends.vambe.events.webhooks import VambeWebhookCheck
from taskhand.domain.errors import OperatorError
from taskhand.domain.webhook import WebhookCheck, WebhookRequest

CLOSE_KEY = "058bfb6a3d8cfdc4da7c3be5901b16ae11da982b46a25fb2cd7016e97a140a1c"
HUBSPOT_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"  # noqa: S105  # of the documented sample
VAMBE_SECRET = "Jq3-J4yZ_o0u3UdA2m1hGvQ7"  # noqa: S105  # of these tests
URI = "https://www.example.com/webhook_uri"

CLOSE = CloseWebhookCheck(CLOSE_KEY, "CLOSE_WEBHOOK_KEY")
HUBSPOT = HubSpotWebhookCheck(HUBSPOT_SECRET)
VAMBE = VambeWebhookCheck(VAMBE_SECRET, "VAMBE_WEBHOOK_KEY")

BY_CLOSE = WebhookRequest(
    "POST",
    (),
    {
        "close-sig-hash": "b66555fa95a6ee48bf5417259e9f8e144f0843801ffe36cb95d1d9a0880d60bf",
        "close-sig-timestamp": "1544271440",
    },
    b'{"event": {"id": "ev_test", "object_type": "task.lead", "action": "created"}, "subscription_id": "whsub_test"}',
    "",
    datetime.fromtimestamp(1544271440, UTC),
)
BY_HUBSPOT = WebhookRequest(
    "POST",
    ("https://elsewhere.example/webhook_uri", URI),
    {
        "x-hubspot-signature-v3": "/Row5Eb3XZ8LrSMdWedXYDAObKMv+6dCnTGEu8ARKYU=",
        "x-hubspot-request-timestamp": "1788597072520",
    },
    b'[{"eventId":1,"objectId":42,"objectTypeId":"0-27"}]',
    "",
    datetime.fromtimestamp(1788597072.520, UTC),
)
BY_VAMBE = WebhookRequest("POST", (), {}, b"", VAMBE_SECRET, datetime.fromtimestamp(0, UTC))


def with_headers(delivery: WebhookRequest, **changed: str | None) -> WebhookRequest:
    """The delivery with headers changed, or without them."""
    by_name = {name.replace("_", "-"): value for name, value in changed.items()}
    merged = {**delivery.headers, **by_name}
    return replace(delivery, headers={name: value for name, value in merged.items() if value is not None})


@pytest.mark.parametrize(("check", "delivery"), [(CLOSE, BY_CLOSE), (HUBSPOT, BY_HUBSPOT), (VAMBE, BY_VAMBE)])
def test_the_documented_sample_is_genuine(check: WebhookCheck, delivery: WebhookRequest) -> None:
    assert check.check(delivery).flaw is None


@pytest.mark.parametrize("delivery", [BY_CLOSE, BY_HUBSPOT])
@pytest.mark.parametrize("seconds", [-299, 299, 301, -301, 86_400, -86_400])
def test_a_signature_is_good_for_five_minutes(delivery: WebhookRequest, seconds: int) -> None:
    check = CLOSE if delivery is BY_CLOSE else HUBSPOT
    verdict = check.check(replace(delivery, at=delivery.at + timedelta(seconds=seconds)))
    assert (verdict.flaw is None) == (abs(seconds) < 300)
    if verdict.flaw is None:  # no later delivery with this proof would be good
        assert verdict.valid_until
        assert check.check(replace(delivery, at=verdict.valid_until + timedelta(seconds=1))).flaw is not None


@pytest.mark.parametrize(
    ("check", "delivery"),
    [
        (CLOSE, replace(BY_CLOSE, body=BY_CLOSE.body + b" ")),
        (CLOSE, replace(BY_CLOSE, body=b"")),
        (CLOSE, with_headers(BY_CLOSE, close_sig_timestamp="1544271441")),
        (CLOSE, with_headers(BY_CLOSE, close_sig_timestamp=None)),
        (CLOSE, with_headers(BY_CLOSE, close_sig_hash=None)),
        (CLOSE, with_headers(BY_CLOSE, close_sig_hash="")),
        (CLOSE, with_headers(BY_CLOSE, close_sig_hash=BY_CLOSE.headers["close-sig-hash"].upper())),
        (CLOSE, with_headers(BY_CLOSE, close_sig_hash="é\udcff")),
        (CLOSE, with_headers(BY_CLOSE, close_sig_timestamp="9" * 400)),
        (CLOSE, with_headers(BY_CLOSE, close_sig_timestamp="-1")),
        (CLOSE, with_headers(BY_CLOSE, close_sig_timestamp="١٢٣")),
        (CloseWebhookCheck("ab" * 32, "CLOSE_WEBHOOK_KEY"), BY_CLOSE),
        (HUBSPOT, replace(BY_HUBSPOT, body=BY_HUBSPOT.body.replace(b"42", b"43"))),
        (HUBSPOT, replace(BY_HUBSPOT, uris=(f"{URI}?x",))),
        (HUBSPOT, replace(BY_HUBSPOT, uris=(URI.replace("https", "http"),))),
        (HUBSPOT, replace(BY_HUBSPOT, uris=())),
        (HUBSPOT, replace(BY_HUBSPOT, method="PUT")),
        (HUBSPOT, with_headers(BY_HUBSPOT, x_hubspot_request_timestamp="1788597072521")),
        (HUBSPOT, with_headers(BY_HUBSPOT, x_hubspot_request_timestamp=None)),
        (HUBSPOT, with_headers(BY_HUBSPOT, x_hubspot_signature_v3=None, x_hubspot_signature="x")),
        (HubSpotWebhookCheck("other"), BY_HUBSPOT),
        (VAMBE, replace(BY_VAMBE, secret="")),
        (VAMBE, replace(BY_VAMBE, secret=VAMBE_SECRET[:-1])),
        (VAMBE, replace(BY_VAMBE, secret=f"{VAMBE_SECRET}0")),
    ],
)
def test_altered_deliveries_are_not_genuine(check: WebhookCheck, delivery: WebhookRequest) -> None:
    verdict = check.check(delivery)
    assert verdict.flaw is not None
    assert verdict.proof is None


def test_only_the_documented_escapes_of_an_address_are_decoded() -> None:
    signed = HubSpotWebhookCheck("s")
    plain = replace(BY_HUBSPOT, uris=(f"{URI}?a=@b,&c=%20%26",), body=b"")
    [expected] = signed.signatures(plain, "1")
    escaped = replace(plain, uris=(f"{URI}?a=%40b%2c&c=%20%26",))
    assert [*signed.signatures(escaped, "1")] == [expected]


@pytest.mark.parametrize(
    ("check", "body", "ids"),
    [
        (CLOSE, {"event": {"object_type": "task.lead", "object_id": "task_1"}}, ("task_1",)),
        (CLOSE, {"event": {"object_type": "task.outgoing_call", "object_id": "task_1"}}, ("task_1",)),
        (CLOSE, {"event": {"object_type": "lead", "object_id": "lead_1"}}, ()),
        (CLOSE, {"event": {"object_type": None, "object_id": 7}}, ()),
        (CLOSE, {"event": "x"}, ()),
        (CLOSE, [], ()),
        (HUBSPOT, [{"objectId": 2, "objectTypeId": "0-27"}, {"objectId": 1, "objectTypeId": "0-27"}], ("2", "1")),
        (HUBSPOT, [{"objectId": 2, "objectTypeId": "0-27"}] * 3, ("2",)),
        (HUBSPOT, [{"objectId": 2, "objectTypeId": "0-1"}, {"objectId": True, "objectTypeId": "0-27"}, None], ()),
        (HUBSPOT, {"objectId": 2, "objectTypeId": "0-27"}, ("2",)),
        (HUBSPOT, 7, ()),
        (HubSpotWebhookCheck("s", has_own_ids=True), [{"objectId": 2, "objectTypeId": "0-27"}], ()),
        (VAMBE, {"topic": "task.updated", "entity_data": {"id": "x"}}, ()),
    ],
)
def test_a_genuine_delivery_names_tasks_or_says_only_that_something_was_changed(
    check: WebhookCheck, body: object, ids: tuple[str, ...]
) -> None:
    assert check.find_tasks(json.dumps(body).encode()) == ids


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b"NaN"])
@pytest.mark.parametrize("check", [CLOSE, HUBSPOT, VAMBE])
def test_a_body_that_cannot_be_read_names_no_tasks(check: WebhookCheck, body: bytes) -> None:
    assert check.find_tasks(body) == ()


def test_a_text_that_is_no_key_is_refused_with_the_remedy() -> None:
    for key in ("s3cret", "ab" * 10, "zz" * 32):
        with pytest.raises(OperatorError, match=r"CLOSE_WEBHOOK_KEY is not the signature key"):
            CloseWebhookCheck(key, "CLOSE_WEBHOOK_KEY")
    for key in ("short", "x" * 30 + "/", "ñ" * 30):
        with pytest.raises(OperatorError, match="VAMBE_WEBHOOK_KEY must have"):
            VambeWebhookCheck(key, "VAMBE_WEBHOOK_KEY")


def test_the_repr_of_webhook_checks_and_deliveries_has_no_secrets() -> None:
    for one in (CLOSE, HUBSPOT, VAMBE, BY_CLOSE, BY_HUBSPOT, BY_VAMBE, CLOSE.check(BY_CLOSE)):
        assert not any(secret in repr(one) for secret in (CLOSE_KEY, HUBSPOT_SECRET, VAMBE_SECRET, "ev_test", "b66555"))

"""The log of refused deliveries has a line a minute for each connection, with all that were refused since the last."""

import pytest

from taskhand.server.webhooks.refused_deliveries import RefusedDeliveries


def test_a_line_counts_each_refused_delivery_once(caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    refused = RefusedDeliveries(lambda: now[0])
    for moment in (100.0, 110.0, 159.9, 160.0):
        now[0] = moment
        refused.note("north", "no signature", "192.0.2.1")
        refused.note(None, "an unknown address", "192.0.2.2")
    assert caplog.messages == [
        "Webhooks of north were refused: 1 with no signature; the last one from 192.0.2.1.",
        "Webhooks of no connection were refused: 1 with an unknown address; the last one from 192.0.2.2.",
        "Webhooks of north were refused: 3 with no signature; the last one from 192.0.2.1.",
        "Webhooks of no connection were refused: 3 with an unknown address; the last one from 192.0.2.2.",
    ]

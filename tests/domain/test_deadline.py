from taskhand.domain.deadline import call_deadline, deadline_from


def test_all_requests_of_a_call_share_the_deadline_of_its_first() -> None:
    with call_deadline():
        assert deadline_from(100.0, 20.0) == 120.0
        assert deadline_from(115.0, 20.0) == 120.0
        with call_deadline():
            assert deadline_from(115.0, 20.0) == 135.0
        assert deadline_from(116.0, 20.0) == 120.0


def test_a_request_outside_a_call_has_a_deadline_of_its_own() -> None:
    assert deadline_from(100.0, 20.0) == 120.0
    assert deadline_from(115.0, 20.0) == 135.0

from builders import refused
from taskhand.domain.capabilities import Capabilities
from taskhand.domain.field_limits import check_description, check_responsibles


def test_a_backend_can_allow_fewer_responsibles() -> None:
    with refused("too_many_responsibles") as caught:
        check_responsibles(["a", "b"], Capabilities(most_responsibles=1))
    assert "at most 1" in caught.value.message
    check_responsibles(["a"], Capabilities(most_responsibles=1))


def test_a_backend_can_require_exactly_one_responsible_and_a_repeated_one_counts_once() -> None:
    one = Capabilities(least_responsibles=1, most_responsibles=1)
    check_responsibles(["a", "a"], one)
    with refused("responsible_required") as caught:
        check_responsibles([], one)
    assert caught.value.message == "0 responsibles were given; a task needs exactly 1."
    with refused("too_many_responsibles"):
        check_responsibles(["a", "b"], one)


def test_a_description_may_be_as_long_with_a_note_as_without() -> None:
    check_description("x" * 50_000)
    with refused("too_long") as caught:
        check_description("x" * 50_001)
    assert "has 50001 characters" in caught.value.message

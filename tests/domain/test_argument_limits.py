from builders import refused
from taskhand.domain.argument_limits import check_responsibles
from taskhand.domain.capabilities import Capabilities


def test_fewer_responsibles_are_allowed_where_the_backend_says_so() -> None:
    with refused("too_many_responsibles") as caught:
        check_responsibles(["a", "b"], Capabilities(most_responsibles=1))
    assert "at most 1" in caught.value.message
    check_responsibles(["a"], Capabilities(most_responsibles=1))

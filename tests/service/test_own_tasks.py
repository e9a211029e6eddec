"""A backend that has one person's tasks only: no method of the protocol was forgotten."""

from inspect import getmembers, isfunction, signature

from taskhand.backends.base import Backend, OwnProperties
from taskhand.service import own_tasks
from taskhand.service.own_tasks import OwnTasksBackend


def test_every_method_of_a_backend_is_narrowed_or_passed_on_by_name() -> None:
    pairs = ((Backend, OwnTasksBackend), (OwnProperties, vars(own_tasks)["_Properties"]))
    for protocol, narrowed in pairs:
        methods = {name: one for name, one in getmembers(protocol, isfunction) if name in vars(protocol)}
        methods = {name: one for name, one in methods.items() if not name.startswith("_")}
        assert "snapshots" in methods
        assert {*methods} <= {*vars(narrowed)}
        for name, one in methods.items():
            assert signature(vars(narrowed)[name]) == signature(one), name
    assert not hasattr(OwnTasksBackend, "__getattr__")
    assert {*Backend.__annotations__} <= {*vars(OwnTasksBackend), "properties"}

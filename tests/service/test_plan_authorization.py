"""Which plans a caller may apply."""

from dataclasses import replace
from pathlib import Path

import pytest

from behaviour.world import NOW
from builders import task
from file_stores import journal_in, store_in
from taskhand.domain.edit import Edit
from taskhand.domain.errors import NotAllowed
from taskhand.domain.plan import Verb
from taskhand.domain.policy import Rules
from taskhand.domain.principal import Person, Principal, Scope
from taskhand.domain.snapshot import Snapshot
from taskhand.journal.journal import Caller, Change, Ending, Intent, Opening
from taskhand.service.app_context import AppContext
from taskhand.service.lazy import Lazy
from taskhand.service.plan_authorization import check_may_apply, loses_by_plan
from taskhand.service.visible_changes import is_for_second_person

ANA, BEN = "ana@x.test", "ben@x.test"
WRITE: frozenset[Scope] = frozenset({"read", "write"})


def plan(number: int, verb: Verb = "update", maker: str = ANA, *, by_filter: bool = False) -> Change:
    """A plan that a second person may apply."""
    edit = None if verb == "delete" else Edit(priority=2)
    intents = tuple(Intent(verb, Snapshot(task(id=f"T-{n}")), edit, edit) for n in range(number))
    opening = Opening("-", Caller(subject=maker), NOW, second_person=True, by_filter=by_filter)
    return Change("plan_1", opening, intents, {}, Ending("planned"))


def begun(planned: Change) -> Change:
    """The change of the second person who applied a plan, which may be resumed."""
    return replace(planned, opening=replace(planned.opening, plan_id="plan_0", second_person=False))


@pytest.mark.parametrize(
    ("principal", "planned", "rule"),
    [
        (Principal(Person.parse(ANA)), plan(20, "delete"), None),
        (Principal(Person.parse(ANA), WRITE), plan(2), None),
        (Principal(Person.parse(ANA), WRITE), plan(1, "delete"), "scope"),
        (Principal(Person.parse(ANA), WRITE), plan(11), "scope"),
        (Principal(Person.parse(ANA), WRITE), plan(10), None),
        (Principal(Person.parse(ANA), WRITE), plan(1, by_filter=True), "scope"),
        (Principal(Person.parse(ANA), rules=Rules(second_person=True)), plan(1, "delete"), "second_person"),
        (Principal(Person.parse(BEN), rules=Rules(second_person=True)), plan(1, "delete"), None),
        (Principal(Person.parse(ANA), rules=Rules(second_person=True)), plan(1), None),
        (Principal(Person.parse(BEN), rules=Rules(second_person=True)), begun(plan(1, "delete", BEN)), None),
        (Principal(Person.parse(ANA), rules=Rules(most_tasks=2)), plan(2), None),
        (Principal(Person.parse(ANA), rules=Rules(most_tasks=2)), plan(3), "most_tasks"),
    ],
)
def test_a_plan_is_applied_only_with_the_scope_and_within_the_rules_of_the_caller(
    principal: Principal, planned: Change, rule: str | None, tmp_path: Path
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW).of_principal(principal)
    if rule is None:
        check_may_apply(app, planned)
        return
    with pytest.raises(NotAllowed) as refused:
        check_may_apply(app, planned)
    assert refused.value.details["rule"] == rule


@pytest.mark.parametrize(
    ("person", "is_second"),
    [
        (Person("https://a.x.test#1", ANA), False),
        (Person("https://b.x.test#7", ANA), False),
        (Person.parse(ANA), False),
        (Person("https://b.x.test#7", BEN), True),
        (None, False),
    ],
)
def test_the_maker_of_a_plan_is_no_second_person_at_another_issuer_or_with_a_key(
    person: Person | None, tmp_path: Path, *, is_second: bool
) -> None:
    planned = plan(1)
    maker = Caller(subject="https://a.x.test#1", email=ANA)
    planned = replace(planned, opening=replace(planned.opening, caller=maker))
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    assert is_for_second_person(app.of_principal(Principal(person)), planned) is is_second


@pytest.mark.parametrize(
    ("person", "second_person", "needs_scope"),
    [(ANA, False, True), (BEN, False, False), (BEN, True, True)],
)
async def test_a_plan_to_delete_needs_the_scope_of_its_maker_and_of_a_second_person_alone(
    person: str, tmp_path: Path, *, second_person: bool, needs_scope: bool
) -> None:
    app = AppContext(store_in(tmp_path), Lazy(lambda: journal_in(tmp_path)), lambda: NOW)
    planned = plan(1, "delete")
    opening = replace(planned.opening, second_person=second_person)
    recorded = await app.journal.record(opening, Ending("planned"), planned.intents, [])
    assert await loses_by_plan(app.of_principal(Principal(Person.parse(person), WRITE)), recorded.id) is needs_scope
    await app.aclose()

"""Untrue answers to a write: the task is read before the outcome is reported, whatever the status."""

from dataclasses import replace

import pytest

from safety.account import assert_all_is_true, observe_call, open_crm
from safety.cases import ALL_CASES, Case, assert_a_second_try_ends_it
from safety.crms import CRMS, SandboxedCrm
from taskhand.sandbox.faults import Fault

DONE_ALL_THE_SAME = (
    Fault("status", status=429, commit=True),
    Fault("status", status=429, retry_after=1, commit=True),
    Fault("status", status=429, retry_after=3600, commit=True),
    Fault("status", status=429, commit=True, nth="every"),
    Fault("status", status=423, commit=True),
    Fault("status", status=423, commit=True, nth="every"),
    Fault("status", status=477, commit=True),
    Fault("status", status=503, commit=True),
    Fault("status", status=304, commit=True),
    *(Fault("redirect", status=code, commit=True) for code in (301, 302, 303, 307, 308)),
    *(Fault("status", status=code, commit=True) for code in (200, 201, 202, 204)),
    Fault("html", status=200, commit=True),
)
WITHOUT_EFFECT = (
    *(Fault("status", status=code) for code in (200, 201, 202, 204)),
    *(Fault("status", status=code, nth="every") for code in (200, 204)),
    Fault("html", status=200, commit=False),
    Fault("redirect", status=303),
)
LIES = (*DONE_ALL_THE_SAME, *WITHOUT_EFFECT)


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_an_untrue_answer_to_a_write_is_verified_before_it_is_reported(crm: SandboxedCrm, case: Case) -> None:
    for lie in LIES[(ALL_CASES.index(case) + 2 * CRMS.index(crm)) % 6 :: 6]:
        async with open_crm(crm) as served:
            tool, arguments, effect = await case.ask(served)
            served.gate.emulator.faults = (replace(lie, route=crm.routes[case.kind]),)
            seen = await observe_call(served, tool, arguments)
            said = set(assert_all_is_true(seen, effect, may_be_unknown=True).values())
            served.gate.emulator.faults = ()
            served.time.now += 3_600
            await assert_a_second_try_ends_it(served, case, (tool, arguments, effect), seen, said)

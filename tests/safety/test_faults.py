"""Faults during a write: nothing is lost or done twice, and the answer and the journal are true."""

from dataclasses import replace

import pytest

from safety.account import Observation, ServedCrm, assert_all_is_true, observe_call, open_crm
from safety.cases import CASES, Case, assert_a_second_try_ends_it
from safety.crms import CRMS, SandboxedCrm
from safety.faults_table import ROWS, Kind, Row
from taskhand.sandbox.faults import Fault

TABLE = [(crm, case, row) for crm in CRMS for case in CASES for row in ROWS if row.is_about(crm.name, case.kind)]


@pytest.mark.parametrize(("crm", "case", "row"), TABLE, ids=str)
async def test_after_any_fault_nothing_is_lost_or_done_twice_and_the_answer_is_true(
    crm: SandboxedCrm, case: Case, row: Row
) -> None:
    async with open_crm(crm, read_s=row.read_s, spec_variant=row.spec_variant) as served:
        tool, arguments, effect = await case.ask(served)
        go_wrong(served, row, case.kind)
        seen = await observe_call(served, tool, arguments)
        expected = row.outcome(case.kind)
        said = assert_all_is_true(seen, effect, may_be_unknown=expected == "unknown")
        assert expected in said.values()
        assert expected != "refused" or may_be_sent_again(seen) is row.passes
        mend(served, row)
        await assert_a_second_try_ends_it(served, case, (tool, arguments, effect), seen, set(said.values()))


def go_wrong(served: ServedCrm, row: Row, kind: Kind) -> None:
    """Install the fault of the row for the write that it is about."""
    if row.fault is None:
        return
    fault = replace(row.fault, route=served.crm.routes[kind])
    then = (Fault("reset_before", nth="every"),) if row.lasts else ()
    about = 2 if served.crm.updates_singly and kind == "many" else 1
    served.gate.writes = 0

    def arrives(number: int) -> None:
        if number == about:
            served.gate.emulator.faults = (fault, *then)

    served.gate.before_write = arrives


def may_be_sent_again(seen: Observation) -> bool:
    """Whether what was refused may be sent again: an error says so of one task, `retryIds` of many."""
    return bool(seen.error["retryable"] if seen.answer is None else seen.answer["retryIds"])


def mend(served: ServedCrm, row: Row) -> None:
    """Remove the faults, and let the time pass that the CRM asked to wait."""
    served.gate.before_write = lambda _: None
    served.gate.emulator.faults = ()
    served.time.now += row.waits_s

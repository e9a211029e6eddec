"""Faults during a write: nothing is lost or done twice, and the answer and the journal are true."""

from dataclasses import replace

import pytest

from safety.account import CrmStage, assert_all_is_true, observe_call, staged
from safety.cases import CASES, Case, assert_a_second_try_ends_it
from safety.crms import CRMS, SandboxedCrm
from safety.faults_table import ROWS, Kind, Row
from taskhand.sandbox.faults import Fault

TABLE = [(crm, case, row) for crm in CRMS for case in CASES for row in ROWS if row.is_about(crm.name, case.kind)]


@pytest.mark.parametrize(("crm", "case", "row"), TABLE, ids=str)
async def test_after_any_fault_nothing_is_lost_or_done_twice_and_the_answer_is_true(
    crm: SandboxedCrm, case: Case, row: Row
) -> None:
    async with staged(crm, read_s=row.read_s, spec_variant=row.spec_variant) as stage:
        tool, arguments, effect = await case.ask(stage)
        go_wrong(stage, row, case.kind)
        seen = await observe_call(stage, tool, arguments)
        expected = row.outcome(case.kind)
        said = assert_all_is_true(seen, effect, may_be_unknown=expected == "unknown")
        assert expected in said.values()
        mend(stage, row)
        await assert_a_second_try_ends_it(stage, case, (tool, arguments, effect), seen, set(said.values()))


def go_wrong(stage: CrmStage, row: Row, kind: Kind) -> None:
    """Install the fault of the row for the write that it is about."""
    if row.fault is None:
        return
    fault = replace(row.fault, route=stage.crm.routes[kind])
    then = (Fault("reset_before", nth="every"),) if row.lasts else ()
    about = 2 if stage.crm.updates_singly and kind == "many" else 1
    stage.gate.writes = 0

    def arrives(number: int) -> None:
        if number == about:
            stage.gate.emulator.faults = (fault, *then)

    stage.gate.before_write = arrives


def mend(stage: CrmStage, row: Row) -> None:
    """Remove the faults, and let the time pass that the CRM asked to wait."""
    stage.gate.before_write = lambda _: None
    stage.gate.emulator.faults = ()
    stage.time.now += row.waits_s

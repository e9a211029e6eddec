"""Whatever fails in the read after a write, an applied write is never reported or journaled as refused."""

from dataclasses import replace
from itertools import product

import pytest

from safety.account import ServedCrm, assert_all_is_true, observe_call, open_crm
from safety.cases import CASES, Case, assert_a_second_try_ends_it
from safety.crms import CRMS, SandboxedCrm
from taskhand.sandbox.faults import Fault

READS = {
    **{str(code): Fault("status", status=code) for code in (400, 401, 403, 404, 409, 500)},
    "429, Retry-After: 3600": Fault("status", status=429, retry_after=3600),
    "reset": Fault("reset_before"),
    "not JSON": Fault("not_json"),
}
"""What every request meets once the write is done."""

WRITES = {"answered": None, "lost": Fault("reset_after"), "unreadable": Fault("not_json")}
"""What happens to the answer of the write itself, which is always carried out."""


TRIED = [
    (case, write, read)
    for (c, case), (w, write), (r, read) in product(*map(enumerate, (CASES, WRITES, READS)))
    if (c + w + r) % 3 == 0
]
"""A third of all combinations: every two of a call, a write and a read are met together."""


@pytest.mark.parametrize(("case", "write", "read"), TRIED, ids=str)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_that_was_carried_out_is_never_refused(
    crm: SandboxedCrm, case: Case, write: str, read: str
) -> None:
    async with open_crm(crm) as served:
        tool, arguments, effect = await case.ask(served)
        break_after_the_write(served, case, WRITES[write], READS[read])
        seen = await observe_call(served, tool, arguments)
        said = assert_all_is_true(seen, effect, may_be_unknown=True)
        first = effect.ids[0] if effect.ids else ""
        assert said[first] in {"applied", "unknown"}
        served.gate.after_write = lambda _: None
        served.gate.emulator.faults = ()
        served.time.now += 3_600
        await assert_a_second_try_ends_it(served, case, (tool, arguments, effect), seen, set(said.values()))


def break_after_the_write(served: ServedCrm, case: Case, write: Fault | None, read: Fault) -> None:
    """Spoil the answer of the first write of that kind, and every later request.

    Where each task of many is written by itself, the other writes go on, and only reading is spoiled.
    """
    later = "GET *" if served.crm.updates_singly else "*"
    if write is not None:
        served.gate.emulator.faults = (replace(write, route=served.crm.routes[case.kind]),)
    served.gate.writes = 0

    def done(number: int) -> None:
        if number == 1:
            served.gate.emulator.faults = (replace(read, route=later, nth="every"),)

    served.gate.after_write = done

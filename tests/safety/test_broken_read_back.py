"""A write was applied, and the read-back fails with an exception of any class: it is never reported as refused.

Journal, CRM and a repetition of the call agree: what may have been written is not sent again.
"""

import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio
import httpx2
import pytest

from safety.account import ServedCrm, assert_all_is_true, observe_call, open_crm
from safety.cases import ALL_CASES, Asking, Case, assert_a_second_try_ends_it
from safety.crms import CRMS, SandboxedCrm

Failure = Callable[[], Exception]


def certificate_error() -> Exception:
    """A certificate that is not accepted any more."""
    error = httpx2.ConnectError("no certificate")
    error.__cause__ = ssl.SSLCertVerificationError("expired")
    return error


NOT_SENT: tuple[Failure, ...] = (
    lambda: httpx2.ConnectError("refused"),
    certificate_error,
    lambda: httpx2.ConnectTimeout("late"),
    lambda: httpx2.ProxyError("407"),
)
"""What every later request meets: none of them leaves."""

LOST: tuple[Failure, ...] = (
    lambda: httpx2.ReadError("reset"),
    lambda: httpx2.RemoteProtocolError("garbage"),
    lambda: httpx2.ReadTimeout("late"),
    lambda: ssl.SSLError(1, "[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC]"),
    lambda: httpx2.DecodingError("not gzip"),
    anyio.ClosedResourceError,
    lambda: RuntimeError("a bug of the library"),
)
"""The same, and an answer that is under way is lost in that way too."""

BUGS = (KeyError, RecursionError, AssertionError, MemoryError, ValueError, TypeError)
"""What reading a task out of an answer raises."""

FAILURES = [
    *((failure, "") for failure in NOT_SENT),
    *((failure, where) for failure in LOST for where in ("answer", "body")),
]

_One = TypeVar("_One")


def share_of(those: Sequence[_One], crm: SandboxedCrm, case: Case) -> Sequence[_One]:
    """A sixth of them: each tool meets another one on each CRM, and each CRM meets all."""
    return those[(ALL_CASES.index(case) + 2 * CRMS.index(crm)) % 6 :: 6]


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_whose_read_back_fails_is_never_reported_as_refused(crm: SandboxedCrm, case: Case) -> None:
    for failure, loses in share_of(FAILURES, crm, case):
        async with open_crm(crm) as served:
            asking = await case.ask(served)

            def cut(served: ServedCrm, failure: Failure = failure, loses: str = loses) -> None:
                served.transport.failure, served.transport.loses = failure, loses

            def mend(served: ServedCrm) -> None:
                served.transport.failure = None

            await assert_it_is_never_refused(served, case, asking, cut, mend)


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_whose_answer_cannot_be_read_for_any_reason_is_never_refused(
    crm: SandboxedCrm, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bug in share_of(BUGS, crm, case):

        def broken(*_: object, bug: type[Exception] = bug) -> None:
            raise bug

        async with open_crm(crm) as served:
            asking = await case.ask(served)
            await assert_it_is_never_refused(
                served,
                case,
                asking,
                lambda _, broken=broken: monkeypatch.setattr(crm.reader, "task_of", broken),  # type: ignore[misc]
                lambda _: monkeypatch.undo(),
            )


async def assert_it_is_never_refused(
    served: ServedCrm, case: Case, asking: Asking, cut: Callable[[ServedCrm], None], mend: Callable[[ServedCrm], None]
) -> None:
    """Make the call; `cut` breaks what follows its first write, until `mend` repairs it."""
    tool, arguments, effect = asking
    served.gate.writes = 0
    served.gate.after_write = lambda number: cut(served) if number == 1 else None
    seen = await observe_call(served, tool, arguments)
    mend(served)
    served.gate.after_write = lambda _: None
    said = assert_all_is_true(seen, effect, may_be_unknown=True, was_cut=True)
    assert {said[one] for one in (*effect.ids, *([""] if effect.makes else []))} & {"applied", "unknown"}
    served.time.now += 3_600
    await assert_a_second_try_ends_it(served, case, asking, seen, set(said.values()))

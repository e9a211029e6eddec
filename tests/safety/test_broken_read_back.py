"""A write was applied, and the read-back fails with an exception of any class: it is never reported as refused.

Journal, CRM and a repetition of the call agree: what may have been written is not sent again.
"""

import ssl
from collections.abc import Callable, Sequence
from typing import TypeVar

import anyio
import httpx2
import pytest

from safety.account import CrmStage, assert_all_is_true, observe_call, staged
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
        async with staged(crm) as stage:
            asking = await case.ask(stage)

            def cut(stage: CrmStage, failure: Failure = failure, loses: str = loses) -> None:
                stage.transport.failure, stage.transport.loses = failure, loses

            def mend(stage: CrmStage) -> None:
                stage.transport.failure = None

            await assert_it_is_never_refused(stage, case, asking, cut, mend)


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
@pytest.mark.parametrize("crm", CRMS, ids=str)
async def test_a_write_whose_answer_cannot_be_read_for_any_reason_is_never_refused(
    crm: SandboxedCrm, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bug in share_of(BUGS, crm, case):

        def broken(*_: object, bug: type[Exception] = bug) -> None:
            raise bug

        async with staged(crm) as stage:
            asking = await case.ask(stage)
            await assert_it_is_never_refused(
                stage,
                case,
                asking,
                lambda _, broken=broken: monkeypatch.setattr(crm.reader, "task_of", broken),  # type: ignore[misc]
                lambda _: monkeypatch.undo(),
            )


async def assert_it_is_never_refused(
    stage: CrmStage, case: Case, asking: Asking, cut: Callable[[CrmStage], None], mend: Callable[[CrmStage], None]
) -> None:
    """Make the call; `cut` breaks what follows its first write, until `mend` repairs it."""
    tool, arguments, effect = asking
    stage.gate.writes = 0
    stage.gate.after_write = lambda number: cut(stage) if number == 1 else None
    seen = await observe_call(stage, tool, arguments)
    mend(stage)
    stage.gate.after_write = lambda _: None
    said = assert_all_is_true(seen, effect, may_be_unknown=True, was_cut=True)
    assert {said[one] for one in (*effect.ids, *([""] if effect.makes else []))} & {"applied", "unknown"}
    stage.time.now += 3_600
    await assert_a_second_try_ends_it(stage, case, asking, seen, set(said.values()))

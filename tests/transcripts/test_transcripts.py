"""The answers and requests of whole journeys are those that were kept; `make generate` writes them anew."""

import pytest

from taskhand.config.settings import BackendName
from transcripts.journeys import JOURNEYS
from transcripts.record import BACKENDS, KEPT, record, transcript_file


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_journey_has_the_requests_and_answers_that_were_kept(backend: BackendName, journey: str) -> None:
    assert await record(backend, journey) == transcript_file(backend, journey).read_text(encoding="utf-8")


def test_every_transcript_that_is_kept_is_of_a_journey() -> None:
    kept = {file for file in KEPT.rglob("*") if file.is_file()}
    assert kept == {transcript_file(backend, journey) for backend in BACKENDS for journey in JOURNEYS}
